"""`cocadesk attend --relevance`: the same maps as from Python, in the right files, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest

from cocadesk import engine
from cocadesk.cli.main import run
from tests.engine.blip_models import write_tiny
from tests.engine.conftest import bundle  # noqa: F401 — a fixture
from tests.engine.test_vit import vit_bundle  # noqa: F401 — a fixture
from tests.fakes.pictures import quadrants


@pytest.fixture
def picture(tmp_path: Path) -> str:
    quadrants(90, 60).save(tmp_path / "four.png")
    return str(tmp_path / "four.png")


def written(folder: Path) -> npt.NDArray[np.float32]:
    with np.load(folder / "maps.npz") as found:
        assert str(found["measure"]) == "relevance"
        weights: npt.NDArray[np.float32] = found["weights"]
    assert weights.shape[:2] == (1, 1)
    return weights


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_of_words(
    bundle: Callable[..., Path],  # noqa: F811
    picture: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    bundle()
    folder = tmp_path / "o"
    call = ["attend", picture, "--kind", "words", "--relevance", "--model", "tiny-coca", "--text", "a green cat"]

    assert run([*call, "--device", "cpu", "--out", str(folder), "--format", "svg", "--animate", "words"]) == 0

    assert capfd.readouterr().out.startswith("a green cat\n")
    maps = ["00_a", "01_green", "02_cat", "03_end"]
    assert names(folder) == [*(f"{each}_relevance.svg" for each in maps), "grid.svg", "maps.npz", "words.gif"]
    expected = engine.load("tiny-coca", device="cpu").word_relevance(picture, "a green cat").weights
    np.testing.assert_allclose(written(folder), expected, rtol=1e-4, atol=1e-7)
    root = ElementTree.parse(folder / "02_cat_relevance.svg").getroot()
    title = root.findtext("{http://www.w3.org/2000/svg}title")
    assert title == "“cat”: relevance for tiny-coca, through all layers and heads"
    written_text = "".join(root.itertext())
    assert "%" not in written_text, "relevance is no share of a whole"


def test_of_an_answer(
    monkeypatch: pytest.MonkeyPatch, picture: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_tiny(monkeypatch, tmp_path, "blip-vqa")
    folder, question = tmp_path / "o", "what is the dog?"
    call = ["attend", picture, "--kind", "question", "--relevance", "--model", "tiny-blip-vqa", "--text", question]

    assert run([*call, "--device", "cpu", "--out", str(folder), "--json"]) == 0

    found = json.loads(capfd.readouterr().out)
    model = engine.load("tiny-blip-vqa", device="cpu")
    *_, answered = model.ask(picture, question)
    assert (found["kind"], found["measure"], found["text"]) == ("question", "relevance", question)
    assert found["tokens"] == [answered.answer]
    expected = model.answer_relevance(picture, question).weights
    np.testing.assert_allclose(written(folder), expected, rtol=1e-4, atol=1e-7)


def test_of_a_likeness_to_a_text(
    bundle: Callable[..., Path],  # noqa: F811
    picture: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    bundle()
    call = ["attend", picture, "--kind", "image", "--relevance", "--model", "tiny-coca", "--device", "cpu"]

    assert run([*call, "--out", str(tmp_path / "cat"), "--text", "cat"]) == 0
    assert run([*call, "--out", str(tmp_path / "dog"), "--text", "dogs"]) == 0
    assert run([*call, "--out", str(tmp_path / "none")]) == 2

    assert "tiny-coca holds pictures against texts. Give it one (--text)." in capfd.readouterr().err
    assert names(tmp_path / "cat") == ["00_cat_relevance.png", "grid.png", "maps.npz"]
    model = engine.load("tiny-coca", device="cpu")
    for folder, text in (("cat", "cat"), ("dog", "dogs")):
        expected = model.text_relevance(picture, text).weights
        np.testing.assert_allclose(written(tmp_path / folder), expected, rtol=1e-4, atol=1e-7)
    assert np.abs(written(tmp_path / "cat") - written(tmp_path / "dog")).max() > 0


def test_of_a_class(
    vit_bundle: Callable[..., Path],  # noqa: F811
    picture: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    vit_bundle()
    call = ["attend", picture, "--kind", "image", "--relevance", "--model", "tiny-vit", "--device", "cpu"]
    model = engine.load("tiny-vit", device="cpu")
    best = next(iter(model.classify(picture))).top[0].label

    assert run([*call, "--out", str(tmp_path / "best")]) == 0
    assert capfd.readouterr().out.splitlines()[0] == best
    assert run([*call, "--out", str(tmp_path / "jay"), "--text", "jay"]) == 0
    assert run([*call, "--out", str(tmp_path / "no"), "--text", "dodo"]) == 2

    assert "no class “dodo”" in capfd.readouterr().err
    for folder, label in (("best", None), ("jay", "jay")):
        expected = model.class_relevance(picture, label).weights
        np.testing.assert_allclose(written(tmp_path / folder), expected, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        (["--kind", "text", "--text", "a"], "--relevance looks at a picture"),
        (["--kind", "image", "--text", "a", "--patch", "1,1"], "Leave --patch and --rollout out"),
        (["--kind", "words", "--layer", "0"], "one map through all layers and heads"),
        (["--kind", "words", "--head", "all"], "one map through all layers and heads"),
        (["--kind", "words", "--animate", "layers"], "one map through all layers and heads"),
        (["--kind", "question", "--text", "a", "--animate", "words"], "--kind words"),
        (["--kind", "question"], "needs a question about the picture"),
        (["--kind", "image", "--model", "blip-vqa-base"], "neither ranks texts nor classifies"),
        (["--kind", "words", "--model", "vit-base-patch32"], "has no attention of the kind “words”"),
    ],
)
def test_what_has_no_relevance_is_refused(
    pictures: Path, capfd: pytest.CaptureFixture[str], wrong: list[str], part: str
) -> None:
    assert run(["attend", "one.png", "--relevance", "--out", "o", *wrong]) == 2

    assert part in capfd.readouterr().err
    assert not list(pictures.glob("o/*"))

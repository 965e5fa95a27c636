"""`cocadesk attend` as a user calls it: which files it writes, what it says, and its exit codes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import cocadesk.engine
from cocadesk.cli.main import run
from cocadesk.media.clips import open_clip
from tests.engine.blip_models import write_tiny
from tests.engine.conftest import bundle  # noqa: F401 — a fixture
from tests.fakes.pictures import animation, make_bad_inputs, quadrants, without_rights

SAMPLES = Path(__file__).parents[2] / "resources" / "samples"
SNAIL = str(SAMPLES / "snail-and-mushroom.jpg")
TINY = ["--model", "tiny-coca"]
"""2 layers of 4 heads see 3 × 3 patches, a pooler of 3 heads gathers them, 3 layers of 3 heads write about it."""


@pytest.fixture
def tiny(bundle: Callable[..., Path]) -> None:  # noqa: F811
    bundle()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_words(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The starter captions the snail and looks at it, left of the middle, for that word; likewise at the mushroom."""
    folder = tmp_path / "new" / "maps"

    assert run(["attend", SNAIL, "--kind", "words", "--out", str(folder)]) == 0

    out, err = capfd.readouterr()
    caption, told = out.splitlines()
    assert err == ""
    with np.load(folder / "maps.npz") as found:
        assert found["axes"].tolist() == ["layer", "head", "token", "key"]
        tokens = [str(token) for token in found["tokens"]]
        rows, columns = found["grid"]
        last = found["weights"].mean(1)[-1][:, found["first_patch"] :].reshape(-1, rows, columns)
    assert "".join(tokens[:-1]) == caption
    assert told == f"{folder}: maps.npz, grid.png and {len(tokens)} maps"
    assert len(names(folder)) == len(tokens) + 2
    for word, wanted in ((" snail", 0), (" mushroom", 1)):
        place = tokens.index(word)
        peak = np.unravel_index(last[place].argmax(), (rows, columns))[1]
        assert (peak > columns // 2) == wanted
        assert len(list(folder.glob(f"{place:02}_{word.strip()}_layer*_mean.png"))) == 1


@pytest.mark.usefixtures("tiny")
def test_words_of_another_caption(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    call = ["attend", SNAIL, "--kind", "words", "--text", "a green cat", "--layer", "0", "--head", "2", *TINY]

    assert run([*call, "--out", str(tmp_path), "--json"]) == 0

    found = json.loads(capfd.readouterr().out)
    assert found.keys() == {"file", "model", "kind", "measure", "text", "tokens", "layers", "heads", "grid", "files"}
    assert found["measure"] == "attention"
    assert (found["file"], found["model"], found["kind"]) == (SNAIL, "tiny-coca", "words")
    assert (found["text"], found["tokens"]) == ("a green cat", ["a", " green", " cat", "[end]"])
    assert (found["layers"], found["heads"], found["grid"]) == (3, 3, [3, 3])
    assert [Path(file).name for file in found["files"]][1:3] == [
        "00_a_layer00_head02.png",
        "01_green_layer00_head02.png",
    ]
    assert all(Path(file).is_file() for file in found["files"])


@pytest.mark.usefixtures("tiny")
def test_a_picture(tmp_path: Path) -> None:
    quadrants(90, 60).save(tmp_path / "four.png")
    call = ["attend", str(tmp_path / "four.png"), "--kind", "image", "--head", "all", *TINY]

    assert run([*call, "--out", str(tmp_path / "o")]) == 0

    heads = [f"layer01_head{head:02}.png" for head in range(4)]
    pooler = [f"pooler_head{head:02}.png" for head in range(3)]
    assert names(tmp_path / "o") == ["grid.png", *heads, "maps.npz", *pooler]
    with np.load(tmp_path / "o" / "maps.npz") as found:
        assert found["weights"].shape == (2, 4, 1, 10)
        assert found["tokens"].tolist() == ["[class]"]
        assert found["pooler_weights"].shape == (1, 3, 7, 10)
    with Image.open(tmp_path / "o" / heads[0]) as drawn:
        assert drawn.size == (448, 299)


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("options", "tokens", "heads"),
    [
        (["--patch", "2,1"], ["patch 2,1"], 4),
        (["--patch", "all"], 10, 4),
        (["--rollout"], 10, 1),
        (["--rollout", "--patch", "2,2", "--by-patch"], ["patch 2,2"], 1),
    ],
)
def test_other_views_of_a_picture(tmp_path: Path, options: list[str], tokens: object, heads: int) -> None:
    assert run(["attend", SNAIL, "--kind", "image", *options, *TINY, "--out", str(tmp_path)]) == 0

    with np.load(tmp_path / "maps.npz") as found:
        kept = found["tokens"].tolist()
        assert found["weights"].shape == (2, heads, len(kept), 10)
        assert np.abs(found["weights"].sum(-1) - 1).max() < 1e-5
    assert tokens in (kept, len(kept))


def test_a_text_needs_no_picture(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["attend", "--kind", "text", "--text", "two dogs", "--out", str(tmp_path), "--json"]) == 0

    found = json.loads(capfd.readouterr().out)
    assert (found["file"], found["grid"]) == (None, None)
    assert (found["tokens"][:4], found["tokens"][-1]) == (["[start]", "two", " dogs", "[end]"], "[class]")
    last = f"layer{found['layers'] - 1:02}_mean"
    assert names(tmp_path) == ["grid.png", f"{last}.png", f"{last}_arcs.png", f"{last}_bars.png", "maps.npz"]


def test_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    write_tiny(monkeypatch, tmp_path, "blip-vqa")
    call = ["attend", SNAIL, "--kind", "question", "--model", "tiny-blip-vqa", "--text", "what is the dog?"]

    assert run([*call, "--out", str(tmp_path / "less"), "--layer", "1"]) == 0
    assert run([*call, "--out", str(tmp_path / "whole"), "--layer", "1", "--keep-minimum"]) == 0

    assert capfd.readouterr().out.splitlines() == [
        f"{tmp_path / folder}: maps.npz, grid.png and 7 maps" for folder in ("less", "whole")
    ]
    assert names(tmp_path / "less")[:3] == [
        "00_ENC_layer01_mean.png",
        "01_what_layer01_mean.png",
        "02_is_layer01_mean.png",
    ]
    with np.load(tmp_path / "less" / "maps.npz") as less, np.load(tmp_path / "whole" / "maps.npz") as whole:
        assert np.array_equal(less["weights"], whole["weights"]), "what is subtracted is a matter of drawing"
    drawn = [np.asarray(Image.open(tmp_path / each / "04_dog_layer01_mean.png"), int) for each in ("less", "whole")]
    assert np.abs(drawn[0] - drawn[1]).max() > 10


@pytest.mark.usefixtures("tiny")
def test_by_patch_is_flat_within_a_patch(tmp_path: Path) -> None:
    """Of a plain picture; smooth maps are not, and lie elsewhere."""
    Image.new("RGB", (448, 448), (100, 100, 100)).save(tmp_path / "plain.png")
    call = ["attend", str(tmp_path / "plain.png"), "--kind", "image", "--layer", "0", *TINY]

    assert run([*call, "--out", str(tmp_path / "smooth")]) == 0
    assert run([*call, "--out", str(tmp_path / "flat"), "--by-patch"]) == 0

    with np.load(tmp_path / "flat" / "maps.npz") as found:
        edges = [*found["patch_boxes"][0, :, 0].round().astype(int).tolist(), 448]
        attended = found["weights"].mean(1)[0, 0, 1:].reshape(3, 3)
    smooth, flat = (np.asarray(Image.open(tmp_path / each / "layer00_mean.png"), int) for each in ("smooth", "flat"))
    middles = np.zeros((3, 3))
    for row, column in np.ndindex(3, 3):
        patch = np.s_[edges[row] + 1 : edges[row + 1] - 1, edges[column] + 1 : edges[column + 1] - 1]
        assert np.ptp(flat[patch].reshape(-1, 3), axis=0).max() == 0
        middles[row, column] = flat[patch][0, 0].sum()
    assert (np.diff(middles.ravel()[attended.ravel().argsort()]) >= 0).all(), "the more attention, the brighter"
    assert np.abs(smooth - flat).max() > 10
    assert max(np.ptp(smooth[:140, :140].reshape(-1, 3), axis=0)) > 5


@pytest.mark.usefixtures("tiny")
def test_other_files_beside_the_maps(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "o"
    call = ["attend", SNAIL, "--kind", "words", "--out", str(folder), *TINY]

    assert run([*call, "--text", "a cat", "--format", "svg", "--strip", "--animate", "words"]) == 0

    assert capfd.readouterr().out.endswith(f"{folder}: maps.npz, grid.svg, strip.svg, words.gif and 3 maps\n")
    assert names(folder) == [
        *(f"{name}_layer02_mean.svg" for name in ("00_a", "01_cat", "02_end")),
        *("grid.svg", "maps.npz", "strip.svg", "words.gif"),
    ]
    for drawing in folder.glob("*.svg"):
        ElementTree.parse(drawing)

    (folder / "mine.svg").write_text("mine")
    assert run([*call, "--text", "a", "--animate", "layers", "--animation", "mp4", "--json"]) == 0

    files = [Path(file).name for file in json.loads(capfd.readouterr().out)["files"]]
    assert files == ["maps.npz", "00_a_layer02_mean.png", "01_end_layer02_mean.png", "grid.png", "layers.mp4"]
    assert names(folder) == sorted([*files, "mine.svg"]), "of the earlier call nothing is left"


@pytest.mark.usefixtures("tiny")
def test_an_animation_is_looked_at(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clip = animation(tmp_path / "clip.gif", 20)

    assert run(["attend", str(clip), "--kind", "image", "--out", str(tmp_path / "maps"), *TINY]) == 0

    assert names(tmp_path / "maps") == ["grid.png", "layer01_mean.png", "maps.npz", "pooler_mean.png"]

    assert run(["attend", str(clip), "--kind", "image", "--out", str(tmp_path / "maps"), *TINY, "--frames", "3"]) == 0

    with np.load(tmp_path / "maps" / "maps.npz") as found:
        weights = found["weights"]
    looking = cocadesk.engine.load("tiny-coca")
    of_three, of_all = (
        looking.image_attention(open_clip(clip, count), tokens=["[feature]"]).weights for count in (3, 16)
    )
    np.testing.assert_allclose(weights, of_three, atol=1e-6)
    assert np.abs(weights - of_all).max() > 1e-4


@pytest.mark.parametrize("size", [(3, 2), (5000, 4), (2, 900)], ids=str)
def test_tiny_and_very_wide_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    quadrants(*size).save(tmp_path / "odd.png")

    assert run(["attend", str(tmp_path / "odd.png"), "--kind", "image", "--out", str(tmp_path / "maps")]) == 0


def test_untrained_models_depend_on_the_seed(tmp_path: Path) -> None:
    weights = []
    for seed in ("1", "1", "2"):
        call = ["attend", "--kind", "text", "--text", "dog", "--untrained", "--seed", seed, "--dtype", "float32"]
        assert run([*call, "--out", str(tmp_path)]) == 0
        with np.load(tmp_path / "maps.npz") as found:
            weights.append(found["weights"])

    assert np.array_equal(weights[0], weights[1])
    assert np.abs(weights[0] - weights[2]).max() > 1e-3


def test_bad_pictures_cost_one_line(pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    bad = make_bad_inputs(pictures)
    del bad["no pictures"]  # a folder is refused before
    for name, part in bad.items():
        assert run(["attend", name, "--kind", "image", "--out", "maps", "--json"]) == 1

        out, err = capfd.readouterr()
        assert out == ""
        [line] = err.splitlines()
        assert line.startswith(f"cocadesk: {name}: ")
        assert part in line


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        (["one.png"], "Missing option '--kind'"),
        (["one.png", "--kind", "image"], "Missing option '--out'"),
        (["one.png", "--kind", "picture", "--out", "o"], "Invalid value for '--kind'"),
        (["--kind", "image", "--out", "o"], "--kind image looks at a picture. Name its FILE."),
        (["one.png", "--kind", "image", "--out", " "], "--out is empty"),
        (["one.png", "--kind", "image", "--out", "one.png"], "one.png: The maps cannot be written: File exists"),
        (["one.png", "--kind", "image", "--out", "one.png/in"], "The maps cannot be written: Not a directory"),
        (["one.png", "--kind", "image", "--out", "o", "--text", "cat"], "looks at the picture alone"),
        (["one.png", "--kind", "image", "--out", "o", "--head", "some"], "--head is mean, all, or a number"),
        (["one.png", "--kind", "image", "--out", "o", "--patch", "middle"], "--patch is a row and a column"),
        (["one.png", "--kind", "image", "--out", "o", "--rollout", "--head", "1"], "Leave --head out"),
        (["one.png", "--kind", "words", "--out", "o", "--rollout"], "go with --kind image"),
        (["one.png", "--kind", "words", "--out", "o", "--text", " "], "--text is empty"),
        (["one.png", "--kind", "image", "--out", "o", "--animate", "words"], "goes with --kind words or question"),
        (["one.png", "--kind", "image", "--out", "o", "--rollout", "--animate", "heads"], "Rollout has no heads"),
        (["one.png", "--kind", "image", "--out", "o", "--format", "pdf"], "Invalid value for '--format'"),
        (["one.png", "--kind", "words", "--out", "o", "--text", "cat " * 99], "reads at most"),
        (["--kind", "text", "--out", "o"], "--kind text needs a text to read (--text)"),
        (["--kind", "text", "--out", "o", "--text", "cat " * 99], "reads at most"),
        (["one.png", "--kind", "question", "--out", "o"], "needs a question about the picture (--text)"),
        (
            ["one.png", "--kind", "question", "--out", "o", "--text", "what?", "--model", "starter-coca"],
            "starter-coca has no attention of the kind “question”; it can show: image, text, words.",
        ),
        (
            ["one.png", "--kind", "words", "--out", "o", "--model", "vit-base-patch16"],
            "vit-base-patch16 has no attention of the kind “words”; it can show: image.",
        ),
        (["one.png", "--kind", "image", "--out", "o", "--model", "starter-cocoa"], "Did you mean starter-coca"),
    ],
)
def test_a_wrong_call_exits_with_2_and_writes_nothing(
    pictures: Path, capfd: pytest.CaptureFixture[str], wrong: list[str], part: str
) -> None:
    assert run(["attend", *wrong]) == 2

    out, err = capfd.readouterr()
    assert out == ""
    assert part in err
    assert "Traceback" not in err
    assert not list(pictures.glob("o/*"))


@pytest.mark.usefixtures("tiny")
@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        (["--layer", "2"], "no layer 2: it must lie between 0 and 1"),
        (["--layer", "-3"], "no layer -3"),
        (["--head", "4"], "no head 4: it must lie between 0 and 3"),
        (["--patch", "3,0"], "the patches go from 0,0 to 2,2"),
    ],
)
def test_what_the_model_has_not_is_told_with_the_range(
    pictures: Path, capfd: pytest.CaptureFixture[str], wrong: list[str], part: str
) -> None:
    assert run(["attend", "one.png", "--kind", "image", "--out", "o", *wrong, *TINY]) == 2

    assert part in capfd.readouterr().err
    assert not list(pictures.glob("o/*"))


def test_a_folder_of_pictures_is_refused_before_anything_is_written(
    pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for kind in (["image"], ["words"], ["text", "--text", "cat"]):
        assert run(["attend", ".", "--kind", *kind, "--out", "o"]) == 2

        assert "attend takes one picture. Name a file." in capfd.readouterr().err
    assert not (pictures / "o").exists()


def test_a_folder_without_rights(pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (pictures / "locked").mkdir(mode=0o555)
    pictures.chmod(0o755)
    for parent in pictures.parents:
        if os.access(parent, os.W_OK) and parent.is_relative_to("/tmp"):
            parent.chmod(0o755)

    with without_rights():
        assert run(["attend", "one.png", "--kind", "image", "--out", "locked/maps"]) == 2

    assert "locked/maps: The maps cannot be written: Permission denied" in capfd.readouterr().err


def test_a_full_disk(pictures: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def save(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", save)

    assert run(["attend", "one.png", "--kind", "image", "--out", "o"]) == 2
    assert "o: The maps cannot be written: No space left on device." in capfd.readouterr().err


def test_the_model_is_asked_before_it_is_loaded(
    pictures: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The default for questions is large: whoever asks another model something else must not wait for it."""
    monkeypatch.setattr(cocadesk.engine, "load_for", lambda *_: pytest.fail("loaded"))

    assert run(["attend", "one.png", "--kind", "text", "--text", "a", "--out", "o", "--model", "blip-vqa-base"]) == 2
    assert "it can show: image, question." in capfd.readouterr().err

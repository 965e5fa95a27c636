"""`cocadesk classify`: what it writes where, what it asks of the engine, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cocadesk.catalog.cards import DEFAULT_CLASSIFIER
from cocadesk.cli.main import run
from cocadesk.types import ModelRequest
from tests.fakes.pictures import animation, make_bad_inputs
from tests.fakes.reader import FakeClassifier, FakeReader, use_reader

SAMPLES = Path(__file__).parents[2] / "resources" / "samples"


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    fake = FakeReader()
    use_reader(monkeypatch, fake)
    return fake


def test_own_classes_with_the_definition_of_the_first(
    monkeypatch: pytest.MonkeyPatch, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    loads = use_reader(monkeypatch, FakeClassifier())

    assert run(["classify", "one.png"]) == 0

    assert capfd.readouterr() == (
        "crane, bird: large long-necked wading bird\n 75.0%  crane, bird\n 20.0%  crane\n  5.0%  kite\n",
        "",
    )
    assert loads == [("classify", ModelRequest(DEFAULT_CLASSIFIER))]


def test_json_has_exactly_the_promised_shape(
    monkeypatch: pytest.MonkeyPatch, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    use_reader(monkeypatch, FakeClassifier())

    assert run(["classify", "one.png", "Bild zwei 写真.jpg", "--json", "--top", "3"]) == 0

    out, err = capfd.readouterr()
    first, second = (json.loads(line) for line in out.splitlines())
    assert err == ""
    assert (first["file"], second["file"]) == ("one.png", "Bild zwei 写真.jpg")
    assert first == {
        "file": "one.png",
        "model": "vit-base-patch32",
        "top": [
            {"label": "crane, bird", "probability": 0.75, "definition": "large long-necked wading bird"},
            {"label": "crane", "probability": 0.2, "definition": "lifts and moves heavy objects"},
            {"label": "kite", "probability": 0.05},
        ],
    }


def test_labels_go_into_the_template(reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", "one.png", "--labels", "cat, dog,x{y}", "--template", "no {} here", "--json"]) == 0

    found = json.loads(capfd.readouterr().out)
    assert reader.read == ["no cat here", "no dog here", "no x{y} here"]
    assert found["model"] == "starter-coca"
    assert {score["label"] for score in found["top"]} == {"cat", "dog", "x{y}"}
    assert abs(sum(score["probability"] for score in found["top"]) - 1) < 1e-9


def test_labels_are_embedded_once_for_all_pictures(reader: FakeReader, pictures: Path) -> None:
    assert run(["classify", str(pictures), "--labels", "cat,dog"]) == 0

    assert reader.read == ["This is a photo of a cat", "This is a photo of a dog"]
    assert len(reader.seen) == 2


def test_labels_from_a_file(reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (pictures / "labels.txt").write_text("\ufeffcat\nhot dog, with mustard\n\n  cat  \nÄffchen\n", encoding="utf-8")

    assert run(["classify", "one.png", "--labels", "@labels.txt", "--template", "{}", "--top", "2", "--json"]) == 0

    out, err = capfd.readouterr()
    assert reader.read == ["cat", "hot dog, with mustard", "Äffchen"]
    assert len(json.loads(out)["top"]) == 2
    assert err == "cocadesk: labels.txt: Left out: 1 duplicate, 1 empty text.\n"


def test_several_pictures_have_headings(reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["classify", str(pictures), "--labels", "cat"]) == 0

    names = (str(pictures / "Bild zwei 写真.jpg"), str(pictures / "one.png"))
    assert capfd.readouterr().out == "".join(f"{name}\n  100.0%  cat\n" for name in names)


def test_bad_inputs_cost_one_line_each_and_the_rest_goes_on(
    reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = make_bad_inputs(pictures)

    assert run(["classify", "--labels", "cat,dog", "--json", *bad, "one.png"]) == 1

    out, err = capfd.readouterr()
    assert [json.loads(line)["file"] for line in out.splitlines()] == ["one.png"]
    lines = err.splitlines()
    assert len(lines) == len(bad)
    for name, part in bad.items():
        [line] = [line for line in lines if line.startswith(f"cocadesk: {name}: ")]
        assert part in line


def test_one_picture_that_breaks_the_engine_does_not_break_the_others(
    reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    embed = reader.embed_image

    def break_once(*given: Any, **choices: Any) -> object:
        if not reader.seen:
            reader.seen.append(0)
            raise RuntimeError("a tensor of the wrong shape")
        return embed(*given, **choices)

    monkeypatch.setattr(reader, "embed_image", break_once)

    assert run(["classify", "one.png", "Bild zwei 写真.jpg", "--labels", "cat", "--json"]) == 1

    out, err = capfd.readouterr()
    assert json.loads(out)["file"] == "Bild zwei 写真.jpg"
    assert err.startswith("cocadesk: one.png: Something unexpected went wrong (RuntimeError).")


def test_an_animation_counts_as_the_mean_of_its_frames(
    reader: FakeReader, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clip = animation(tmp_path / "clip.gif", 20)

    assert run(["classify", str(clip), "--labels", "cat,dog", "--json"]) == 0

    assert json.loads(capfd.readouterr().out)["file"] == str(clip)


def test_nothing_is_loaded_when_nothing_can_be_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loads = use_reader(monkeypatch, FakeReader())

    assert run(["classify", str(tmp_path / "missing.png"), "--labels", "cat"]) == 1
    assert loads == []


def test_options_reach_the_engine(monkeypatch: pytest.MonkeyPatch, pictures: Path) -> None:
    loads = use_reader(monkeypatch, FakeReader())
    model = "--model coca-vit-b-32 --device cpu --dtype bfloat16 --checkpoint weights.pt --untrained"

    assert run(["classify", "one.png", "--labels", "cat", *model.split()]) == 0

    expected = ModelRequest("coca-vit-b-32", device="cpu", dtype="bfloat16", checkpoint="weights.pt", untrained=True)
    assert loads == [("classify", expected)]


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ([], "Missing argument"),
        (["one.png", "--top", "0"], "--top"),
        (["one.png", "--labels", ""], "no label in --labels"),
        (["one.png", "--labels", " , ,"], "no label in --labels"),
        (["one.png", "--labels", "@nowhere.txt"], "nowhere.txt: There is no such file"),
        (["one.png", "--labels", "@one.png"], "one.png: It is not text in UTF-8"),
        (["one.png", "--labels", "@."], "It is a folder"),
        (["one.png", "--labels", "cat", "--template", "a photo"], "needs {} where the label goes"),
        (["one.png", "--labels", "cat" * 100], "too many tokens"),
        (["one.png", "--labels", "cat", "--model", "vit-base-patch32"], "knows classes of its own"),
        (["one.png", "--model", "starter-coca"], "has no classes of its own"),
        (["one.png", "--model", "unheard-of"], "no model named “unheard-of”"),
        (["one.png", "--model", "timm:resnet50"], "resnet50.a1_in1k is a ResNet"),
    ],
)
def test_a_wrong_call_exits_with_2_and_writes_no_result(
    reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str], wrong: list[str], part: str
) -> None:
    assert run(["classify", *wrong]) == 2

    out, err = capfd.readouterr()
    assert out == ""
    assert part in err
    assert "Traceback" not in err


def test_the_starter_names_a_sample(capfd: pytest.CaptureFixture[str]) -> None:
    labels = "butterfly,teapot,penguin,umbrella,rocket,fish"

    assert run(["classify", str(SAMPLES / "butterfly.jpg"), str(SAMPLES / "teapot.jpg"), "--labels", labels]) == 0

    lines = capfd.readouterr().out.splitlines()
    assert lines[0].endswith("butterfly.jpg")
    assert lines[1].endswith("%  butterfly")
    assert lines[7].endswith("teapot.jpg")
    assert lines[8].endswith("%  teapot")

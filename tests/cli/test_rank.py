"""`cocadesk rank`: texts from options and files, what it writes where, and its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from cocadesk.cli.main import run
from cocadesk.types import ModelRequest
from tests.fakes.pictures import animation, make_bad_inputs
from tests.fakes.reader import FakeReader, use_reader

SAMPLES = Path(__file__).parents[2] / "resources" / "samples"


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    fake = FakeReader()
    use_reader(monkeypatch, fake)
    return fake


def test_a_table_with_the_nearest_first(reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["rank", "one.png", "--text", "a cat", "--text", "two\n dogs", "--text", "noon"]) == 0

    out, err = capfd.readouterr()
    heading, *rows = out.splitlines()
    assert err == ""
    assert heading == "DISTANCE  PROBABILITY  TEXT"
    distances = [float(row[:8]) for row in rows]
    assert distances == sorted(distances)
    assert {row[heading.index("TEXT") :] for row in rows} == {"a cat", "two dogs", "noon"}
    assert abs(sum(float(row[8:21].strip(" %")) for row in rows) - 100) < 0.2


def test_several_pictures_have_headings(reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["rank", "one.png", "Bild zwei 写真.jpg", "--text", "a cat", "--text", "noon"]) == 0

    lines = capfd.readouterr().out.splitlines()
    assert (lines[0], lines[4]) == ("one.png", "Bild zwei 写真.jpg")
    assert lines[1] == lines[5] == "  DISTANCE  PROBABILITY  TEXT"
    assert all(line.startswith("  ") for line in lines[1:4])


def test_a_matrix_of_distances(reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its cells are the distances that --json has for each picture, and the stars are at the least of a row."""
    Image.new("RGB", (9, 9), (0, 0, 250)).save(pictures / "blue.png")
    files = ["one.png", "blue.png"]
    texts = [part for text in ("a cat", "two\n dogs", "noon") for part in ("--text", text)]

    assert run(["rank", *files, *texts, "--json"]) == 0
    rankings = [json.loads(line)["ranking"] for line in capfd.readouterr().out.splitlines()]
    assert run(["rank", *files, *texts, "--matrix"]) == 0

    lines = capfd.readouterr().out.splitlines()
    assert lines[:3] == ["1  a cat", "2  two dogs", "3  noon"]
    assert lines[4].split() == ["1", "2", "3", "FILE"]
    for line, name, ranking in zip(lines[5:], files, rankings, strict=True):
        distances = {ranked["text"]: ranked["cosine_distance"] for ranked in ranking}
        cells = [f"{distances[text]:.4f}" for text in ("a cat", "two\n dogs", "noon")]
        cells[cells.index(f"{min(distances.values()):.4f}")] += "*"
        assert line.split() == [*cells, name]
        assert line.index(name) == lines[4].index("FILE")


def test_a_matrix_goes_on_after_a_bad_picture(
    reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["rank", "gone.png", "one.png", "--text", "a cat", "--matrix"]) == 1

    out, err = capfd.readouterr()
    assert out.splitlines()[-1].endswith(" one.png")
    assert err.startswith("cocadesk: gone.png: There is no such file")


def test_json_has_exactly_the_promised_shape(
    reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["rank", "Bild zwei 写真.jpg", "--text", "a cat", "--text", "ein Hund 犬", "--json"]) == 0

    found = json.loads(capfd.readouterr().out)
    assert found.keys() == {"file", "model", "ranking"}
    assert (found["file"], found["model"]) == ("Bild zwei 写真.jpg", "starter-coca")
    assert {ranked["text"] for ranked in found["ranking"]} == {"a cat", "ein Hund 犬"}
    assert all(ranked.keys() == {"text", "cosine_distance", "probability"} for ranked in found["ranking"])
    assert found["ranking"][0]["cosine_distance"] <= found["ranking"][1]["cosine_distance"]


def test_five_thousand_lines_with_duplicates_and_empty_ones(
    reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lines = [f"text {number % 4_000}" if number % 10 else "  " for number in range(5_000)]
    (pictures / "texts.txt").write_text("\r\n".join(lines), encoding="utf-8")

    assert run(["rank", "one.png", "--texts", "texts.txt", "--json"]) == 0

    out, err = capfd.readouterr()
    ranked = [entry["text"] for entry in json.loads(out)["ranking"]]
    assert len(ranked) == len(set(ranked)) == 3_600
    assert set(ranked) == {line for line in lines if line.strip()}
    assert err == "cocadesk: texts.txt: Left out: 900 duplicates, 500 empty texts.\n"


def test_duplicates_among_the_options_are_told(
    reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["rank", "one.png", "--text", "cat", "--text", " cat ", "--text", ""]) == 0

    assert capfd.readouterr().err == "cocadesk: --text: Left out: 1 duplicate, 1 empty text.\n"
    assert reader.read == ["cat"]


def test_options_reach_the_engine(monkeypatch: pytest.MonkeyPatch, pictures: Path) -> None:
    loads = use_reader(monkeypatch, FakeReader())
    model = "--model coca-vit-b-32 --device cpu --dtype float16 --checkpoint weights.pt --untrained"

    assert run(["rank", "one.png", "--text", "cat", *model.split()]) == 0

    expected = ModelRequest("coca-vit-b-32", device="cpu", dtype="float16", checkpoint="weights.pt", untrained=True)
    assert loads == [("rank", expected)]


def test_bad_pictures_cost_one_line(reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, part in make_bad_inputs(pictures).items():
        assert run(["rank", name, "--text", "cat", "--json"]) == 1

        out, err = capfd.readouterr()
        assert out == ""
        [line] = err.splitlines()
        assert line.startswith(f"cocadesk: {name}: ")
        assert part in line


def test_an_animation_is_ranked(reader: FakeReader, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clip = animation(tmp_path / "clip.gif", 20)

    assert run(["rank", str(clip), "--text", "cat", "--json"]) == 0

    assert json.loads(capfd.readouterr().out)["ranking"][0]["text"] == "cat"


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ([], "Missing argument"),
        (["one.png"], "either with --text"),
        (["one.png", "--text", "cat", "--texts", "texts.txt"], "either with --text"),
        (["one.png", "--text", " "], "no text in --text"),
        (["one.png", "--text", "cat", "--matrix", "--json"], "--matrix is a table to read"),
        (["one.png", "--texts", "nowhere.txt"], "nowhere.txt: There is no such file"),
        (["one.png", "--texts", "one.png"], "one.png: It is not text in UTF-8"),
        (["one.png", "--text", "cat", "--text", "very " * 50], "too many tokens"),
        (["one.png", "--text", "cat", "--model", "vit-base-patch16"], "vit-base-patch16 cannot rank"),
        (["one.png", "--text", "cat", "--model", "open_clip:ViT-B-23"], "Did you mean ViT-B-32"),
    ],
)
def test_a_wrong_call_exits_with_2_and_writes_no_result(
    reader: FakeReader, pictures: Path, capfd: pytest.CaptureFixture[str], wrong: list[str], part: str
) -> None:
    assert run(["rank", *wrong]) == 2

    out, err = capfd.readouterr()
    assert out == ""
    assert part in err
    assert "Traceback" not in err


def test_the_starter_ranks_a_sample(capfd: pytest.CaptureFixture[str]) -> None:
    texts = ("a butterfly", "three penguins", "a teapot on a table")
    options = [part for text in texts for part in ("--text", text)]

    assert run(["rank", str(SAMPLES / "butterfly.jpg"), *options, "--json"]) == 0

    best, *others = json.loads(capfd.readouterr().out)["ranking"]
    assert best["text"] == "a butterfly"
    assert best["probability"] > 0.9
    assert all(best["cosine_distance"] < other["cosine_distance"] for other in others)

"""Files of maps: each is what the engine draws of what was chosen, and is there whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cocadesk.engine.attention_export import PixelPainter, vector_painter
from cocadesk.engine.attention_figures import Drawing, MapFigure
from cocadesk.engine.attention_pictures import MapStyle
from cocadesk.engine.attention_summary import rollout, summarise
from cocadesk.errors import Cancelled, InputError
from cocadesk.types import CancelToken, Picture
from cocadesk.work.exporting import ExportRequest, export, write_bytes
from cocadesk.work.looking import Looked
from tests.fakes.looker import FakeLooker

PICTURE = Picture("noise", np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8))
SVG_STYLE = MapStyle("greys", 0.7, 0.2)


def looked(kind: str) -> Looked:
    looker = FakeLooker()
    maps = {
        "words": lambda: looker.word_attention(PICTURE, "a cat"),
        "question": lambda: looker.question_attention(PICTURE, "what is it"),
        "image": lambda: looker.image_attention(PICTURE),
        "text": lambda: looker.text_attention("two dogs"),
    }[kind]()
    return Looked(maps, summarise(maps), rollout(maps) if kind == "image" else None)


def no_step(done: int, count: int) -> None:
    pass


def written(request: ExportRequest) -> Path:
    export(request, PICTURE if request.over_picture else None, no_step)
    assert [path.name for path in request.path.parent.iterdir()] == [request.path.name]
    return request.path


def drawn(values: np.ndarray, picture: Path, expected_of: Looked, *, smooth: bool = True) -> None:
    """That file is this map over the picture."""
    painted = PixelPainter(expected_of.maps, PICTURE, Drawing(smooth=smooth)).draw(MapFigure("", values))
    np.testing.assert_array_equal(np.asarray(Image.open(picture)), np.asarray(painted))


def test_the_map_that_is_looked_at(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    words, image, question = looked("words"), looked("image"), looked("question")
    drawn(words.maps.patch_map(1, 0, 2), written(ExportRequest(words, "map", file, ".png", 1, 0, 2)), words)
    through = words.maps.through_pooler(1).patch_map(1, 2)
    drawn(through, written(ExportRequest(words, "map", file, ".png", 1, 2, pooler_head=1)), words)
    less = question.maps.patch_maps(-1)
    request = ExportRequest(question, "map", file, ".png", 2, subtract=True)
    drawn((less - less.min(0))[2], written(request), question)
    drawn(less[2], written(replace(request, subtract=False)), question)
    assert image.rolled is not None
    request = ExportRequest(image, "map", file, ".png", 5, 1, rollout=True)
    drawn(image.rolled.patch_map(5, 1), written(request), image)


def test_a_drawing_has_the_style_on_the_screen(tmp_path: Path) -> None:
    words = looked("words")
    request = ExportRequest(
        words, "map", tmp_path / "a.svg", ".svg", 0, smooth=False, colours="greys", opacity=0.7, threshold=0.2
    )
    title = "“a”: attention of starter-coca, layer 2, mean over 4 heads"
    expected = vector_painter(words.maps, PICTURE, Drawing(smooth=False, style=SVG_STYLE))
    expected.draw(MapFigure(title, words.maps.patch_map(0))).save(tmp_path / "b.svg")
    told = (tmp_path / "b.svg").read_bytes()
    (tmp_path / "b.svg").unlink()
    assert written(request).read_bytes() == told


@pytest.mark.parametrize(
    ("kind", "what", "tiles"),
    [("words", "grid", 9), ("words", "strip", 3), ("image", "grid", 15), ("image", "strip", 5), ("text", "grid", 15)],
)
def test_sheets(tmp_path: Path, kind: str, what: str, tiles: int) -> None:
    """Of 3 layers with 4 heads each: of words a map per word and layer, otherwise each head's and their mean."""
    maps = looked(kind)
    if kind == "words":  # two words, and the end
        maps = replace(maps, maps=FakeLooker().word_attention(PICTURE, "a cat sits"))
    done: list[tuple[int, int]] = []
    request = ExportRequest(maps, what, tmp_path / "a.svg", ".svg", 1)  # type: ignore[arg-type]
    export(request, PICTURE, lambda *step: done.append(step))
    assert done == [(number, tiles) for number in range(1, tiles + 1)]
    assert request.path.read_text().count("<title>") == tiles


def test_a_sheet_of_a_picture_is_of_the_chosen_patch(tmp_path: Path) -> None:
    image = looked("image")
    file = written(ExportRequest(image, "strip", tmp_path / "a.png", ".png", 7, 0, smooth=False))
    strip = np.asarray(Image.open(file), int)
    tile = strip[24 : 24 + 192, -5 * 260 :][:, :256]  # the mean over the heads comes first
    values = image.maps.patch_map(7, 0)
    painter = PixelPainter(image.maps, PICTURE, Drawing(smooth=False), longest=256)
    np.testing.assert_array_equal(tile, np.asarray(painter.draw(MapFigure("", values)), int))


@pytest.mark.parametrize(
    ("kind", "what", "suffix", "count"),
    [
        ("words", "words", ".gif", 2),
        ("words", "layers", ".mp4", 3),
        ("image", "heads", ".gif", 4),
        ("text", "layers", ".gif", 3),
    ],
)
def test_films(tmp_path: Path, kind: str, what: str, suffix: str, count: int) -> None:
    done: list[tuple[int, int]] = []
    request = ExportRequest(looked(kind), what, tmp_path / f"a{suffix}", suffix, 1)  # type: ignore[arg-type]
    export(request, PICTURE, lambda *step: done.append(step))
    assert done == [(number, count) for number in range(1, count + 1)]
    if suffix == ".gif":
        with Image.open(request.path) as found:
            assert found.n_frames == count  # type: ignore[attr-defined]
    else:
        assert request.path.read_bytes()[4:8] == b"ftyp"


def test_a_texts_charts(tmp_path: Path) -> None:
    text = looked("text")
    for what in ("arcs", "matrix", "bars"):
        svg = written(ExportRequest(text, what, tmp_path / "a.svg", ".svg", 2, 0, 1))  # type: ignore[arg-type]
        assert "layer 0, head 1" in svg.read_text()
        svg.unlink()
        png = written(ExportRequest(text, what, tmp_path / "a.png", ".png", 2, 0, 1))  # type: ignore[arg-type]
        assert len(np.unique(np.asarray(Image.open(png)).reshape(-1, 3), axis=0)) > 10
        png.unlink()


def test_numbers(tmp_path: Path) -> None:
    words = looked("words")
    request = ExportRequest(words, "numbers", tmp_path / "a.npz", ".npz", 1, 0)
    assert not request.over_picture
    with np.load(written(request)) as found:
        np.testing.assert_array_equal(found["weights"], words.maps.weights)


@pytest.mark.parametrize(("what", "suffix"), [("words", ".gif"), ("words", ".mp4"), ("grid", ".svg"), ("grid", ".png")])
def test_what_is_stopped_leaves_what_was_there(tmp_path: Path, what: str, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"mine")

    def stop(done: int, count: int) -> None:
        raise Cancelled

    request = ExportRequest(looked("words"), what, path, suffix)  # type: ignore[arg-type]
    with pytest.raises(Cancelled):
        export(request, PICTURE, stop)
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("what", "suffix"), [("words", ".gif"), ("words", ".mp4"), ("map", ".svg"), ("map", ".png"), ("numbers", ".npz")]
)
@pytest.mark.parametrize("there", ["nothing", "a file"])
def test_what_cannot_be_written_is_told(tmp_path: Path, what: str, suffix: str, there: str) -> None:
    folder = tmp_path / "gone"
    if there == "a file":
        folder.write_text("mine")
    request = ExportRequest(looked("words"), what, folder / f"a{suffix}", suffix, 0)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^It cannot be written: (No such file or|Not a) directory\.$"):
        export(request, PICTURE, no_step)
    assert not (tmp_path / f"a{suffix}").exists()


def test_what_is_stopped_before_its_last_moment_is_not_there(tmp_path: Path) -> None:
    cancel = CancelToken()
    file = tmp_path / "a.svg"
    file.write_text("mine")
    words = looked("words")

    def step(done: int, count: int) -> None:
        if done == count:
            cancel.cancel()  # what is left is coding and writing

    with pytest.raises(Cancelled):
        export(ExportRequest(words, "grid", file, ".svg", 1), PICTURE, step, cancel)
    with pytest.raises(Cancelled):
        write_bytes(file, b"theirs", cancel)
    assert file.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [file]

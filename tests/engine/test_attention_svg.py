"""Maps as vectors: valid XML, known shapes at known places, the picture once, and words for what is seen."""

from __future__ import annotations

import io
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from PIL import Image

from cocadesk.engine.attention_export import vector_painter
from cocadesk.engine.attention_figures import (
    ArcsFigure,
    BarsFigure,
    Drawing,
    Figure,
    MapFigure,
    MatrixFigure,
    TilesFigure,
    grid,
    strip,
)
from cocadesk.engine.attention_pictures import OverlayPainter, coloured
from tests.engine.test_attention_export import GREY, LAYOUT, words

NAMES = ("[start]", "cat & <dog>", "\x00\ufffe[class]")
WEIGHTS = np.array([[1, 0, 0], [0.25, 0.75, 0], [0.1, 0.5, 0.4]], np.float32)


def drawn(figure: Figure, path: Path, *, smooth: bool = False) -> Element:
    """The drawing as any reader of XML sees it, without namespaces."""
    picture = GREY if isinstance(figure, MapFigure | TilesFigure) else None
    vector_painter(words(), picture, Drawing(smooth=smooth)).draw(figure).save(path / "a.svg")
    root = ElementTree.parse(path / "a.svg").getroot()
    for element in root.iter():
        assert element.tag.startswith("{http://www.w3.org/2000/svg}")
        element.tag = element.tag.partition("}")[2]
    return root


def href(element: Element) -> str:
    return element.get("{http://www.w3.org/1999/xlink}href") or ""


def embedded(element: Element) -> Image.Image:
    kind, _, data = href(element).partition(",")
    assert kind in ("data:image/jpeg;base64", "data:image/png;base64")
    return Image.open(io.BytesIO(b64decode(data)))


def texts(root: Element) -> list[str]:
    return [element.text or "" for element in root.iter("text")]


def numbers(element: Element, *names: str) -> list[float]:
    return [float(element.get(name, "nan")) for name in names]


FIGURES: list[Figure] = [
    MapFigure("“cat”: a map", np.array([[0, 0.25], [0.5, 1]], np.float32), "cat"),
    MatrixFigure("a matrix", WEIGHTS, NAMES, NAMES),
    BarsFigure("bars", WEIGHTS[2], NAMES),
    ArcsFigure("arcs", WEIGHTS, NAMES),
    grid(words(), Drawing()),
    strip(words(), Drawing()),
]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: type(figure).__name__)
@pytest.mark.parametrize("smooth", [True, False])
def test_every_drawing_says_what_it_shows(tmp_path: Path, figure: Figure, smooth: bool) -> None:
    root = drawn(figure, tmp_path, smooth=smooth)

    assert (root.tag, root.get("role")) == ("svg", "img")
    said = {element.get("id"): element.text for element in root if element.tag in ("title", "desc")}
    assert (root.get("aria-labelledby") or "").split() == list(said)
    assert said["title"] == figure.title
    assert len(said["description"] or "") > 20
    width, height = numbers(root, "width", "height")
    assert root.get("viewBox") == f"0 0 {width:g} {height:g}"
    for text in root.iter("text"):
        assert 0 <= numbers(text, "x")[0] <= width
        assert 0 <= numbers(text, "y")[0] <= height


def test_patches_lie_where_the_model_saw_them(tmp_path: Path) -> None:
    figure = FIGURES[0]
    assert isinstance(figure, MapFigure)

    root = drawn(figure, tmp_path)

    [layer] = [group for group in root.iter("g") if group.get("fill-opacity")]
    assert layer.get("fill-opacity") == "0.5"
    patches = list(layer)
    assert [numbers(patch, "x", "y", "width", "height") for patch in patches] == [
        [100, 0, 200, 200],
        [300, 0, 200, 200],
        [100, 200, 200, 200],
        [300, 200, 200, 200],
    ]
    colours = [[int((patch.get("fill") or "")[at : at + 2], 16) for at in (1, 3, 5)] for patch in patches]
    assert colours == coloured(figure.values).reshape(-1, 3).tolist()
    assert patches[2].findtext("title") == "patch 1,0: 50.0 %"
    [picture] = root.iter("image")
    backdrop = np.asarray(embedded(picture), int)
    assert backdrop.shape == (400, 600, 3)
    assert np.abs(backdrop[:, 110:490] - 100).max() <= 2
    assert np.abs(backdrop[:, :95] - 40).max() <= 2, "what was cropped away is dimmed"
    assert texts(root) == ["“cat”: a map", "0.0 %", "100.0 %"]


def test_a_smooth_map_has_the_colours_of_the_painted_one(tmp_path: Path) -> None:
    figure = FIGURES[0]
    assert isinstance(figure, MapFigure)

    _, layer = drawn(figure, tmp_path, smooth=True).iter("image")

    assert numbers(layer, "width", "height", "opacity") == [600, 400, 0.5]
    found = np.asarray(embedded(layer).convert("RGBA").resize((600, 400), Image.Resampling.BILINEAR), int)
    painted = np.asarray(OverlayPainter(GREY, LAYOUT).paint(figure.values, opacity=1), int)
    inside = np.s_[10:390, 110:490]
    assert np.abs(found[inside][..., :3] - painted[inside]).max() <= 8
    assert (found[:, :95, 3] == 0).all()
    assert (found[inside][..., 3] == 255).all()


@pytest.mark.parametrize("smooth", [True, False])
def test_of_many_maps_the_picture_is_embedded_once(tmp_path: Path, smooth: bool) -> None:
    root = drawn(FIGURES[4], tmp_path, smooth=smooth)

    pictures = [image for image in root.iter("image") if embedded(image).mode == "RGB"]
    assert [image.get("id") for image in pictures] == ["picture"]
    uses = list(root.iter("use"))
    assert len(uses) == 6
    assert {href(use) for use in uses} == {"#picture"}
    titles = [group.findtext("title") for group in root.iter("g") if group.find("title") is not None]
    assert titles == [f"layer {layer}, {name}" for layer in (0, 1) for name in ("a", "cat/dog", "[end]")]
    assert set(texts(root)) == {"layer 0", "layer 1", "a", "cat/dog", "[end]"}


def test_arcs_are_as_thick_and_strong_as_their_weights(tmp_path: Path) -> None:
    root = drawn(FIGURES[3], tmp_path)

    arcs = {path.findtext("title"): numbers(path, "stroke-width", "opacity") for path in root.iter("path")}
    last = "\ufffd\ufffd[class]"
    assert arcs == {
        f"{last} → [start]: 10.0 %": [0.7, 0.1],
        "cat & <dog> → [start]: 25.0 %": [1.75, 0.25],
        f"{last} → cat & <dog>: 50.0 %": [3.5, 0.5],
    }
    dots = [circle.findtext("title") for circle in root.iter("circle")]
    assert dots == [f"{last} → {last}: 40.0 %", "cat & <dog> → cat & <dog>: 75.0 %", "[start] → [start]: 100.0 %"]
    ends = [[float(part.split()[-1]) for part in (path.get("d") or "").split("C")] for path in root.iter("path")]
    heights = {text.text: float(text.get("y", "nan")) for text in root.iter("text")}
    assert ends[0][0] - heights[last] == pytest.approx(ends[0][1] - heights["[start]"])
    assert root.findtext("desc") == (
        "3 tokens below each other and 3 arcs from each to those it attends to; the thickest, 50.0 %, goes from "
        f"“{last}” to “cat & <dog>”. A dot is a token's attention to itself."
    )


def test_attention_to_later_tokens_is_drawn_on_the_other_side(tmp_path: Path) -> None:
    root = drawn(ArcsFigure("both ways", np.full((2, 2), 0.5, np.float32), ("a", "b")), tmp_path)

    back, forth = (float((path.get("d") or "").split("C")[1].split()[0]) for path in root.iter("path"))
    name = float(next(text for text in root.iter("text") if text.text == "a").get("x", "nan"))
    assert min(back, forth) < name < max(back, forth)


def test_bars_and_cells_have_the_size_and_colour_of_their_weights(tmp_path: Path) -> None:
    bars = [rect for rect in drawn(FIGURES[2], tmp_path).iter("rect") if rect.get("height") == "16"]
    assert [numbers(bar, "width")[0] for bar in bars] == pytest.approx([96, 480, 384], abs=0.01)

    matrix = drawn(FIGURES[1], tmp_path)
    cells = [rect for rect in matrix.iter("rect") if rect.find("title") is not None]
    assert [cell.findtext("title") for cell in cells[3:5]] == [
        "cat & <dog> → [start]: 25.0 %",
        "cat & <dog> → cat & <dog>: 75.0 %",
    ]
    expected = coloured(WEIGHTS).reshape(-1, 3)
    assert [cell.get("fill") for cell in cells] == ["#" + bytes(colour).hex() for colour in expected]

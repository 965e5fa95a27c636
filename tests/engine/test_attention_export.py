"""Maps drawn as pictures: known pixels at known places."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_export import Drawing, export
from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.attention_pictures import OverlayPainter, bars_picture, coloured, matrix_picture
from cocadesk.engine.preprocess import Preprocessing, geometry
from cocadesk.errors import OptionError
from cocadesk.types import Clip, Picture

DARKEST, BRIGHTEST = (0, 0, 4), (252, 255, 164)
GREY = Picture("grey", np.full((400, 600, 3), 100, np.uint8))
LAYOUT = PatchLayout(geometry(600, 400, Preprocessing(40)), (2, 2), (20, 20), first=1)
KEYS = ("[class]", "patch 0,0", "patch 0,1", "patch 1,0", "patch 1,1")


def words(layers: int = 2, heads: int = 2) -> AttentionMaps:
    """Word 0 looks at patch 0,0 and word 1 at patch 1,1, in the last layer's last head; all else is even."""
    weights = np.full((layers, heads, 3, 5), 0.2, np.float32)
    weights[-1, -1] = 0
    weights[-1, -1, 0, 1] = weights[-1, -1, 1, 4] = weights[-1, -1, 2, 0] = 1
    tokens = ("a", " cat/dog", "[end]")
    return AttentionMaps("words", "tiny", weights, tokens, KEYS, text="a cat/dog", layout=LAYOUT)


def mixed(colour: tuple[int, int, int], opacity: float = 0.5) -> np.ndarray:
    return np.rint(100 * (1 - opacity) + np.array(colour) * opacity)


def test_the_colours_go_from_dark_to_bright() -> None:
    found = coloured(np.array([0, 0.5, 1, 7, -1], np.float32), (0, 1))

    assert found.tolist() == [list(DARKEST), [188, 55, 84], list(BRIGHTEST), list(BRIGHTEST), list(DARKEST)]
    assert coloured(np.ones((2, 2), np.float32)).tolist() == [[list(DARKEST)] * 2] * 2
    brightness = coloured(np.linspace(0, 1, 100, dtype=np.float32)).astype(int).sum(-1)
    assert (np.diff(brightness) >= 0).all()


def test_a_map_over_its_picture() -> None:
    painter = OverlayPainter(GREY, LAYOUT)

    pixels = np.asarray(painter.paint(np.array([[1, 0], [0, 0]], np.float32), smooth=False), int)

    assert pixels.shape == (400, 600, 3)
    assert np.abs(pixels[10:190, 110:290] - mixed(BRIGHTEST)).max() <= 1
    assert np.abs(pixels[10:190, 310:490] - mixed(DARKEST)).max() <= 1
    assert np.abs(pixels[210:390, 110:490] - mixed(DARKEST)).max() <= 1
    assert np.abs(pixels[:, :100] - 40).max() <= 1, "what was cropped away is dimmed"
    assert np.abs(pixels[:, 500:] - 40).max() <= 1


def test_what_is_unseen_has_no_colour() -> None:
    red = Picture("red", np.full((20, 60, 3), (250, 10, 10), np.uint8))
    painter = OverlayPainter(red, PatchLayout(geometry(60, 20, Preprocessing(20)), (2, 2), (10, 10), first=0))

    pixels = np.asarray(painter.paint(np.eye(2, dtype=np.float32)))

    assert np.ptp(pixels[:, :140].astype(int), axis=-1).max() == 0
    assert np.ptp(pixels[:, 150:298].astype(int), axis=-1).min() > 0


@pytest.mark.parametrize(
    ("size", "drawn"),
    [((600, 400), (600, 400)), ((7, 5), (448, 320)), ((4000, 3000), (1024, 768)), ((30_000, 20), (1024, 1))],
    ids=str,
)
def test_sizes(size: tuple[int, int], drawn: tuple[int, int]) -> None:
    picture = Picture("any", np.zeros((size[1], size[0], 3), np.uint8))
    where = PatchLayout(geometry(*size, Preprocessing(40)), (2, 2), (20, 20), first=0)

    assert OverlayPainter(picture, where).paint(np.eye(2, dtype=np.float32)).size == drawn


def test_words_as_files(tmp_path: Path) -> None:
    files = export(words(), tmp_path, Drawing(head=1, smooth=False), GREY)

    assert [path.name for path in files] == [
        "maps.npz",
        "00_a_layer01_head01.png",
        "01_catdog_layer01_head01.png",
        "02_end_layer01_head01.png",
        "grid.png",
    ]
    assert sorted(files) == sorted(tmp_path.iterdir())
    first, second = (np.asarray(Image.open(path), int) for path in files[1:3])
    assert np.abs(first[100, 200] - mixed(BRIGHTEST)).max() <= 1
    assert np.abs(first[300, 400] - mixed(DARKEST)).max() <= 1
    assert np.abs(second[300, 400] - mixed(BRIGHTEST)).max() <= 1
    grid = np.asarray(Image.open(files[-1]), int)
    tile_width, tile_height = 128, 85
    right, bottom = grid.shape[1] - 3 * (tile_width + 4), grid.shape[0] - 2 * (tile_height + 4)
    last = grid[bottom + tile_height + 4 :, right + tile_width + 4 :]  # the last layer's row, from the second word on
    assert np.abs(last[64, 86] - mixed(BRIGHTEST)).max() <= 1
    assert np.abs(last[20, 43] - mixed(DARKEST)).max() <= 1


def test_every_head(tmp_path: Path) -> None:
    files = export(words(), tmp_path, Drawing(layer=0, head="all"), GREY)

    assert [path.name for path in files if "_a_" in path.name] == ["00_a_layer00_head00.png", "00_a_layer00_head01.png"]


def test_a_questions_maps_are_less_their_minimum(tmp_path: Path) -> None:
    question = replace(words(), kind="question")
    shared = question.weights.copy()
    shared[..., 3] += 2  # all tokens look at patch 1,0
    question = replace(question, weights=shared)

    less, with_it = (
        np.asarray(Image.open(export(question, tmp_path, Drawing(-1, 1, False, less), GREY)[1]), int)
        for less in (True, False)
    )

    assert np.abs(less[300, 200] - mixed(DARKEST)).max() <= 1
    assert np.abs(with_it[300, 200] - mixed(BRIGHTEST)).max() <= 1


def test_a_picture_with_a_pooler(tmp_path: Path) -> None:
    weights = np.full((2, 3, 1, 5), 0.2, np.float32)
    pooler = AttentionMaps("image", "tiny", np.full((1, 2, 4, 5), 0.2), ("[feature]", *"123"), KEYS, 0, layout=LAYOUT)
    maps = AttentionMaps("image", "tiny", weights, ("[class]",), KEYS, 0, layout=LAYOUT, pooler=pooler)

    mean = export(maps, tmp_path, Drawing(), GREY)
    every = export(maps, tmp_path, Drawing(layer=0, head="all"), GREY)

    assert [path.name for path in mean] == ["maps.npz", "layer01_mean.png", "pooler_mean.png", "grid.png"]
    assert [path.stem for path in every[1:-1]] == [
        *(f"layer00_head{head:02}" for head in range(3)),
        *(f"pooler_head{head:02}" for head in range(2)),
    ]
    with np.load(tmp_path / "maps.npz") as found:
        assert found["pooler_weights"].shape == (1, 2, 4, 5)
        assert found["pooler_tokens"].tolist() == ["[feature]", "1", "2", "3"]


def test_a_clips_maps_lie_over_its_first_frame(tmp_path: Path) -> None:
    clip = Clip("clip", (GREY, Picture("white", np.full((400, 600, 3), 255, np.uint8))), (0, 1))

    files = export(words(), tmp_path, Drawing(head=1, smooth=False), clip)

    assert np.abs(np.asarray(Image.open(files[1]), int)[300, 400] - mixed(DARKEST)).max() <= 1


def test_a_text_as_matrix_and_bars(tmp_path: Path) -> None:
    names = ("[start]", " cat", "[class]")
    weights = np.zeros((1, 1, 3, 3), np.float32)
    weights[0, 0] = [[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.7, 0.1]]
    maps = AttentionMaps("text", "tiny", weights, names, names, feature=2, text="cat")

    files = export(maps, tmp_path, Drawing(head=0))

    assert [path.name for path in files] == [
        "maps.npz",
        "layer00_head00.png",
        "layer00_head00_bars.png",
        "grid.png",
    ]
    matrix = np.asarray(Image.open(files[1]), int)
    cells = matrix[-4 - 120 : -4, -4 - 120 : -4]
    assert cells[20, 20].tolist() == list(BRIGHTEST)
    assert cells[20, 100].tolist() == list(DARKEST)
    assert cells[100, 60].tolist() == coloured(np.array([0, 0.7, 1], np.float32))[1].tolist()


def test_names_of_columns_stand_upright_beside_their_column() -> None:
    """A wide name and an empty one: ink above the wide one's column only, and from its foot upwards."""
    pixels = np.asarray(matrix_picture(np.eye(2, dtype=np.float32), ["", ""], ["", "wwww"]), int)
    above = pixels[: pixels.shape[0] - 4 - 80]

    inked = np.argwhere(above.sum(-1) < 500)

    assert inked[:, 1].min() >= pixels.shape[1] - 4 - 40
    assert inked[:, 0].max() >= above.shape[0] - 8


def test_bars_are_as_long_as_their_weights() -> None:
    pixels = np.asarray(bars_picture(np.array([0.8, 0.2, 0.0], np.float32), ["a", "b", "c"]), int)

    first, second = (int((pixels[4 + 24 * row + 6] < 200).any(-1).sum()) for row in (0, 1))

    assert first == pytest.approx(480, abs=3)
    assert second == pytest.approx(120, abs=3)


@pytest.mark.parametrize(
    ("layer", "head", "part"), [(2, "mean", "no layer 2"), (0, 2, "no head 2"), (0, -3, "no head")]
)
def test_nothing_is_written_of_what_is_not_there(tmp_path: Path, layer: int, head: object, part: str) -> None:
    with pytest.raises(OptionError, match=part):
        export(words(), tmp_path, Drawing(layer, head), GREY)  # type: ignore[arg-type]

    assert not list(tmp_path.iterdir())

"""One map, arcs as pixels, and films, in a style that was chosen: known pixels at known places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from cocadesk.engine.attention import AttentionMaps, subtract_minimum
from cocadesk.engine.attention_arcs import ROW, arcs_layout, arcs_picture
from cocadesk.engine.attention_export import PixelPainter, figure_writer, vector_painter, write_film
from cocadesk.engine.attention_figures import ArcsFigure, Drawing, MapFigure, bars_of, film, grid, map_of
from cocadesk.engine.attention_pictures import MapStyle, OverlayPainter
from cocadesk.errors import Cancelled, OptionError
from cocadesk.media.colour_maps import colours_at
from tests.engine.test_attention_export import GREY, LAYOUT, caption, mixed, words

STYLE = MapStyle("viridis", 0.8, 0.4)
DARKEST, BRIGHTEST = (68, 1, 84), (253, 231, 37)
"""Of viridis."""


def noisy(kind: str = "words") -> AttentionMaps:
    drawn = np.random.default_rng(3).random((2, 3, 4, 5)).astype(np.float32)
    keys = ("[class]", *(f"patch {at}" for at in ("0,0", "0,1", "1,0", "1,1")))
    return AttentionMaps(kind, "tiny", drawn, ("a", " cat", " cat", "[end]"), keys, layout=LAYOUT)  # type: ignore[arg-type]


def test_one_tokens_map() -> None:
    maps = noisy()
    for token in (0, 2):
        figure = map_of(maps, Drawing(0, 1), token)
        np.testing.assert_array_equal(figure.values, maps.weights[0, 1, token, 1:].reshape(2, 2))
    assert figure.title == "“cat”: attention of tiny, layer 0, head 1"
    mean = map_of(maps, Drawing(), None)
    np.testing.assert_allclose(mean.values, maps.weights[-1].mean((0, 1))[1:].reshape(2, 2), rtol=1e-6)
    assert mean.title == "Attention of tiny, layer 1, mean over 3 heads"
    assert map_of(maps, Drawing(rolled=True), None).title.endswith("layer 1, rollout")
    with pytest.raises(OptionError, match="no head 3"):
        map_of(maps, Drawing(0, 3), 0)


def test_the_minimum_is_subtracted_where_it_is_wanted() -> None:
    cut = noisy().patch_maps(1, 2)
    for kind, wanted, less in (
        ("words", None, False),
        ("words", True, True),
        ("question", None, True),
        ("question", False, False),
    ):
        figure = map_of(noisy(kind), Drawing(1, 2, subtract_minimum=wanted), 1)
        np.testing.assert_array_equal(figure.values, (subtract_minimum(cut) if less else cut)[1])


def test_what_one_token_of_a_text_attends_to() -> None:
    weights = np.random.default_rng(4).random((2, 2, 3, 3)).astype(np.float32)
    names = ("[start]", " cat", "[end]")
    text = AttentionMaps("text", "tiny", weights, names, names, 2)
    figure = bars_of(text, Drawing(0, 1), 1)
    assert (figure.title, figure.keys) == ("“cat”: attention of tiny, layer 0, head 1", names)
    np.testing.assert_array_equal(figure.weights, weights[0, 1, 1])


def test_pixels_have_the_chosen_style() -> None:
    """Below the threshold the picture is as it was; what the model did not see is dimmed all the same."""
    painter = PixelPainter(words(), GREY, Drawing(smooth=False, style=STYLE))
    values = np.array([[1, 0.39], [0.41, 0]], np.float32)

    pixels = np.asarray(painter.draw(MapFigure("", values)), int)

    third = tuple(map(int, colours_at(np.array([0.41]), "viridis")[0]))
    assert np.abs(pixels[100, 200] - mixed(BRIGHTEST, 0.8)).max() <= 1
    assert np.abs(pixels[300, 200] - mixed(third, 0.8)).max() <= 1
    assert (pixels[100, 400] == 100).all()
    assert (pixels[300, 400] == 100).all()
    assert np.abs(pixels[:, :100] - 40).max() <= 1


def test_tiles_have_the_chosen_style() -> None:
    head = Drawing(head=1, smooth=False, style=STYLE)
    pixels = np.asarray(PixelPainter(words(), GREY, head).draw(grid(words(), head)), int)
    tile = pixels[-4 - 85 : -4, -4 - 3 * 132 + 4 :]
    assert np.abs(tile[20, 43] - mixed(BRIGHTEST, 0.8)).max() <= 1
    assert (tile[64, 86] == 100).all()


@pytest.mark.parametrize("smooth", [True, False])
def test_vectors_have_the_chosen_style(tmp_path: Path, smooth: bool) -> None:
    drawing = Drawing(smooth=smooth, style=STYLE)
    figure = MapFigure("a map", np.array([[1, 0.3], [0.41, 0]], np.float32))
    svg = vector_painter(words(), GREY, drawing).draw(figure)
    svg.save(tmp_path / "a.svg")
    told = (tmp_path / "a.svg").read_text()
    brightest, darkest = ("#" + bytes(colour).hex() for colour in (BRIGHTEST, DARKEST))
    assert brightest in told, "at the end of the scale"
    assert darkest in told, "at its beginning"
    if smooth:
        assert 'opacity="0.8"' in told
        return
    assert 'fill-opacity="0.8"' in told
    described = [line for line in told.split("<title>") if line.startswith("patch ")]
    assert [line.split(":")[0] for line in described] == ["patch 0,0", "patch 1,0"]


def test_a_smooth_map_as_vectors_is_transparent_below_the_threshold() -> None:
    from cocadesk.engine.attention_svg import _palette_image  # noqa: PLC0415

    values = np.array([[0.0, 0.39, 0.41, 1.0, np.nan]], np.float32)
    image = _palette_image(values, (0.0, 1.0), "viridis", 0.4).convert("RGBA")
    alphas = [image.getpixel((x, 0))[3] for x in range(5)]  # type: ignore[index]
    assert alphas == [0, 0, 255, 255, 0]
    assert image.getpixel((3, 0)) == (*BRIGHTEST, 255)


ARCS = ArcsFigure("arcs", np.array([[0, 0, 0], [0.5, 0, 0], [0, 0.01, 1]], np.float32), ("a", "b", "c"))


def test_arcs_as_pixels_have_the_strength_of_their_weights() -> None:
    """From “b” to “a” there is half an arc's strength; what is too weak is left out; “c” has a dot."""
    pixels = np.asarray(arcs_picture(ARCS), int)
    layout = arcs_layout(ARCS, lambda names: 40)
    assert [(arc.row, arc.column) for arc in layout.arcs] == [(1, 0), (2, 2)]
    ink = np.asarray(colours_at(np.array([0.4]))[0], int)
    left = next(x for x in range(pixels.shape[1]) if np.abs(pixels[round(layout.middle(2)), x] - ink).max() <= 2)

    half = np.rint((255 + ink) / 2)
    arc = layout.arcs[0]
    peak = left + round((arc.beyond - arc.x) * 3 / 4)  # where a Bézier curve of two equal control points is farthest
    middle = round((arc.first + arc.last) / 2)
    assert np.abs(pixels[middle, peak - 6 : peak + 6] - half).max(-1).min() <= 6
    beyond = pixels[round(layout.middle(0)) : round(layout.middle(1)), peak + 12 :]
    assert (beyond == 255).all()
    inside = pixels[middle, left + 8 : peak - 8]
    assert (inside == 255).all()
    below = pixels[round(layout.middle(1)) + 8 : round(layout.middle(2)) - 8, left + 8 :]
    assert (below == 255).all(), "a hundredth of the strongest is not drawn"
    assert (pixels[round(layout.middle(1)) - 8 : round(layout.middle(1)) + 8, : left - 6].min(-1) < 150).any(), "a name"


def test_an_arcs_outline_does_not_darken_itself() -> None:
    """A long arc is of one strength along its way, however many pieces it is made of."""
    count = 9
    matrix = np.zeros((count, count), np.float32)
    matrix[-1, 0], matrix[0, 0] = 0.5, 1
    figure = ArcsFigure("arc", matrix, tuple(f"w{at}" for at in range(count)))
    pixels = np.asarray(arcs_picture(figure), int)
    half = np.rint((255 + np.asarray(colours_at(np.array([0.4]))[0], int)) / 2)
    right = pixels[3 * ROW : -2 * ROW, 60:]
    assert (right.min(-1) < 255).sum() > 100
    assert (right >= half - 2).all()


def test_a_film_tells_how_far_it_is_and_can_be_stopped(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []

    def note(done: int, count: int) -> None:
        steps.append((done, count))
        if len(steps) == 5:
            raise Cancelled

    for form in ("gif", "mp4"):
        steps.clear()
        write_film(tmp_path / f"a.{form}", caption(4), GREY, Drawing(), over="words", form=form, step=note)  # type: ignore[arg-type]
        assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
        with pytest.raises(Cancelled):
            write_film(tmp_path / f"b.{form}", caption(9), GREY, Drawing(), over="words", form=form, step=note)  # type: ignore[arg-type]


def test_a_sheet_can_be_stopped(tmp_path: Path) -> None:
    def stop(done: int, count: int) -> None:
        assert (done, count) == (1, 6)
        raise Cancelled

    for form in ("png", "svg"):
        write = figure_writer(words(), GREY, Drawing(), form, stop)  # type: ignore[arg-type]
        with pytest.raises(Cancelled):
            write(tmp_path / f"grid.{form}", grid(words(), Drawing()))
    assert not list(tmp_path.iterdir())


def test_a_film_has_the_chosen_style(tmp_path: Path) -> None:
    drawing = Drawing(smooth=False, style=MapStyle("greys", 1.0, 0.5))
    write_film(tmp_path / "a.gif", caption(2), GREY, drawing, over="words", form="gif")
    with Image.open(tmp_path / "a.gif") as found:
        frames = [np.asarray(frame.convert("RGB"), int) for frame in ImageSequence.Iterator(found)]
    for word, frame in enumerate(frames):
        for place, x in enumerate((213, 427)):
            expected = 255 if place == word else 100
            assert np.abs(frame[90:120, x - 15 : x + 15].mean((0, 1)) - expected).max() <= 3
    assert [line for line, _ in film(caption(2), drawing, "words")] == ["word0", "word1"]


def test_the_painter_itself_takes_a_style() -> None:
    drawn = OverlayPainter(GREY, LAYOUT).paint(
        np.array([[1, 0], [0, 0]], np.float32), smooth=False, opacity=1, colours="greys", threshold=0.5
    )
    pixels = np.asarray(drawn, int)
    assert (pixels[100, 200] == 255).all()
    assert (pixels[300, 400] == 100).all()


@pytest.mark.parametrize("wrong", [{"colours": "plaid"}, {"opacity": 1.1}, {"threshold": -0.1}, {"opacity": np.nan}])
def test_a_style_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(OptionError, match=r"no colours “plaid”|between 0 and 1"):
        MapStyle(**wrong)  # type: ignore[arg-type]

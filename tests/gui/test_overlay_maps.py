"""Maps laid over the picture, as pixels; `PatchLayout` itself says where they belong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cocadesk.engine.preprocess import ResizeMode
from cocadesk.gui import app
from cocadesk.gui.canvas import Canvas
from cocadesk.gui.overlays.map_drawing import UNSEEN, MapDrawing
from cocadesk.gui.overlays.overlay_map import OverlayMap, map_from_mime, map_mime, style_from_mime
from cocadesk.gui.overlays.style import COLOUR_MAPS, OverlayStyle
from cocadesk.gui.pyramid import build
from cocadesk.media.colour_maps import anchors, colours_at
from tests.gui.overlays_at_hand import GREY, layout, noise, peak, pixels, plain

Pixels = npt.NDArray[np.uint8]

SOLID = OverlayStyle(opacity=1.0)
PATCHES = OverlayStyle(opacity=1.0, smooth=False)
TOP = anchors("inferno")[-1]
BOTTOM = anchors("inferno")[0]
VEILED = round((GREY[0] * (255 - UNSEEN.alpha()) + UNSEEN.red() * UNSEEN.alpha()) / 255)


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    app.application()
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    return made


def lay(canvas: Canvas, shown: OverlayMap, style: OverlayStyle) -> None:
    canvas.show_picture(build(plain(*shown.layout.geometry.picture)))
    canvas.set_overlay_style(style)
    canvas.show_map(shown)


def grabbed(canvas: Canvas) -> Pixels:
    QApplication.processEvents()
    return pixels(canvas.viewport.grab().toImage())


def on_screen(canvas: Canvas, x: float, y: float) -> tuple[int, int]:
    """Row and column of the screen pixel that shows that place on the picture."""
    spot = canvas.plane.map(QPointF(x, y))
    return int(spot.y()), int(spot.x())


def expected(shown: OverlayMap, size: tuple[int, int], style: OverlayStyle) -> npt.NDArray[np.float64]:
    """What the geometry and the colour maps say, worked out pixel by pixel over an even grey."""
    values = shown.layout.on_picture(shown.values, size, smooth=style.smooth)
    low, high = style.limits or (float(shown.values.min()), float(shown.values.max()))
    shares = (values - low) / (high - low)
    mixed = colours_at(np.nan_to_num(shares), style.colours) * style.opacity + np.array(GREY) * (1 - style.opacity)
    with np.errstate(invalid="ignore"):
        mixed[shares.clip(0) < style.threshold] = GREY
    mixed[np.isnan(values)] = VEILED
    return mixed


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(160, 120), (120, 200), (101, 77)])
@pytest.mark.parametrize("smooth", [True, False], ids=["smooth", "patches"])
def test_map_lies_where_the_model_saw_it(canvas: Canvas, mode: ResizeMode, size: tuple[int, int], smooth: bool) -> None:
    style = OverlayStyle(opacity=0.6, smooth=smooth)
    shown = noise(*size, mode=mode)
    lay(canvas, shown, style)
    off = np.abs(pixels(canvas.composed()) - expected(shown, size, style)).max(axis=-1)
    assert off.max() <= (6 if smooth else 2), np.argwhere(off > 2)[:4]


@pytest.mark.parametrize("longest", [39, 160, 1000])
def test_composed_picture_has_the_size_asked_for_and_the_same_geometry(canvas: Canvas, longest: int) -> None:
    style = OverlayStyle(opacity=0.5, smooth=False)
    shown = noise(160, 120, grid=7)
    lay(canvas, shown, style)
    image = canvas.composed(longest)
    size = (longest, round(longest * 0.75))
    assert (image.width(), image.height()) == size
    assert np.abs(pixels(image) - expected(shown, size, style)).max() <= 2


@pytest.mark.parametrize("grid", [4, 7, 24, 32])
def test_edges_of_patches_are_on_the_nearest_pixel_however_large(canvas: Canvas, grid: int) -> None:
    """A texture's fixed-point steps would drift by pixels across a large image."""
    shown = noise(300, 300, grid=grid)
    lay(canvas, shown, PATCHES)
    assert np.abs(pixels(canvas.composed(1451)) - expected(shown, (1451, 1451), PATCHES)).max() <= 2


def test_smooth_map_keeps_its_values_however_large(canvas: Canvas) -> None:
    shown = noise(300, 300, grid=24)
    lay(canvas, shown, SOLID)
    off = np.abs(pixels(canvas.composed(1200)) - expected(shown, (1200, 1200), SOLID)).max(axis=-1)
    assert off.max() <= 8
    assert off.mean() <= 2


def test_highest_patch_has_the_top_colour_on_the_screen(canvas: Canvas) -> None:
    lay(canvas, peak(400, 300, (1, 2)), OverlayStyle(opacity=0.5, smooth=False))
    screen = grabbed(canvas)
    # The square is cropped: 300 pixels from 50 to 350, patches of 75.
    top, bottom, bare = (np.array(colour) * 0.5 + np.array(GREY) * 0.5 for colour in (TOP, BOTTOM, GREY))
    for x, y, colour in (
        (201, 76, top),
        (274, 149, top),
        (199, 100, bottom),
        (276, 100, bottom),
        (230, 74, bottom),
        (230, 151, bottom),
        (345, 295, bottom),
        (20, 150, np.full(3, VEILED)),
        (380, 20, np.full(3, VEILED)),
    ):
        assert np.abs(screen[on_screen(canvas, x, y)] - colour).max() <= 2, (x, y)
    canvas.show_map(None)
    assert np.abs(grabbed(canvas)[on_screen(canvas, 230, 100)] - bare).max() <= 1
    assert canvas.map is None


def test_zoomed_in_screen_agrees_with_the_geometry(canvas: Canvas) -> None:
    """Far enough in for one sample of the smoothed map to be larger than the painter's numbers reach."""
    shown = noise(9000, 6000, grid=3)
    lay(canvas, shown, SOLID)
    for _ in range(40):
        canvas.zoom_in()
    assert canvas.zoom > 40
    screen = grabbed(canvas)
    spot = canvas.to_picture(QPointF(200.5, 150.5))
    drawing = MapDrawing(shown, SOLID)
    value = drawing.value_at(spot)
    assert value is not None
    low, high = drawing.limits
    assert np.abs(screen[150, 200] - colours_at(np.array((value - low) / (high - low))).astype(int)).max() <= 3


@pytest.mark.parametrize("smooth", [True, False], ids=["smooth", "patches"])
@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(1, 1), (30_000, 20), (20, 30_000), (3, 2)])
def test_pictures_of_any_shape(canvas: Canvas, size: tuple[int, int], mode: ResizeMode, smooth: bool) -> None:
    style = OverlayStyle(opacity=0.7, smooth=smooth)
    shown = noise(*size, grid=14, mode=mode)
    lay(canvas, shown, style)
    assert np.abs(pixels(canvas.composed()) - expected(shown, size, style)).max() <= 8
    for _ in range(30):
        canvas.zoom_in()
    assert grabbed(canvas).any()


def test_nothing_as_large_as_the_picture_is_made(canvas: Canvas, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is drawn for a map has a bounded number of pixels, whatever the picture's and the grid's."""
    made: list[int] = []
    coloured = MapDrawing._coloured

    def watched(self: MapDrawing, values: npt.NDArray[np.float32]) -> QImage:
        made.append(values.size)
        return coloured(self, values)

    monkeypatch.setattr(MapDrawing, "_coloured", watched)
    lay(canvas, noise(6000, 5000, grid=32), OverlayStyle())
    grabbed(canvas)
    for _ in range(3):
        canvas.viewport.update()
        grabbed(canvas)
    assert len(made) == 1, "the map is looked up once, not at each paint"
    assert made[0] <= 512 * 512


def test_below_the_threshold_nothing_is_laid_over(canvas: Canvas) -> None:
    style = OverlayStyle(opacity=1, threshold=0.5, smooth=False)
    shown = noise(160, 160)
    lay(canvas, shown, style)
    low, high = shown.values.min(), shown.values.max()
    below = (shown.values - low) / (high - low) < 0.5
    assert 0 < below.sum() < below.size
    image = pixels(canvas.composed())
    for row, column in np.ndindex(below.shape):
        inside = image[40 * row + 20, 40 * column + 20]
        assert (inside.tolist() == list(GREY)) == below[row, column]
    smooth = replace(style, smooth=True)
    canvas.set_overlay_style(smooth)
    off = np.abs(pixels(canvas.composed()) - expected(shown, (160, 160), smooth)).max(axis=-1)
    assert (off > 8).mean() < 0.04, "only along the line where the threshold is passed"


def test_limits_fix_the_scale_and_colours_can_be_chosen(canvas: Canvas) -> None:
    shown = noise(160, 120)
    for name in COLOUR_MAPS:
        style = OverlayStyle(colours=name, opacity=0.8, smooth=False, limits=(0.25, 2.0))
        lay(canvas, shown, style)
        assert np.abs(pixels(canvas.composed()) - expected(shown, (160, 120), style)).max() <= 2


def test_value_is_read_off_where_the_model_looked() -> None:
    shown = noise(160, 120)
    smooth = shown.layout.on_picture(shown.values)
    patches = shown.layout.on_picture(shown.values, smooth=False)
    for drawing, truth in ((MapDrawing(shown, OverlayStyle()), smooth), (MapDrawing(shown, PATCHES), patches)):
        for x, y in ((25, 60), (80, 60), (139, 119), (33, 1)):
            assert drawing.value_at(QPointF(x + 0.5, y + 0.5)) == pytest.approx(truth[y, x], abs=1e-5)
        for x, y in ((5, 60), (150, 60), (-3, 60), (80, 130)):
            assert drawing.value_at(QPointF(x, y)) is None
    assert MapDrawing(shown, PATCHES).patch_at(QPointF(139, 119)) == (3, 3)


def test_padding_is_no_part_of_the_picture() -> None:
    drawing = MapDrawing(noise(100, 50, mode="longest"), OverlayStyle())
    assert drawing.value_at(QPointF(50, 25)) is not None
    assert drawing.value_at(QPointF(50, -10)) is None, "the model saw black there, but it is not on the picture"


def test_values_that_are_none_are_left_bare(canvas: Canvas) -> None:
    values = np.ones((4, 4), np.float32)
    values[0, 0] = np.nan
    values[3, 3] = 0
    shown = OverlayMap(values, layout(160, 160), "")
    lay(canvas, shown, PATCHES)
    image = pixels(canvas.composed())
    assert image[20, 20].tolist() == list(GREY)
    assert np.abs(image[60, 60] - TOP).max() <= 1
    canvas.set_overlay_style(SOLID)
    image = pixels(canvas.composed())
    assert image[20, 20].tolist() == list(GREY)
    assert np.abs(image[80, 80] - TOP).max() <= 1, "other patches are drawn all the same"
    assert MapDrawing(shown, SOLID).value_at(QPointF(5, 5)) is None


def test_even_map_is_laid_over_in_its_lowest_colour(canvas: Canvas) -> None:
    shown = OverlayMap(np.full((4, 4), 0.25, np.float32), layout(80, 80), "")
    lay(canvas, shown, SOLID)
    assert np.abs(pixels(canvas.composed())[40, 40] - BOTTOM).max() <= 1


def test_map_must_fit_its_grid_and_style_its_range() -> None:
    with pytest.raises(ValueError, match="4, 4"):
        OverlayMap(np.zeros((3, 4), np.float32), layout(80, 80))
    for wrong in ({"colours": "sepia"}, {"opacity": 1.2}, {"threshold": -0.1}):
        with pytest.raises(ValueError, match=r"colour map|between"):
            OverlayStyle(**wrong)


def test_another_picture_takes_the_map_off_but_another_frame_does_not(canvas: Canvas) -> None:
    lay(canvas, noise(160, 120), SOLID)
    canvas.show_frame(build(plain(160, 120)))
    assert canvas.map is not None
    canvas.show_picture(build(plain(160, 120)))
    assert canvas.map is None


def test_pointer_is_told_in_picture_pixels(qtbot: QtBot, canvas: Canvas) -> None:
    lay(canvas, noise(160, 120), SOLID)
    told: list[QPointF | None] = []
    canvas.pointed.connect(told.append)
    spot = canvas.plane.map(QPointF(120, 30)).toPoint()
    qtbot.mouseMove(canvas.viewport, spot)
    qtbot.waitUntil(lambda: bool(told))
    place = told[-1]
    assert place is not None
    assert (place.x(), place.y()) == (pytest.approx(120, abs=0.5), pytest.approx(30, abs=0.5))
    qtbot.mouseMove(canvas.viewport, QPoint(1, 1))
    qtbot.waitUntil(lambda: told[-1] is None)


def test_map_travels_in_a_drag_within_this_process() -> None:
    app.application()
    shown = noise(10, 10)
    assert map_from_mime(map_mime(shown)) is shown
    assert style_from_mime(map_mime(shown)) is None
    assert style_from_mime(map_mime(shown, PATCHES)) is PATCHES
    stranger = map_mime(shown)
    stranger.setData("application/x-cocadesk-map", b"1-1")
    assert map_from_mime(stranger) is None


def test_painting_leaves_the_painter_as_it_was() -> None:
    image = QImage(50, 50, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    drawing = MapDrawing(noise(50, 50), OverlayStyle())
    drawing.paint(painter, drawing._picture)
    assert not painter.hasClipping()
    painter.end()

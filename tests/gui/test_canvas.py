"""The picture on the screen, as pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cocadesk.gui import app
from cocadesk.gui.canvas import Canvas
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.pyramid import CONVERTED_PIXELS, build
from cocadesk.types import Picture
from tests.fakes.pictures import BOTTOM_LEFT, BOTTOM_RIGHT, TOP_LEFT, TOP_RIGHT, quadrants
from tests.gui.driving import WAIT_MS, drop, file_urls

TOLERANCE = 3


def picture(width: int, height: int) -> Picture:
    return Picture("four quarters", np.asarray(quadrants(width, height)))


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    app.application()
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    return made


def shown(canvas: Canvas) -> QImage:
    QApplication.processEvents()
    return canvas.viewport.grab().toImage()


def assert_colour(image: QImage, where: tuple[float, float], expected: tuple[int, int, int]) -> None:
    """Compare the pixel at that fraction of the image's width and height."""
    colour = QColor(image.pixelColor(int(where[0] * image.width()), int(where[1] * image.height())))
    got = (colour.red(), colour.green(), colour.blue())
    assert np.abs(np.subtract(got, expected)).max() <= TOLERANCE, f"{got} at {where}, not {expected}"


@pytest.mark.parametrize("size", [(80, 60), (2401, 1799), (6000, 4500)], ids=["small", "odd", "large"])
def test_whole_picture_is_shown_upright_in_its_colours(canvas: Canvas, size: tuple[int, int]) -> None:
    canvas.show_picture(build(picture(*size)))
    image = shown(canvas)
    for where, colour in (
        ((0.25, 0.25), TOP_LEFT),
        ((0.75, 0.25), TOP_RIGHT),
        ((0.25, 0.75), BOTTOM_LEFT),
        ((0.75, 0.75), BOTTOM_RIGHT),
        ((0.47, 0.47), TOP_LEFT),
        ((0.53, 0.53), BOTTOM_RIGHT),
    ):
        assert_colour(image, where, colour)


def test_picture_too_large_to_convert_is_shown_from_its_own_memory(canvas: Canvas) -> None:
    large = picture(6000, 4500)
    assert large.width * large.height > CONVERTED_PIXELS
    pyramid = build(large)
    assert np.shares_memory(pyramid.levels[0].pixels, large.pixels)
    canvas.show_picture(pyramid)
    canvas.actual_size()
    image = shown(canvas)
    assert_colour(image, (0.25, 0.25), TOP_LEFT)
    assert_colour(image, (0.75, 0.75), BOTTOM_RIGHT)


def test_fine_pattern_is_averaged_rather_than_skipped(canvas: Canvas) -> None:
    """A chessboard of single pixels is an even grey from afar; picking every nth pixel would show black or white."""
    board = np.indices((1600, 1600)).sum(axis=0) % 2 * 255
    canvas.show_picture(build(Picture("board", np.repeat(board[..., None], 3, axis=2).astype(np.uint8))))
    image = shown(canvas)
    for where in ((0.4, 0.4), (0.5, 0.6), (0.6, 0.3)):
        assert_colour(image, where, (127, 127, 127))


def test_zoomed_in_pixels_have_hard_edges(canvas: Canvas) -> None:
    canvas.show_picture(build(picture(8, 6)))
    image = shown(canvas)
    middle = image.width() // 2
    assert_colour(image, ((middle - 4) / image.width(), 0.25), TOP_LEFT)
    assert_colour(image, ((middle + 4) / image.width(), 0.25), TOP_RIGHT)


def test_actual_size_is_one_screen_pixel_each(canvas: Canvas) -> None:
    canvas.show_picture(build(picture(1000, 800)))
    assert canvas.zoom < 0.5
    canvas.actual_size()
    assert canvas.zoom == pytest.approx(1.0, abs=0.01)
    assert canvas.seen.center().x() == pytest.approx(500, abs=1)
    canvas.zoom_in()
    assert canvas.zoom == pytest.approx(1.25, abs=0.02)
    canvas.fit()
    assert canvas.seen.width() >= 1000


def test_wheel_zooms_at_the_pointer(canvas: Canvas) -> None:
    canvas.show_picture(build(picture(1000, 750)))
    before = canvas.zoom
    spot = QPointF(100, 75)
    wheel = QWheelEvent(
        spot,
        canvas.viewport.mapToGlobal(spot),
        QPoint(),
        QPoint(0, 240),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas.viewport, wheel)
    assert canvas.zoom > before * 1.05
    assert canvas.seen.center().x() < 500  # the upper left quarter was pointed at
    assert canvas.seen.center().y() < 375


def test_dragging_and_arrow_keys_pan(qtbot: QtBot, canvas: Canvas) -> None:
    canvas.show_picture(build(picture(1000, 750)))
    canvas.actual_size()
    start = canvas.seen.center()
    surface = canvas.viewport
    qtbot.mousePress(surface, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    for step in range(1, 11):
        qtbot.mouseMove(surface, QPoint(200 - 5 * step, 150))
        QApplication.processEvents()
    qtbot.mouseRelease(surface, Qt.MouseButton.LeftButton, pos=QPoint(150, 150))
    dragged = canvas.seen.center()
    assert dragged.x() > start.x() + 25
    view = surface.parentWidget()
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert canvas.seen.center().y() > dragged.y()


def test_fitted_picture_stays_fitted_when_the_window_grows(qtbot: QtBot, canvas: Canvas) -> None:
    canvas.show_picture(build(picture(400, 300)))
    canvas.resize(800, 600)
    qtbot.waitUntil(lambda: canvas.zoom == pytest.approx(2.0, rel=0.06), timeout=WAIT_MS)


def test_window_shows_the_selected_picture(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    drop(window, file_urls([picture_file]))
    qtbot.waitUntil(lambda: not window.canvas.is_empty, timeout=WAIT_MS)
    box = window.canvas.seen
    assert box.center().x() == pytest.approx(40, abs=1)
    qtbot.waitUntil(window.commands.fit.isEnabled, timeout=WAIT_MS)
    window.commands.zoom_in.trigger()
    assert window.canvas.seen.width() < box.width()


def test_pyramid_halves_and_keeps_every_pixel() -> None:
    pyramid = build(picture(2049, 1025))
    assert [level.pixels.shape[:2] for level in pyramid.levels] == [
        (1025, 2049),
        (513, 1025),
        (257, 513),
        (129, 257),
    ]
    assert [level.shrink for level in pyramid.levels] == [1, 2, 4, 8]
    assert pyramid.level_for(2.0).shrink == 1
    assert pyramid.level_for(0.6).shrink == 1
    assert pyramid.level_for(0.5).shrink == 2
    assert pyramid.level_for(0.01).shrink == 8

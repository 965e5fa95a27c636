"""The scale on the canvas and the value under the pointer, by mouse and by keys."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from pytestqt.qtbot import QtBot

from cocadesk.gui import app
from cocadesk.gui.canvas import Canvas
from cocadesk.gui.overlays.legend import Legend, value_text
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.overlays.style import OverlayStyle
from cocadesk.gui.pyramid import build
from cocadesk.gui.theme import colour
from cocadesk.media.colour_maps import anchors
from tests.gui.driving import WAIT_MS
from tests.gui.overlays_at_hand import layout, noise, pixels, plain

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    app.application()
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(700, 500)
    made.show()
    made.show_picture(build(plain(160, 120)))
    return made


def legend(canvas: Canvas) -> Legend:
    found = canvas.findChild(Legend)
    assert isinstance(found, Legend)
    return found


def counted(grid: int = 4) -> OverlayMap:
    """Patches numbered row by row; the square is the middle 120 of 160 pixels."""
    values = np.arange(grid * grid, dtype=np.float32).reshape(grid, grid)
    return OverlayMap(values, layout(160, 120, grid), "“cat” · layer 3 · mean")


def point(qtbot: QtBot, canvas: Canvas, x: float, y: float, said: str) -> None:
    def told() -> bool:
        qtbot.mouseMove(canvas.viewport, QPoint(2, 2))  # the canvas may still be fitting the picture: ask anew
        qtbot.mouseMove(canvas.viewport, canvas.plane.map(QPointF(x, y)).toPoint())
        return said in legend(canvas).text

    qtbot.waitUntil(told, timeout=WAIT_MS)


def test_scale_is_there_with_a_map_and_tells_its_ends(canvas: Canvas) -> None:
    assert not legend(canvas).isVisible()
    canvas.show_map(counted())
    assert legend(canvas).isVisible()
    assert legend(canvas).text == "“cat” · layer 3 · mean: from 0 to 15"
    assert legend(canvas).accessibleDescription() == legend(canvas).text
    canvas.set_overlay_style(OverlayStyle(limits=(-1, 0.05)))
    assert legend(canvas).text.endswith("from -1 to 0.05")
    canvas.show_map(None)
    assert not legend(canvas).isVisible()


def test_value_under_the_pointer_is_told_with_its_patch(qtbot: QtBot, canvas: Canvas) -> None:
    canvas.set_overlay_style(OverlayStyle(smooth=False))
    canvas.show_map(counted())
    point(qtbot, canvas, 95, 75, "10 at patch 2, 2")
    point(qtbot, canvas, 5, 75, "not seen by the model")
    canvas.set_overlay_style(OverlayStyle())
    point(qtbot, canvas, 80, 60, "7.5 at patch")  # between the four patches 5, 6, 9 and 10


def test_value_of_a_lens_is_told_where_it_lies(qtbot: QtBot, canvas: Canvas) -> None:
    canvas.set_overlay_style(OverlayStyle(smooth=False))
    canvas.show_map(counted())
    pin = canvas.pins.pin(OverlayMap(np.full((4, 4), 0.25, np.float32), layout(160, 120), "other"))
    pin.set_rect(QRectF(60, 40, 60, 50))
    spot = pin.mapFrom(canvas.viewport, canvas.plane.map(QPointF(90, 70)).toPoint())
    qtbot.mouseMove(pin, spot)
    qtbot.waitUntil(lambda: legend(canvas).text == "other: from 0.25 to 0.25, 0.25 at patch 2, 2", timeout=WAIT_MS)
    point(qtbot, canvas, 30, 20, "cat")


def test_keys_point_from_patch_to_patch_as_the_mouse_does(qtbot: QtBot, canvas: Canvas) -> None:
    canvas.set_overlay_style(OverlayStyle(smooth=False))
    canvas.show_map(counted(3))
    told: list[QPointF | None] = []
    canvas.pointed.connect(told.append)
    seen = canvas.seen
    qtbot.keyClick(canvas.view, Qt.Key.Key_Right, SHIFT)
    assert "4 at patch 1, 1" in legend(canvas).text, "the middle comes first"
    qtbot.keyClick(canvas.view, Qt.Key.Key_Right, SHIFT)
    assert "5 at patch 1, 2" in legend(canvas).text
    for _ in range(3):
        qtbot.keyClick(canvas.view, Qt.Key.Key_Up, SHIFT)
        qtbot.keyClick(canvas.view, Qt.Key.Key_Right, SHIFT)
    assert "2 at patch 0, 2" in legend(canvas).text, "it stops at the edges"
    place = told[-1]
    assert place is not None
    assert (place.x(), place.y()) == pytest.approx((120, 20), abs=1)
    assert canvas.seen == seen, "the picture stays"


def test_without_a_map_keys_point_at_nothing(qtbot: QtBot, canvas: Canvas) -> None:
    told: list[object] = []
    canvas.pointed.connect(told.append)
    qtbot.keyClick(canvas.view, Qt.Key.Key_Right, SHIFT)
    assert told == []


def test_scale_runs_from_the_first_colour_to_the_last_and_is_bare_below_the_threshold(canvas: Canvas) -> None:
    canvas.set_overlay_style(OverlayStyle(threshold=0.25))
    canvas.show_map(noise(160, 120))
    box = legend(canvas)
    drawn = pixels(box.grab().toImage())
    line = next(row for row in drawn if np.abs(row[-12].astype(int) - anchors("inferno")[-1]).max() < 20)
    bare = line[12 : 10 + (box.width() - 20) // 4 - 2].astype(int)
    named = (colour("surface"), colour("faint"))
    assert all(
        min(np.abs(pixel - [tone.red(), tone.green(), tone.blue()]).max() for tone in named) < 3 for pixel in bare
    )
    middle = line[box.width() // 2].astype(int)
    assert np.abs(middle - anchors("inferno")[8]).max() < 12


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.03441, "0.0344"), (12.345, "12.3"), (2.0, "2"), (-0.5, "-0.5"), (43210.0, "43210"),
     (3.14e-6, "3.1×10⁻⁶"), (-2.5e7, "-2.5×10⁷")],
)  # fmt: skip
def test_values_are_written_with_three_figures(value: float, text: str) -> None:
    assert value_text(value) == text

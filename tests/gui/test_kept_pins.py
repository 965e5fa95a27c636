"""Lenses stay with their picture while others are shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from pytestqt.qtbot import QtBot

from cocadesk.gui import app
from cocadesk.gui.canvas import Canvas
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.overlays.kept_pins import OVERHEAD_BYTES, KeptPins, PinState
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.overlays.pin import Pin
from cocadesk.gui.overlays.style import OverlayStyle
from cocadesk.gui.pyramid import build
from tests.fakes.looker import FakeLooker
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS
from tests.gui.looks import LOOKING, panel_of
from tests.gui.overlays_at_hand import layout, noise, pixels, plain
from tests.gui.side import open_files

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton
WIDTH, HEIGHT = 40, 30
"""Of the first of `many_files`; each is one pixel wider than the one before."""


@pytest.fixture
def looking(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> MainWindow:
    """The Look tab with three pictures, the first of which is shown with its maps."""
    window = make_window(FakeLooker(), settings=LOOKING)
    open_files(qtbot, window, many_files[:3])
    wait_for(qtbot, window, 0)
    return window


def wait_for(qtbot: QtBot, window: MainWindow, row: int) -> None:
    """Wait until that picture is on the canvas, and its maps are there."""

    def there() -> None:
        current = window.strip.current
        assert current is not None
        assert current.name == f"{row}.png"
        assert window.canvas.picture_rect.width() == WIDTH + row
        panel = panel_of(window)
        assert panel.scene is not None
        assert panel.scene.maps.layout is not None
        assert panel.scene.maps.layout.geometry.picture == (WIDTH + row, HEIGHT)

    qtbot.waitUntil(there, timeout=WAIT_MS)


def turn(qtbot: QtBot, window: MainWindow, row: int) -> None:
    """Click that picture in the strip."""
    strip, entries = window.strip.list, window.session.entries
    place = next(at for at, entry in enumerate(entries) if entry.name == f"{row}.png")
    spot = strip.visualRect(entries.index(place)).center()
    qtbot.mouseClick(strip.viewport(), LEFT, pos=spot)
    wait_for(qtbot, window, row)


def drag(qtbot: QtBot, window: MainWindow, pin: Pin, by: QPoint) -> None:
    """Take the lens in its middle and move it by so many pixels of the screen."""
    viewport = window.canvas.viewport
    begin = pin.mapTo(viewport, pin.rect().center())
    qtbot.mousePress(pin, LEFT, pos=pin.mapFrom(viewport, begin))
    for share in (0.25, 0.5, 1.0):
        qtbot.mouseMove(pin, pin.mapFrom(viewport, begin + by * share))
    qtbot.mouseRelease(pin, LEFT, pos=pin.mapFrom(viewport, begin + by))


def told(pin: Pin) -> tuple[OverlayMap, OverlayStyle, QRectF]:
    return pin.map, pin.overlay_style, pin.rect_on_picture


def test_they_are_there_again_when_the_picture_is(qtbot: QtBot, looking: MainWindow) -> None:
    pins, do = looking.canvas.pins, looking.commands
    do.pin_map.trigger()
    qtbot.keyClick(pins.all[0], Qt.Key.Key_Right)
    do.layer_up.trigger()
    do.pin_map.trigger()
    low, high = pins.all
    qtbot.keyClick(high, Qt.Key.Key_Down, CTRL)
    drag(qtbot, looking, high, QPoint(-60, 45))
    qtbot.keyClick(high, Qt.Key.Key_Left, SHIFT)
    qtbot.mouseClick(low, LEFT, pos=low.bar.geometry().center())
    assert pins.all == (high, low), "what was taken is on top"
    before, drawn = [told(pin) for pin in pins.all], pixels(looking.canvas.composed())
    assert before[0][0].title != before[1][0].title
    assert before[0][1] != before[1][1]
    turn(qtbot, looking, 1)
    assert pins.all == ()
    assert looking.canvas.map is not None
    assert pins.elsewhere == 2
    do.pin_map.trigger()
    (other,) = map(told, pins.all)
    turn(qtbot, looking, 2)
    assert pins.all == ()
    turn(qtbot, looking, 0)
    assert [told(pin) for pin in pins.all] == before
    assert np.array_equal(pixels(looking.canvas.composed()), drawn)
    assert all(pin.isVisible() for pin in pins.all)
    assert pins.current is None
    assert looking.strip.list.hasFocus(), "they do not take the keyboard"
    pins.step()
    assert pins.current is pins.all[-1]
    assert told(pins.all[-1])[0] is before[1][0], "Tab and F8 go through them in the order they were pinned in"
    turn(qtbot, looking, 1)
    assert [told(pin) for pin in pins.all] == [other]


def test_they_lie_where_they_did_on_the_screen(qtbot: QtBot, looking: MainWindow) -> None:
    canvas = looking.canvas
    looking.commands.pin_map.trigger()
    (pin,) = canvas.pins.all
    drag(qtbot, looking, pin, QPoint(30, -20))
    where = pin.geometry()
    looking.commands.next.trigger()
    wait_for(qtbot, looking, 1)
    canvas.zoom_in()
    looking.commands.previous.trigger()
    wait_for(qtbot, looking, 0)
    (pin,) = canvas.pins.all
    assert pin.geometry() == where
    assert pin.isVisible()


def test_removed_ones_stay_away(qtbot: QtBot, looking: MainWindow) -> None:
    pins = looking.canvas.pins
    entries = {action.text().partition("\t")[0]: action for action in looking.commands.pinned.actions()}
    for row in (0, 1):
        turn(qtbot, looking, row)
        looking.commands.pin_map.trigger()
        looking.commands.pin_map.trigger()
    entries["Remove all"].trigger()
    turn(qtbot, looking, 0)
    assert len(pins) == 2
    qtbot.keyClick(pins.all[0], Qt.Key.Key_Delete)
    turn(qtbot, looking, 1)
    assert pins.all == ()
    assert not entries["Remove all"].isEnabled()
    assert entries["Remove all from every picture"].isEnabled()
    entries["Remove all from every picture"].trigger()
    assert not entries["Remove all from every picture"].isEnabled()
    turn(qtbot, looking, 0)
    assert pins.all == ()


def test_closing_a_picture_forgets_its_lenses(qtbot: QtBot, looking: MainWindow) -> None:
    pins, do = looking.canvas.pins, looking.commands
    for row in (0, 1):
        turn(qtbot, looking, row)
        do.pin_map.trigger()
    do.close_picture.trigger()  # the second one, which is shown
    qtbot.waitUntil(lambda: len(looking.session.entries) == 2)
    wait_for(qtbot, looking, 0)
    assert (len(pins), pins.elsewhere) == (1, 0)
    turn(qtbot, looking, 2)
    assert (len(pins), pins.elsewhere) == (0, 1)
    do.close_all.trigger()
    assert (len(pins), pins.elsewhere) == (0, 0)


def test_file_that_has_another_size_by_now_has_none(qtbot: QtBot) -> None:
    app.application()
    canvas = Canvas()
    qtbot.addWidget(canvas)
    canvas.show_picture(build(plain(40, 30)), key=1)
    canvas.pins.pin(noise(40, 30))
    for size, expected in (((40, 30), 1), ((80, 60), 0), ((40, 30), 0)):
        canvas.show_picture(build(plain(20, 20)), key=2)
        assert len(canvas.pins) == 0
        canvas.show_picture(build(plain(*size)), key=1)
        assert len(canvas.pins) == expected


def test_picture_without_a_key_keeps_none(qtbot: QtBot) -> None:
    app.application()
    canvas = Canvas()
    qtbot.addWidget(canvas)
    for _ in range(2):
        canvas.show_picture(build(plain(40, 30)))
        assert len(canvas.pins) == 0
        canvas.pins.pin(noise(40, 30))
    canvas.show_picture(None)
    assert (len(canvas.pins), canvas.pins.elsewhere) == (0, 0)


def test_map_does_not_keep_those_of_all_layers() -> None:
    every = np.random.default_rng(3).random((12, 12, 17, 4, 4)).astype(np.float32)
    shown = OverlayMap(every[3, 2, 1], layout(40, 30))
    np.testing.assert_array_equal(shown.values, every[3, 2, 1])
    assert not np.shares_memory(shown.values, every)
    assert shown.values.base is None
    with pytest.raises(ValueError, match="read-only"):
        shown.values[0, 0] = 1


def state(seed: int) -> PinState:
    return PinState(noise(40, 30, seed=seed), OverlayStyle(), QRectF(0, 0, 8, 8))


def test_memory_is_bounded() -> None:
    one = state(0).nbytes
    assert one == 4 * 4 * 4 + OVERHEAD_BYTES
    kept = KeptPins(budget_bytes=10 * one)
    for key in range(5):
        kept.put(key, tuple(state(key) for _ in range(3)))
        assert kept.nbytes <= 10 * one
    assert [len(kept.take(key)) for key in range(5)] == [0, 0, 3, 3, 3], "those left first go first"
    assert kept.nbytes == 0
    kept.put(7, tuple(state(key) for key in range(20)))
    assert len(kept) == 20, "those of the picture left last stay"
    kept.put(8, (state(1),))
    assert len(kept) == 1
    kept.put(8, ())
    assert len(kept) == 0

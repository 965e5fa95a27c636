"""Lenses on the picture, moved by mouse events and keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QAction, QClipboard, QDrag, QDropEvent, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cocadesk.gui import app
from cocadesk.gui.canvas import Canvas
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.overlays.overlay_map import MAP_MIME, OverlayMap, map_mime, style_from_mime
from cocadesk.gui.overlays.pin import RIM, SMALLEST, Pin
from cocadesk.gui.overlays.style import FAINTEST, OverlayStyle
from cocadesk.gui.pyramid import build
from cocadesk.media.colour_maps import anchors
from tests.gui.driving import ACTION, BUTTON, NO_KEYS, WAIT_MS, drop, file_urls
from tests.gui.overlays_at_hand import GREY, layout, noise, pixels, plain

WIDTH, HEIGHT = 600, 450
TOP = anchors("inferno")[-1]
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
LEFT = Qt.MouseButton.LeftButton


def even(value: float, title: str = "even") -> OverlayMap:
    """The same value everywhere; `HIGH` shows 1 in the top colour and 0 in the lowest."""
    return OverlayMap(np.full((4, 4), value, np.float32), layout(WIDTH, HEIGHT, mode="squash"), title)


HIGH = OverlayStyle(opacity=1.0, limits=(0, 1))


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    app.application()
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(640, 480)
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    made.show_picture(build(plain(WIDTH, HEIGHT)))
    qtbot.waitUntil(made.isActiveWindow, timeout=WAIT_MS)
    QApplication.processEvents()
    return made


def put(canvas: Canvas, x: float, y: float, width: float, height: float, *, value: float = 1.0) -> Pin:
    """A lens at that place on the picture that shows one value."""
    pin = canvas.pins.pin(even(value, f"map {value}"), HIGH)
    pin.set_rect(QRectF(x, y, width, height))
    QApplication.processEvents()
    return pin


def to_widget(canvas: Canvas, pin: Pin, x: float, y: float) -> QPoint:
    """Where a place on the picture is on the lens's widget."""
    return pin.mapFrom(canvas.viewport, canvas.plane.map(QPointF(x, y)).toPoint())


def drag(qtbot: QtBot, canvas: Canvas, pin: Pin, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Press the lens at one place of the picture, move in steps, let go at another."""
    qtbot.mousePress(pin, LEFT, pos=to_widget(canvas, pin, *begin))
    for share in np.linspace(0, 1, 6)[1:]:
        at = np.array(begin) + (np.array(end) - np.array(begin)) * share
        qtbot.mouseMove(pin, to_widget(canvas, pin, *at))
        QApplication.processEvents()
    qtbot.mouseRelease(pin, LEFT, pos=to_widget(canvas, pin, *end))


def close_to(rect: QRectF, *expected: float) -> bool:
    found = (rect.x(), rect.y(), rect.width(), rect.height())
    return bool(np.abs(np.subtract(found, expected)).max() <= 2.0)


def test_lens_shows_its_own_map_and_nothing_else_within(canvas: Canvas) -> None:
    canvas.set_overlay_style(HIGH)
    canvas.show_map(even(0.0))
    put(canvas, 100, 100, 200, 150)
    image = pixels(canvas.composed())
    assert np.abs(image[175, 200] - TOP).max() <= 2
    assert np.abs(image[101, 101] - TOP).max() <= 2
    assert np.abs(image[248, 298] - TOP).max() <= 2
    for x, y in ((98, 120), (302, 120), (200, 98), (200, 252)):
        assert np.abs(image[y, x] - anchors("inferno")[0]).max() <= 2
    assert np.abs(pixels(canvas.viewport.grab().toImage())[tuple(spot(canvas, 200, 175))] - TOP).max() <= 2


def spot(canvas: Canvas, x: float, y: float) -> tuple[int, int]:
    place = canvas.plane.map(QPointF(x, y))
    return int(place.y()), int(place.x())


def test_faded_lens_shows_the_bare_picture_and_not_the_map_below(canvas: Canvas) -> None:
    canvas.set_overlay_style(HIGH)
    canvas.show_map(even(1.0))
    pin = put(canvas, 100, 100, 200, 150, value=0.0)
    pin.set_opacity(0.5)
    expected = 0.5 * np.array(GREY) + 0.5 * anchors("inferno")[0]
    assert np.abs(pixels(canvas.composed())[175, 200] - expected).max() <= 2


def test_topmost_lens_wins_and_a_click_brings_one_to_the_front(qtbot: QtBot, canvas: Canvas) -> None:
    low = put(canvas, 100, 100, 200, 150, value=0.0)
    high = put(canvas, 200, 150, 200, 150, value=1.0)
    assert canvas.pins.all == (low, high)
    assert np.abs(pixels(canvas.composed())[200, 250] - TOP).max() <= 2
    qtbot.mouseClick(low, LEFT, pos=to_widget(canvas, low, 120, 120))
    assert canvas.pins.all == (high, low)
    assert canvas.pins.current is low
    assert np.abs(pixels(canvas.composed())[200, 250] - anchors("inferno")[0]).max() <= 2
    assert np.abs(pixels(canvas.composed())[280, 350] - TOP).max() <= 2


def test_dragging_moves_it_with_the_pointer(qtbot: QtBot, canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 200, 150)
    before = canvas.seen
    drag(qtbot, canvas, pin, (200, 175), (260, 215))
    assert close_to(pin.rect_on_picture, 160, 140, 200, 150)
    assert canvas.seen == before, "the picture stays"
    assert np.abs(pixels(canvas.composed())[285, 355] - TOP).max() <= 2


@pytest.mark.parametrize(
    ("begin", "by", "expected"),
    [
        ((300, 250), (50, 40), (100, 100, 250, 190)),
        ((100, 100), (-40, -30), (60, 70, 240, 180)),
        ((300, 175), (60, 99), (100, 100, 260, 150)),
        ((200, 250), (77, 60), (100, 100, 200, 210)),
        ((300, 100), (20, 30), (100, 130, 220, 120)),
    ],
    ids=["corner", "first corner", "right edge", "bottom edge", "upper right corner"],
)
def test_dragging_an_edge_or_a_corner_resizes_it(
    qtbot: QtBot,
    canvas: Canvas,
    begin: tuple[float, float],
    by: tuple[float, float],
    expected: tuple[float, float, float, float],
) -> None:
    pin = put(canvas, 100, 100, 200, 150)
    drag(qtbot, canvas, pin, begin, (begin[0] + by[0], begin[1] + by[1]))
    assert close_to(pin.rect_on_picture, *expected), pin.rect_on_picture


def test_it_can_neither_be_lost_nor_made_too_small_to_take(qtbot: QtBot, canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 200, 150)
    drag(qtbot, canvas, pin, (300, 250), (80, 90))
    assert pin.rect_on_picture.width() * canvas.zoom >= SMALLEST.width() - 1
    assert pin.rect_on_picture.height() * canvas.zoom >= SMALLEST.height() - 1
    pin.set_rect(QRectF(-5000, 9000, 200, 150))
    assert canvas.picture_rect.contains(pin.rect_on_picture.center())


def test_it_follows_the_picture(canvas: Canvas) -> None:
    pin = put(canvas, 250, 200, 100, 80)
    for _ in range(2):
        canvas.zoom_in()
    lens = canvas.plane.mapRect(pin.rect_on_picture)
    assert pin.geometry().left() == pytest.approx(lens.left() - RIM, abs=1)
    assert pin.geometry().right() == pytest.approx(lens.right() + RIM, abs=1)
    for _ in range(30):
        canvas.zoom_in()
    assert pin.width() <= canvas.viewport.width() + 8 * RIM, "no widget larger than the screen"
    assert pin.bar.mapTo(canvas.viewport, QPoint()).y() >= 0, "the bar stays in reach"


def wheel(canvas: Canvas, pin: Pin, turn: int, held: Qt.KeyboardModifier) -> bool:
    """Turn the wheel over a lens. Whether it took that."""
    at = QPointF(to_widget(canvas, pin, 200, 175))
    event = QWheelEvent(
        at, pin.mapToGlobal(at), QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton, held, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    QApplication.sendEvent(pin, event)
    return event.isAccepted()


def test_ctrl_and_wheel_fades_and_the_wheel_alone_zooms_the_picture(canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 200, 150)
    for _ in range(2):
        assert wheel(canvas, pin, -120, CTRL)
    assert pin.overlay_style.opacity == pytest.approx(0.8)
    for _ in range(20):
        wheel(canvas, pin, -120, CTRL)
    assert pin.overlay_style.opacity == pytest.approx(FAINTEST)
    assert not wheel(canvas, pin, 120, NO_KEYS)
    assert pin.overlay_style.opacity == pytest.approx(FAINTEST)
    zoom = canvas.zoom
    QTest.wheelEvent(canvas.windowHandle(), canvas.plane.map(QPointF(200, 175)), QPoint(0, 120))
    assert canvas.zoom > zoom


def test_slider_and_cross_of_the_bar(qtbot: QtBot, canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 300, 150)
    assert pin.bar.opacity.value() == 100
    pin.bar.opacity.setValue(40)
    assert pin.overlay_style.opacity == pytest.approx(0.4)
    assert np.abs(pixels(canvas.composed())[175, 200] - (0.4 * TOP + 0.6 * np.array(GREY))).max() <= 2
    assert pin.bar.title.text() == "map 1.0"
    qtbot.mouseClick(pin.bar.dismiss, LEFT)
    assert canvas.pins.all == ()
    assert np.abs(pixels(canvas.composed())[175, 200] - np.array(GREY)).max() <= 1


def test_keys_move_resize_fade_and_remove(qtbot: QtBot, canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 200, 150)
    assert QApplication.focusWidget() is pin
    step = 8 / canvas.zoom
    qtbot.keyClick(pin, Qt.Key.Key_Right)
    qtbot.keyClick(pin, Qt.Key.Key_Down)
    assert close_to(pin.rect_on_picture, 100 + step, 100 + step, 200, 150)
    qtbot.keyClick(pin, Qt.Key.Key_Left, SHIFT)
    qtbot.keyClick(pin, Qt.Key.Key_Down, SHIFT)
    assert close_to(pin.rect_on_picture, 100 + step, 100 + step, 200 - step, 150 + step)
    qtbot.keyClick(pin, Qt.Key.Key_Down, CTRL)
    assert pin.overlay_style.opacity == pytest.approx(0.9)
    qtbot.keyClick(pin, Qt.Key.Key_Up, CTRL)
    assert pin.overlay_style.opacity == pytest.approx(1.0)
    qtbot.keyClick(pin, Qt.Key.Key_Delete)
    assert canvas.pins.all == ()
    assert QApplication.focusWidget() is canvas.view
    seen = canvas.seen.center()
    qtbot.keyClick(canvas.view, Qt.Key.Key_Right)
    assert canvas.seen.center().x() > seen.x(), "arrows move the picture again"


def test_tab_goes_from_lens_to_lens_and_on(qtbot: QtBot, canvas: Canvas) -> None:
    pins = [put(canvas, 50 * number, 50 * number, 150, 100) for number in range(3)]
    canvas.view.setFocus()
    for expected in pins:
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        assert QApplication.focusWidget() is expected
        assert canvas.pins.current is expected
        assert canvas.pins.all[-1] is expected, "the one that has the keyboard is on top"
    qtbot.keyClick(pins[2], Qt.Key.Key_Tab)
    assert QApplication.focusWidget() not in pins, "Tab leads out again"
    pins[1].setFocus()
    qtbot.keyClick(pins[1], Qt.Key.Key_Backtab)
    assert QApplication.focusWidget() is pins[0]
    qtbot.keyClick(pins[0], Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is canvas.view
    assert canvas.pins.current is None


def test_picture_is_dragged_beside_lenses(qtbot: QtBot, canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 200, 150)
    canvas.zoom_in()
    start, rect = canvas.seen.center(), pin.rect_on_picture
    surface, begin = canvas.viewport, canvas.plane.map(QPointF(450, 350)).toPoint()
    qtbot.mousePress(surface, LEFT, pos=begin)
    for step in range(1, 11):
        qtbot.mouseMove(surface, begin - QPoint(5 * step, 0))
        QApplication.processEvents()
    qtbot.mouseRelease(surface, LEFT, pos=begin - QPoint(50, 0))
    assert canvas.seen.center().x() > start.x() + 20
    assert pin.rect_on_picture == rect, "it stays where it is on the picture"
    assert canvas.pins.current is None


def test_another_map_is_shown_live(canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 200, 150, value=0.0)
    pin.set_map(even(1.0, "“cat” · layer 3 · mean"))
    assert np.abs(pixels(canvas.composed())[175, 200] - TOP).max() <= 2
    assert pin.bar.title.text() == "“cat” · layer 3 · mean"
    assert pin.accessibleName() == "Overlay “cat” · layer 3 · mean"


def test_dragging_the_grip_carries_file_pixels_and_map(
    qtbot: QtBot, canvas: Canvas, monkeypatch: pytest.MonkeyPatch
) -> None:
    carried: list[QMimeData] = []

    def run(self: QDrag, *_: object) -> Qt.DropAction:
        assert not self.pixmap().isNull()
        carried.append(self.mimeData())
        seen.append((file := Path(self.mimeData().urls()[0].toLocalFile())).name)
        images.append(QImage(str(file)))
        return Qt.DropAction.CopyAction

    seen: list[str] = []
    images: list[QImage] = []
    monkeypatch.setattr(QDrag, "exec", run)
    canvas.set_overlay_style(HIGH)
    canvas.show_map(even(0.0))
    pin = put(canvas, 100, 100, 200, 150)
    pin.set_map(even(1.0, "“cat” · layer 3 / mean"))
    rect = pin.rect_on_picture
    qtbot.mousePress(pin.bar.grip, LEFT)
    for step in range(1, 6):
        qtbot.mouseMove(pin.bar.grip, pin.bar.grip.rect().center() + QPoint(8 * step, 8 * step))
    qtbot.mouseRelease(pin.bar.grip, LEFT)
    assert len(carried) == 1
    assert carried[0].hasFormat(MAP_MIME)
    assert seen == ["cat-layer-3-mean.png"]
    assert pin.rect_on_picture == rect, "the lens itself stays"
    assert style_from_mime(carried[0]) == pin.overlay_style
    for image in (images[0], carried[0].imageData()):
        drawn = pixels(image)
        assert drawn.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(drawn[175, 200] - TOP).max() <= 2
        assert np.abs(drawn[50, 50] - np.array(GREY)).max() <= 1, "without the map over the whole picture"


def test_copying_the_picture_with_it(qtbot: QtBot, canvas: Canvas, clipboard: QClipboard) -> None:
    told: list[str] = []
    canvas.pins.told.connect(told.append)
    pin = put(canvas, 100, 100, 200, 150)
    qtbot.keyClick(pin, Qt.Key.Key_C, CTRL)
    assert np.abs(pixels(clipboard.image())[175, 200] - TOP).max() <= 2
    assert told == ["Picture with the overlay copied"]


def test_saving_the_picture_with_it(qtbot: QtBot, canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 200, 150)

    def entry() -> QAction:
        return next(action for action in pin.menu().actions() if action.text().startswith("Save"))

    assert not entry().isEnabled(), "nobody writes files here"
    qtbot.keyClick(pin, Qt.Key.Key_S, CTRL)
    asked: list[Pin] = []
    canvas.pins.save_with(asked.append)
    assert entry().isEnabled()
    qtbot.keyClick(pin, Qt.Key.Key_S, CTRL)
    assert asked == [pin]
    paint = canvas.pins.composer(pin)
    canvas.set_overlay_style(HIGH)
    canvas.show_map(even(0.0))
    pin.set_map(even(0.0))
    drawn = pixels(paint())
    assert np.abs(drawn[175, 200] - TOP).max() <= 2, "as it was when it was asked for"
    assert np.abs(drawn[50, 50] - np.array(GREY)).max() <= 1, "without the map over the whole picture"


def test_its_menu_lists_what_the_mouse_does_with_the_keys(canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 200, 150)
    menu = pin.menu()
    texts = [action.text() for action in menu.actions() if action.text()]
    assert "Remove\tDel" in texts
    assert "Fainter\tCtrl+Down" in texts
    next(action for action in menu.actions() if action.text().startswith("Fainter")).trigger()
    assert pin.overlay_style.opacity == pytest.approx(0.9)
    next(action for action in menu.actions() if action.text().startswith("Remove")).trigger()
    assert canvas.pins.all == ()


def test_another_picture_takes_them_off_and_they_can_be_put_back(canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 200, 150)
    pin.set_opacity(0.4)
    kept = canvas.pins.state
    canvas.show_picture(build(plain(WIDTH, HEIGHT)))
    assert canvas.pins.all == ()
    canvas.pins.restore(kept)
    (again,) = canvas.pins.all
    assert close_to(again.rect_on_picture, 100, 100, 200, 150)
    assert again.overlay_style.opacity == pytest.approx(0.4)


def test_new_lenses_do_not_hide_each_other(canvas: Canvas) -> None:
    centres = {canvas.pins.pin(even(1.0)).rect_on_picture.center().toTuple() for _ in range(4)}
    assert len(centres) == 4


@pytest.mark.parametrize("size", [(1, 1), (30_000, 20), (20, 30_000)])
def test_lens_on_a_picture_of_any_shape_can_be_taken(qtbot: QtBot, canvas: Canvas, size: tuple[int, int]) -> None:
    canvas.show_picture(build(plain(*size)))
    pin = canvas.pins.pin(noise(*size))
    QApplication.processEvents()
    assert pin.isVisible()
    assert pin.width() >= SMALLEST.width()
    qtbot.keyClick(pin, Qt.Key.Key_Right)
    assert canvas.viewport.grab().toImage().width() == canvas.viewport.width()


def test_map_dropped_on_the_picture_is_pinned_there(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    drop(window, file_urls([picture_file]))
    canvas = window.canvas
    qtbot.waitUntil(lambda: not canvas.is_empty, timeout=WAIT_MS)
    QApplication.processEvents()
    told: list[Pin] = []
    canvas.dropped_map.connect(told.append)
    shown = noise(80, 60)
    where = canvas.viewport.mapTo(window, canvas.plane.map(QPointF(30, 20)).toPoint())
    assert drop(window, map_mime(shown), where)
    (pin,) = canvas.pins.all
    assert told == [pin]
    assert pin.map is shown
    assert (pin.rect_on_picture.center().x(), pin.rect_on_picture.center().y()) == pytest.approx((30, 20), abs=1)
    assert len(window.session.entries) == 1


def test_map_of_another_picture_is_refused_and_files_go_to_the_window(
    qtbot: QtBot, window: MainWindow, picture_file: Path, many_files: list[Path]
) -> None:
    drop(window, file_urls([picture_file]))
    qtbot.waitUntil(lambda: not window.canvas.is_empty, timeout=WAIT_MS)
    where = window.canvas.viewport.mapTo(window, window.canvas.viewport.rect().center())
    assert not drop(window, map_mime(noise(81, 60)), where)
    assert window.canvas.pins.all == ()
    assert drop(window, file_urls(many_files), where)
    qtbot.waitUntil(lambda: len(window.session.entries) == 6, timeout=WAIT_MS)


def test_map_dropped_elsewhere_is_no_picture_to_open(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    drop(window, file_urls([picture_file]))
    qtbot.waitUntil(lambda: not window.canvas.is_empty, timeout=WAIT_MS)
    mime = map_mime(noise(80, 60))
    mime.setUrls(file_urls([picture_file]).urls())
    assert not drop(window, mime, QPoint(20, window.height() - 60))
    assert len(window.session.entries) == 1


def test_drop_event_of_something_else_is_left_alone(canvas: Canvas) -> None:
    mime = file_urls([Path("a.png")])  # the event does not own it
    canvas.dropEvent(QDropEvent(QPointF(50, 50), ACTION, mime, BUTTON, NO_KEYS))
    assert canvas.pins.all == ()


def test_lens_tells_the_place_under_the_pointer(qtbot: QtBot, canvas: Canvas) -> None:
    pin = put(canvas, 100, 100, 200, 150)
    told: list[QPointF | None] = []
    canvas.pointed.connect(told.append)
    qtbot.mouseMove(pin, to_widget(canvas, pin, 200, 175))
    qtbot.waitUntil(lambda: bool(told) and told[-1] is not None, timeout=WAIT_MS)
    place = told[-1]
    assert place is not None
    assert (place.x(), place.y()) == pytest.approx((200, 175), abs=1)


def test_frame_of_a_lens_does_not_show_through_the_one_on_top(canvas: Canvas) -> None:
    put(canvas, 100, 100, 200, 150, value=0.0)
    put(canvas, 150, 120, 300, 300, value=1.0)
    screen = pixels(canvas.viewport.grab().toImage())
    row, column = spot(canvas, 200, 250)  # on the lower edge of the one below
    assert np.abs(screen[row - 4 : row + 5, column] - TOP).max() <= 2
    row, column = spot(canvas, 120, 250)
    assert np.abs(screen[row - 4 : row + 5, column] - TOP).max() > 50, "beside it the edge is there"


def test_menu_of_the_window_works_on_the_lens_taken_last(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    entries = {action.text().partition("\t")[0]: action for action in window.commands.pinned.actions()}
    assert not entries["Remove"].isEnabled()
    drop(window, file_urls([picture_file]))
    qtbot.waitUntil(lambda: not window.canvas.is_empty, timeout=WAIT_MS)
    pins = window.canvas.pins
    first, second = (pins.pin(noise(80, 60, seed=number), OverlayStyle(opacity=0.5)) for number in range(2))
    pins.leave()
    entries["Next overlay"].trigger()
    assert pins.current is first
    entries["More opaque"].trigger()
    assert first.overlay_style.opacity == pytest.approx(0.6)
    entries["Next overlay"].trigger()
    assert pins.current is second
    entries["Next overlay"].trigger()
    assert pins.current is first
    entries["Remove"].trigger()
    assert pins.all == (second,)
    entries["Remove all"].trigger()
    assert pins.all == ()
    assert not entries["Remove"].isEnabled()
    assert entries["Next overlay"].shortcut().toString() == "F8"


@pytest.mark.parametrize("at", [(-90, 100), (500, 100), (570, 100), (100, -70), (-90, -70)])
def test_bar_of_a_lens_that_is_partly_off_the_screen_stays_in_reach(
    qtbot: QtBot, canvas: Canvas, at: tuple[float, float]
) -> None:
    canvas.see(QRectF(0, 0, WIDTH, HEIGHT))
    pin = put(canvas, *at, 200, 150)
    pin._rect = QRectF(*at, 200, 150)  # as if the picture had been moved below it
    pin.place()
    viewport = canvas.viewport.rect()
    bar = pin.bar.geometry().translated(pin.pos())
    assert viewport.contains(bar)
    seen = canvas.plane.mapRect(pin.rect_on_picture).toAlignedRect() & viewport
    assert bar.width() == pytest.approx(max(seen.width(), SMALLEST.width()), abs=2)
    if seen.width() >= SMALLEST.width():
        assert bar.left() == pytest.approx(seen.left(), abs=2)
    dismiss = pin.bar.dismiss
    middle = dismiss.mapTo(canvas.viewport, dismiss.rect().center())
    assert canvas.viewport.childAt(middle) is dismiss
    qtbot.mouseClick(dismiss, LEFT)
    assert canvas.pins.all == ()


@pytest.mark.parametrize("at", [(5, 5), (595, 445), (300, 2), (599, 200)])
def test_map_dropped_near_an_edge_stays_on_the_picture(canvas: Canvas, at: tuple[float, float]) -> None:
    pin = canvas.pins.pin(even(1.0), HIGH, at=QPointF(*at))
    assert QRectF(-0.5, -0.5, WIDTH + 1, HEIGHT + 1).contains(pin.rect_on_picture)
    assert pin.rect_on_picture.adjusted(-1, -1, 1, 1).contains(QPointF(*at))


def test_legend_tells_what_is_under_the_pointer_when_a_lens_was_moved_there(qtbot: QtBot, canvas: Canvas) -> None:
    canvas.set_overlay_style(HIGH)
    canvas.show_map(even(0.25, "the whole picture"))
    pin = put(canvas, 100, 100, 200, 150, value=0.75)
    qtbot.mouseMove(canvas.viewport, canvas.plane.map(QPointF(40, 40)).toPoint())
    qtbot.waitUntil(lambda: "0.25" in canvas._legend.accessibleDescription(), timeout=WAIT_MS)
    drag(qtbot, canvas, pin, (200, 175), (420, 340))
    assert "0.75" in canvas._legend.accessibleDescription()

"""Marking a region with the mouse and the keyboard, and asking the model with and without it."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QClipboard, QMouseEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cocadesk.errors import InputError
from cocadesk.gui.entries import EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.masking.tools import Tool
from cocadesk.gui.panels.testing_panel import RUN
from cocadesk.gui.testing import Kind
from cocadesk.gui.widgets.change_view import ChangeView, signed
from cocadesk.gui.wording import probability
from cocadesk.store.settings import Settings
from cocadesk.types import CaptionOptions, Clip, ModelRequest, Picture, Token
from cocadesk.work.regions import covered
from tests.fakes.answerer import FakeAnswerer
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.pictures import quadrants
from tests.fakes.reader import FakeClassifier
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_states
from tests.gui.side import ASKED, ReadingCaptioner, loader, open_files, select

LEFT = Qt.MouseButton.LeftButton
NO_KEYS = Qt.KeyboardModifier.NoModifier
TESTING = Settings(tab="test", ask_model=ASKED)


class Scoring(ReadingCaptioner):
    """Ranks, captions and scores, as a CoCa does."""

    def __init__(self) -> None:
        super().__init__()
        self.score = FakeCaptioner().score


@pytest.fixture
def opened(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> MainWindow:
    """The Test tab with a picture of 80 × 60 pixels on the canvas."""
    window = make_window(settings=TESTING, loader=loader(FakeAnswerer(), Scoring()))
    open_files(qtbot, window, [picture_file])
    qtbot.waitUntil(lambda: not window.canvas.is_empty)
    return window


def spot(window: MainWindow, x: float, y: float) -> QPoint:
    """A place of the picture on the screen."""
    return window.canvas.plane.map(QPointF(x, y)).toPoint()


def drag(qtbot: QtBot, window: MainWindow, *places: tuple[float, float]) -> None:
    """Press at the first place of the picture, move along the others, let go at the last."""
    layer = window.tests.layer
    spots = [spot(window, *place) for place in places]
    qtbot.mousePress(layer, LEFT, pos=spots[0])
    for place in spots[1:]:
        qtbot.mouseMove(layer, place)
    qtbot.mouseRelease(layer, LEFT, pos=spots[-1])


def take(qtbot: QtBot, window: MainWindow, tool: Tool) -> None:
    qtbot.mouseClick(window.tests.panel.tools[tool], LEFT)
    assert window.tests.layer.tool is tool


def mask(window: MainWindow) -> np.ndarray:
    region = window.tests.layer.region
    assert region is not None
    return covered(region.region, region.size)


def run(qtbot: QtBot, window: MainWindow) -> None:
    panel = window.tests.panel
    panel.run.setFocus()
    qtbot.keyClick(panel.run, Qt.Key.Key_Space)
    assert panel.stop.hasFocus() or not panel.stop.isVisible(), "the keyboard goes along"
    qtbot.waitUntil(lambda: not window.tests.is_busy, timeout=WAIT_MS)


def choose(qtbot: QtBot, window: MainWindow, kind: Kind) -> None:
    qtbot.mouseClick(window.tests.panel.kinds[kind], LEFT)
    assert window.tests.panel.run.text() == RUN[kind]


def test_a_rectangle_covers_what_was_dragged_over(qtbot: QtBot, opened: MainWindow) -> None:
    take(qtbot, opened, Tool.RECTANGLE)
    drag(qtbot, opened, (70, 50), (50, 35), (41, 31))
    rows, columns = np.nonzero(mask(opened))
    zoom = opened.canvas.zoom
    for edge, at in zip((columns.min(), columns.max() + 1, rows.min(), rows.max() + 1), (41, 70, 31, 50), strict=True):
        assert abs(edge - at) <= 1 + 1 / zoom


def test_the_hatch_is_seen_where_it_is_drawn_and_nowhere_else(qtbot: QtBot, opened: MainWindow) -> None:
    canvas = opened.canvas
    before = canvas.viewport.grab().toImage()
    take(qtbot, opened, Tool.RECTANGLE)
    drag(qtbot, opened, (0, 0), (40, 30))
    opened.tests.layer.take(None)
    after = canvas.viewport.grab().toImage()
    ratio = after.devicePixelRatio()

    def changed(x: float, y: float) -> float:
        place = spot(opened, x, y) * ratio
        area = [(place.x() + across, place.y() + down) for across in range(-8, 9) for down in range(-8, 9)]
        return float(np.mean([before.pixelColor(*at) != after.pixelColor(*at) for at in area]))

    assert changed(20, 15) == 1.0
    for outside in ((60, 15), (20, 45), (60, 45)):
        assert changed(*outside) == 0.0
    shades = {after.pixelColor(x, spot(opened, 20, 15).y()).lightness() // 16 for x in range(*_span(opened, 5, 35))}
    assert len(shades) > 2  # lines, not a plain tint


def _span(window: MainWindow, left: float, right: float) -> tuple[int, int]:
    return spot(window, left, 15).x(), spot(window, right, 15).x()


def test_a_lasso_a_brush_and_an_eraser(qtbot: QtBot, opened: MainWindow) -> None:
    take(qtbot, opened, Tool.LASSO)
    drag(qtbot, opened, (10, 10), (30, 10), (10, 30))
    assert mask(opened)[14, 14]
    assert not mask(opened)[28, 28]
    take(qtbot, opened, Tool.BRUSH)
    drag(qtbot, opened, (50, 50), (70, 50))
    assert mask(opened)[50, 60]
    assert not mask(opened)[40, 60]
    take(qtbot, opened, Tool.ERASER)
    drag(qtbot, opened, (60, 40), (60, 58))
    assert not mask(opened)[50, 60]
    assert mask(opened)[50, 52]
    do = opened.tests.do
    do.undo.trigger()
    assert mask(opened)[50, 60]
    do.clear.trigger()
    assert not mask(opened).any()
    do.undo.trigger()
    assert mask(opened)[50, 60]


def test_the_brush_grows(qtbot: QtBot, opened: MainWindow) -> None:
    take(qtbot, opened, Tool.BRUSH)
    drag(qtbot, opened, (40, 30), (41, 30))
    small = mask(opened).sum()
    opened.tests.do.undo.trigger()
    opened.tests.panel.brush.setValue(opened.tests.panel.brush.maximum())
    drag(qtbot, opened, (40, 30), (41, 30))
    assert mask(opened).sum() > 5 * small
    radius = opened.tests.layer.radius
    assert mask(opened).sum() == pytest.approx(math.pi * radius**2 + 2 * radius, rel=0.08)


def test_everything_is_drawn_with_the_keyboard(qtbot: QtBot, opened: MainWindow) -> None:
    layer = opened.tests.layer
    opened.tests.do.tools[Tool.RECTANGLE].trigger()
    assert layer.hasFocus()
    for _ in range(4):
        qtbot.keyClick(layer, Qt.Key.Key_Left)
    qtbot.keyClick(layer, Qt.Key.Key_Space)
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down):
        for _ in range(6):
            qtbot.keyClick(layer, key)
    qtbot.keyClick(layer, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(layer, Qt.Key.Key_Space)
    rows, columns = np.nonzero(mask(opened))
    step = 0.03 * 80
    assert columns.min() == pytest.approx(40 - 4 * step, abs=1)
    assert columns.max() == pytest.approx(40 + 2 * step + 0.004 * 80, abs=1)
    assert rows.min() == pytest.approx(30, abs=1)
    assert rows.max() == pytest.approx(30 + 6 * step, abs=1)
    assert layer.tool is Tool.RECTANGLE
    qtbot.keyClick(layer, Qt.Key.Key_Escape)
    assert layer.tool is None
    assert not opened.tests.panel.tools[Tool.RECTANGLE].isChecked()


def test_escape_forgets_a_stroke_before_the_tool(qtbot: QtBot, opened: MainWindow) -> None:
    layer = opened.tests.layer
    take(qtbot, opened, Tool.BRUSH)
    qtbot.mousePress(layer, LEFT, pos=spot(opened, 20, 20))
    qtbot.mouseMove(layer, spot(opened, 30, 20))
    qtbot.keyClick(layer, Qt.Key.Key_Escape)
    qtbot.mouseRelease(layer, LEFT, pos=spot(opened, 30, 20))
    assert not mask(opened).any()
    assert layer.tool is Tool.BRUSH


def test_without_a_tool_the_picture_is_dragged(qtbot: QtBot, opened: MainWindow) -> None:
    layer = opened.tests.layer
    assert layer.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    take(qtbot, opened, Tool.RECTANGLE)
    assert not layer.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    opened.commands.show_caption.trigger()
    assert layer.tool is None
    assert not layer.isVisible()


def test_the_middle_button_moves_the_picture_while_a_tool_is_taken_up(qtbot: QtBot, opened: MainWindow) -> None:
    take(qtbot, opened, Tool.BRUSH)
    layer, middle = opened.tests.layer, Qt.MouseButton.MiddleButton
    start = spot(opened, 20, 20)
    aim = start + QPoint(60, 40)
    qtbot.mousePress(layer, middle, pos=start)
    held = QMouseEvent.Type.MouseMove, QPointF(aim), layer.mapToGlobal(QPointF(aim)), middle, middle, NO_KEYS
    QApplication.sendEvent(layer, QMouseEvent(*held))
    qtbot.mouseRelease(layer, middle, pos=aim)
    place = opened.canvas.to_picture(QPointF(aim))
    assert (place.x(), place.y()) == pytest.approx((20, 20), abs=1)
    assert not mask(opened).any()


def test_picture_is_moved_in_the_middle_of_a_rectangle(qtbot: QtBot, opened: MainWindow) -> None:
    take(qtbot, opened, Tool.RECTANGLE)
    layer, middle = opened.tests.layer, Qt.MouseButton.MiddleButton

    def move(to: QPoint, held: Qt.MouseButton) -> None:
        event = QMouseEvent.Type.MouseMove, QPointF(to), layer.mapToGlobal(QPointF(to)), held, held, NO_KEYS
        QApplication.sendEvent(layer, QMouseEvent(*event))

    qtbot.mousePress(layer, LEFT, pos=spot(opened, 10, 10))
    move(spot(opened, 30, 20), LEFT)
    grasped = spot(opened, 30, 20)
    qtbot.mousePress(layer, middle, pos=grasped)
    assert layer.cursor().shape() == Qt.CursorShape.ClosedHandCursor
    move(grasped - QPoint(80, 50), LEFT | middle)
    qtbot.mouseRelease(layer, middle, pos=grasped - QPoint(80, 50))
    assert layer.cursor().shape() == Qt.CursorShape.CrossCursor
    assert spot(opened, 30, 20) == grasped - QPoint(80, 50)
    move(spot(opened, 50, 40), LEFT)
    qtbot.mouseRelease(layer, LEFT, pos=spot(opened, 50, 40))
    rows, columns = np.nonzero(mask(opened))
    for edge, at in zip((columns.min(), columns.max() + 1, rows.min(), rows.max() + 1), (10, 50, 10, 40), strict=True):
        assert abs(edge - at) <= 1 + 1 / opened.canvas.zoom


def test_words_change_with_the_region(qtbot: QtBot, opened: MainWindow, clipboard: QClipboard) -> None:
    take(qtbot, opened, Tool.RECTANGLE)
    drag(qtbot, opened, (-5, -5), (40, 30))
    opened.tests.panel.fill.setCurrentIndex(2)
    run(qtbot, opened)
    result = opened.tests.panel.result
    whole = np.asarray(quadrants())
    masked = whole.copy()
    masked[mask(opened)] = 128
    before, after = (pixels.mean() / 255 - 1.5 for pixels in (whole, masked))
    word = result.words.changed[1]
    assert word.token.text == " cat"
    assert word.token.logprob == pytest.approx(before)
    assert word.after.logprob == pytest.approx(after)
    assert after < before
    assert f"{probability(before)} with the whole picture, {probability(after)} without" in word.toolTip()
    assert result.table.rows[1].told == (
        f"Log-probability {before:.3f} with the whole picture, {after:.3f} without the region"
    )
    assert result.words.text == result.caption.text == "a cat on a green background"
    opened.commands.copy.trigger()
    assert clipboard.text().startswith("Whole picture\ta cat on a green background\nWithout the region\t")


def test_words_are_coloured_by_the_sign_and_size_of_their_change(qtbot: QtBot) -> None:
    view = ChangeView()
    qtbot.addWidget(view)
    view.resize(400, 80)
    changes = (2.5, -2.5, -0.2)
    view.show_change(
        [Token(0, at, at, f" word{at}", -3.0) for at in range(3)],
        [Token(0, at, at, f" word{at}", -3.0 + change) for at, change in enumerate(changes)],
    )
    view.show()
    image = view.grab().toImage()
    gained, lost, little = (image.pixelColor(word.x() + 3, word.y() + 5) for word in view.words)
    assert gained.green() > gained.red() + 30
    assert lost.red() > lost.green() + 30
    assert 0 < little.red() - little.green() < lost.red() - lost.green()
    assert [signed(word.change) for word in view.changed] == ["+2.5", "−2.5", "−0.2"]


def test_the_question_is_asked_of_both(qtbot: QtBot, opened: MainWindow) -> None:
    take(qtbot, opened, Tool.RECTANGLE)
    drag(qtbot, opened, (0, 0), (40, 30))
    choose(qtbot, opened, Kind.ASK)
    panel = opened.tests.panel
    run(qtbot, opened)
    assert panel.message.text() == "Type a question first."
    qtbot.keyClicks(panel.question, "How many?")
    assert not panel.message.isVisible()
    qtbot.keyClick(panel.question, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(panel.result.table.rows), timeout=WAIT_MS)
    assert panel.result.whole.text == panel.result.masked.text == "two green dogs"
    row = panel.result.table.rows[0]
    masked = np.asarray(quadrants()).copy()
    outside = masked[~mask(opened)].mean(0)
    masked[mask(opened)] = np.rint(outside)
    expected = 4 * (masked.mean() / 255 - 1.5)  # three words and the end
    assert row.told.endswith(f"{expected:.3f} without the region")
    assert row.whole == probability(-0.5 * 4)


def test_descriptions_are_ranked_again(qtbot: QtBot, opened: MainWindow) -> None:
    take(qtbot, opened, Tool.RECTANGLE)
    drag(qtbot, opened, (0, 0), (40, 30))
    choose(qtbot, opened, Kind.RANK)
    panel = opened.tests.panel
    run(qtbot, opened)
    assert panel.message.text() == "Type what the picture may show into the Rank tab first."
    qtbot.mouseClick(panel.edit_texts, LEFT)
    assert opened.beside.tab == "rank"
    opened.beside.rank.field.put("a cat\na dog")
    opened.commands.show_test.trigger()
    assert panel.texts.text().startswith("2 descriptions")
    run(qtbot, opened)
    reader = Scoring()
    masked = np.asarray(quadrants()).copy()
    masked[mask(opened)] = np.rint(masked[~mask(opened)].mean(0))
    texts = reader.embed_text(["a cat", "a dog"])
    pictures = [Picture("", np.asarray(quadrants())), Picture("", masked)]
    cosines = [reader.embed_image([picture])[0] @ texts.T for picture in pictures]
    for row in panel.result.table.rows:
        at = ["a cat", "a dog"].index(row.label)
        assert float(row.whole) == pytest.approx(cosines[0][at], abs=6e-4)
        assert float(row.masked) == pytest.approx(cosines[1][at], abs=6e-4)
        change = float(row.change.replace("−", "-").replace("±", ""))
        assert change == pytest.approx(cosines[1][at] - cosines[0][at], abs=6e-4)


def test_classes_are_named_again(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    class Fading(FakeClassifier):
        def __init__(self) -> None:
            super().__init__()
            self.caption = FakeCaptioner().caption

    window = make_window(settings=TESTING, loader=lambda request: Fading())
    open_files(qtbot, window, [picture_file])
    qtbot.waitUntil(lambda: not window.canvas.is_empty)
    take(qtbot, window, Tool.RECTANGLE)
    drag(qtbot, window, (0, 0), (40, 30))
    choose(qtbot, window, Kind.CLASSIFY)
    window.tests.panel.box.chooser.show_model(ModelRequest("vit-base-patch32", untrained=True))
    window.tests.panel.box.edited.emit()
    assert not window.tests.panel.labels.isVisible()
    run(qtbot, window)
    rows = window.tests.panel.result.table.rows
    assert [(row.label, row.whole, row.masked) for row in rows] == [
        ("crane, bird", "75 %", "75 %"),
        ("crane", "20 %", "20 %"),
        ("kite", "5.0 %", "5.0 %"),
    ]


def test_a_model_that_reads_text_is_given_classes(qtbot: QtBot, opened: MainWindow) -> None:
    take(qtbot, opened, Tool.RECTANGLE)
    drag(qtbot, opened, (0, 0), (40, 30))
    choose(qtbot, opened, Kind.CLASSIFY)
    panel = opened.tests.panel
    panel.box.chooser.choose("starter-coca")
    assert panel.labels.isVisible()
    run(qtbot, opened)
    assert panel.message.text() == "starter-coca has no classes of its own: type some, separated by commas."
    qtbot.keyClicks(panel.labels, "cat, dog,, cat")
    qtbot.keyClick(panel.labels, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(panel.result.table.rows), timeout=WAIT_MS)
    assert sorted(row.label for row in panel.result.table.rows) == ["cat", "dog"]


@pytest.mark.parametrize(
    ("places", "sentence"),
    [
        ((), "Mark a region first: choose a tool and drag over the picture."),
        (
            ((-30, -30), (-2, -2)),
            "The region covers nothing of the picture. Draw over the part that is to be hidden.",
        ),
        (((-5, -5), (90, 70)), "The region covers the whole picture: leave some of it to look at."),
    ],
)
def test_bad_regions_are_explained(
    qtbot: QtBot, opened: MainWindow, places: tuple[tuple[float, float], ...], sentence: str
) -> None:
    for _ in range(2):
        opened.canvas.zoom_out()
    take(qtbot, opened, Tool.RECTANGLE)
    if places:
        drag(qtbot, opened, *places)
    run(qtbot, opened)
    assert opened.tests.panel.message.text() == sentence
    assert not opened.tests.panel.result.table.rows


def test_each_picture_keeps_its_region_and_result(qtbot: QtBot, opened: MainWindow, many_files: list[Path]) -> None:
    take(qtbot, opened, Tool.RECTANGLE)
    drag(qtbot, opened, (0, 0), (40, 30))
    run(qtbot, opened)
    drop(opened, file_urls(many_files[:1]))
    qtbot.waitUntil(lambda: opened.tests.layer.region is not None and opened.tests.layer.region.is_empty)
    assert not opened.tests.panel.result.table.rows
    opened.commands.previous.trigger()
    qtbot.waitUntil(lambda: opened.tests.layer.region is not None and not opened.tests.layer.region.is_empty)
    assert opened.tests.panel.result.table.rows
    take(qtbot, opened, Tool.BRUSH)
    drag(qtbot, opened, (60, 50), (61, 50))
    assert "changed since" in opened.tests.panel.told.text()


def await_on_canvas(qtbot: QtBot, window: MainWindow, width: int) -> None:
    """Wait until the picture of that width is on the canvas, ready to be drawn on."""
    qtbot.waitUntil(lambda: window.canvas.picture_rect.width() == width, timeout=WAIT_MS)
    assert window.tests.layer.region is not None
    assert window.tests.layer.region.size == (width, 30)


def test_regions_stay_while_pictures_of_other_sizes_are_walked_through(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    window = make_window(settings=TESTING, loader=loader(FakeAnswerer(), Scoring()))
    open_files(qtbot, window, many_files[:2])
    await_on_canvas(qtbot, window, 40)
    take(qtbot, window, Tool.RECTANGLE)
    drag(qtbot, window, (0, 0), (20, 15))
    window.commands.next.trigger()
    await_on_canvas(qtbot, window, 41)
    drag(qtbot, window, (20, 15), (30, 25))
    drawn = mask(window).sum()
    window.commands.previous.trigger()
    await_on_canvas(qtbot, window, 40)
    assert mask(window)[5, 5]
    window.commands.next.trigger()
    assert window.tests.layer.region is None or window.tests.layer.region.size == (41, 30)
    await_on_canvas(qtbot, window, 41)
    assert mask(window).sum() == drawn > 0


def test_of_several_pictures_the_one_that_is_shown_is_tested(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    seen: list[Picture | Clip] = []
    captioner = FakeCaptioner(before_token=lambda picture, _: seen.append(picture))
    window = make_window(captioner, TESTING)
    open_files(qtbot, window, many_files[:3])
    select(window, [0, 2])
    await_on_canvas(qtbot, window, 42)
    assert window.tests.panel._subject.text.startswith("2.png")
    take(qtbot, window, Tool.RECTANGLE)
    drag(qtbot, window, (0, 0), (20, 15))
    run(qtbot, window)
    masked = seen[-1]
    assert isinstance(masked, Picture)
    assert masked.width == 42
    assert window.tests.can_copy
    select(window, [0])
    await_on_canvas(qtbot, window, 40)
    assert not mask(window).any()
    assert not window.tests.can_copy


def test_what_is_being_done_is_told_beside_its_own_picture(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    go_on = threading.Event()
    calls: list[int] = []

    def before_token(_picture: Picture | Clip, position: int) -> None:
        calls.append(position)
        if len(calls) > 15:
            assert go_on.wait(WAIT_MS / 1000)
            raise InputError("It is too dark in there.")

    window = make_window(FakeCaptioner(before_token=before_token), TESTING)
    open_files(qtbot, window, many_files[:2])
    panel = window.tests.panel
    await_on_canvas(qtbot, window, 40)
    take(qtbot, window, Tool.RECTANGLE)
    drag(qtbot, window, (0, 0), (20, 15))
    qtbot.mouseClick(panel.run, LEFT)
    qtbot.waitUntil(lambda: len(calls) > 15, timeout=WAIT_MS)
    assert panel.stop.isVisible()
    window.commands.next.trigger()
    await_on_canvas(qtbot, window, 41)
    assert not panel.stop.isVisible()
    assert window.tests.do.run.isEnabled()
    assert window.commands.stop.isEnabled()  # it goes on
    go_on.set()
    qtbot.waitUntil(lambda: not window.tests.is_busy, timeout=WAIT_MS)
    assert not panel.message.isVisible()
    window.commands.previous.trigger()
    await_on_canvas(qtbot, window, 40)
    assert panel.message.text() == "It is too dark in there."


def test_it_is_stopped(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    go_on = threading.Event()
    calls = []

    def before_token(_picture: Picture | Clip, position: int) -> None:
        calls.append(position)
        if len(calls) > 9:
            assert go_on.wait(WAIT_MS / 1000)

    window = make_window(FakeCaptioner(before_token=before_token), TESTING)
    open_files(qtbot, window, [picture_file])
    qtbot.waitUntil(lambda: not window.canvas.is_empty)
    take(qtbot, window, Tool.RECTANGLE)
    drag(qtbot, window, (0, 0), (40, 30))
    qtbot.mouseClick(window.tests.panel.run, LEFT)
    qtbot.waitUntil(lambda: bool(window.tests.panel.result.caption.words), timeout=WAIT_MS)
    assert window.commands.stop.isEnabled()
    window.commands.stop.trigger()
    go_on.set()
    assert not window.tests.is_busy
    assert window.tests.panel.message.text().startswith("Stopped.")
    assert window.tests.panel.result.words.text == "a cat on a green background"


def test_the_same_decoding_without_the_beginning_of_a_continuation(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path
) -> None:
    captioner = FakeCaptioner()
    window = make_window(captioner, Settings(tab="test", options=CaptionOptions(max_tokens=9)))
    open_files(qtbot, window, [picture_file])
    qtbot.waitUntil(lambda: not window.canvas.is_empty)
    entry = window.strip.current
    assert entry is not None
    window.continuing.trees.go_on(entry, entry.tokens[0], entry.tokens[0].alternatives[1])
    wait_for_states(qtbot, window, EntryState.CAPTIONED)  # its last word is there a moment before
    assert entry.caption.endswith("instead")
    take(qtbot, window, Tool.RECTANGLE)
    drag(qtbot, window, (0, 0), (40, 30))
    run(qtbot, window)
    assert captioner.asked[-1] == CaptionOptions(max_tokens=9)
    assert window.tests.panel.result.words.text == entry.caption

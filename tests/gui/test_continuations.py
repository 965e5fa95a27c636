"""Letting a caption go on from another word, and walking in the tree that comes of it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QClipboard, QEnterEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cocadesk.gui.entries import Entry, EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.widgets.branch_list import BranchRow
from cocadesk.types import Clip, Picture
from tests.fakes.captioner import FakeCaptioner
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_states

DONE = EntryState.CAPTIONED
FIRST = "a cat on a green background"
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def captioner() -> FakeCaptioner:
    return FakeCaptioner()


@pytest.fixture
def captioned(qtbot: QtBot, make_window: MakeWindow, captioner: FakeCaptioner, picture_file: Path) -> MainWindow:
    window = make_window(captioner)
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, DONE)
    return window


def entry(window: MainWindow) -> Entry:
    found = window.strip.current
    assert found is not None
    return found


def open_word(qtbot: QtBot, window: MainWindow, number: int) -> None:
    qtbot.mouseClick(window.panel.view.words[number], LEFT)
    assert window.popup.isVisible()


def choose(qtbot: QtBot, window: MainWindow, word: int, row: int) -> None:
    """Click a word and one of the rows beside it."""
    open_word(qtbot, window, word)
    qtbot.mouseClick(window.popup.rows[row], LEFT)
    wait_for_states(qtbot, window, *[DONE] * len(window.session.entries))


def rows(window: MainWindow) -> list[BranchRow]:
    return window.panel.branches.rows if window.panel.branches.isVisible() else []


def captions(window: MainWindow) -> list[str]:
    return [f"{'  ' * row.branch.depth}{row.change}: {row.toolTip()}" for row in rows(window)]


def test_a_clicked_alternative_goes_on(qtbot: QtBot, captioned: MainWindow, captioner: FakeCaptioner) -> None:
    assert not rows(captioned)
    choose(qtbot, captioned, 1, 2)
    assert captioner.asked[-1].prefix == (100, 901)
    assert captioned.panel.view.text == "aother1  instead"
    assert entry(captioned).caption == "aother1  instead"
    assert captions(captioned) == [f"First caption: {FIRST}", "  cat → other1: aother1  instead"]
    assert [row.isChecked() for row in rows(captioned)] == [False, True]
    assert not captioned.popup.isVisible()


def test_the_word_in_the_caption_cannot_be_chosen(qtbot: QtBot, captioned: MainWindow) -> None:
    open_word(qtbot, captioned, 1)
    assert [row.isEnabled() for row in captioned.popup.rows] == [False, True, True, True, True]
    qtbot.mouseClick(captioned.popup.rows[0], LEFT)
    assert captioned.popup.isVisible()
    assert captioned.session.active is None


def test_everything_by_keyboard(qtbot: QtBot, captioned: MainWindow, captioner: FakeCaptioner) -> None:
    view, popup = captioned.panel.view, captioned.popup
    qtbot.keyClick(captioned, Qt.Key.Key_F7)
    qtbot.keyClick(view.words[0], Qt.Key.Key_Right)
    qtbot.keyClick(view.words[1], Qt.Key.Key_Return)
    assert popup.rows[1].hasFocus()  # the first row is what the caption says already
    qtbot.keyClick(popup.rows[1], Qt.Key.Key_Up)
    assert popup.rows[1].hasFocus()
    qtbot.keyClick(popup.rows[1], Qt.Key.Key_Down)
    assert popup.rows[2].hasFocus()
    qtbot.keyClick(popup.rows[2], Qt.Key.Key_Return)
    wait_for_states(qtbot, captioned, DONE)
    assert captioner.asked[-1].prefix == (100, 901)
    assert view.words[1].hasFocus()
    assert view.words[1].token.id == 901
    qtbot.keyClick(captioned, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert view.text == FIRST
    assert not captioned.commands.branch_back.isEnabled()
    qtbot.keyClick(captioned, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert view.text == "aother1  instead"
    rows(captioned)[1].setFocus()
    qtbot.keyClick(rows(captioned)[1], Qt.Key.Key_Up)
    qtbot.keyClick(rows(captioned)[0], Qt.Key.Key_Return)
    assert view.text == FIRST


def test_escape_gives_the_focus_back_to_the_word(qtbot: QtBot, captioned: MainWindow) -> None:
    words = captioned.panel.view.words
    words[2].setFocus()
    qtbot.keyClick(words[2], Qt.Key.Key_Return)
    assert captioned.popup.rows[1].hasFocus()
    qtbot.keyClick(captioned.popup.rows[1], Qt.Key.Key_Escape)
    assert words[2].hasFocus()
    assert not captioned.popup.isVisible()


def test_a_tree_of_three_captions_is_walked(qtbot: QtBot, captioned: MainWindow, clipboard: QClipboard) -> None:
    choose(qtbot, captioned, 1, 1)
    choose(qtbot, captioned, 2, 3)
    qtbot.mouseClick(rows(captioned)[0], LEFT)
    choose(qtbot, captioned, 0, 4)
    assert captions(captioned) == [
        f"First caption: {FIRST}",
        "  cat → other0: aother0  instead",
        "    instead → other2: aother0 other2  instead",
        "  a → other3: other3  instead",
    ]
    captioned.commands.branch_back.trigger()
    assert captioned.panel.view.text == FIRST
    captioned.commands.branch_forth.trigger()
    assert captioned.panel.view.text == "other3  instead"
    qtbot.mouseClick(rows(captioned)[2], LEFT)
    assert entry(captioned).result is not None
    captioned.commands.copy.trigger()
    assert clipboard.text() == "aother0 other2  instead"


def test_what_was_chosen_before_is_not_decoded_again(
    qtbot: QtBot, captioned: MainWindow, captioner: FakeCaptioner
) -> None:
    choose(qtbot, captioned, 1, 1)
    captioned.commands.branch_back.trigger()
    asked = len(captioner.asked)
    choose(qtbot, captioned, 1, 1)
    assert captioned.panel.view.text == "aother0  instead"
    assert len(captioner.asked) == asked
    assert len(rows(captioned)) == 2


def test_captioned_again_there_is_one_caption(qtbot: QtBot, captioned: MainWindow) -> None:
    choose(qtbot, captioned, 1, 1)
    captioned.commands.again.trigger()
    wait_for_states(qtbot, captioned, DONE)
    assert captioned.panel.view.text == FIRST
    assert not rows(captioned)
    assert not captioned.commands.branch_back.isEnabled()


def test_each_picture_has_a_tree_of_its_own(qtbot: QtBot, captioned: MainWindow, many_files: list[Path]) -> None:
    choose(qtbot, captioned, 1, 1)
    drop(captioned, file_urls(many_files[:1]))
    wait_for_states(qtbot, captioned, DONE, DONE)
    assert not rows(captioned)
    captioned.commands.previous.trigger()
    assert len(rows(captioned)) == 2
    captioned.commands.close_picture.trigger()
    assert not rows(captioned)


def test_walking_back_stops_what_is_being_said(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    go_on = threading.Event()
    calls = []

    def before_token(_picture: Picture | Clip, position: int) -> None:
        calls.append(position)
        if len(calls) > 7 and position == 2:
            assert go_on.wait(WAIT_MS / 1000)

    window = make_window(FakeCaptioner(before_token=before_token))
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, DONE)
    open_word(qtbot, window, 1)
    qtbot.mouseClick(window.popup.rows[1], LEFT)
    qtbot.waitUntil(lambda: window.panel.view.text == "aother0", timeout=WAIT_MS)
    assert window.commands.stop.isEnabled()
    window.commands.branch_back.trigger()
    assert window.panel.view.text == FIRST
    go_on.set()
    wait_for_states(qtbot, window, DONE)
    assert window.panel.view.text == FIRST
    window.commands.branch_forth.trigger()
    assert entry(window).state is EntryState.STOPPED
    assert window.panel.view.text == "aother0"


def test_stop_keeps_the_branch_as_far_as_it_got(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    go_on = threading.Event()
    calls = []

    def before_token(_picture: Picture | Clip, position: int) -> None:
        calls.append(position)
        if len(calls) > 7 and position == 2:
            assert go_on.wait(WAIT_MS / 1000)

    window = make_window(FakeCaptioner(before_token=before_token))
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, DONE)
    open_word(qtbot, window, 1)
    qtbot.mouseClick(window.popup.rows[1], LEFT)
    qtbot.waitUntil(lambda: window.panel.view.text == "aother0", timeout=WAIT_MS)
    window.commands.stop.trigger()
    go_on.set()
    wait_for_states(qtbot, window, EntryState.STOPPED)
    assert window.panel.view.text == "aother0"
    assert len(rows(window)) == 2


def test_the_end_may_come_sooner(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    class Ending(FakeCaptioner):
        def _spoken(self, prefix: tuple[int, ...]) -> list[tuple[int, str]]:
            return super()._spoken(prefix) if 900 not in prefix else [(100, "a"), (900, "")]

    window = make_window(Ending())
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, DONE)
    choose(qtbot, window, 1, 1)
    assert window.panel.view.text == "a"
    assert entry(window).state is DONE


def test_a_pointer_on_its_way_to_the_chart_keeps_it(qtbot: QtBot, captioned: MainWindow) -> None:
    captioned.resize(1000, 800)
    view, popup = captioned.panel.view, captioned.popup
    above, below = view.words[0], view.words[-1]
    qtbot.waitUntil(lambda: below.y() > above.y())
    for word in (above, below):
        middle = QPointF(word.rect().center())
        where = QPointF(word.mapToGlobal(word.rect().center()))
        QApplication.sendEvent(word, QEnterEvent(middle, middle, where))
        assert popup.word is above
        QApplication.sendEvent(word, QEvent(QEvent.Type.Leave))
    inside = QPointF(popup.rect().center())
    QApplication.sendEvent(popup, QEnterEvent(inside, inside, QPointF(popup.mapToGlobal(popup.rect().center()))))
    assert popup.isVisible()
    assert not popup._grace.isActive()


def test_a_click_elsewhere_lets_the_chart_go(qtbot: QtBot, captioned: MainWindow) -> None:
    open_word(qtbot, captioned, 1)
    QApplication.sendEvent(captioned.panel.view.words[1], QEvent(QEvent.Type.Leave))
    assert captioned.popup.is_held
    qtbot.mouseClick(captioned.canvas.viewport, LEFT)
    assert not captioned.popup.isVisible()

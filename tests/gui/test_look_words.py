"""Words of the caption, in the Caption tab: pointing at one shows where the model looked for it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cocadesk.gui.entries import EntryState
from cocadesk.gui.look_desk import LookDesk
from cocadesk.gui.main_window import MainWindow
from tests.fakes.looker import FakeLooker
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_states
from tests.gui.looks import assert_shown


def point_at_word(window: MainWindow, place: int) -> None:
    word = window.panel.view.words[place]
    window.panel.view.word_noticed.emit(word)


def leave_word(window: MainWindow, place: int) -> None:
    QApplication.sendEvent(window.panel.view.words[place], QEvent(QEvent.Type.Leave))


def wait_for_words(qtbot: QtBot, look: LookDesk) -> None:
    qtbot.waitUntil(lambda: look.words is not None, timeout=WAIT_MS)


def test_a_word_that_is_pointed_at_shows_its_map(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    looker = FakeLooker()
    window = make_window(looker)
    drop(window, file_urls(many_files[:2]))
    wait_for_states(qtbot, window, EntryState.CAPTIONED, EntryState.CAPTIONED)
    point_at_word(window, 1)
    assert window.canvas.map is None
    assert looker.looked == []  # nobody has asked for maps so far
    window.commands.word_maps.trigger()
    wait_for_words(qtbot, window.look)
    assert window.look.words is not None
    maps = window.look.words.maps
    assert_shown(window, maps.patch_map(1, -1))  # it was pointed at already
    assert window.popup.isVisible()
    leave_word(window, 1)
    assert window.canvas.map is None
    point_at_word(window, 3)
    assert_shown(window, maps.patch_map(3, -1))
    window.commands.show_ask.trigger()
    assert window.canvas.map is None
    window.commands.show_caption.trigger()
    window.commands.next.trigger()
    assert window.canvas.map is None
    qtbot.waitUntil(lambda: len(looker.looked) == 2 and window.look.words is not None, timeout=WAIT_MS)
    assert looker.looked == [("words", "a cat on grass")] * 2


def test_words_have_maps_once_the_look_panel_was_opened(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path
) -> None:
    looker = FakeLooker()
    window = make_window(looker)
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, EntryState.CAPTIONED)
    window.commands.show_look.trigger()
    qtbot.waitUntil(lambda: window.look.panel.scene is not None and not window.canvas.is_empty, timeout=WAIT_MS)
    window.look.panel.controls.layer.slider.setValue(0)
    window.commands.show_caption.trigger()
    assert window.look.words is not None  # at once: they were made for the panel
    assert window.canvas.map is None
    point_at_word(window, 2)
    assert_shown(window, window.look.words.maps.patch_map(2, 0))  # in the layer that was chosen there
    assert looker.looked == [("words", "a cat on grass")]
    window.commands.again.trigger()
    assert window.canvas.map is None  # another caption is being made
    wait_for_states(qtbot, window, EntryState.CAPTIONED)

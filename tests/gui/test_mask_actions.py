"""The keys of the Test menu: where they count, and where letters are typed instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QWidget
from pytestqt.qtbot import QtBot

from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.masking.tools import Tool
from cocadesk.gui.testing import Kind
from cocadesk.store.settings import Settings
from tests.fakes.answerer import FakeAnswerer
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS
from tests.gui.side import ASKED, ReadingCaptioner, loader, open_files

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def window(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> MainWindow:
    """The Test tab with a picture on the canvas."""
    made = make_window(
        settings=Settings(tab="test", ask_model=ASKED), loader=loader(FakeAnswerer(), ReadingCaptioner())
    )
    open_files(qtbot, made, [picture_file])
    qtbot.waitUntil(lambda: not made.canvas.is_empty)
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow, timeout=WAIT_MS)
    return made


def give_keyboard(qtbot: QtBot, widget: QWidget) -> QWidget:
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus, timeout=WAIT_MS)
    return widget


def test_the_menu_lists_keys_that_no_desktop_or_keyboard_takes(window: MainWindow) -> None:
    menus = [action.menu() for action in window.menuBar().actions()]
    (test,) = (menu for menu in menus if isinstance(menu, QMenu) and menu.title() == "&Test")
    keys = [key.toString() for action in test.actions() for key in action.shortcuts()]
    tools, rest = ["R", "L", "B", "E"], ["]", "[", "Ctrl+Z", "Backspace", "Ctrl+Return", "Ctrl+Enter"]
    assert keys == [*tools, *rest, "Ctrl+Shift+Return"]
    assert all(action.shortcuts() for action in test.actions() if not action.isSeparator())
    tips = [button.toolTip() for button in window.tests.panel.tools.values()]
    assert tips == ["Rectangle (R)", "Lasso (L)", "Brush (B)", "Eraser (E)"]


def test_on_the_canvas_plain_keys_draw(qtbot: QtBot, window: MainWindow) -> None:
    layer, view = window.tests.layer, window.canvas.view
    qtbot.keyClick(give_keyboard(qtbot, view), Qt.Key.Key_L)
    assert layer.tool is Tool.LASSO
    assert layer.hasFocus()
    qtbot.keyClick(layer, Qt.Key.Key_B)
    assert layer.tool is Tool.BRUSH
    before = layer.brush
    qtbot.keyClick(layer, Qt.Key.Key_BracketRight)
    assert layer.brush > before
    qtbot.keyClick(layer, Qt.Key.Key_BracketLeft)
    assert layer.brush == pytest.approx(before)
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Right, Qt.Key.Key_Space):
        qtbot.keyClick(layer, key)
    region = layer.region
    assert region is not None
    assert not region.is_empty
    qtbot.keyClick(layer, Qt.Key.Key_Backspace)
    assert region.is_empty
    qtbot.keyClick(layer, Qt.Key.Key_Z, CTRL)
    assert not region.is_empty
    qtbot.keyClick(layer, Qt.Key.Key_Return, CTRL)
    assert window.tests.is_busy
    qtbot.waitUntil(lambda: not window.tests.is_busy, timeout=WAIT_MS)


def test_on_the_panels_buttons_they_take_up_tools(qtbot: QtBot, window: MainWindow) -> None:
    window.commands.show_caption.trigger()
    window.commands.show_test.trigger()
    run = window.tests.panel.run
    qtbot.waitUntil(run.hasFocus, timeout=WAIT_MS)
    qtbot.keyClick(run, Qt.Key.Key_R)
    assert window.tests.layer.tool is Tool.RECTANGLE
    assert window.tests.layer.hasFocus()


def test_letters_are_typed_where_there_is_text(qtbot: QtBot, window: MainWindow) -> None:
    panel, layer = window.tests.panel, window.tests.layer
    qtbot.mouseClick(panel.kinds[Kind.ASK], Qt.MouseButton.LeftButton)
    for field in (panel.question, window.beside.ask.field, window.beside.rank.field):
        (window.commands.show_ask if field is window.beside.ask.field else window.commands.show_rank).trigger()
        if field is panel.question:
            window.commands.show_test.trigger()
        qtbot.keyClicks(give_keyboard(qtbot, field), "rebel []")
        assert field.toPlainText().endswith("rebel []")
        qtbot.keyClick(field, Qt.Key.Key_Backspace)
        assert field.toPlainText().endswith("rebel [")
    assert layer.tool is None
    assert not window.tests.is_busy


def test_a_letter_looks_for_an_entry_of_a_list(qtbot: QtBot, window: MainWindow) -> None:
    fill = window.tests.panel.fill
    assert fill.currentText() != "Blur"
    qtbot.keyClick(give_keyboard(qtbot, fill), Qt.Key.Key_B)
    assert fill.currentText().startswith("B")
    assert window.tests.layer.tool is None

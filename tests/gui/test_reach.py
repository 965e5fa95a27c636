"""Everything can be reached: by keyboard, through the menus, and with a screen reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHeaderView,
    QLineEdit,
    QMenu,
    QTableView,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from cocadesk.gui.engine_calls import EngineCalls
from cocadesk.gui.entries import EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.types import NetInfo
from tests.fakes.pictures import animation
from tests.gui.conftest import MakeWindow
from tests.gui.driving import drop, file_urls, wait_for_states

CONTROLS = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox)


def menu_actions(menu: QMenu) -> list[QAction]:
    found: list[QAction] = []
    for action in menu.actions():
        submenu = action.menu()
        found += menu_actions(submenu) if isinstance(submenu, QMenu) else [action]
    return found


def all_menu_actions(window: MainWindow) -> list[QAction]:
    return [
        action
        for top in window.menuBar().actions()
        if isinstance(menu := top.menu(), QMenu)
        for action in menu_actions(menu)
        if not action.isSeparator()
    ]


def is_ours(control: QWidget) -> bool:
    """Not an inner part of a standard control, such as the list of a combo box or the menu bar's overflow button."""
    name = control.objectName()
    if name.startswith("qt_") or name in {"ScrollLeftButton", "ScrollRightButton"}:
        return False
    if isinstance(control, QLineEdit | QHeaderView | QDialogButtonBox):
        return False
    parent = control.parentWidget()
    while parent is not None:
        if isinstance(parent, QComboBox | QAbstractSpinBox | QLineEdit | QTableView):
            return False
        parent = parent.parentWidget()
    return True


@pytest.mark.parametrize("opened", ["", "picture", "clip", "models", "net information", "import"])
def test_every_control_has_a_name(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path], opened: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = make_window(engine=EngineCalls(net_info=lambda name: NetInfo(name, (), (), ())))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    if opened == "picture":
        drop(window, file_urls(many_files[:1]))
        wait_for_states(qtbot, window, EntryState.CAPTIONED)
        window.commands.settings.trigger()
    elif opened == "clip":
        drop(window, file_urls([animation(many_files[0].with_suffix(".gif"), 4)]))
        wait_for_states(qtbot, window, EntryState.CAPTIONED)
        qtbot.waitUntil(window.timeline.isVisible)
    elif opened:
        do = window.commands
        {"models": do.models, "net information": do.net_info, "import": do.import_model}[opened].trigger()
        assert any(dialog.isVisible() for dialog in window.findChildren(QDialog))
    controls = [control for kind in CONTROLS for control in window.findChildren(kind) if is_ours(control)]
    assert len(controls) > 10
    for control in controls:
        text = control.text() if isinstance(control, QAbstractButton) else ""
        assert control.accessibleName() or text, control
        if isinstance(control, QToolButton):
            assert control.toolTip()


def test_every_action_is_in_a_menu_and_shortcuts_do_not_clash(window: MainWindow) -> None:
    listed = all_menu_actions(window)
    own = [action for action in vars(window.commands).values() if isinstance(action, QAction)]
    assert len(own) > 20
    assert set(own) <= set(listed)
    shortcuts = [shortcut.toString() for action in listed for shortcut in action.shortcuts()]
    assert len(shortcuts) == len(set(shortcuts))


def test_what_cannot_be_done_is_disabled(qtbot: QtBot, window: MainWindow, many_files: list[Path]) -> None:
    do = window.commands
    needing = (do.copy, do.again, do.stop, do.fit, do.zoom_in, do.close_picture, do.next, do.words)
    assert not any(action.isEnabled() for action in needing)
    drop(window, file_urls(many_files[:2]))
    wait_for_states(qtbot, window, EntryState.CAPTIONED, EntryState.CAPTIONED)
    qtbot.waitUntil(lambda: all(action.isEnabled() for action in needing if action is not do.stop))
    assert not do.stop.isEnabled()


def test_list_is_walked_with_the_keyboard(qtbot: QtBot, window: MainWindow, many_files: list[Path]) -> None:
    drop(window, file_urls(many_files))
    wait_for_states(qtbot, window, *[EntryState.CAPTIONED] * 5)
    names = []
    for action in (window.commands.next, window.commands.next, window.commands.previous, window.commands.previous):
        action.trigger()
        assert window.strip.current is not None
        names.append(window.strip.current.name)
    assert names == ["1.png", "2.png", "1.png", "0.png"]
    window.commands.previous.trigger()
    assert window.strip.current is not None
    assert window.strip.current.name == "0.png"
    spoken = window.session.entries.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "0.png, captioned: a cat on a green background"


def test_about_box_opens_without_blocking(qtbot: QtBot, window: MainWindow) -> None:
    window.commands.about.trigger()
    boxes = [box for box in window.findChildren(QDialog) if box.isVisible()]
    assert len(boxes) == 1
    boxes[0].reject()

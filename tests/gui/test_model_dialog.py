"""The dialogs that bring a model into the list: what the keyboard reaches, and what they say of a list read anew."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from cocadesk.catalog import cards
from cocadesk.errors import ModelError
from cocadesk.gui import library
from cocadesk.gui.add_dialog import AddDialog
from cocadesk.gui.engine_calls import EngineCalls
from cocadesk.gui.import_dialog import ImportDialog
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.model_dialog import ModelDialog
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS


def tabbed(dialog: ModelDialog, count: int) -> list[QWidget]:
    """What Tab goes through, beginning with what has the keyboard."""
    found = [dialog.focusWidget()]
    while len(found) < count:
        found.append(found[-1].nextInFocusChain())
        while found[-1].focusPolicy().value == 0:
            found[-1] = found[-1].nextInFocusChain()
    return found


def test_tab_goes_through_the_fields_and_then_to_the_buttons(
    make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    window = make_window(engine=EngineCalls(library_names=lambda: ["timm:a"]))
    window.commands.import_model.trigger()
    imports = window.findChild(ImportDialog)
    assert tabbed(imports, 5) == [imports.file, imports._browse, imports.name, imports.go, imports.close_button]
    imports.close()
    window.commands.add_model.trigger()
    adds = window.findChild(AddDialog)
    assert tabbed(adds, 3) == [adds.name, adds.go, adds.close_button]
    adds.close()


NAME = "timm:vit_tiny_patch16_224"


def add(qtbot: QtBot, make_window: MakeWindow) -> tuple[MainWindow, AddDialog]:
    """The dialog with that name in it, and a window whose list was read."""
    card = replace(cards.card("starter-vit"), name=NAME, title="Tiny", bundled=False)
    window = make_window(engine=EngineCalls(find_card=lambda _: card, library_names=lambda: [NAME]))
    qtbot.waitUntil(lambda: window.library.free_bytes > 0, timeout=WAIT_MS)
    window.commands.add_model.trigger()
    dialog = window.findChild(AddDialog)
    dialog.name.setText(NAME)
    return window, dialog


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_dialog_closed_while_the_list_is_read_is_told_nothing(
    qtbot: QtBot, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, dialog = add(qtbot, make_window)
    begun, go, scan = threading.Event(), threading.Event(), library._scan

    def slowly() -> object:
        begun.set()
        assert go.wait(WAIT_MS / 1000)
        return scan()

    monkeypatch.setattr(library, "_scan", slowly)
    dialog.go.click()
    qtbot.waitUntil(begun.is_set, timeout=WAIT_MS)
    dialog.reject()
    qtbot.waitUntil(lambda: not isValid(dialog), timeout=WAIT_MS)
    with qtbot.waitSignal(window.library.scanned, timeout=WAIT_MS):
        go.set()
    assert window.library.entry(NAME) is not None
    assert not window.messages.isVisible()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_list_that_cannot_be_read_is_told_and_the_dialog_can_be_used_again(
    qtbot: QtBot, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, dialog = add(qtbot, make_window)
    added: list[object] = []
    dialog.added.connect(added.append)

    def fail() -> object:
        raise ModelError("The list of models cannot be read.")

    with monkeypatch.context() as broken:
        broken.setattr(library, "_scan", fail)
        dialog.go.click()
        qtbot.waitUntil(lambda: dialog.message.text() == "The list of models cannot be read.", timeout=WAIT_MS)
    assert dialog.go.isEnabled()
    assert added == []
    dialog.go.click()
    qtbot.waitUntil(lambda: len(added) == 1, timeout=WAIT_MS)

"""The dialogs that bring a model into the list: what the keyboard reaches first, and last."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget

from cocadesk.gui.add_dialog import AddDialog
from cocadesk.gui.engine_calls import EngineCalls
from cocadesk.gui.import_dialog import ImportDialog
from cocadesk.gui.model_dialog import ModelDialog
from tests.gui.conftest import MakeWindow


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

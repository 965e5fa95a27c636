"""The window's way to the real engine: a checkpoint is imported, looked into, and captions a picture."""

from __future__ import annotations

import shutil
from pathlib import Path

from pytestqt.qtbot import QtBot

from cocadesk.catalog.cards import card
from cocadesk.catalog.checkpoints import require_weights
from cocadesk.gui.entries import EntryState
from cocadesk.gui.library import Place
from cocadesk.work.model_manager import load_with_engine
from tests.gui.conftest import MakeWindow
from tests.gui.driving import drop, file_urls, wait_for_entry

PATIENT_MS = 60_000


def test_an_imported_checkpoint_captions(
    qtbot: QtBot, make_window: MakeWindow, tmp_path: Path, picture_file: Path
) -> None:
    checkpoint = tmp_path / "My copy.safetensors"
    shutil.copyfile(require_weights(card("starter-coca")), checkpoint)
    window = make_window(loader=load_with_engine)
    refused: list[str] = []
    window.library.add(str(picture_file), "a-picture", lambda _: None, refused.append)
    qtbot.waitUntil(lambda: len(refused) == 1, timeout=PATIENT_MS)
    added: list[str] = []
    window.library.add(str(checkpoint), None, lambda made: added.append(made.name), refused.append)
    qtbot.waitUntil(lambda: added == ["my-copy"], timeout=PATIENT_MS)
    assert wait_for_entry(qtbot, window, "my-copy", lambda entry: entry.is_here).place is Place.IMPORTED
    window.panel.settings.chooser.choose("my-copy")
    drop(window, file_urls([picture_file]))

    def is_captioned() -> None:
        entry = window.session.entries.at(0)
        assert entry is not None
        assert entry.state is EntryState.CAPTIONED
        assert entry.caption

    qtbot.waitUntil(is_captioned, timeout=PATIENT_MS)
    assert window.statusBar().chip.text() == "my-copy · CPU · float32 · 29.5 MB"  # type: ignore[attr-defined]
    window.commands.net_info.trigger()
    net = window.desk.net
    assert net is not None
    qtbot.waitUntil(net.copy.isEnabled, timeout=PATIENT_MS)
    assert net.treemap.cells[0].node.parameters > 1_000_000

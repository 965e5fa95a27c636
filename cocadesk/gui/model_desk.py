"""What the user does with models: looking at them, downloading, importing, removing, choosing where they are kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMainWindow, QMessageBox

from cocadesk.catalog.card import ModelCard
from cocadesk.gui import wording
from cocadesk.gui.actions import Actions
from cocadesk.gui.add_dialog import AddDialog
from cocadesk.gui.import_dialog import ImportDialog
from cocadesk.gui.library import Library
from cocadesk.gui.net_info.dialog import NetInfoDialog
from cocadesk.gui.panels.download_box import DownloadBox
from cocadesk.gui.panels.models_panel import ModelsPanel

MESSAGE_MS = 8000


class ModelDesk(QObject):
    """Opens the Models panel and the net information when they are first asked for, and carries out their wishes.

    Args:
        last_folder: Where file dialogs start.
    """

    use_asked = Signal(str)
    """The name of the model to caption with."""

    unload_asked = Signal(str)
    """The name of a model whose memory is to be given back."""

    folder_chosen = Signal(str)
    """The folder that models are kept in from now on; empty for the hub's shared cache."""

    folder_used = Signal(str)
    """The folder of a file that was opened or saved."""

    def __init__(self, library: Library, do: Actions, last_folder: Callable[[], str], window: QMainWindow) -> None:
        super().__init__(window)
        self._library = library
        self._do = do
        self._window = window
        self._last_folder = last_folder
        self._in_use = ""
        self.panel: ModelsPanel | None = None
        self.net: NetInfoDialog | None = None

    def steer(self, box: DownloadBox) -> None:
        """Carry out what is asked for in that box."""
        box.begin_asked.connect(self.download)
        box.pause_asked.connect(self._library.downloads.pause)
        box.cancel_asked.connect(self._cancel)

    def download(self, name: str) -> None:
        """Begin with that model's download, or go on with it."""
        entry = self._library.entry(name)
        if entry is not None and entry.can_download:
            self._library.downloads.start(entry.card)

    def show_in_use(self, name: str) -> None:
        """That model is the one to caption with."""
        self._in_use = name
        if self.panel is not None:
            self.panel.show_in_use(name)

    def show_models(self, name: str = "") -> None:
        """Open the Models panel at that model, or at the one that captions are made with."""
        self._open_panel().open_at(name or self._in_use)

    def show_net(self, name: str = "") -> None:
        """Open the net information of that model, or the one that captions are made with."""
        if self.net is None:
            self.net = NetInfoDialog(self._library, self._last_folder, self._window)
            self.net.folder_used.connect(self.folder_used)
        self.net.open_at(name or self._in_use)

    def ask_import(self) -> None:
        """Let the user choose a checkpoint, and import it."""
        above = self.panel if self.panel is not None and self.panel.isVisible() else self._window
        dialog = ImportDialog(self._library, self._last_folder(), above)
        dialog.imported.connect(self._on_imported)
        dialog.open()
        dialog.browse()

    def ask_add(self) -> None:
        """Let the user name a library's model, and add it."""
        above = self.panel if self.panel is not None and self.panel.isVisible() else self._window
        dialog = AddDialog(self._library, above)
        dialog.added.connect(self._on_added)
        dialog.open()

    def ask_folder(self) -> None:
        """Let the user choose where models are kept."""
        start = os.fspath(self._library.folder)
        chosen = QFileDialog.getExistingDirectory(self._window, "Choose the model folder", start)
        if not chosen:
            return
        if not os.access(chosen, os.W_OK):
            self._tell(f"{chosen} may not be written to. Change its permissions, or choose another folder.", "danger")
            return
        self._use_folder(chosen)

    def use_shared_folder(self) -> None:
        """Keep models where all the hub's tools keep them."""
        self._use_folder("")

    def remove(self, name: str) -> None:
        """Ask once, then remove that model's weights."""
        entry = self._library.entry(name)
        if entry is None:
            return
        how = "import it again" if entry.card.imported else "download it again"
        freed = f"{wording.size(entry.bytes_here)} will come free. " if entry.is_here else ""
        box = QMessageBox(self._open_panel())
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Remove a model")
        box.setText(f"Remove {entry.card.title} from this machine?")
        box.setInformativeText(f"{freed}To use it later, {how}.")
        sure = box.addButton("Remove", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        sure.clicked.connect(lambda: self._remove(name))
        box.finished.connect(box.deleteLater)
        box.open()

    def _open_panel(self) -> ModelsPanel:
        if self.panel is None:
            folder_actions = (self._do.choose_model_folder, self._do.shared_model_folder)
            self.panel = ModelsPanel(
                self._library, self._do.add_model, self._do.import_model, folder_actions, self._window
            )
            self.panel.show_in_use(self._in_use)
            card = self.panel.card
            self.steer(card.download)
            card.use_asked.connect(self.use_asked)
            card.net_asked.connect(self.show_net)
            card.unload_asked.connect(self.unload_asked)
            card.remove_asked.connect(self.remove)
            card.reveal_asked.connect(self._reveal)
        return self.panel

    def _remove(self, name: str) -> None:
        def removed(freed: int) -> None:
            self._tell(f"{name} is removed: {wording.size(freed)} came free.")

        self.unload_asked.emit(name)  # some systems remove no file that is mapped into memory
        self._library.remove(name, removed, lambda message: self._tell(message, "danger"))

    def _cancel(self, name: str) -> None:
        entry = self._library.entry(name)
        if entry is not None:
            self._library.downloads.cancel(entry.card)

    def _reveal(self, folder: Path) -> None:
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(os.fspath(folder))):
            self._tell(f"No file manager could be opened. The files are in {folder}", "danger")

    def _on_added(self, card: ModelCard) -> None:
        panel = self._open_panel()
        panel.open_at(card.name)
        panel.say(f"{card.name} is in the list." + ("" if card.hub_repo else " Its weights are not on the hub."))

    def _on_imported(self, card: ModelCard) -> None:
        panel = self._open_panel()
        panel.open_at(card.name)
        panel.say(f"{card.name} is imported. Its arrays are those of the architecture {card.architecture}.")

    def _use_folder(self, folder: str) -> None:
        self.folder_chosen.emit(folder)
        self._library.refresh()
        where = f"in {folder}" if folder else "in the cache that the hub's tools share"
        self._tell(f"Models are kept {where} now. Those in the former folder stay there.")

    def _tell(self, text: str, tone: str = "") -> None:
        if self.panel is not None and self.panel.isVisible():
            self.panel.say(text, tone)
        else:
            self._window.statusBar().showMessage(text, MESSAGE_MS)

"""Asks before the window is closed over work that would be lost with it."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMainWindow, QMessageBox

from cocadesk.gui.library import Library
from cocadesk.gui.look.exporting import Exporting
from cocadesk.gui.widgets.in_front import bring_to_front


class Closing(QObject):
    """Files that are being written and checkpoints that are being imported cannot be gone on with later.

    Downloads can, and captions are made anew with a key: nobody is asked about those.

    Attributes:
        box: The question while it is open; None otherwise.
    """

    def __init__(self, exporting: Exporting, library: Library, window: QMainWindow) -> None:
        super().__init__(window)
        self.box: QMessageBox | None = None
        self._exporting = exporting
        self._library = library
        self._window = window
        self._is_agreed = False

    def may_close(self) -> bool:
        """Whether nothing would be lost, or the user wants that; otherwise the user is asked, and closes it again."""
        under_way = self._under_way()
        if self._is_agreed or not under_way:
            return True
        if self.box is None:
            self._ask(under_way)
        else:
            bring_to_front(self.box)
        return False

    def _under_way(self) -> list[str]:
        progress = self._exporting.progress
        written = [progress.what] if progress is not None else []
        return [*written, *(f"Importing {name}…" for name in self._library.importing)]

    def _ask(self, under_way: list[str]) -> None:
        it = "it" if len(under_way) == 1 else "them"
        box = self.box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Close CocaDesk")
        box.setText("\n".join(under_way))
        box.setInformativeText("If CocaDesk is closed now, this is lost.")
        sure = box.addButton(f"Close and lose {it}", QMessageBox.ButtonRole.DestructiveRole)
        keep = box.addButton("Keep open", QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        box.finished.connect(lambda _: self._on_answer(box.clickedButton() is sure))
        box.open()

    def _on_answer(self, agreed: bool) -> None:
        if self.box is not None:
            self.box.deleteLater()
            self.box = None
        if agreed:
            self._is_agreed = True
            self._window.close()

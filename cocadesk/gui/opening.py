"""All the ways a picture comes in: dropped, pasted, chosen in a dialog, from the recent files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Signal
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from cocadesk.gui import incoming
from cocadesk.gui.session import Session
from cocadesk.gui.widgets.drop_overlay import DropOverlay
from cocadesk.media.folder import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from cocadesk.store.settings import Settings


class Opening(QObject):
    """Hands what comes in to the session, and remembers where it came from.

    Attributes:
        settings: With the recent files and the last folder up to date.
    """

    remembered = Signal()
    """`settings` changed."""

    problem = Signal(str, str)
    """Empty, and what is wrong with what was dropped or pasted."""

    def __init__(self, window: QWidget, session: Session, settings: Settings) -> None:
        super().__init__(window)
        self._window = window
        self._session = session
        self.settings = settings
        self._overlay = DropOverlay(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open files and folders, and put them among the recent ones."""
        self._session.open_paths(paths)
        self._remember(self.settings.with_recent(list(paths)))

    def open_mime(self, mime: QMimeData, how: str) -> None:
        """Open what a drop or a paste carries, and say what cannot be opened."""
        found = incoming.read(mime, how)
        if found.message:
            self.problem.emit("", found.message)
        if found.paths:
            self.open_paths(found.paths)
        if found.picture is not None:
            self._session.open_picture(found.picture)

    def paste(self) -> None:
        """Open what is on the clipboard."""
        self.open_mime(QGuiApplication.clipboard().mimeData(), "pasted")

    def ask_files(self) -> None:
        """Let the user choose pictures and videos."""
        pictures, videos = (
            " ".join(f"*{name}" for name in sorted(kind)) for kind in (PICTURE_SUFFIXES, VIDEO_SUFFIXES)
        )
        filters = (f"Pictures and videos ({pictures} {videos})", f"Pictures ({pictures})", f"Videos ({videos})")
        files, _ = QFileDialog.getOpenFileNames(
            self._window, "Open pictures or videos", self._start(), ";;".join((*filters, "All files (*)"))
        )
        if files:
            self.open_paths([Path(file) for file in files])
            self._remember(replace(self.settings, last_folder=str(Path(files[0]).parent)))

    def ask_folder(self) -> None:
        """Let the user choose a folder."""
        folder = QFileDialog.getExistingDirectory(self._window, "Open folder", self._start())
        if folder:
            self.open_paths([Path(folder)])
            self._remember(replace(self.settings, last_folder=folder))

    def forget_recent(self) -> None:
        """Empty the list of recent files."""
        self._remember(replace(self.settings, recent=()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDragEnterEvent | QDragMoveEvent | QDropEvent):
            return self._drag(event)
        if event.type() == QEvent.Type.DragLeave:
            self._overlay.hide()
        return False

    def _drag(self, event: QDropEvent) -> bool:
        """Accept what may hold pictures; only the drop itself looks inside."""
        if not incoming.may_hold_pictures(event.mimeData()):
            return False
        event.acceptProposedAction()
        if event.type() == QEvent.Type.DragEnter:
            self._overlay.cover()
        elif event.type() == QEvent.Type.Drop:
            self._overlay.hide()
            self.open_mime(event.mimeData(), "dropped")
        return True

    def _start(self) -> str:
        return self.settings.last_folder or str(Path.home())

    def _remember(self, settings: Settings) -> None:
        self.settings = settings
        self.remembered.emit()

"""Has files written of maps on the I/O pool, one at a time, and tells how far it has come."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QObject, Qt, Signal
from PySide6.QtGui import QImage

from cocadesk.errors import InputError
from cocadesk.gui.entries import Entry
from cocadesk.gui.rankings import Progress
from cocadesk.gui.session import Session
from cocadesk.types import CancelToken, Clip, Picture
from cocadesk.work.exporting import ExportRequest, Step, export, write_bytes
from cocadesk.work.io_pool import IoPool, Ticket


class Exporting(QObject):
    """Lives on the window's thread. Whatever is under way when something else is asked for is finished first.

    Attributes:
        progress: What is being written; None if nothing is.
    """

    changed = Signal()
    """`progress` changed."""

    written = Signal(str)
    """The file of that name is there."""

    failed = Signal(str, str)
    """The file of that name cannot be written, and why."""

    _stepped = Signal(object, int, int)
    """The token of a task, and how many maps are drawn of how many; sent from a worker's thread."""

    def __init__(self, pool: IoPool, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.progress: Progress | None = None
        self._pool = pool
        self._session = session
        self._cancel = CancelToken()
        self._ticket: Ticket | None = None
        self._stepped.connect(self._on_step, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """Whether a file is being written."""
        return self.progress is not None

    def export(self, request: ExportRequest, entry: Entry | None, frames: int) -> None:
        """Write what the request says.

        Args:
            entry: The picture that the maps were made of; None for a text.
            frames: Of a clip, how many were averaged for them.
        """
        cancel = self._begin(request.path)

        def draw(seen: Picture | Clip | None) -> None:
            if cancel is self._cancel and self.is_busy:
                self._submit(request.path, partial(export, request, seen, self._step(cancel)))

        def refused(message: str) -> None:
            if cancel is self._cancel:
                self._finish(request.path.name, message)

        if entry is None or not request.over_picture:
            draw(None)
        else:
            self._session.fetch(entry, frames, draw, refused, cancel)

    def save(self, image: QImage, path: Path) -> None:
        """Write a picture as PNG."""
        self._begin(path)
        self._submit(path, lambda: write_bytes(path, _png(image)))

    def stop(self) -> None:
        """Stop; what was not finished leaves no file behind."""
        if not self.is_busy:
            return
        self._cancel.cancel()
        if self._ticket is not None:
            self._ticket.drop()
        self._show(None)

    def _begin(self, path: Path) -> CancelToken:
        assert not self.is_busy, "one file at a time"
        self._cancel, self._ticket = CancelToken(), None
        self._show(Progress(f"Writing {path.name}…"))
        return self._cancel

    def _submit(self, path: Path, task: Callable[[], None]) -> None:
        self._ticket = self._pool.submit(
            task, lambda _: self._finish(path.name), lambda message: self._finish(path.name, message)
        )

    def _step(self, cancel: CancelToken) -> Step:
        def step(done: int, count: int) -> None:
            cancel.check()
            self._stepped.emit(cancel, done, count)

        return step

    def _on_step(self, cancel: CancelToken, done: int, count: int) -> None:
        if cancel is self._cancel and self.progress is not None:
            self._show(Progress(self.progress.what, done, count))

    def _finish(self, name: str, problem: str = "") -> None:
        self._show(None)
        if problem:
            self.failed.emit(name, problem)
        else:
            self.written.emit(name)

    def _show(self, progress: Progress | None) -> None:
        self.progress = progress
        self.changed.emit()


def _png(image: QImage) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    if image.isNull() or not image.save(buffer, "PNG"):  # type: ignore[call-overload]
        raise InputError("It cannot be written: there is no memory left for it.")
    return bytes(data.data())

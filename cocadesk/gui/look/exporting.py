"""Has files of maps written on the I/O pool, one after the other, and tells how far it has come."""

from __future__ import annotations

from collections import deque
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

PNG_QUALITY = 75
"""As Qt counts: three times as fast as its own choice, for a quarter more bytes."""


class Exporting(QObject):
    """Writes one file after the other. Lives on the window's thread.

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
        self._waiting: deque[tuple[str, Callable[[CancelToken], None]]] = deque()
        self._cancel = CancelToken()
        self._ticket: Ticket | None = None
        self._stepped.connect(self._on_step, Qt.ConnectionType.QueuedConnection)

    @property
    def is_busy(self) -> bool:
        """Whether a file is being written."""
        return self.progress is not None

    def export(self, request: ExportRequest, entry: Entry | None, frames: int) -> None:
        """Write what the request says, after what is being written.

        Args:
            entry: The picture that the maps were made of; None for a text.
            frames: Of a clip, how many were averaged for them.
        """
        name = request.path.name

        def begin(cancel: CancelToken) -> None:
            def draw(seen: Picture | Clip | None) -> None:
                if cancel is self._cancel and not cancel.is_cancelled:
                    self._submit(name, partial(export, request, seen, self._step(cancel), cancel))

            def refused(message: str) -> None:
                if cancel is self._cancel and not cancel.is_cancelled:
                    self._finish(name, message)

            if entry is None or not request.over_picture:
                draw(None)
            else:
                self._session.fetch(entry, frames, draw, refused, cancel)

        self._add(name, begin)

    def save(self, paint: Callable[[], QImage], path: Path) -> None:
        """Write a picture as PNG, after what is being written.

        Args:
            paint: Makes it, on a worker's thread.
        """
        self._add(path.name, lambda cancel: self._submit(path.name, lambda: write_bytes(path, _png(paint()), cancel)))

    def stop(self) -> None:
        """Stop; what was not finished leaves no file behind."""
        if not self.is_busy:
            return
        self._waiting.clear()
        self._cancel.cancel()
        if self._ticket is not None:
            self._ticket.drop()
        self._show(None)

    def _add(self, name: str, begin: Callable[[CancelToken], None]) -> None:
        self._waiting.append((name, begin))
        if not self.is_busy:
            self._next()

    def _next(self) -> None:
        if not self._waiting:
            self._show(None)
            return
        name, begin = self._waiting.popleft()
        self._cancel, self._ticket = CancelToken(), None
        self._show(Progress(f"Writing {name}…"))
        begin(self._cancel)

    def _submit(self, name: str, task: Callable[[], None]) -> None:
        self._ticket = self._pool.submit(
            task, lambda _: self._finish(name), lambda message: self._finish(name, message)
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
        self._next()
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
    if image.isNull() or not image.save(buffer, "PNG", PNG_QUALITY):  # type: ignore[call-overload]
        raise InputError("It cannot be written: there is no memory left for it.")
    return bytes(data.data())

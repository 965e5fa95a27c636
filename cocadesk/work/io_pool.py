"""A few threads for files: listing, decoding, thumbnails, pyramids. Results come back to the owner's thread."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Callable
from enum import IntEnum
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from cocadesk.errors import CocaDeskError
from cocadesk.work.priority import lower_own_priority

log = logging.getLogger(__name__)

T = TypeVar("T")


class Priority(IntEnum):
    """What runs first when there is a choice."""

    NOW = 0
    SOON = 1
    LATER = 2


class Ticket:
    """Stands for one submitted task; once dropped, its result is never delivered."""

    def __init__(self) -> None:
        self._dropped = threading.Event()

    def drop(self) -> None:
        """Forget the task: it is skipped if it has not begun, and its result discarded if it has."""
        self._dropped.set()

    @property
    def is_dropped(self) -> bool:
        return self._dropped.is_set()


class IoPool(QObject):
    """Runs callables on worker threads by priority.

    `submit` is called on the thread the pool was made on; the callbacks it is given run there too.
    """

    _finished = Signal(object)
    """A callable that delivers one result; queued across to the owner's thread."""

    def __init__(self, workers: int = 2, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._order = itertools.count()
        self._tasks: queue.PriorityQueue[tuple[int, int, Callable[[], None] | None]] = queue.PriorityQueue()
        self._closing = threading.Event()
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._threads = [
            threading.Thread(target=self._work_off, name=f"io-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        task: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[str], None],
        priority: Priority = Priority.SOON,
    ) -> Ticket:
        """Run `task` on a worker, then `done(result)` or `failed(message)` on the owner's thread."""
        ticket = Ticket()

        def run() -> None:
            if ticket.is_dropped:
                return
            try:
                result = task()
            except Exception as error:  # noqa: BLE001  a damaged file can raise anything; the user is told
                message = plain_message(error)
                self._post(lambda: None if ticket.is_dropped else failed(message))
            else:
                self._post(lambda: None if ticket.is_dropped else done(result))

        self._tasks.put((priority, next(self._order), run))
        return ticket

    def shutdown(self, timeout_s: float = 30.0) -> bool:
        """Forget what waits, let the running tasks end. Whether they did within `timeout_s` each."""
        self._closing.set()
        for _ in self._threads:
            self._tasks.put((-1, next(self._order), None))
        for thread in self._threads:
            thread.join(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    def _deliver(self, callback: Callable[[], None]) -> None:
        if not self._closing.is_set():
            callback()

    def _post(self, callback: Callable[[], None]) -> None:
        try:
            self._finished.emit(callback)
        except RuntimeError:  # the window is gone and its Qt half with it: nobody is left to tell
            log.debug("A result came after the window had closed")

    def _work_off(self) -> None:
        lower_own_priority()
        while not self._closing.is_set():
            task = self._tasks.get()[2]
            if task is None:
                return
            task()
            del task  # it may hold a picture, which must not stay until the next task comes


def plain_message(error: Exception) -> str:
    """What to show for an error of a background task; one that nobody foresaw is logged."""
    if isinstance(error, CocaDeskError):
        return str(error)
    log.warning("A background task failed", exc_info=error)
    return f"{type(error).__name__}: {error}"

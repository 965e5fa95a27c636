"""Downloads of models, on threads of their own, while the window and the inference thread go on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.progress import Patience, Progress
from cocadesk.catalog.removal import remove_unfinished
from cocadesk.errors import Cancelled, ModelError
from cocadesk.types import CancelToken
from cocadesk.work.io_pool import plain_message
from cocadesk.work.priority import lower_own_priority

log = logging.getLogger(__name__)

AT_ONCE = 2
SIGNALS_APART_MS = 100


class DownloadPhase(Enum):
    """Where a download stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class DownloadState:
    """One moment of a download.

    Attributes:
        model: Name of the card.
        bytes_done: What is on this machine.
        bytes_total: Of the whole; what the card says, until the hub was asked.
        bytes_per_s: Mean of the last seconds; 0 while nothing arrives.
        seconds_left: At that rate; None where there is none.
        message: A sentence for the user: why it FAILED, or what a RUNNING one waits for; else empty.
    """

    model: str
    phase: DownloadPhase
    bytes_done: int
    bytes_total: int
    bytes_per_s: float = 0.0
    seconds_left: float | None = None
    message: str = ""

    @property
    def is_under_way(self) -> bool:
        """Whether it runs, or will without anybody's doing."""
        return self.phase in (DownloadPhase.QUEUED, DownloadPhase.RUNNING)


@dataclass(slots=True, eq=False)
class _Run:
    """A thread that downloads one model; `discards` says that it throws away what has arrived before it ends."""

    card: ModelCard
    token: CancelToken = field(default_factory=CancelToken)
    discards: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


@dataclass(frozen=True, slots=True)
class _RunEnded:
    """`error` is empty where the model is there, None where the run was stopped; `discarded` says whether it threw away
    what had arrived.
    """

    error: str | None
    discarded: bool


class Downloads(QObject):
    """A queue of downloads, `AT_ONCE` of which run.

    All methods are called on the thread it was made on; `changed` is emitted there. What a pause, a failure or the end
    of the process leaves is kept, and goes on from there when the download is started again.
    """

    changed = Signal(object)
    """Names (a frozenset) of the models whose download changed; at most ten times a second while bytes come in."""

    _posted = Signal(object, object)
    """A `_Run` and what it says; queued across to the owner's thread."""

    def __init__(self, parent: QObject | None = None, patience: Patience | None = None) -> None:
        super().__init__(parent)
        self._patience = patience or Patience()
        self._states: dict[str, DownloadState] = {}
        self._waiting: dict[str, ModelCard] = {}
        self._runs: dict[str, _Run] = {}
        self._dirty: set[str] = set()
        self._closing = False
        self._rest = QTimer(self, singleShot=True, interval=SIGNALS_APART_MS)
        self._rest.timeout.connect(self._tell)
        self._posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)

    def state(self, model: str) -> DownloadState | None:
        """Of that model's download; None where there is none."""
        return self._states.get(model)

    @property
    def under_way(self) -> tuple[DownloadState, ...]:
        """Those that run or wait for their turn."""
        return tuple(state for state in self._states.values() if state.is_under_way)

    def start(self, card: ModelCard) -> None:
        """Download that model, from where an earlier try stopped; nothing happens if it is under way already."""
        known = self._states.get(card.name)
        if self._closing or (known is not None and known.is_under_way):
            return
        done, total = (known.bytes_done, known.bytes_total) if known else (0, card.download_bytes)
        self._waiting[card.name] = card
        self._set(DownloadState(card.name, DownloadPhase.QUEUED, done, total))
        self._fill()

    def pause(self, model: str) -> None:
        """Stop it and keep what has arrived."""
        known = self._states.get(model)
        if known is None or not known.is_under_way:
            return
        self._waiting.pop(model, None)
        if model in self._runs:
            self._runs[model].token.cancel()
        self._set(DownloadState(model, DownloadPhase.PAUSED, known.bytes_done, known.bytes_total))
        self._fill()

    def cancel(self, card: ModelCard) -> None:
        """Stop it and remove what has arrived."""
        if self._closing or card.name not in self._states:
            return
        self._waiting.pop(card.name, None)
        self.forget(card.name)
        run = self._runs.get(card.name)
        if run is None:
            run = self._begin(card, discards=True)
        run.discards.set()
        run.token.cancel()

    def note_unfinished(self, card: ModelCard, bytes_here: int) -> None:
        """Show what an earlier process left as a paused download."""
        if card.name not in self._states and card.name not in self._runs:
            total = max(card.download_bytes, bytes_here)
            self._set(DownloadState(card.name, DownloadPhase.PAUSED, bytes_here, total))

    def forget(self, model: str) -> None:
        """Show nothing more of a download; one that is under way stops and keeps what has arrived."""
        self._waiting.pop(model, None)
        if model in self._runs:
            self._runs[model].token.cancel()
        if self._states.pop(model, None) is not None:
            self._mark(model, at_once=True)

    def shutdown(self, timeout_s: float = 5.0) -> bool:
        """Stop all of them, keeping what has arrived, and wait for the threads. Whether they ended."""
        self._closing = True
        self._waiting.clear()
        self._rest.stop()
        threads = [run.thread for run in self._runs.values() if run.thread is not None]
        for run in self._runs.values():
            run.token.cancel()
        end = time.monotonic() + timeout_s
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    # On the owner's thread

    def _fill(self) -> None:
        """Begin with what waits, as far as there is room; one that was stopped a moment ago ends first."""
        for name, card in list(self._waiting.items()):
            if len(self._runs) >= AT_ONCE:
                return
            if name not in self._runs:
                del self._waiting[name]
                self._set(replace(self._states[name], phase=DownloadPhase.RUNNING))
                self._begin(card)

    def _begin(self, card: ModelCard, discards: bool = False) -> _Run:
        run = self._runs[card.name] = _Run(card)
        if discards:
            run.discards.set()
            run.token.cancel()
        run.thread = threading.Thread(target=self._work, args=(run,), name=f"io-download-{card.name}", daemon=True)
        run.thread.start()
        return run

    def _on_posted(self, run: _Run, said: Progress | _RunEnded) -> None:
        if self._closing:
            return
        name = run.card.name
        if isinstance(said, Progress):
            if not run.token.is_cancelled:
                self._take(name, said)
            return
        del self._runs[name]
        known = self._states.get(name)
        total = known.bytes_total if known else run.card.download_bytes
        if said.error == "":  # also where a pause came a moment too late
            self._waiting.pop(name, None)
            self._set(DownloadState(name, DownloadPhase.DONE, total, total))
        elif run.discards.is_set() and not said.discarded:  # it was told so when it had ended, but nobody knew
            self._begin(run.card, discards=True)
        elif said.error and known is not None and not run.token.is_cancelled:
            self._set(DownloadState(name, DownloadPhase.FAILED, known.bytes_done, total, message=said.error))
        self._fill()

    def _take(self, name: str, moment: Progress) -> None:
        before = self._states[name]
        state = DownloadState(
            name,
            DownloadPhase.RUNNING,
            moment.bytes_done,
            moment.bytes_total,
            moment.bytes_per_s,
            moment.seconds_left,
            moment.note,
        )
        self._set(state, at_once=before.message != state.message)

    def _set(self, state: DownloadState, at_once: bool | None = None) -> None:
        before = self._states.get(state.model)
        self._states[state.model] = state
        self._mark(state.model, at_once=before is None or before.phase is not state.phase or bool(at_once))

    def _mark(self, name: str, at_once: bool) -> None:
        self._dirty.add(name)
        if at_once:
            self._rest.stop()
            self._tell()
        elif not self._rest.isActive():
            self._rest.start()

    def _tell(self) -> None:
        names, self._dirty = frozenset(self._dirty), set()
        self.changed.emit(names)

    # On a download's thread

    def _work(self, run: _Run) -> None:
        lower_own_priority()
        error: str | None = ""
        try:
            for moment in self._fetch(run):
                self._post(run, moment)
        except Cancelled:
            error = None
        except Exception as failure:  # noqa: BLE001  whatever happens, the user is told
            error = plain_message(failure)
        discards = run.discards.is_set()
        if discards:
            try:
                remove_unfinished(run.card)
            except ModelError as refusal:  # another window goes on with it
                log.info("What has arrived of %s stays: %s", run.card.name, refusal)
        self._post(run, _RunEnded(error, discards))

    def _fetch(self, run: _Run) -> Iterator[Progress]:
        run.token.check()
        from cocadesk.catalog.download import download, plan  # noqa: PLC0415 — slow to import

        planned = plan(run.card, cancel=run.token, patience=self._patience)
        yield from download(planned, run.token, patience=self._patience)

    def _post(self, run: _Run, said: Progress | _RunEnded) -> None:
        try:
            self._posted.emit(run, said)
        except RuntimeError:  # the window is gone and its Qt half with it: nobody is left to tell
            log.debug("A download's event came after the window had closed")

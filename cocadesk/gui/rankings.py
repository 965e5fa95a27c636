"""Texts held against the open pictures: embeds what is new, compares, and begins again when the texts change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.entries import Entry
from cocadesk.gui.session import Session
from cocadesk.media.clips import Span
from cocadesk.types import (
    CancelToken,
    Clip,
    Comparison,
    Embedding,
    ModelRequest,
    Picture,
    PictureEmbedded,
    TextsEmbedded,
)
from cocadesk.work.job import Ended, JobEvent, JobState
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
from cocadesk.work.ranking import CompareRequest, compare_work
from cocadesk.work.runner import Runner


@dataclass(frozen=True, slots=True)
class Ranking:
    """What came of a comparison.

    Attributes:
        names: What the pictures are called, a row of the comparison each.
        locations: Their whole paths, or names where there is no file.
        texts: What was held against them, a column of the comparison each.
        model: What compared them, as a user reads it.
    """

    names: tuple[str, ...]
    locations: tuple[str, ...]
    texts: tuple[str, ...]
    comparison: Comparison
    model: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done, for a user to read; `total` is 0 where nobody can tell how long it takes."""

    what: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """What the user wants ranked, with the choices as they were when it was asked for."""

    entries: tuple[Entry, ...]
    texts: tuple[str, ...]
    model: ModelRequest
    frames: int


_Key = tuple[ModelRequest, int, int, Span | None]
"""Model, key of the entry, frames and part of a clip: what the embedding of a picture depends on."""


class Rankings(QObject):
    """Keeps one ranking up to date with what was asked for last. Lives on the window's thread.

    Pictures are embedded one at a time, each in a job of its own that a change of the texts does not interrupt: only
    one picture is in memory for it, and typing while a large model looks at a picture does not make it begin again.

    Attributes:
        result: The latest ranking; None if there is none.
        progress: What is being done; None if nothing is.
        problem: What went wrong, or what was left out; empty if nothing.
    """

    changed = Signal()
    """`result`, `progress` or `problem` changed."""

    def __init__(self, runner: Runner, manager: ModelManager, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.result: Ranking | None = None
        self.progress: Progress | None = None
        self.problem = ""
        self._runner = runner
        self._manager = manager
        self._session = session
        self._embeddings: dict[_Key, Embedding] = {}
        self._unopened: dict[int, str] = {}
        self._wish: _Wish | None = None
        self._embedding: _Key | None = None
        self._sampling = CancelToken()
        self._job_id: int | None = None
        runner.event_arrived.connect(self._on_event)
        session.entries.rowsRemoved.connect(self._drop_closed)

    @property
    def is_busy(self) -> bool:
        """Whether a ranking is under way."""
        return self._wish is not None

    def rank(self, entries: Sequence[Entry], texts: Sequence[str], model: ModelRequest, frames: int) -> None:
        """Hold the texts against the pictures, in place of whatever was asked for before."""
        self._wish = _Wish(tuple(entries), tuple(texts), model, frames)
        self._unopened.clear()
        self.problem = ""
        if not entries or not texts:
            self.clear()
        elif self._embedding is None:
            self._cancel()
            self._step()
        elif self._embedding not in self._keys(self._wish):
            self._cancel()
            self._embedding = None
            self._step()

    def clear(self) -> None:
        """There is nothing to rank."""
        self._cancel()
        self._embedding = self._wish = self.progress = self.result = None
        self.changed.emit()

    def stop(self) -> None:
        """Stop; what was ranked before stays."""
        if self._wish is not None:
            self._cancel()
            self._finish("Stopped. Change a description, or press Rank, to go on.")

    def _step(self) -> None:
        """Embed the next picture that has no embedding yet; once all have, compare."""
        wish = self._wish
        if wish is None:
            return
        entries = [entry for entry in wish.entries if entry.key not in self._unopened]
        missing = [entry for entry in entries if _key(wish, entry) not in self._embeddings]
        if missing:
            key = self._embedding = _key(wish, missing[0])
            seen = len(entries) - len(missing)
            self._show(Progress(f"Looking at {missing[0].name}…", seen, len(entries) if len(entries) > 1 else 0))
            self._session.fetch(
                missing[0],
                wish.frames,
                lambda what: self._embed(key, what),
                lambda message: self._refuse(key, missing[0], message),
                self._sampling,
            )
        elif entries:
            self._embedding = None
            embeddings = tuple(self._embeddings[_key(wish, entry)] for entry in entries)
            self._submit(CompareRequest(wish.model, embeddings, wish.texts))
        else:
            self.result = None
            self._finish()

    def _embed(self, key: _Key, what: Picture | Clip) -> None:
        if self._embedding == key and self._job_id is None:
            self._submit(CompareRequest(key[0], (what,)))

    def _refuse(self, key: _Key, entry: Entry, message: str) -> None:
        if self._embedding == key:
            self._unopened[entry.key] = f"{entry.name}: {message}"
            self._embedding = None
            self._step()

    def _submit(self, request: CompareRequest) -> None:
        self._job_id = self._runner.submit(compare_work(self._manager, request))

    def _cancel(self) -> None:
        self._sampling.cancel()
        self._sampling = CancelToken()
        if self._job_id is not None:
            self._runner.cancel(self._job_id)
            self._job_id = None  # what it still says is stale

    def _on_event(self, event: JobEvent) -> None:
        wish = self._wish
        if event.job_id != self._job_id or wish is None:
            return
        match event.payload:
            case ModelLoading(request=request):
                self._show(Progress(f"Loading {request.name}…"))
            case ModelReady() if self._embedding is not None:
                self._show(Progress("Looking at the picture…"))
            case PictureEmbedded(embedding=embedding) if self._embedding is not None:
                self._embeddings[self._embedding] = embedding
            case TextsEmbedded(done=done, total=total):
                self._show(Progress("Reading the descriptions…", done, total))
            case Comparison() as comparison if self._embedding is None:
                self._take(wish, comparison)
            case Ended() as end:
                self._on_end(end)

    def _on_end(self, end: Ended) -> None:
        self._job_id = None
        if end.state is JobState.FAILED:
            self._finish(end.message)
        elif self._embedding is not None:
            self._embedding = None
            self._step()
        else:
            self._finish()

    def _take(self, wish: _Wish, comparison: Comparison) -> None:
        entries = [entry for entry in wish.entries if entry.key not in self._unopened]
        self.result = Ranking(
            tuple(entry.name for entry in entries),
            tuple(entry.location for entry in entries),
            wish.texts,
            comparison,
            wish.model.name + (" (untrained)" if wish.model.untrained else ""),
        )

    def _finish(self, problem: str = "") -> None:
        self.problem = "\n".join(filter(None, (problem, *self._unopened.values())))
        self._wish = self._embedding = self.progress = None
        self.changed.emit()

    def _show(self, progress: Progress) -> None:
        self.progress = progress
        self.changed.emit()

    def _drop_closed(self, *_: object) -> None:
        entries = self._session.entries
        for key in [key for key in self._embeddings if entries.get(key[1]) is None]:
            del self._embeddings[key]
        wish = self._wish
        if wish is not None:
            left = tuple(entry for entry in wish.entries if entries.get(entry.key) is entry)
            if left != wish.entries:
                self.rank(left, wish.texts, wish.model, wish.frames)

    @staticmethod
    def _keys(wish: _Wish) -> set[_Key]:
        return {_key(wish, entry) for entry in wish.entries}


def _key(wish: _Wish, entry: Entry) -> _Key:
    return wish.model, entry.key, wish.frames, entry.span

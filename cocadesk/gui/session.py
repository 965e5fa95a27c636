"""Turns what the panels ask for into jobs, and what the jobs say into entries and signals."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.entries import Entries, Entry, EntryState
from cocadesk.gui.model_status import ModelPhase, ModelStatus
from cocadesk.gui.shelf import Shelf
from cocadesk.gui.thumbnails import Thumbnails
from cocadesk.gui.timeline_samples import Samples
from cocadesk.gui.viewing import Viewing
from cocadesk.media.folder import Expanded, expand
from cocadesk.types import (
    CancelToken,
    CaptionOptions,
    CaptionRequest,
    CaptionResult,
    Clip,
    Draft,
    ModelRequest,
    Picture,
    Token,
)
from cocadesk.work.captioning import caption_work, load_work, unload_work
from cocadesk.work.io_pool import IoPool, Priority
from cocadesk.work.job import Ended, JobEvent, JobState
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady, ModelUnloaded, ModelWarning
from cocadesk.work.runner import Runner


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """A picture to caption, with the choices as they were when it was asked for."""

    entry: Entry
    model: ModelRequest
    options: CaptionOptions
    sampling: CancelToken = field(default_factory=CancelToken)


@dataclass(frozen=True, slots=True)
class _Loading:
    """A job that only loads a model."""

    job_id: int
    model: ModelRequest


class Session(QObject):
    """What is open and what is being done with it. Lives on the window's thread.

    Attributes:
        entries: The open pictures.
        thumbnails: Small copies of them.
        model: The model that the next caption uses.
        options: How the next caption is decoded.
        status: The state of `model`.
        absence: Says why a model cannot be used now; empty if it can.
    """

    opened = Signal(object)
    """The entries (a list) that were just opened, or asked for again."""

    begun_anew = Signal(object)
    """The `Entry` that is to get a caption of its own, which does not continue its last one."""

    view_ready = Signal(int, object)
    """A key and the `Pyramid` of that picture, to be shown."""

    status_changed = Signal()
    """The model's state changed."""

    loaded_changed = Signal()
    """`loaded` changed."""

    held_back = Signal()
    """A caption was asked for that has to wait until the model is here."""

    queue_changed = Signal()
    """`active` or `waiting` changed."""

    token_arrived = Signal(int, object)
    """A key and a `Token` of its caption, already appended to the entry's tokens."""

    problem = Signal(str, str)
    """The name of a file or model, and what is wrong with it."""

    def __init__(self, runner: Runner, pool: IoPool, manager: ModelManager, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries = Entries(self)
        self.thumbnails = Thumbnails(pool, self)
        self.model = ModelRequest()
        self.options = CaptionOptions()
        self.status = ModelStatus(self.model)
        self.absence: Callable[[ModelRequest], str] = lambda _: ""
        self._runner = runner
        self._pool = pool
        self._manager = manager
        self._shelf = Shelf(pool)
        self._viewing = Viewing(pool, self._shelf, self.entries, self.view_ready.emit, self.problem.emit)
        self._samples = Samples(pool, lambda entry, note: self.problem.emit(entry.name, note))
        self._disowned: _Wish | None = None
        self._waiting: deque[_Wish] = deque()
        self._active: _Wish | None = None
        self._job_id: int | None = None
        self._is_ready = False  # the model of the caption that is being made
        self._loading: _Loading | None = None
        runner.event_arrived.connect(self._on_event)

    @property
    def active(self) -> Entry | None:
        """The picture that is being captioned."""
        return self._active.entry if self._active else None

    @property
    def loaded(self) -> frozenset[str]:
        """Names of the models in memory."""
        return frozenset(model.request.name for model in self._manager.loaded)

    @property
    def waiting(self) -> int:
        """How many pictures wait for their turn."""
        return len(self._waiting)

    # What the window asks for

    def choose(self, model: ModelRequest, options: CaptionOptions) -> None:
        """Use these from the next caption on; a caption that was asked for before keeps its own."""
        self.options = options
        if model != self.model:
            self.model = model
            self._set_status(ModelStatus(model))

    def warm(self) -> None:
        """Load the chosen model, so that the first caption need not wait for it."""
        if self._loading is not None:
            self._runner.cancel(self._loading.job_id)
        self._loading = _Loading(self._runner.submit(load_work(self._manager, self.model)), self.model)

    def unload(self, name: str) -> None:
        """Give back the memory of that model; it loads again when it is asked for."""
        for model in self._manager.loaded:
            if model.request.name == name:
                self._runner.submit(unload_work(self._manager, model.request))

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open and caption files, and the pictures of folders."""
        asked = [path.absolute() for path in paths]
        self._pool.submit(
            lambda: expand(asked), self._on_expanded, lambda message: self.problem.emit("", message), Priority.NOW
        )

    def open_picture(self, picture: Picture) -> None:
        """Open and caption a picture that has no file."""
        self._open([picture])

    def show(self, entry: Entry | None) -> None:
        """Make that picture's pyramid; `view_ready` follows unless another one is asked for first.

        Where its file cannot be opened, `Entry.unopened` says so instead; a caption that it has stays.
        """
        self._viewing.show(entry)

    def fetch(
        self,
        entry: Entry,
        frames: int,
        done: Callable[[Picture | Clip], None],
        failed: Callable[[str], None],
        cancel: CancelToken | None = None,
    ) -> None:
        """Call `done` with what a model is to see of that entry, or `failed` with why it cannot be opened.

        That is the picture itself, or of a video or an animation at most `frames` frames of the part that the user
        chose. Neither is called once `cancel` was set.
        """
        source, wanted = entry.source, cancel or CancelToken()

        def opened(picture: Picture) -> None:
            entry.describe(picture)
            self._viewing.on_opened(entry)
            if wanted.is_cancelled:
                return
            if picture.seconds is None or not isinstance(source, Path):
                done(picture)
                return

            def sampled(clip: Clip) -> None:
                self.entries.notify(entry)
                done(clip)

            self._samples.fetch(entry, source, frames, sampled, failed, cancel=wanted)

        def refused(message: str) -> None:
            if not wanted.is_cancelled:
                failed(message)

        self._shelf.fetch(entry.key, source, opened, refused, Priority.SOON)

    def caption(self, asked: Sequence[Entry]) -> None:
        """Caption these, one after another, with the model and options chosen now.

        While that model cannot be used they are only marked: captions that are there stay until others are made.
        """
        wanted = [*self._waiting, *([self._active] if self._active and self._active is not self._disowned else [])]
        busy = {wish.entry for wish in wanted}
        absence = self.absence(self.model)
        new = [entry for entry in asked if entry not in busy and self._is_open(entry)]
        for entry in new:
            if not absence or not _is_worth_keeping(entry):
                entry.begin(EntryState.IDLE if absence else EntryState.WAITING)
                self.begun_anew.emit(entry)
            entry.held = absence
            if not absence:
                self._wait(_Wish(entry, self.model, self.options))
            self.entries.notify(entry)
        self._next()
        self.queue_changed.emit()
        if new and absence:
            self.held_back.emit()

    def caption_anew(self, entry: Entry) -> None:
        """Caption that one with what is chosen now, in place of any caption that is asked for or being made."""
        self.take_back(entry)
        self.caption([entry])

    def continue_caption(self, entry: Entry, prefix: tuple[int, ...]) -> None:
        """Caption that one before all that wait, beginning with these tokens, by the model that chose among them."""
        self.take_back(entry)
        entry.begin(EntryState.WAITING)
        made_by, made_with = entry.model or self.model, entry.options or self.options
        self._wait(_Wish(entry, made_by, replace(made_with, prefix=prefix)), first=True)
        self.entries.notify(entry)
        self._next()
        self.queue_changed.emit()

    def take_back(self, entry: Entry) -> None:
        """Whatever caption that one waits for, or is being made for it, is not wanted any more: it changes nothing."""
        self._waiting = deque(wish for wish in self._waiting if wish.entry is not entry)
        if self.active is entry:
            self._disowned = self._active
            self._stop_active()
        self.queue_changed.emit()

    def hurry(self, entry: Entry) -> None:
        """Let that picture be the next one, if it waits: the user is looking at it."""
        wish = next((wish for wish in self._waiting if wish.entry is entry), None)
        if wish is not None:
            self._waiting.remove(wish)
            self._waiting.appendleft(wish)

    def stop(self) -> None:
        """Stop the caption that is being made, keeping its words, and all that wait."""
        stopped = [wish.entry for wish in self._waiting]
        self._waiting.clear()
        for entry in stopped:
            entry.state = EntryState.STOPPED
            self.entries.notify(entry)
        self._stop_active()
        self.queue_changed.emit()

    def close(self, entry: Entry) -> None:
        """Close a picture."""
        self.entries.remove(entry)
        self._let_go([entry])

    def close_all(self) -> None:
        """Close all pictures."""
        closed = list(self.entries)
        self.entries.clear()
        self._let_go(closed)

    def shutdown(self) -> bool:
        """Stop everything and end the threads. Whether they ended."""
        self._waiting.clear()
        self._samples.shutdown()
        ended = [self._pool.shutdown(), self._runner.shutdown()]
        return all(ended)

    def _let_go(self, closed: Sequence[Entry]) -> None:
        """Nothing is done any more for these, and nothing kept of them."""
        self._waiting = deque(wish for wish in self._waiting if self._is_open(wish.entry))
        if self.active is not None and not self._is_open(self.active):
            self._stop_active()
        for entry in closed:
            self._shelf.forget(entry.key)
            self._samples.forget(entry)
            self.thumbnails.forget(entry.source)
        self.queue_changed.emit()

    def _is_open(self, entry: Entry) -> bool:
        return self.entries.get(entry.key) is entry

    def _wait(self, wish: _Wish, *, first: bool = False) -> None:
        wish.entry.model, wish.entry.options = wish.model, wish.options
        (self._waiting.appendleft if first else self._waiting.append)(wish)

    # What comes back

    def _on_expanded(self, expanded: Expanded) -> None:
        for path, error in expanded.errors:
            self.problem.emit(Path(path).name or path, str(error))
        if expanded.files:
            self._open([Path(file) for file in expanded.files])

    def _open(self, sources: Sequence[Path | Picture]) -> None:
        opened = self.entries.add(sources)
        self.opened.emit(opened)
        self.caption([entry for entry in opened if entry.state is not EntryState.CAPTIONED])

    def _next(self) -> None:
        """Begin with the picture whose turn it is, and have the one after it decoded meanwhile."""
        if self._active is not None or not self._waiting:
            return
        wish = self._active = self._waiting.popleft()
        self._is_ready = False
        wish.entry.begin(EntryState.WORKING)
        self.entries.notify(wish.entry)
        self.fetch(
            wish.entry,
            wish.options.frames,
            lambda what: self._send(wish, what),
            lambda message: self._refuse(wish, message),
            wish.sampling,
        )
        if self._waiting:
            following = self._waiting[0].entry
            self._shelf.fetch(following.key, following.source, lambda _: None, lambda _: None, Priority.LATER)

    def _send(self, wish: _Wish, what: Picture | Clip) -> None:
        if self._active is not wish:
            return
        request = CaptionRequest(wish.model, (what,), wish.options)
        self._job_id = self._runner.submit(caption_work(self._manager, request))

    def _refuse(self, wish: _Wish, message: str) -> None:
        if not wish.entry.details:  # it was never opened
            wish.entry.unopened = message
        self._fail(wish.entry, message)
        if self._active is wish:
            self._finish()

    def _stop_active(self) -> None:
        if self._active is None:
            return
        if self._job_id is not None:
            self._runner.cancel(self._job_id)  # its end comes as an event
        else:
            self._active.sampling.cancel()
            entry = self._active.entry
            entry.state = EntryState.STOPPED
            self.entries.notify(entry)
            self._finish()

    def _finish(self) -> None:
        self._active = None
        self._job_id = None
        self._disowned = None
        self._next()
        self.queue_changed.emit()

    def _fail(self, entry: Entry, message: str) -> None:
        """Note why a picture cannot be captioned."""
        entry.state = EntryState.FAILED
        entry.error = message
        self.entries.notify(entry)
        self.problem.emit(entry.name, message)

    def _on_event(self, event: JobEvent) -> None:
        payload = event.payload
        if isinstance(payload, ModelReady | ModelUnloaded):  # whichever job it was
            self.loaded_changed.emit()
        if isinstance(payload, ModelWarning):
            self.problem.emit("", payload.message)
        elif isinstance(payload, ModelUnloaded):
            if payload.request == self.status.request:
                self._set_status(ModelStatus(payload.request))
        elif self._loading is not None and event.job_id == self._loading.job_id:
            self._on_model_event(payload)
            if isinstance(payload, Ended):
                model, self._loading = self._loading.model, None
                if payload.state is JobState.FAILED:
                    self._model_failed(model, payload.message)
        elif event.job_id == self._job_id and self._active is not None:
            self._on_caption_event(self._active, payload)

    def _on_model_event(self, payload: object) -> None:
        if isinstance(payload, ModelLoading):
            self._set_status(ModelStatus(payload.request, ModelPhase.LOADING))
        elif isinstance(payload, ModelReady):
            self._set_status(
                ModelStatus(
                    payload.request,
                    ModelPhase.READY,
                    payload.device,
                    payload.dtype,
                    payload.weight_bytes,
                    payload.seconds,
                )
            )

    def _on_caption_event(self, wish: _Wish, payload: object) -> None:
        entry = wish.entry
        if wish is self._disowned:
            if isinstance(payload, Ended):
                self._finish()
            return
        if isinstance(payload, Token):
            if payload.position == 0 and entry.tokens:  # it begins anew, on another device
                entry.tokens.clear()
                self.entries.notify(entry)
            entry.tokens.append(payload)
            self.token_arrived.emit(entry.key, payload)
        elif isinstance(payload, Draft):
            entry.draft = payload.text
            self.entries.notify(entry)
        elif isinstance(payload, CaptionResult):
            entry.tokens = list(payload.tokens)
            entry.result = payload
            entry.draft = ""
            entry.state = EntryState.CAPTIONED
            self.entries.notify(entry)
        elif isinstance(payload, Ended):
            self._on_caption_ended(wish, payload)
        else:
            self._is_ready = self._is_ready or isinstance(payload, ModelReady)
            self._on_model_event(payload)

    def _on_caption_ended(self, wish: _Wish, end: Ended) -> None:
        entry = wish.entry
        if end.state is JobState.CANCELLED and entry.state is EntryState.WORKING:
            entry.state = EntryState.STOPPED
            self.entries.notify(entry)
        elif end.state is JobState.FAILED:
            if not self._is_ready:
                self._model_failed(wish.model, end.message)
            self._fail(entry, end.message)
        self._finish()

    def _model_failed(self, model: ModelRequest, message: str) -> None:
        """Without its model no waiting picture can be captioned: they are put back rather than failed one by one."""
        self._set_status(ModelStatus(model, ModelPhase.FAILED, message=message))
        hopeless = [wish for wish in self._waiting if wish.model == model]
        self._waiting = deque(wish for wish in self._waiting if wish.model != model)
        for wish in hopeless:
            wish.entry.state = EntryState.IDLE
            self.entries.notify(wish.entry)
        if hopeless and model != self.model:
            self.problem.emit(model.name, message)

    def _set_status(self, status: ModelStatus) -> None:
        """Note how that model stands, if it is the chosen one: earlier captions may have another."""
        if status.request == self.model and status != self.status:
            self.status = status
            self.status_changed.emit()


def _is_worth_keeping(entry: Entry) -> bool:
    """Whether it has a caption, or the beginning of one, that no other is about to replace."""
    return entry.state in (EntryState.CAPTIONED, EntryState.STOPPED) and bool(entry.caption)

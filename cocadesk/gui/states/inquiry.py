"""One question about a model's states at a time: asked through a job, kept until another one takes its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.entries import Entry
from cocadesk.gui.rankings import Progress
from cocadesk.gui.session import Session
from cocadesk.types import CacheComparison, CachedStates, CancelToken, Clip, DecodingProgress, DecodingWay, Picture
from cocadesk.work.job import Ended, JobEvent, JobState
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
from cocadesk.work.runner import Runner
from cocadesk.work.states import Projected, StatesRequest, states_work

STOPPED = "Stopped. Press the button to begin again."

WAYS: dict[DecodingWay, str] = {"cached": "Cached", "guesses": "With guesses", "uncached": "Uncached"}

Answer = CachedStates | CacheComparison | Projected


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What is to be found out, with the choices as they were when it was asked.

    Attributes:
        entry: The picture; None where none is needed.
        frames: Of a clip, how many are averaged.
        request: Makes the job's request of what the model is to see.
    """

    entry: Entry | None
    frames: int
    request: Callable[[Picture | Clip | None], StatesRequest]
    sampling: CancelToken = field(default_factory=CancelToken)


class Inquiry(QObject):
    """Lives on the window's thread.

    Attributes:
        result: What came of the last question; None until it is there.
        progress: What is being done; None if nothing is.
        problem: What went wrong; empty if nothing.
    """

    changed = Signal()
    """`result`, `progress` or `problem` changed."""

    def __init__(self, runner: Runner, manager: ModelManager, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.result: Answer | None = None
        self.progress: Progress | None = None
        self.problem = ""
        self._runner = runner
        self._manager = manager
        self._session = session
        self._question: Question | None = None
        self._job_id: int | None = None
        runner.event_arrived.connect(self._on_event)
        session.entries.rowsRemoved.connect(self._drop_closed)

    @property
    def is_busy(self) -> bool:
        """Whether something is being found out."""
        return self.progress is not None

    def ask(self, question: Question | None) -> None:
        """Find this out, in place of whatever was asked before; None for nothing."""
        self._cancel()
        self._question, self.result = question, None
        if question is None:
            self._finish()
        elif question.entry is None:
            self._show(Progress("Reading…"))
            self._send(question, None)
        else:
            self._show(Progress("Looking at the picture…"))
            self._session.fetch(
                question.entry,
                question.frames,
                lambda what: self._send(question, what),
                lambda message: self._finish(message) if self._question is question else None,
                question.sampling,
            )

    def stop(self) -> None:
        """Stop finding out."""
        if self.is_busy:
            self._cancel()
            self._finish(STOPPED)

    def _send(self, question: Question, what: Picture | Clip | None) -> None:
        if self._question is question and self.is_busy:
            self._job_id = self._runner.submit(states_work(self._manager, question.request(what)))

    def _on_event(self, event: JobEvent) -> None:
        if event.job_id != self._job_id or self._question is None:
            return
        match event.payload:
            case ModelLoading(request=request):
                self._show(Progress(f"Loading {request.name}…"))
            case ModelReady():
                self._show(Progress("Looking at the picture…" if self._question.entry else "Reading…"))
            case DecodingProgress(way=way, done=done, longest=longest):
                total = longest * len(WAYS)
                self._show(Progress(f"{WAYS[way]}: token {done}…", longest * list(WAYS).index(way) + done, total))
            case CachedStates() | CacheComparison() | Projected() as answer:
                self.result = answer
            case Ended() as end:
                self._finish(end.message if end.state is JobState.FAILED else "")

    def _show(self, progress: Progress) -> None:
        self.progress, self.problem = progress, ""
        self.changed.emit()

    def _cancel(self) -> None:
        if self._question is not None:
            self._question.sampling.cancel()
        if self._job_id is not None:
            self._runner.cancel(self._job_id)
            self._job_id = None  # what it still says is stale

    def _finish(self, problem: str = "") -> None:
        self._job_id = None
        self.progress, self.problem = None, problem
        self.changed.emit()

    def _drop_closed(self, *_: object) -> None:
        entry = self._question.entry if self._question is not None else None
        if entry is not None and self._session.entries.get(entry.key) is None:
            self.ask(None)


class Inquiries:
    """What the window of states asks, each independent of the others.

    Attributes:
        cached: A `CachedStates`.
        comparison: A `CacheComparison`.
        hidden: A `Projected`.
    """

    def __init__(self, runner: Runner, manager: ModelManager, session: Session) -> None:
        self.cached = Inquiry(runner, manager, session, session)
        self.comparison = Inquiry(runner, manager, session, session)
        self.hidden = Inquiry(runner, manager, session, session)

    @property
    def all(self) -> tuple[Inquiry, ...]:
        """All of them."""
        return self.cached, self.comparison, self.hidden

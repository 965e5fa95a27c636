"""One question about a model's states at a time: asked through a job, kept until another one takes its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject

from cocadesk.gui.entries import Entry
from cocadesk.gui.latest_job import LatestJob
from cocadesk.gui.rankings import Progress
from cocadesk.gui.session import Session
from cocadesk.types import CacheComparison, CachedStates, Clip, DecodingProgress, DecodingWay, Picture
from cocadesk.work.model_manager import ModelManager
from cocadesk.work.runner import Runner
from cocadesk.work.states import Projected, StatesRequest, states_work

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


class Inquiry(LatestJob):
    """Finds one thing out at a time.

    Attributes:
        result: What came of the last question; None until it is there.
    """

    def __init__(self, runner: Runner, manager: ModelManager, session: Session, parent: QObject | None = None) -> None:
        super().__init__(runner, session, parent)
        self.result: Answer | None = None
        self._manager = manager

    def ask(self, question: Question | None) -> None:
        """Find this out, in place of whatever was asked before; None for nothing."""
        self.result = None
        if question is None:
            self._cancel()
            self._finish()
        elif question.entry is None:
            self._begin_without_picture(states_work(self._manager, question.request(None)), "Reading…")
        else:
            request = question.request
            self._begin(
                question.entry, question.frames, lambda what: self._submit(states_work(self._manager, request(what)))
            )

    def _take(self, said: object) -> None:
        match said:
            case DecodingProgress(way=way, done=done, longest=longest):
                total = longest * len(WAYS)
                self._show(Progress(f"{WAYS[way]}: token {done}…", longest * list(WAYS).index(way) + done, total))
            case CachedStates() | CacheComparison() | Projected() as answer:
                self.result = answer

    def _forget(self) -> None:
        self.result = None


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

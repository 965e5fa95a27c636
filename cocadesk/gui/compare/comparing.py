"""Captions of one picture by two models, or with two settings: made through jobs, one side after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.entries import Entry
from cocadesk.gui.pyramid import Pyramid, build
from cocadesk.gui.session import Session
from cocadesk.types import (
    CancelToken,
    CaptionOptions,
    CaptionRequest,
    CaptionResult,
    Clip,
    ModelRequest,
    Picture,
    Token,
)
from cocadesk.work.captioning import caption_work
from cocadesk.work.io_pool import IoPool, Priority
from cocadesk.work.job import Ended, JobEvent, JobState
from cocadesk.work.looking import Looked, LookRequest, look_work
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
from cocadesk.work.runner import Runner

SIDES = (0, 1)


@dataclass(slots=True, eq=False)
class SideState:
    """What is known about one side. Lives on the window's thread.

    Attributes:
        doing: What is being done, for a user to read; empty if nothing is.
        problem: What went wrong; empty if nothing did.
        looked: Where the model looked for each word, once that is known; None where it cannot be.
    """

    model: ModelRequest = field(default_factory=ModelRequest)
    options: CaptionOptions = field(default_factory=CaptionOptions)
    tokens: list[Token] = field(default_factory=list)
    result: CaptionResult | None = None
    looked: Looked | None = None
    doing: str = ""
    problem: str = ""
    sampling: CancelToken = field(default_factory=CancelToken)
    what: Picture | Clip | None = None
    job_id: int | None = None

    @property
    def caption(self) -> str:
        """The caption, or as much of it as there is."""
        return self.result.caption if self.result else "".join(token.text for token in self.tokens).strip()


class Comparing(QObject):
    """Keeps both sides' captions of the picture that is compared. Lives on the window's thread.

    Attributes:
        sides: Left and right.
    """

    changed = Signal(int)
    """The number of a side that changed."""

    view_ready = Signal(object, str)
    """The `Pyramid` of the picture that is compared, and its name."""

    problem = Signal(str)
    """Why the picture cannot be shown."""

    def __init__(
        self, runner: Runner, pool: IoPool, manager: ModelManager, session: Session, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.sides = (SideState(), SideState())
        self._runner = runner
        self._pool = pool
        self._manager = manager
        self._session = session
        self._entry: Entry | None = None
        runner.event_arrived.connect(self._on_event)

    @property
    def is_busy(self) -> bool:
        """Whether a caption is being made."""
        return any(side.doing for side in self.sides)

    def show_entry(self, entry: Entry | None) -> None:
        """Compare on this picture; captions are made when `caption` asks for them. None for none."""
        for number in SIDES:
            self._drop(number)
            self.changed.emit(number)
        self._entry = entry
        if entry is not None:
            self._session.fetch(
                entry, 1, lambda what: self._build(entry, what), lambda message: self._refuse(entry, message)
            )

    def caption(self, number: int, model: ModelRequest, options: CaptionOptions) -> None:
        """Caption the picture on that side, in place of whatever was asked for before."""
        self._drop(number)
        side, entry = self.sides[number], self._entry
        side.model, side.options = model, options
        if entry is not None:
            side.doing = "Looking at the picture…"
            sampling = side.sampling
            self._session.fetch(
                entry,
                options.frames,
                lambda what: self._send(number, sampling, what),
                lambda message: self._end(number, message) if side.sampling is sampling else None,
                sampling,
            )
        self.changed.emit(number)

    def stop(self) -> None:
        """Stop both sides; the words that are there stay."""
        for number in SIDES:
            side = self.sides[number]
            if side.doing:
                self._cancel(side)
                self._end(number, "Stopped. Press “Compare again” to go on.")

    def differing(self) -> tuple[set[int], set[int]]:
        """Positions of each side's tokens that the other caption has not, in its order; empty while one is missing."""
        left, right = (side.result.tokens if side.result else () for side in self.sides)
        if not left or not right:
            return set(), set()
        return differing(left, right)

    def counterpart(self, number: int, position: int) -> int | None:
        """The position of the same word on the other side; None where it has not that word there."""
        return dict(_shared(self.sides[number].tokens, self.sides[1 - number].tokens)).get(position)

    def _build(self, entry: Entry, what: Picture | Clip) -> None:
        picture = what.frames[0] if isinstance(what, Clip) else what

        def built(pyramid: Pyramid) -> None:
            if self._entry is entry:
                self.view_ready.emit(pyramid, entry.name)

        self._pool.submit(lambda: build(picture), built, lambda message: self._refuse(entry, message), Priority.NOW)

    def _refuse(self, entry: Entry, message: str) -> None:
        if self._entry is entry:
            self.problem.emit(message)

    def _send(self, number: int, sampling: CancelToken, what: Picture | Clip) -> None:
        side = self.sides[number]
        if side.sampling is sampling and side.doing:
            side.what = what
            request = CaptionRequest(side.model, (what,), side.options)
            side.job_id = self._runner.submit(caption_work(self._manager, request))

    def _on_event(self, event: JobEvent) -> None:
        number = next((at for at in SIDES if self.sides[at].job_id == event.job_id), None)
        if number is None:
            return
        side, payload = self.sides[number], event.payload
        match payload:
            case ModelLoading(request=request):
                side.doing = f"Loading {request.name}…"
            case ModelReady():
                side.doing = "Looking at the picture…" if side.result is None else "Looking where it looked…"
            case Token() as token:
                if token.position == 0:  # the first one, or it begins anew on another device
                    side.tokens.clear()
                side.tokens.append(token)
            case CaptionResult() as result:
                side.tokens, side.result = list(result.tokens), result
            case Looked() as looked:
                side.looked = looked
            case Ended() as end:
                self._on_end(number, end)
                return
        self.changed.emit(number)
        if isinstance(payload, CaptionResult):  # which the other side's differences depend on
            self.changed.emit(1 - number)

    def _on_end(self, number: int, end: Ended) -> None:
        side = self.sides[number]
        captioned = side.result is not None and side.looked is None
        if captioned and end.state is JobState.DONE and side.what is not None and not self._is_map_job(side):
            side.job_id = self._runner.submit(
                look_work(self._manager, LookRequest(side.model, "words", side.what, caption=side.result))
            )
            side.what = None  # the job has it; the next end is that job's
            return
        # Without maps the captions can be compared as well: a model that has none is no reason for a message.
        self._end(number, end.message if end.state is JobState.FAILED and side.result is None else "")

    @staticmethod
    def _is_map_job(side: SideState) -> bool:
        return side.what is None

    def _end(self, number: int, problem: str) -> None:
        side = self.sides[number]
        side.job_id, side.doing, side.problem, side.what = None, "", problem, None
        self.changed.emit(number)

    def _drop(self, number: int) -> None:
        """Forget what that side has."""
        side = self.sides[number]
        self._cancel(side)
        side.tokens, side.result, side.looked = [], None, None
        side.doing = side.problem = ""
        side.sampling = CancelToken()

    def _cancel(self, side: SideState) -> None:
        side.sampling.cancel()
        if side.job_id is not None:
            self._runner.cancel(side.job_id)
        side.job_id = side.what = None  # what the job still says is stale


def differing(left: Sequence[Token], right: Sequence[Token]) -> tuple[set[int], set[int]]:
    """Positions of each caption's tokens that the other has not, in its order."""
    shared = _shared(left, right)
    return set(range(len(left))) - {at for at, _ in shared}, set(range(len(right))) - {at for _, at in shared}


def _shared(left: Sequence[Token], right: Sequence[Token]) -> list[tuple[int, int]]:
    """Positions, on the left and on the right, of the longest common subsequence of words.

    Tokens are compared by what they read, since models have vocabularies of their own.
    """
    first, second = ([token.text.strip().lower() for token in tokens] for tokens in (left, right))
    # longest[i][j] is the length of the longest one from left[i] and right[j] on.
    longest = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i in reversed(range(len(first))):
        for j in reversed(range(len(second))):
            same = 1 + longest[i + 1][j + 1] if first[i] == second[j] else 0
            longest[i][j] = max(same, longest[i + 1][j], longest[i][j + 1])
    shared, i, j = [], 0, 0
    while i < len(first) and j < len(second):
        if first[i] == second[j] and longest[i][j] == 1 + longest[i + 1][j + 1]:
            shared.append((i, j))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return shared

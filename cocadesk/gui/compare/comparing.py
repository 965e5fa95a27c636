"""Captions of one picture by two models, or with two settings: made through jobs, one side after the other."""

from __future__ import annotations

from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.compare.shared_choice import MapKind, attention_of
from cocadesk.gui.compare.words import counterpart, differing
from cocadesk.gui.entries import Entry
from cocadesk.gui.looking import STOPPED as LOOKING_STOPPED
from cocadesk.gui.looking import Looking, MapCache, Wish
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
from cocadesk.work.looking import Looked
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
from cocadesk.work.runner import Runner

SIDES = (0, 1)

STOPPED = "Stopped. Press “Compare again” to go on."


@dataclass(slots=True, eq=False)
class SideState:
    """What is known about one side. Lives on the window's thread.

    Attributes:
        doing: What is being done for the caption, for a user to read; empty if nothing is.
        problem: What went wrong; empty if nothing did.
        looked: The maps of the chosen kind; None until they are there, or where there are none.
        looking: What is being done for them; empty if nothing is.
        unseen: Why there are none; empty if nothing went wrong.
    """

    model: ModelRequest = field(default_factory=ModelRequest)
    options: CaptionOptions = field(default_factory=CaptionOptions)
    tokens: list[Token] = field(default_factory=list)
    result: CaptionResult | None = None
    looked: Looked | None = None
    doing: str = ""
    problem: str = ""
    looking: str = ""
    unseen: str = ""
    sampling: CancelToken = field(default_factory=CancelToken)
    job_id: int | None = None

    @property
    def caption(self) -> str:
        """The caption, or as much of it as there is."""
        return self.result.caption if self.result else "".join(token.text for token in self.tokens).strip()


class Comparing(QObject):
    """Keeps both sides' captions of the picture that is compared, and their maps. Lives on the window's thread.

    Args:
        cache: Where maps are kept, those of the Look panel among them.

    Attributes:
        sides: Left and right.
        kind: Of maps that are made once a caption is there.
    """

    changed = Signal(int)
    """The number of a side that changed."""

    view_ready = Signal(object, str)
    """The `Pyramid` of the picture that is compared, and its name."""

    problem = Signal(str)
    """Why the picture cannot be shown."""

    def __init__(
        self,
        runner: Runner,
        pool: IoPool,
        manager: ModelManager,
        session: Session,
        *,
        cache: MapCache,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.sides = (SideState(), SideState())
        self.kind: MapKind = "words"
        left, right = (Looking(runner, manager, session, cache=cache, parent=self) for _ in SIDES)
        self._lookings = (left, right)
        left.changed.connect(lambda: self._on_looking(0))
        right.changed.connect(lambda: self._on_looking(1))
        self._runner = runner
        self._pool = pool
        self._manager = manager
        self._session = session
        self._entry: Entry | None = None
        runner.event_arrived.connect(self._on_event)

    @property
    def is_busy(self) -> bool:
        """Whether captions or maps are being made."""
        return any(side.doing or side.looking for side in self.sides)

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

    def clear(self, number: int) -> None:
        """Forget what that side has, and stop what is being done for it."""
        self._drop(number)
        self.changed.emit(number)

    def stop(self) -> None:
        """Stop both sides; the words that are there stay."""
        for number in SIDES:
            side = self.sides[number]
            if side.doing:
                self._cancel(side)
                self._end(number, STOPPED)
            self._lookings[number].stop()

    def choose_kind(self, kind: MapKind) -> None:
        """Have maps of that kind made on both sides, in place of others; captions stay."""
        if kind != self.kind:
            self.kind = kind
            for number in SIDES:
                self._look(number)

    def differing(self) -> tuple[set[int], set[int]]:
        """Positions of each side's tokens that the other caption has not, in its order; empty while one is missing."""
        left, right = (side.result.tokens if side.result else () for side in self.sides)
        if not left or not right:
            return set(), set()
        return differing(left, right)

    def counterpart(self, number: int, position: int) -> int | None:
        """The position of the same word on the other side; None where it has not that word."""
        return counterpart(self.sides[number].tokens, self.sides[1 - number].tokens, position)

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
                side.doing = "Looking at the picture…"
            case Token() as token:
                if token.position == 0:  # the first one, or it begins anew on another device
                    side.tokens.clear()
                side.tokens.append(token)
            case CaptionResult() as result:
                side.tokens, side.result = list(result.tokens), result
            case Ended() as end:
                self._look(number)  # first, so that nobody takes the moment between for the end
                self._end(number, end.message if end.state is JobState.FAILED else "")
                return
        self.changed.emit(number)
        if isinstance(payload, CaptionResult):  # which the other side's differences depend on
            self.changed.emit(1 - number)

    def _look(self, number: int) -> None:
        """Have maps made for a side's caption, if there is one."""
        side, entry = self.sides[number], self._entry
        wish = None
        if entry is not None and side.result is not None:
            kind, relevance = attention_of(self.kind)
            said = side.result if kind == "words" else None
            wish = Wish(kind, side.model, entry, "", said, side.options.frames, relevance)
        self._lookings[number].look(wish)

    def _on_looking(self, number: int) -> None:
        side, looking = self.sides[number], self._lookings[number]
        side.looked, side.looking = looking.result, looking.progress.what if looking.progress else ""
        side.unseen = STOPPED if looking.problem == LOOKING_STOPPED else looking.problem
        self.changed.emit(number)

    def _end(self, number: int, problem: str) -> None:
        side = self.sides[number]
        side.job_id, side.doing, side.problem = None, "", problem
        self.changed.emit(number)

    def _drop(self, number: int) -> None:
        """Forget what that side has."""
        side = self.sides[number]
        self._cancel(side)
        side.tokens, side.result = [], None
        side.doing = side.problem = ""
        self._lookings[number].look(None)
        side.sampling = CancelToken()

    def _cancel(self, side: SideState) -> None:
        side.sampling.cancel()
        if side.job_id is not None:
            self._runner.cancel(side.job_id)
        side.job_id = None  # what the job still says is stale

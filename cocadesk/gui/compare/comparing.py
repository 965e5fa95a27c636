"""Captions of one picture by two models, or with two settings: made through jobs, one side after the other."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.compare.shared_choice import MapKind, attention_of
from cocadesk.gui.compare.words import counterpart, differing
from cocadesk.gui.entries import Entry
from cocadesk.gui.latest_job import LatestJob
from cocadesk.gui.looking import STOPPED as LOOKING_STOPPED
from cocadesk.gui.looking import Looking, MapCache, Wish
from cocadesk.gui.pyramid import Pyramid, build
from cocadesk.gui.session import Session
from cocadesk.types import CaptionOptions, CaptionRequest, CaptionResult, Clip, ModelRequest, Picture, Token
from cocadesk.work.captioning import caption_work
from cocadesk.work.io_pool import IoPool, Priority
from cocadesk.work.looking import Looked
from cocadesk.work.model_manager import ModelManager
from cocadesk.work.runner import Runner

SIDES = (0, 1)

STOPPED = "Stopped. Press “Compare again” to go on."


class SideJob(LatestJob):
    """Captions the picture on one side, and has the caption's maps made.

    Attributes:
        model, options: What captions.
        tokens: The caption's, as far as it has come.
        result: The caption; None until it is finished.
        kind: Of the maps.
    """

    stopped = STOPPED

    captioned = Signal()
    """`result` is there."""

    def __init__(
        self, runner: Runner, manager: ModelManager, session: Session, *, cache: MapCache, parent: QObject
    ) -> None:
        super().__init__(runner, session, parent)
        self.model = ModelRequest()
        self.options = CaptionOptions()
        self.tokens: list[Token] = []
        self.result: CaptionResult | None = None
        self.kind: MapKind = "words"
        self._manager = manager
        self._looking = Looking(runner, manager, session, cache=cache, parent=self)
        self._looking.changed.connect(self.changed)

    @property
    def doing(self) -> str:
        """What is being done for the caption, for a user to read; empty if nothing is."""
        return self.progress.what if self.progress else ""

    @property
    def looked(self) -> Looked | None:
        """The maps; None until they are there, or where there are none."""
        return self._looking.result

    @property
    def looking(self) -> str:
        """What is being done for the maps; empty if nothing is."""
        return self._looking.progress.what if self._looking.progress else ""

    @property
    def unseen(self) -> str:
        """Why there are no maps; empty if nothing went wrong."""
        return STOPPED if self._looking.problem == LOOKING_STOPPED else self._looking.problem

    def begin(self, entry: Entry, model: ModelRequest, options: CaptionOptions) -> None:
        """Caption that picture, in place of whatever was asked for before."""
        self._cancel()
        self._forget()
        self.model, self.options = model, options

        def send(what: Picture | Clip) -> None:
            self._submit(caption_work(self._manager, CaptionRequest(model, (what,), options)))

        self._begin(entry, options.frames, send)

    def clear(self) -> None:
        """Forget what there is, and stop what is being done."""
        self._cancel()
        self._forget()
        self._finish()

    def stop(self) -> None:
        """Stop what is being done; the words that are there stay."""
        super().stop()
        self._looking.stop()

    def choose_kind(self, kind: MapKind) -> None:
        """Have maps of that kind made in place of others; the caption stays."""
        self.kind = kind
        self._look()

    def _take(self, said: object) -> None:
        match said:
            case Token() as token:
                if token.position == 0:  # the first one, or it begins anew on another device
                    self.tokens.clear()
                self.tokens.append(token)
                self.changed.emit()
            case CaptionResult() as result:
                self.tokens, self.result = list(result.tokens), result
                self._look()  # at once, so that nobody takes the moment before it for the end
                self.changed.emit()
                self.captioned.emit()

    def _forget(self) -> None:
        self.tokens, self.result = [], None
        self._look()

    def _look(self) -> None:
        """Have maps made for the caption, if there is one."""
        wish = None
        if self.entry is not None and self.result is not None:
            kind, relevance = attention_of(self.kind)
            said = self.result if kind == "words" else None
            wish = Wish(kind, self.model, self.entry, "", said, self.options.frames, relevance)
        self._looking.look(wish)


class Comparing(QObject):
    """Keeps both sides' captions of the picture that is compared, and their maps. Lives on the window's thread.

    Args:
        cache: Where maps are kept, those of the Look panel among them.

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
        left, right = (SideJob(runner, manager, session, cache=cache, parent=self) for _ in SIDES)
        self.sides = (left, right)
        for number, side in enumerate(self.sides):
            side.changed.connect(lambda number=number: self.changed.emit(number))
            side.captioned.connect(lambda other=1 - number: self.changed.emit(other))  # the differences depend on it
        self._pool = pool
        self._session = session
        self._entry: Entry | None = None

    @property
    def is_busy(self) -> bool:
        """Whether captions or maps are being made."""
        return any(side.doing or side.looking for side in self.sides)

    def show_entry(self, entry: Entry | None) -> None:
        """Compare on this picture; captions are made when `caption` asks for them. None for none."""
        for side in self.sides:
            side.clear()
        self._entry = entry
        if entry is not None:
            self._session.fetch(
                entry, 1, lambda what: self._build(entry, what), lambda message: self._refuse(entry, message)
            )

    def caption(self, number: int, model: ModelRequest, options: CaptionOptions) -> None:
        """Caption the picture on that side, in place of whatever was asked for before."""
        if self._entry is not None:
            self.sides[number].begin(self._entry, model, options)

    def clear(self, number: int) -> None:
        """Forget what that side has, and stop what is being done for it."""
        self.sides[number].clear()

    def stop(self) -> None:
        """Stop both sides; the words that are there stay."""
        for side in self.sides:
            side.stop()

    def choose_kind(self, kind: MapKind) -> None:
        """Have maps of that kind made on both sides, in place of others; captions stay."""
        for side in self.sides:
            side.choose_kind(kind)

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

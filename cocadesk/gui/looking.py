"""Where models look: turns what the Look panel asks for into jobs, and keeps the maps that came of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.entries import Entry
from cocadesk.gui.session import Session
from cocadesk.media.clips import Span
from cocadesk.types import AttentionKind, CancelToken, CaptionOptions, CaptionResult, Clip, ModelRequest, Picture
from cocadesk.work.io_pool import IoPool
from cocadesk.work.job import Ended, JobEvent, JobState
from cocadesk.work.looking import Looked, LookRequest, look_work
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
from cocadesk.work.runner import Runner

BUDGET_BYTES = 384 * 1024 * 1024

STOPPED = "Stopped. Press “Look again” to go on."


@dataclass(frozen=True, slots=True)
class LookKey:
    """What maps depend on.

    Attributes:
        entry: Key of the picture; 0 where a text alone is looked at.
        span: Of a clip, the part that is looked at.
        said: Token ids of a caption, or its text; empty for one that is made for the maps.
    """

    entry: int
    span: Span | None
    frames: int
    kind: AttentionKind
    model: ModelRequest
    text: str
    said: tuple[int, ...] | str
    relevance: bool


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What is to be looked at, with the choices as they were when it was asked for.

    Attributes:
        entry: The picture; None where a text alone is looked at.
        caption, text, relevance: As in `LookRequest`.
    """

    kind: AttentionKind
    model: ModelRequest
    entry: Entry | None = None
    text: str = ""
    caption: CaptionResult | str | None = None
    frames: int = CaptionOptions().frames
    relevance: bool = False
    sampling: CancelToken = field(default_factory=CancelToken)

    @property
    def key(self) -> LookKey:
        """What its maps are kept under."""
        caption = self.caption
        said = tuple(token.id for token in caption.tokens) if isinstance(caption, CaptionResult) else caption or ""
        entry = self.entry
        return LookKey(
            entry.key if entry else 0,
            entry.span if entry else None,
            self.frames,
            self.kind,
            self.model,
            self.text,
            said,
            self.relevance,
        )


class MapCache:
    """The maps looked at lately, within a budget of memory; the newest stays whatever it takes."""

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self._budget = budget_bytes
        self._kept: OrderedDict[LookKey, Looked] = OrderedDict()

    @property
    def nbytes(self) -> int:
        """Memory that is taken."""
        return sum(looked.nbytes for looked in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: LookKey) -> Looked | None:
        """What is kept under that key."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: LookKey, looked: Looked) -> None:
        """Keep that, and let go what was not looked at for longest."""
        self._kept[key] = looked
        self._kept.move_to_end(key)
        while self.nbytes > self._budget and len(self._kept) > 1:
            self._kept.popitem(last=False)

    def forget(self, entry: int) -> None:
        """Let go of all maps of that picture."""
        for key in [key for key in self._kept if key.entry == entry]:
            del self._kept[key]

    def entries(self) -> set[int]:
        """Keys of the pictures that there are maps of."""
        return {key.entry for key in self._kept}


class Looking(QObject):
    """Has maps made of what was asked for last. Lives on the window's thread.

    Attributes:
        result: The maps that were asked for; None until they are there.
        progress: What is being done; empty if nothing is.
        problem: What went wrong; empty if nothing did.
    """

    changed = Signal()
    """`result`, `progress` or `problem` changed."""

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
        self.result: Looked | None = None
        self.progress = ""
        self.problem = ""
        self._runner = runner
        self._pool = pool
        self._manager = manager
        self._session = session
        self._cache = cache
        self._wish: Wish | None = None
        self._key: LookKey | None = None
        self._job_id: int | None = None
        runner.event_arrived.connect(self._on_event)
        session.entries.rowsRemoved.connect(self._drop_closed)

    @property
    def is_busy(self) -> bool:
        """Whether maps are being made."""
        return self._wish is not None

    def look(self, wish: Wish | None, *, again: bool = False) -> None:
        """Have these maps made, in place of whatever was asked for before; None for none.

        Args:
            again: Try once more even if it failed or was stopped before.
        """
        key = wish.key if wish else None
        if key == self._key and not again:
            return
        self._cancel()
        self._key = key
        self.result = self._cache.get(key) if key else None
        self.progress = self.problem = ""
        if wish is not None and self.result is None:
            self._begin(wish)
        self.changed.emit()

    def stop(self) -> None:
        """Stop; maps that were made stay."""
        if self._wish is not None:
            self._cancel()
            self._finish(STOPPED)

    def _begin(self, wish: Wish) -> None:
        self._wish = wish
        if wish.entry is None:
            self._send(wish, None)
            return
        self.progress = "Looking at the picture…"
        self._session.fetch(
            wish.entry,
            wish.frames,
            lambda what: self._send(wish, what),
            lambda message: self._finish(message) if self._wish is wish else None,
            wish.sampling,
        )

    def _send(self, wish: Wish, what: Picture | Clip | None) -> None:
        if self._wish is wish and self._job_id is None:
            request = LookRequest(wish.model, wish.kind, what, wish.text, wish.caption, wish.relevance)
            self._job_id = self._runner.submit(look_work(self._manager, request))

    def _cancel(self) -> None:
        if self._wish is not None:
            self._wish.sampling.cancel()
        self._wish = None
        if self._job_id is not None:
            self._runner.cancel(self._job_id)
            self._job_id = None  # what it still says is stale

    def _on_event(self, event: JobEvent) -> None:
        wish = self._wish
        if event.job_id != self._job_id or wish is None:
            return
        match event.payload:
            case ModelLoading(request=request):
                self._show(f"Loading {request.name}…")
            case ModelReady():
                self._show("Looking…")
            case Looked() as looked:
                self.result = looked
                if wish.entry is None or self._session.entries.get(wish.entry.key) is not None:
                    self._cache.put(wish.key, looked)
            case Ended() as end:
                self._job_id = None
                self._finish(end.message if end.state is JobState.FAILED else "")

    def _show(self, progress: str) -> None:
        self.progress = progress
        self.changed.emit()

    def _finish(self, problem: str = "") -> None:
        self._wish = None
        self.progress, self.problem = "", problem
        self.changed.emit()

    def _drop_closed(self, *_: object) -> None:
        entries = self._session.entries
        for key in self._cache.entries():
            if key and entries.get(key) is None:
                self._cache.forget(key)
        wish = self._wish
        if wish is not None and wish.entry is not None and entries.get(wish.entry.key) is None:
            self.look(None)

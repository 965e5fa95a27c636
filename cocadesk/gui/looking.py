"""Where models look: turns what the Look panel asks for into jobs, and keeps the maps that came of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from PySide6.QtCore import QObject

from cocadesk.gui.entries import Entry
from cocadesk.gui.latest_job import LatestJob
from cocadesk.gui.session import Session
from cocadesk.media.clips import Span
from cocadesk.types import AttentionKind, CaptionOptions, CaptionResult, Clip, ModelRequest, Picture
from cocadesk.work.job import Work
from cocadesk.work.looking import Looked, LookRequest, look_work
from cocadesk.work.model_manager import ModelManager
from cocadesk.work.runner import Runner

BUDGET_BYTES = 384 * 1024 * 1024

STOPPED = "Stopped. Press “Look again” to go on."
BUSY = "Looking…"


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


class Looking(LatestJob):
    """Has maps made of what was asked for last.

    Attributes:
        result: The maps that were asked for; None until they are there.
    """

    stopped = STOPPED

    def __init__(
        self,
        runner: Runner,
        manager: ModelManager,
        session: Session,
        *,
        cache: MapCache,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(runner, session, parent)
        self.result: Looked | None = None
        self._manager = manager
        self._cache = cache
        self._key: LookKey | None = None

    def look(self, wish: Wish | None, *, again: bool = False) -> None:
        """Have these maps made, in place of whatever was asked for before; None for none.

        Args:
            again: Try once more even if it failed or was stopped before.
        """
        key = wish.key if wish else None
        if key == self._key and not again:
            return
        self._cancel()
        self._key, self._entry = key, wish.entry if wish else None
        self.result = self._cache.get(key) if key else None
        if wish is None or self.result is not None:
            self._finish()
        elif wish.entry is None:
            self._begin_without_picture(self._work(wish, None), BUSY)
        else:
            self._begin(wish.entry, wish.frames, lambda what: self._submit(self._work(wish, what)), doing=BUSY)

    def _work(self, wish: Wish, what: Picture | Clip | None) -> Work:
        request = LookRequest(wish.model, wish.kind, what, wish.text, wish.caption, wish.relevance)
        return look_work(self._manager, request)

    def _take(self, said: object) -> None:
        if isinstance(said, Looked) and self._key is not None:
            self.result = said
            self._cache.put(self._key, said)

    def _forget(self) -> None:
        self.result = self._key = None

    def _drop_closed(self, *gone: object) -> None:
        for key in self._cache.entries():
            if key and self._session.entries.get(key) is None:
                self._cache.forget(key)
        super()._drop_closed(*gone)

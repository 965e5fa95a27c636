"""The frames of clips that models look at: sampled on the I/O pool, the latest kept within a budget of memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cocadesk.gui.entries import Entry
from cocadesk.gui.timeline_thumbs import Thumb, small
from cocadesk.media.clips import Span, open_clip
from cocadesk.types import CancelToken, Clip
from cocadesk.work.io_pool import IoPool, Priority

BUDGET_BYTES = 512 * 1024 * 1024
FILMS_KEPT = 24


@dataclass(frozen=True, slots=True)
class _Name:
    key: int
    count: int
    span: Span | None


class Samples:
    """Samples clips once however many ask for the same frames in turn. Lives on the window's thread.

    Args:
        noticed: Called with an entry and a sentence about what is wrong with its file.
    """

    def __init__(self, pool: IoPool, noticed: Callable[[Entry, str], None], budget_bytes: int = BUDGET_BYTES) -> None:
        self._pool = pool
        self._noticed = noticed
        self._budget = budget_bytes
        self._kept: OrderedDict[_Name, Clip] = OrderedDict()
        self._films: OrderedDict[int, Entry] = OrderedDict()
        self._under_way: set[CancelToken] = set()

    def fetch(
        self,
        entry: Entry,
        source: Path,
        count: int,
        done: Callable[[Clip], None],
        failed: Callable[[str], None],
        *,
        cancel: CancelToken,
    ) -> None:
        """Call `done` with so many frames of the entry's chosen part, or `failed` with why there are none.

        Neither is called once `cancel` was set.
        """
        name = _Name(entry.key, count, entry.span)
        if name in self._kept:
            self._kept.move_to_end(name)
            done(self._kept[name])
            return

        def work() -> tuple[Clip, list[Thumb]]:
            clip = open_clip(source, count, name.span, cancel)
            frames = zip(clip.times, clip.frames, strict=True)
            return clip, [Thumb(seconds, small(frame.pixels)) for seconds, frame in frames]

        def arrived(made: tuple[Clip, list[Thumb]]) -> None:
            self._under_way.discard(cancel)
            if not cancel.is_cancelled:
                self._keep(name, entry, *made)
                done(made[0])

        def refused(message: str) -> None:
            self._under_way.discard(cancel)
            if not cancel.is_cancelled:
                failed(message)

        self._under_way.add(cancel)
        self._pool.submit(work, arrived, refused, Priority.SOON)

    def shutdown(self) -> None:
        """Stop what is being sampled, so that ending the pool's threads need not wait for it."""
        for cancel in self._under_way:
            cancel.cancel()

    def forget(self, entry: Entry) -> None:
        """Drop what is kept of that entry."""
        self._films.pop(entry.key, None)
        for name in [name for name in self._kept if name.key == entry.key]:
            del self._kept[name]

    def _keep(self, name: _Name, entry: Entry, clip: Clip, film: list[Thumb]) -> None:
        entry.film, entry.times = film, clip.times
        entry.seconds = clip.frames[0].seconds
        self._films[entry.key] = entry
        self._films.move_to_end(entry.key)
        if len(self._films) > FILMS_KEPT:
            self._films.popitem(last=False)[1].film = []
        for note in clip.notes:
            if note not in entry.notes:
                entry.notes.append(note)
                self._noticed(entry, note)
        self._kept[name] = clip
        held = sum(_bytes(kept) for kept in self._kept.values())
        while held > self._budget and len(self._kept) > 1:
            held -= _bytes(self._kept.popitem(last=False)[1])


def _bytes(clip: Clip) -> int:
    return sum(frame.pixels.nbytes for frame in clip.frames)

"""Decoded pictures within a memory budget; each file is opened once however many ask for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cocadesk.media.image import open_picture
from cocadesk.types import Picture
from cocadesk.work.io_pool import IoPool, Priority

BUDGET_BYTES = 768 * 1024 * 1024

Done = Callable[[Picture], None]
Failed = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Wish:
    done: Done
    failed: Failed


class Shelf:
    """Opens pictures on the I/O pool and keeps the latest ones. Lives on the window's thread."""

    def __init__(self, pool: IoPool, budget_bytes: int = BUDGET_BYTES) -> None:
        self._pool = pool
        self._budget = budget_bytes
        self._kept: OrderedDict[int, Picture] = OrderedDict()
        self._wishes: dict[int, list[_Wish]] = {}

    def fetch(self, key: int, source: Path | Picture, done: Done, failed: Failed, priority: Priority) -> None:
        """Call `done` with the picture (at once if it is at hand), or `failed` with why it cannot be opened."""
        if isinstance(source, Picture):
            done(source)
            return
        if key in self._kept:
            self._kept.move_to_end(key)
            done(self._kept[key])
            return
        wishes = self._wishes.setdefault(key, [])
        wishes.append(_Wish(done, failed))
        if len(wishes) == 1 or priority is Priority.NOW:
            self._pool.submit(
                lambda: self._open(key, source),
                lambda picture: self._arrived(key, picture),
                lambda message: self._refused(key, message),
                priority,
            )

    def forget(self, key: int) -> None:
        """Drop a picture and whoever waits for it."""
        self._kept.pop(key, None)
        self._wishes.pop(key, None)

    def _open(self, key: int, source: Path) -> Picture | None:
        """On the pool: open the file unless an earlier task has answered all who asked."""
        return open_picture(source) if key in self._wishes else None

    def _arrived(self, key: int, picture: Picture | None) -> None:
        wishes = self._wishes.pop(key, [])
        if picture is None or not wishes:
            return
        self._kept[key] = picture
        held = sum(kept.pixels.nbytes for kept in self._kept.values())
        while held > self._budget and len(self._kept) > 1:
            held -= self._kept.popitem(last=False)[1].pixels.nbytes
        for wish in wishes:
            wish.done(picture)

    def _refused(self, key: int, message: str) -> None:
        for wish in self._wishes.pop(key, []):
            wish.failed(message)

"""The picture on the canvas: opened again if need be, and made ready to be drawn at any size."""

from __future__ import annotations

from collections.abc import Callable

from cocadesk.gui import pyramid
from cocadesk.gui.entries import Entries, Entry
from cocadesk.gui.pyramid import Pyramid
from cocadesk.gui.shelf import Shelf
from cocadesk.types import Picture
from cocadesk.work.io_pool import IoPool, Priority, Ticket


class Viewing:
    """Makes the pyramid of one picture at a time, the one that was asked for last. Lives on the window's thread.

    Args:
        ready: Called with the picture's key and its pyramid.
        failed: Called with the picture's name and why it cannot be shown; once, however often it is looked at.
    """

    def __init__(
        self,
        pool: IoPool,
        shelf: Shelf,
        entries: Entries,
        ready: Callable[[int, Pyramid], None],
        failed: Callable[[str, str], None],
    ) -> None:
        self._pool = pool
        self._shelf = shelf
        self._entries = entries
        self._ready = ready
        self._failed = failed
        self._ticket: Ticket | None = None
        self._key: int | None = None

    def show(self, entry: Entry | None) -> None:
        """Make that picture's pyramid; `Entry.unopened` says so if it cannot be opened, and nothing else is changed."""
        self._drop()
        self._key = entry.key if entry else None
        if entry is not None:
            self._shelf.fetch(
                entry.key,
                entry.source,
                lambda picture: self._build(entry, picture),
                lambda message: self._fail(entry, message),
                Priority.NOW,
            )

    def on_opened(self, entry: Entry) -> None:
        """Its file was opened for something else: show it, too, if it is to be shown and could not be before."""
        if entry.unopened and entry.key == self._key:
            self.show(entry)

    def _build(self, entry: Entry, picture: Picture) -> None:
        if self._key != entry.key:
            return
        self._drop()
        entry.describe(picture)
        self._entries.notify(entry)
        self._ticket = self._pool.submit(
            lambda: pyramid.build(picture),
            lambda built: self._show(entry, built),
            lambda message: self._fail(entry, message),
            Priority.NOW,
        )

    def _show(self, entry: Entry, built: Pyramid) -> None:
        entry.unopened = ""
        self._ready(entry.key, built)

    def _fail(self, entry: Entry, message: str) -> None:
        is_news = message not in (entry.unopened, entry.error)
        entry.unopened = message
        self._entries.notify(entry)
        if is_news:
            self._failed(entry.name, message)

    def _drop(self) -> None:
        if self._ticket is not None:
            self._ticket.drop()
            self._ticket = None

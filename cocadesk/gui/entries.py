"""The pictures that are open: one entry each, in a list model that the strip shows."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from cocadesk.gui import wording
from cocadesk.gui.timeline_thumbs import Thumb
from cocadesk.media.clips import Span
from cocadesk.types import CaptionOptions, CaptionResult, ModelRequest, Picture, Token

ENTRY_ROLE = Qt.ItemDataRole.UserRole
ROOT = QModelIndex()

AnyIndex = QModelIndex | QPersistentModelIndex


class EntryState(Enum):
    """What has become of a picture; the value is what a user reads."""

    IDLE = "Not captioned"
    WAITING = "Waiting"
    WORKING = "Captioning"
    CAPTIONED = "Captioned"
    STOPPED = "Stopped"
    FAILED = "Error"


@dataclass(slots=True, eq=False)
class Entry:
    """One open picture and what is known about it. Lives on the window's thread.

    Attributes:
        key: Identifies the entry for as long as the window lives.
        source: The file, or the picture itself where there is no file (pasted, dropped from a browser).
        name: File name or description.
        details: Size and format, once the picture was opened.
        tokens: What the latest captioning said so far.
        draft: The best caption so far of a beam search.
        model, options: What made the latest caption, or is to make it; None before one was asked for.
        error: Why it could not be captioned.
        unopened: Why it cannot be shown, as when its file is gone; empty if it can, as far as is known.
        held: What a caption that was asked for waits for, such as a download; empty if for nothing.
        seconds: Of a clip, how long it lasts as far as known, 0 if that is not known yet; None for a still picture, or
            while the file was not opened.
        span: Of a clip, the part that models look at; None for all of it.
        times: When the frames are shown that a model looked at last, in seconds.
        film: These frames, small; empty where they were dropped to save memory.
        notes: What was told about its file.
    """

    key: int
    source: Path | Picture
    name: str
    state: EntryState = EntryState.IDLE
    details: str = ""
    tokens: list[Token] = field(default_factory=list)
    draft: str = ""
    result: CaptionResult | None = None
    model: ModelRequest | None = None
    options: CaptionOptions | None = None
    error: str = ""
    unopened: str = ""
    held: str = ""
    seconds: float | None = None
    span: Span | None = None
    times: tuple[float, ...] = ()
    film: list[Thumb] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def caption(self) -> str:
        """The caption, or as much of it as there is."""
        if self.result is not None:
            return self.result.caption
        return "".join(token.text for token in self.tokens).strip() or self.draft

    @property
    def location(self) -> str:
        """The whole path, or the name where there is no file."""
        return str(self.source) if isinstance(self.source, Path) else self.name

    def describe(self, picture: Picture) -> None:
        """Note what opening the file has told."""
        frames = f" · {picture.frames:,} frames" if picture.frames > 1 else ""
        kind = f" · {picture.format}" if picture.format else ""
        lasts = f" · {wording.clock(picture.seconds)}" if picture.seconds else ""
        self.details = f"{picture.width} × {picture.height}{kind}{frames}{lasts}"
        if self.seconds is None:  # what was counted meanwhile is more exact
            self.seconds = picture.seconds

    def begin(self, state: EntryState) -> None:
        """Clear what an earlier captioning left."""
        self.state = state
        self.tokens = []
        self.draft = ""
        self.result = None
        self.error = ""
        self.held = ""


class Entries(QAbstractListModel):
    """The open pictures, in the order they were opened."""

    changed = Signal(int)
    """The key of an entry whose state or caption changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Entry] = []
        self._by_key: dict[int, Entry] = {}
        self._keys = itertools.count(1)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> itertools.chain[Entry]:
        return itertools.chain(self._rows)

    def add(self, sources: Sequence[Path | Picture]) -> list[Entry]:
        """Append entries; a file that is open already is not added again, and its entry is returned instead."""
        open_files = {entry.source: entry for entry in self._rows if isinstance(entry.source, Path)}
        entries: list[Entry] = []
        new: list[Entry] = []
        for source in sources:
            known = open_files.get(source) if isinstance(source, Path) else None
            if known is None:
                known = Entry(next(self._keys), source, source.name)
                new.append(known)
                if isinstance(source, Path):
                    open_files[source] = known
            entries.append(known)
        if new:
            self.beginInsertRows(ROOT, len(self._rows), len(self._rows) + len(new) - 1)
            self._rows += new
            self._by_key |= {entry.key: entry for entry in new}
            self.endInsertRows()
        return list(dict.fromkeys(entries))

    def get(self, key: int) -> Entry | None:
        """The entry of that key, if it is still open."""
        return self._by_key.get(key)

    def at(self, row: int) -> Entry | None:
        """The entry in that row, if there is such a row."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, entry: Entry) -> int:
        """Where it stands: keys grow from row to row.

        Raises:
            ValueError: if it is not open.
        """
        row = bisect_left(self._rows, entry.key, key=_key)
        if self.at(row) is not entry:
            raise ValueError(f"{entry.name} is not open")
        return row

    def remove(self, entry: Entry) -> None:
        """Close one picture."""
        row = self.row_of(entry)
        self._remove(row, row)

    def clear(self) -> None:
        """Close all pictures in one go."""
        if self._rows:
            self._remove(0, len(self._rows) - 1)

    def _remove(self, first: int, last: int) -> None:
        """Close these rows; for whoever is told that they go, they are not open any more."""
        for entry in self._rows[first : last + 1]:
            del self._by_key[entry.key]
        self.beginRemoveRows(ROOT, first, last)
        del self._rows[first : last + 1]
        self.endRemoveRows()

    def notify(self, entry: Entry) -> None:
        """Tell the views that this entry changed."""
        if entry.key in self._by_key:
            index = self.index(self.row_of(entry))
            self.dataChanged.emit(index, index)
            self.changed.emit(entry.key)

    def rowCount(self, parent: AnyIndex = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        entry = self.at(index.row())
        if entry is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return entry.location
        if role == Qt.ItemDataRole.AccessibleTextRole:
            said = entry.error or entry.caption
            return f"{entry.name}, {entry.state.value.lower()}" + (f": {said}" if said else "")
        return entry if role == ENTRY_ROLE else None


def _key(entry: Entry) -> int:
    return entry.key

"""Has the chosen model loaded as soon as it can be: at the start, when another one is chosen, after its download."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.entries import Entry
from cocadesk.gui.library import Library, Place
from cocadesk.gui.session import Session
from cocadesk.types import ModelRequest


class ModelWatch(QObject):
    """Holds captions back while the chosen model is not on this machine, and has them made once it is."""

    missed = Signal()
    """A caption was asked for, and the chosen model has to be downloaded first."""

    def __init__(self, session: Session, library: Library, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._library = library
        self._is_awaited = False
        session.absence = self._absence
        session.held_back.connect(self._on_held_back)
        library.changed.connect(self._on_changed)

    @property
    def is_missing(self) -> bool:
        """Whether the chosen model is known not to be here."""
        return self._library.place(self._session.model) in (Place.ABSENT, Place.MISSING)

    def begin(self) -> None:
        """Look at the disk, and load the model once it is found there."""
        self._library.refresh()
        self.warm()

    def warm(self) -> None:
        """Load the chosen model now, or when it is here."""
        self._is_awaited = bool(self._absence(self._session.model))
        if not self._is_awaited:
            self._session.warm()
            self._session.caption(self._held())

    def _absence(self, model: ModelRequest) -> str:
        """Why that model cannot be used now; empty if it can, as far as is known."""
        entry = self._library.entry(model.name)
        place = self._library.place(model)
        if entry is None or place not in (Place.UNKNOWN, Place.ABSENT, Place.MISSING):
            return ""
        if place is Place.UNKNOWN:
            return f"Looking for {entry.card.title} on this machine…"
        if entry.card.hub_repo:
            return f"{entry.card.title} is not on this machine. This picture is captioned once it is downloaded."
        return f"The weights of {entry.card.title} are not on this machine. Choose another model, or a file of weights."

    def _held(self) -> list[Entry]:
        return [entry for entry in self._session.entries if entry.held]

    def _on_held_back(self) -> None:
        self._is_awaited = True
        if self.is_missing:
            self.missed.emit()

    def _on_changed(self, name: str) -> None:
        if name != self._session.model.name:
            return
        absence = self._absence(self._session.model)
        if absence:
            self._is_awaited = True
            self._say_again(absence)
        elif self._is_awaited:
            self.warm()

    def _say_again(self, absence: str) -> None:
        stale = [entry for entry in self._held() if entry.held != absence]
        for entry in stale:
            entry.held = absence
            self._session.entries.notify(entry)
        if stale:
            self._on_held_back()

"""The models: one row each, with where its weights are, how its download stands and whether it is loaded."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QObject, Qt, Signal

from cocadesk.catalog.added import add_card
from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.cards import all_cards, is_library_name
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.catalog.hub_cache import read_hub_settings
from cocadesk.catalog.removal import remove_weights, unfinished_bytes
from cocadesk.gui import wording
from cocadesk.gui.engine_calls import EngineCalls
from cocadesk.gui.entries import ROOT, AnyIndex
from cocadesk.types import ModelRequest, NetInfo
from cocadesk.work.downloads import DownloadPhase, Downloads, DownloadState
from cocadesk.work.io_pool import IoPool, Priority, Ticket

log = logging.getLogger(__name__)

MODEL_ROLE = Qt.ItemDataRole.UserRole

Failed = Callable[[str], None]


class Place(Enum):
    """Where a model's weights are; the value is what a user reads."""

    UNKNOWN = ""
    BUNDLED = "Comes with CocaDesk"
    IMPORTED = "Imported"
    HERE = "On this machine"
    ABSENT = "Not on this machine"
    MISSING = "Its weights are missing"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """What is known about one model.

    Attributes:
        path: Of the weights; None if they are not here.
        bytes_here: What they take on the disk.
        download: How its download stands; None where there is none.
        is_loaded: Whether it is in memory.
    """

    card: ModelCard
    place: Place = Place.UNKNOWN
    path: Path | None = None
    bytes_here: int = 0
    download: DownloadState | None = None
    is_loaded: bool = False

    @property
    def is_here(self) -> bool:
        """Whether it can be used at once."""
        return self.path is not None

    @property
    def can_download(self) -> bool:
        """Whether a download can be started, or gone on with."""
        is_free = self.download is None or not self.download.is_under_way
        return self.place is Place.ABSENT and bool(self.card.hub_repo) and is_free

    @property
    def can_remove(self) -> bool:
        """Whether there is something to remove: its weights, or its place in the list."""
        return (self.is_here or is_library_name(self.card.name)) and self.place is not Place.BUNDLED

    @property
    def bytes_missing(self) -> int:
        """What a download would still fetch; 0 if that is not known before the hub is asked."""
        return max(0, self.card.download_bytes - (self.download.bytes_done if self.download else 0))


@dataclass(frozen=True, slots=True)
class _Scan:
    """What the disk says: the models, what unfinished downloads left of them, and the folder they go to."""

    entries: tuple[ModelEntry, ...]
    unfinished: dict[str, int]
    folder: Path
    free_bytes: int


class Library(QAbstractListModel):
    """The catalog as this machine has it. Lives on the window's thread; the disk is asked on the I/O pool.

    Args:
        engine: What is asked of the engine.

    Attributes:
        downloads: What is being fetched.
        importing: Names of the files that are being imported.
        folder: Where downloads go.
        free_bytes: Free space on its disk, when it was last asked.
    """

    changed = Signal(str)
    """The name of a model whose row changed."""

    scanned = Signal()
    """The disk was asked, and all rows are up to date."""

    def __init__(
        self,
        pool: IoPool,
        downloads: Downloads,
        engine: EngineCalls,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.downloads = downloads
        downloads.setParent(self)
        self.importing: list[str] = []
        self.folder = Path()
        self.free_bytes = 0
        self._pool = pool
        self._engine = engine
        self._loaded: frozenset[str] = frozenset()
        self._rows = [ModelEntry(card) for card in all_cards().values()]
        self._scan_ticket: Ticket | None = None
        self._awaiting: list[tuple[Callable[[], None], Failed]] = []
        downloads.changed.connect(self._on_downloads)

    def __iter__(self) -> Iterator[ModelEntry]:
        return iter(tuple(self._rows))

    def entry(self, name: str) -> ModelEntry | None:
        """The model of that name, if there is one."""
        return next((row for row in self._rows if row.card.name == name), None)

    def place(self, model: ModelRequest) -> Place | None:
        """Where the weights of that model are; None if they are not the library's to find."""
        entry = self.entry(model.name)
        if entry is None or model.untrained or model.checkpoint is not None:
            return None
        if entry.place is Place.UNKNOWN and entry.card.bundled:  # the first result need not wait for the disk
            return Place.BUNDLED
        return entry.place

    def refresh(self) -> None:
        """Ask the disk anew; `scanned` follows."""
        if self._scan_ticket is not None:
            self._scan_ticket.drop()
        self._scan_ticket = self._pool.submit(_scan, self._on_scanned, self._on_unscanned)

    def set_loaded(self, names: frozenset[str]) -> None:
        """Mark these as being in memory."""
        if names != self._loaded:
            changed = names ^ self._loaded
            self._loaded = names
            self._update(changed)

    def remove(self, name: str, done: Callable[[int], None], failed: Failed) -> None:
        """Remove that model's weights, then say how many bytes came free."""
        entry = self.entry(name)
        if entry is None:
            return
        card = entry.card

        def removed(freed: int) -> None:
            self.downloads.forget(name)
            self.refresh()
            done(freed)

        self._pool.submit(lambda: remove_weights(card), removed, failed, Priority.NOW)

    def add(self, path: str, name: str | None, done: Callable[[ModelCard], None], failed: Failed) -> None:
        """Import a checkpoint under that name, or the file's; `done` gets its card once its row is there."""

        file = Path(path).name
        self.importing.append(file)

        def imported(card: ModelCard) -> None:
            self.importing.remove(file)
            self._refresh_for(lambda: done(card), failed)

        def refused(message: str) -> None:
            self.importing.remove(file)
            failed(message)

        self._pool.submit(lambda: self._engine.import_checkpoint(path, name), imported, refused, Priority.NOW)

    def list_names(self, done: Callable[[list[str]], None], failed: Failed) -> Ticket:
        """Find out what the libraries' models are called."""
        return self._pool.submit(self._engine.library_names, done, failed, Priority.NOW)

    def add_named(self, name: str, done: Callable[[ModelCard], None], failed: Failed) -> Ticket:
        """Add a library's model; `done` gets its card once its row is there, unless the ticket is dropped by then."""

        def find() -> ModelCard:
            card = self._engine.find_card(name)
            add_card(card)
            return card

        def added(card: ModelCard) -> None:
            self._refresh_for(
                lambda: None if ticket.is_dropped else done(card),
                lambda message: None if ticket.is_dropped else failed(message),
            )

        ticket = self._pool.submit(find, added, failed, Priority.NOW)
        return ticket

    def look_into(self, name: str, done: Callable[[NetInfo], None], failed: Failed) -> Ticket:
        """Find out what that model is made of; it need not be here."""
        return self._pool.submit(lambda: self._engine.net_info(name), done, failed, Priority.NOW)

    def shutdown(self) -> bool:
        """Stop the downloads, keeping what has arrived. Whether their threads ended."""
        return self.downloads.shutdown()

    def rowCount(self, parent: AnyIndex = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not 0 <= index.row() < len(self._rows):
            return None
        entry = self._rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.card.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{entry.card.title}, {badge(entry)}. {wording.summary(entry.card)}"
        return entry if role == MODEL_ROLE else None

    def _refresh_for(self, done: Callable[[], None], failed: Failed) -> None:
        """Ask the disk anew, then call one of these: with the next answer, whichever refresh it is of."""
        self._awaiting.append((done, failed))
        self.refresh()

    def _on_unscanned(self, message: str) -> None:
        self._scan_ticket = None
        awaiting, self._awaiting = self._awaiting, []
        for _, failed in awaiting:
            failed(message)

    def _on_scanned(self, scan: _Scan) -> None:
        self._scan_ticket = None
        self.folder, self.free_bytes = scan.folder, scan.free_bytes
        for entry in scan.entries:
            state = self.downloads.state(entry.card.name)
            if entry.is_here and state is not None and not state.is_under_way:
                self.downloads.forget(entry.card.name)
            elif not entry.is_here and scan.unfinished[entry.card.name]:
                self.downloads.note_unfinished(entry.card, scan.unfinished[entry.card.name])
        fresh = [self._completed(entry) for entry in scan.entries]
        if [row.card.name for row in fresh] != [row.card.name for row in self._rows]:
            self.beginResetModel()
            self._rows = fresh
            self.endResetModel()
            for row in fresh:
                self.changed.emit(row.card.name)
        else:
            for number, row in enumerate(fresh):
                self._replace(number, row)
        self.scanned.emit()
        awaiting, self._awaiting = self._awaiting, []
        for done, _ in awaiting:
            done()

    def _on_downloads(self, names: frozenset[str]) -> None:
        self._update(names)
        states = [self.downloads.state(name) for name in names]
        if any(state is not None and state.phase is DownloadPhase.DONE for state in states):
            self.refresh()

    def _update(self, names: frozenset[str]) -> None:
        for number, row in enumerate(self._rows):
            if row.card.name in names:
                self._replace(number, self._completed(row))

    def _completed(self, entry: ModelEntry) -> ModelEntry:
        """The entry with what is known without the disk."""
        name = entry.card.name
        return replace(entry, download=self.downloads.state(name), is_loaded=name in self._loaded)

    def _replace(self, number: int, row: ModelEntry) -> None:
        if row != self._rows[number]:
            self._rows[number] = row
            index = self.index(number)
            self.dataChanged.emit(index, index)
            self.changed.emit(row.card.name)


def badge(entry: ModelEntry) -> str:
    """The state in one or two words."""
    if entry.is_loaded:
        return "Loaded"
    state = entry.download
    if state is not None and not entry.is_here:
        share = f" {100 * state.bytes_done // state.bytes_total} %" if state.bytes_done and state.bytes_total else ""
        return {
            DownloadPhase.QUEUED: "Waiting",
            DownloadPhase.RUNNING: f"Downloading{share}",
            DownloadPhase.PAUSED: f"Paused{share}",
            DownloadPhase.FAILED: "Failed",
            DownloadPhase.DONE: "On this machine",
        }[state.phase]
    return {
        Place.UNKNOWN: "",
        Place.BUNDLED: "Bundled",
        Place.IMPORTED: "Imported",
        Place.HERE: "On this machine",
        Place.ABSENT: "Available" if entry.card.hub_repo else "Not on the hub",
        Place.MISSING: "Missing",
    }[entry.place]


def _scan() -> _Scan:
    cards = all_cards().values()
    folder = read_hub_settings().cache
    return _Scan(
        tuple(_look_up(card) for card in cards),
        {card.name: _unfinished(card) for card in cards},
        folder,
        _free_bytes(folder),
    )


def _look_up(card: ModelCard) -> ModelEntry:
    try:
        path = find_weights(card)
        size = path.stat().st_size if path is not None else 0
    except OSError as error:  # a folder that may not be read
        log.warning("Whether %s is here could not be found out: %s", card.name, error)
        path, size = None, 0
    if path is None:
        return ModelEntry(card, Place.MISSING if card.bundled or card.imported else Place.ABSENT)
    place = Place.IMPORTED if card.imported else Place.BUNDLED if card.bundled else Place.HERE
    return ModelEntry(card, place, path, size)


def _unfinished(card: ModelCard) -> int:
    try:
        return unfinished_bytes(card)
    except OSError:
        return 0


def _free_bytes(folder: Path) -> int:
    """Free space on the disk of a folder that need not be there yet; 0 where nobody may look."""
    try:
        return shutil.disk_usage(next(parent for parent in (folder, *folder.parents) if parent.exists())).free
    except OSError:
        return 0

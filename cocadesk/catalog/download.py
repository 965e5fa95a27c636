"""Downloads of a model's weights from the Hugging Face hub into the cache that all the hub's tools share.

`plan` asks the hub what there is to fetch; `download` fetches it, as a plain generator of `Progress`. To pause, stop
taking events for a moment or cancel: what has arrived stays, and a later call goes on from there, also in another
process. Any number of downloads may run at once; a lock per file lets one of them do the work.

Importing this module imports `huggingface_hub`; the events alone are in `catalog.progress`.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout
from huggingface_hub import try_to_load_from_cache

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.hub_cache import (
    CacheEntry,
    HubSettings,
    has_size,
    point_branch,
    put_in_place,
    read_hub_settings,
    repo_folder,
)
from cocadesk.catalog.hub_client import HubFile, find_file
from cocadesk.catalog.part_file import PartFile, is_whole
from cocadesk.catalog.progress import Meter, Patience, Phase, Progress, format_bytes
from cocadesk.catalog.transfer import LOOK_EVERY_S, transfer
from cocadesk.errors import DownloadError, ModelError
from cocadesk.types import CancelToken

DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file to fetch.

    Attributes:
        source: The file as the hub has it.
        path: Where it will be found.
        bytes_here: How much of it is on this machine already.
    """

    source: HubFile
    path: Path
    bytes_here: int


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What a download will fetch and where to.

    Attributes:
        model: Name of the card.
        files: What the model needs; a model of the catalog needs one.
        cache: The cache folder.
        free_bytes: Free space on its disk.
    """

    model: str
    files: tuple[PlannedFile, ...]
    cache: Path
    free_bytes: int

    @property
    def bytes_total(self) -> int:
        return sum(file.source.size for file in self.files)

    @property
    def bytes_here(self) -> int:
        return sum(file.bytes_here for file in self.files)

    @property
    def bytes_missing(self) -> int:
        return self.bytes_total - self.bytes_here

    @property
    def is_here(self) -> bool:
        """Whether all of it is in place already, so that nothing is left to do."""
        return all(has_size(file.path, file.source.size) for file in self.files)

    @property
    def fits(self) -> bool:
        """Whether what is missing has room on the disk."""
        return self.bytes_missing <= self.free_bytes


def plan(
    card: ModelCard,
    cache_dir: str | os.PathLike[str] | None = None,
    *,
    cancel: CancelToken | None = None,
    patience: Patience = DEFAULT_PATIENCE,
) -> DownloadPlan:
    """Ask the hub for the first of the card's files that it has: its size, and what of it is here already.

    Offline (`HF_HUB_OFFLINE`) the plan of a model that is here is made without asking.

    Args:
        cache_dir: The model folder that the user chose; None for the hub's own.

    Raises:
        ModelError: if the card's model is not on the hub.
        DownloadError: if the hub cannot be asked or has none of the files; the sentence says what to do.
        Cancelled: between two tries, once `cancel` is set.
    """
    if not card.hub_repo:
        raise ModelError(f"{card.name} comes with CocaDesk: there is nothing to download.")
    settings = read_hub_settings(cache_dir)
    if settings.offline:
        source = _find_cached(settings, card)
    else:
        source = find_file(settings, card.hub_repo, card.hub_files, patience, cancel or CancelToken())
    entry = _entry(settings.cache, source)
    try:
        file = PlannedFile(source, entry.path, _bytes_here(entry, source.size))
        return DownloadPlan(card.name, (file,), settings.cache, _free_bytes(settings.cache))
    except OSError as error:
        raise _explain_disk(error, settings.cache) from error


def download(
    plan: DownloadPlan, cancel: CancelToken | None = None, *, patience: Patience = DEFAULT_PATIENCE
) -> Iterator[Progress]:
    """Fetch what the plan lists, check it against the hub's checksums and put it into the cache.

    The last event has the phase "done"; the files are at their `path` then. Use the generator from one thread.

    Raises:
        DownloadError: if it fails; the sentence says what to do. What has arrived stays for the next call.
        Cancelled: within a moment after `cancel` was set. What has arrived stays for the next call.
    """
    cancel = cancel or CancelToken()
    settings = read_hub_settings(plan.cache)
    meter = Meter(plan.bytes_total)
    before = 0
    try:
        for file in plan.files:
            for phase, position, note in _fetch(settings, file.source, patience, cancel):
                yield from meter.report(phase, before + position, note)
            point_branch(settings.cache, file.source.repo, file.source.commit)
            before += file.source.size
    except OSError as error:
        raise _explain_disk(error, settings.cache) from error
    yield from meter.report("done", before)


Step = tuple[Phase, int, str]
"""Phase, bytes of this file that are here, note."""


def _fetch(settings: HubSettings, file: HubFile, patience: Patience, cancel: CancelToken) -> Iterator[Step]:
    entry = _entry(settings.cache, file)
    if has_size(entry.path, file.size):
        return
    if settings.offline:
        raise _offline_error(file.repo)
    entry.blob.parent.mkdir(parents=True, exist_ok=True)
    entry.lock.parent.mkdir(parents=True, exist_ok=True)
    lock = yield from _take_lock(entry, cancel)
    try:
        if not has_size(entry.path, file.size):  # who held the lock may have brought it
            yield from _fill_and_place(settings, entry, file, patience, cancel)
    finally:
        lock.release()


def _take_lock(entry: CacheEntry, cancel: CancelToken) -> Generator[Step, None, BaseFileLock]:
    # Not bound to a thread: a generator that is dropped may be closed on any.
    lock = FileLock(entry.lock, thread_local=False, mode=0o664)
    while True:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            here = entry.part.stat().st_size if entry.part.is_file() else 0
            yield "waiting", here, "Another window or program is downloading this file."
            cancel.wait(LOOK_EVERY_S)
        else:
            return lock


def _fill_and_place(
    settings: HubSettings, entry: CacheEntry, file: HubFile, patience: Patience, cancel: CancelToken
) -> Iterator[Step]:
    if has_size(entry.blob, file.size):  # another commit had the same content
        if (yield from _is_right(entry.blob, file, cancel)):
            put_in_place(entry, entry.blob, symlinks=settings.symlinks)
            return
        # Damaged. Removed rather than written over: a program that has it mapped must not lose what it looks at.
        entry.blob.unlink()
    for is_last_try in (False, True):
        with PartFile(entry.part, file.size, file.etag) as part:
            for _ in part.read_existing():
                cancel.check()
                yield "checking", part.offset, ""
            missing, free = file.size - part.offset, shutil.disk_usage(entry.folder).free
            if missing > free:
                raise DownloadError(
                    f"The disk of {settings.cache} has {format_bytes(free)} free, and {file.name} needs "
                    f"{format_bytes(missing)}. Free some space, or choose a model folder on another disk."
                )
            for note in transfer(part, file, settings.endpoint, patience, cancel):
                yield "retrying" if note else "downloading", part.offset, note
            if part.is_right():
                yield "checking", part.offset, ""
                part.finish()
                break
            part.restart()
        if is_last_try:
            raise DownloadError(
                f"{file.name} arrived damaged twice: it does not have the hub's checksum. Try again later, on another "
                "network if there is one; a proxy may be changing what it passes on."
            )
    put_in_place(entry, entry.part, symlinks=settings.symlinks)


def _is_right(path: Path, file: HubFile, cancel: CancelToken) -> Generator[Step, None, bool]:
    """Whether what is there has the hub's checksum."""
    check = is_whole(path, file.size, file.etag)
    while True:
        cancel.check()
        try:
            position = next(check)
        except StopIteration as end:
            return bool(end.value)
        yield "checking", position, ""


def _entry(cache: Path, file: HubFile) -> CacheEntry:
    return CacheEntry(cache, file.repo, file.commit, file.name, file.etag)


def _bytes_here(entry: CacheEntry, size: int) -> int:
    if has_size(entry.path, size) or has_size(entry.blob, size):
        return size
    here = entry.part.stat().st_size if entry.part.is_file() else 0
    return here if here <= size else 0


def _free_bytes(cache: Path) -> int:
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    return shutil.disk_usage(existing).free


def _find_cached(settings: HubSettings, card: ModelCard) -> HubFile:
    for name in card.hub_files:
        found = try_to_load_from_cache(card.hub_repo, name, cache_dir=settings.cache)
        if isinstance(found, str):
            path = Path(found)
            commit = path.relative_to(repo_folder(settings.cache, card.hub_repo) / "snapshots").parts[0]
            return HubFile(card.hub_repo, name, commit, path.resolve().name, path.stat().st_size)
    raise _offline_error(card.hub_repo)


def _offline_error(repo: str) -> DownloadError:
    return DownloadError(
        f"“{repo}” is not on this machine, and HF_HUB_OFFLINE forbids downloads. Unset it to download."
    )


def _explain_disk(error: OSError, cache: Path) -> DownloadError:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DownloadError(
                f"The disk of {cache} is full. Free some space and start again: the download goes on where it stopped."
            )
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return DownloadError(
                f"{error.filename or cache} may not be written to. Change its permissions, or choose another folder."
            )
        case _:
            return DownloadError(f"Cannot write to {cache} ({error}). Mend that, or choose another model folder.")

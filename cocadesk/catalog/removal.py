"""Removing a model's weights from this machine: from the hub's shared cache, or the folder of imported models."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from cocadesk.catalog.cards import ModelCard
from cocadesk.catalog.hub_cache import HASH, read_hub_settings, repo_folder
from cocadesk.errors import ModelError


def remove_weights(card: ModelCard) -> int:
    """Remove the card's weights, and what unfinished downloads of it left; returns the bytes that came free.

    In the shared cache only the card's own files go; those of the same repository that other tools brought stay.

    Raises:
        ModelError: if the model comes with the application, is being downloaded, or its files cannot be removed.
    """
    try:
        if card.imported is not None:
            return _remove_imported(card.imported.parent)
        if card.bundled:
            raise ModelError(f"{card.name} comes with CocaDesk and stays.")
        return _remove_cached(card, read_hub_settings().cache)
    except OSError as error:
        raise ModelError(
            f"{error.filename or card.name} cannot be removed: {error.strerror or error}. "
            "Close what uses the model, or change the permissions of its folder."
        ) from error


def _remove_imported(folder: Path) -> int:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    shutil.rmtree(folder)
    return size


def _remove_cached(card: ModelCard, cache: Path) -> int:
    folder = repo_folder(cache, card.hub_repo)
    blobs, snapshots = folder / "blobs", folder / "snapshots"
    weights = [path for name in card.hub_files for path in snapshots.glob(f"*/{name}")]
    targets = {path.resolve() for path in weights if path.is_symlink()}
    kept = {path.resolve() for path in snapshots.rglob("*") if path.is_symlink() and path not in weights}
    # A snapshot's link is trusted only as far as the repository's own blobs.
    unused = {blob for blob in targets - kept if blob.parent == blobs.resolve() and blob.is_file()}
    parts = [path for path in blobs.glob("*.incomplete*") if HASH.fullmatch(path.name.partition(".")[0])]
    with ExitStack() as held:
        _lock(held, card, cache / ".locks" / folder.name, {path.name.partition(".")[0] for path in (*unused, *parts)})
        freed = sum(_remove(path) for path in (*weights, *unused, *parts))
    _tidy(folder)
    return freed


def _lock(held: ExitStack, card: ModelCard, locks: Path, hashes: Iterable[str]) -> None:
    """Take the locks under which these files are downloaded, or refuse while another process holds one."""
    for name in sorted(hashes):
        locks.mkdir(parents=True, exist_ok=True)
        try:
            held.enter_context(FileLock(locks / f"{name}.lock", timeout=0, mode=0o664))
        except Timeout:
            raise ModelError(
                f"{card.name} is being downloaded by another window or program. Stop that download first."
            ) from None


def _remove(path: Path) -> int:
    size = 0 if path.is_symlink() else path.stat().st_size
    path.unlink()
    return size


def _tidy(folder: Path) -> None:
    """Remove snapshots that are empty now and branches that point at them, or all of the folder if nothing is left."""
    if not any(path.is_file() for part in ("blobs", "snapshots") for path in (folder / part).rglob("*")):
        shutil.rmtree(folder, ignore_errors=True)
        return
    for snapshot in (folder / "snapshots").iterdir():
        if snapshot.is_dir() and not any(path.is_file() for path in snapshot.rglob("*")):
            shutil.rmtree(snapshot)
            for ref in (folder / "refs").glob("*"):
                if ref.is_file() and ref.read_text(encoding="ascii", errors="replace") == snapshot.name:
                    ref.unlink()

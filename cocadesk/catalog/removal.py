"""Removing a model's weights from this machine: from the hub's shared cache, or the folder of imported models."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from filelock import FileLock, Timeout

from cocadesk.catalog.added import forget_card
from cocadesk.catalog.card import WEIGHTS_FILE, ModelCard
from cocadesk.catalog.hub_cache import HASH, read_hub_settings, repo_folder
from cocadesk.errors import ModelError


def remove_weights(card: ModelCard) -> int:
    """Remove the card's weights, and what unfinished downloads of it left; returns the bytes that came free.

    In the shared cache only the card's own files go; those of the same repository that other tools brought stay. A
    model that is in use goes on working until it is unloaded; Windows refuses to remove its file until then. An added
    model of a library leaves the catalog as well.

    Raises:
        ModelError: if the model comes with the application, is being downloaded, or its files cannot be removed.
    """
    freed = _remove_files(card)
    forget_card(card.name)
    return freed


def _remove_files(card: ModelCard) -> int:
    try:
        if card.imported is not None:
            return _remove_imported(card.imported.parent)
        if card.bundled:
            raise ModelError(f"{card.name} comes with CocaDesk and stays.")
        return _remove_cached(card, read_hub_settings().cache)
    except OSError as error:
        raise _explain(error, card) from error


def unfinished_bytes(card: ModelCard) -> int:
    """How much an unfinished download of the card's weights left on this machine; 0 for none."""
    if not card.hub_repo:
        return 0
    parts = _parts(repo_folder(read_hub_settings().cache, card.hub_repo))
    return max((path.stat().st_size for path in parts if path.suffix == ".incomplete"), default=0)


def remove_unfinished(card: ModelCard) -> int:
    """Remove what unfinished downloads of the card's weights left; returns the bytes that came free.

    Raises:
        ModelError: if another process is downloading it, or it cannot be removed.
    """
    cache = read_hub_settings().cache
    folder = repo_folder(cache, card.hub_repo)
    try:
        parts = _parts(folder)
        with ExitStack() as held:
            _lock(held, card, cache / ".locks" / folder.name, {path.name.partition(".")[0] for path in parts})
            freed = sum(_remove(path) for path in parts)
        if folder.is_dir():
            _tidy(folder)
    except OSError as error:
        raise _explain(error, card) from error
    return freed


def _parts(folder: Path) -> list[Path]:
    """What unfinished downloads left in a repository's folder: the bytes, and what is noted beside them."""
    return [path for path in (folder / "blobs").glob("*.incomplete*") if HASH.fullmatch(path.name.partition(".")[0])]


def _explain(error: OSError, card: ModelCard) -> ModelError:
    return ModelError(
        f"{error.filename or card.name} cannot be removed: {error.strerror or error}. "
        "Close what uses the model, or change the permissions of its folder."
    )


def _remove_imported(folder: Path) -> int:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    (folder / WEIGHTS_FILE).unlink(missing_ok=True)  # if this fails, the model is still whole
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
    parts = _parts(folder)
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

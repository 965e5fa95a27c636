"""The folder of imported models: one folder per model, named like it, that appears whole or not at all."""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from cocadesk.catalog.card import WEIGHTS_FILE, ModelCard
from cocadesk.catalog.cards import IMPORT_FILE, all_cards, imported_card
from cocadesk.catalog.progress import format_bytes
from cocadesk.errors import ModelError
from cocadesk.paths import models_dir

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
_UNFINISHED = ".import-"
_LOCK = "lock"
_ENDING = re.compile(r"(-\d{5}-of-\d{5})?\.[a-z]+(\.index\.json)?$")


def choose_name(file: Path, name: str | None) -> str:
    """The name that a model imported from that file or folder gets: the one asked for, else made from its name.

    Raises:
        ModelError: if it is taken, or cannot be a name.
    """
    chosen = name or re.sub(r"[^a-z0-9._]+", "-", _stem(file).lower()).strip("-._")[:80]
    if not NAME.fullmatch(chosen):
        raise ModelError(
            f"“{chosen}” cannot be a model's name. Give it one of lower-case letters, digits, dots, dashes and "
            "underscores."
        )
    if chosen in all_cards():
        raise ModelError(f"There is a model named “{chosen}” already. Give it another name.")
    return chosen


def _stem(file: Path) -> str:
    """Its name without what marks it as one shard, or the index, of several files."""
    return file.name if file.is_dir() else _ENDING.sub("", file.name)


def add_model(name: str, built_like: ModelCard, size: int, write: Callable[[Path], object]) -> ModelCard:
    """Give a model a folder and a card.

    Args:
        name: As `choose_name` gave it.
        built_like: A card of the catalog that has the same architecture.
        size: Bytes that the weights take.
        write: Writes the weights to the path it is given.

    Raises:
        ModelError: if there is no room, or the folder cannot be written.
    """
    models = models_dir()
    try:
        models.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(models).free
        if size > free:
            raise ModelError(
                f"The disk of {models} has {format_bytes(free)} free, and the copy needs {format_bytes(size)}. "
                "Free some space, or use the file where it is with --checkpoint."
            )
        with _workplace(models) as unfinished:
            folder = unfinished / name
            folder.mkdir()
            write(folder / WEIGHTS_FILE)
            (folder / IMPORT_FILE).write_text(json.dumps({"built_like": built_like.name}), encoding="utf-8")
            folder.rename(models / name)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise ModelError(f"The disk of {models} is full. Free some space and import the file again.") from error
        raise ModelError(f"The model cannot be copied to {models}: {error.strerror or error}.") from error
    return imported_card(models / name, built_like)


@contextmanager
def _workplace(models: Path) -> Iterator[Path]:
    """A folder for an unfinished import, which is removed afterwards; those that killed processes left go first.

    An import holds the lock in its folder as long as it lives. Folders are made and looked through under one lock of
    all imports, so that none is taken for a leftover before it has its own.
    """
    with ExitStack() as held:
        with FileLock(models.with_name(f"{models.name}.lock")):
            _remove_leftovers(models)
            folder = Path(held.enter_context(TemporaryDirectory(prefix=_UNFINISHED, dir=models)))
            held.enter_context(FileLock(folder / _LOCK))
        yield folder


def _remove_leftovers(models: Path) -> None:
    for folder in models.glob(f"{_UNFINISHED}*"):
        try:
            with FileLock(folder / _LOCK, timeout=0):
                pass
        except (Timeout, OSError):  # it is being filled, or is not ours to remove
            continue
        shutil.rmtree(folder, ignore_errors=True)

"""Finding pictures and videos in folders, and turning what a user named or dropped into a list of files."""

from __future__ import annotations

import errno
import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cocadesk.errors import InputError

logger = logging.getLogger(__name__)

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff"}
    | {".avif", ".heic", ".heif", ".hif"}
)
"""Lower-case extensions by which pictures are found in folders; a file named directly may have any."""

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".wmv", ".flv", ".ogv"}
    | {".3gp"}
)
"""The same for videos."""

OPENED_SUFFIXES = PICTURE_SUFFIXES | VIDEO_SUFFIXES


@dataclass(frozen=True, slots=True)
class Expanded:
    """Files to open, and which of the paths could not be turned into files and why.

    Attributes:
        files: As the user gave them, or a folder as given joined with the file's name in it. Plain files are not looked
            at yet: whoever opens one reports what is wrong with it.
        errors: Each path as given, with its error.
    """

    files: tuple[str, ...]
    errors: tuple[tuple[str, InputError], ...]


def list_pictures(folder: str | os.PathLike[str], recursive: bool = False) -> list[Path]:
    """Pictures and videos in a folder by their extension, in the order a person expects ("2.jpg" before "10.jpg").

    Hidden files and folders are skipped; links to folders are not followed, since they can lead in circles.

    Raises:
        InputError: if the folder itself is missing, is not a folder or may not be read; folders within it that may
            not be read are skipped with a warning in the log.
    """
    found: list[Path] = []
    _collect(Path(folder), recursive, found)
    return found


def expand(paths: Sequence[str | os.PathLike[str]], recursive: bool = False) -> Expanded:
    """Replace each folder by what can be opened in it, keep all else, and collect what went wrong path by path."""
    files: list[str] = []
    errors: list[tuple[str, InputError]] = []
    for given in paths:
        path = os.fspath(given)
        # A pathlib round trip would turn "https://host" into "https:/host", and "./a" into "a".
        if not Path(path).is_dir():
            files.append(path)
            continue
        try:
            pictures = list_pictures(path, recursive)
            if not pictures:
                raise InputError("This folder has no pictures or videos in it. Choose another, or name a file.")
        except InputError as error:
            errors.append((path, error))
        else:
            files += [os.path.join(path, picture.relative_to(path)) for picture in pictures]  # noqa: PTH118 — keeps "./"
    return Expanded(tuple(files), tuple(errors))


def _collect(folder: Path, recursive: bool, found: list[Path]) -> None:
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise InputError(_why_unlistable(error)) from error
    entries.sort(key=lambda entry: _natural(entry.name))
    for entry in entries:
        if Path(entry.name).suffix.lower() in OPENED_SUFFIXES and entry.is_file():
            found.append(folder / entry.name)
    for entry in entries if recursive else ():
        if entry.is_dir(follow_symlinks=False):
            try:
                _collect(folder / entry.name, recursive, found)
            except InputError as error:
                # One closed drawer must not cost the rest of the cupboard.
                logger.warning("Skipped the folder %s: %s", folder / entry.name, error)


def _natural(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """Sort key under which runs of digits compare as numbers and letters without case; ties fall to the exact name."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(False, int(part), "") if part[0] in "0123456789" else (True, 0, part) for part in parts], name


def _why_unlistable(error: OSError) -> str:
    match error.errno:
        case errno.ENOENT:
            return "There is no such folder. Check the name; it may have been moved or deleted."
        case errno.ENOTDIR:
            return "It is a file, not a folder."
        case errno.EACCES | errno.EPERM:
            return "There is no permission to list this folder. Change its permissions, or choose another."
        case _:
            return f"This folder cannot be listed: {error.strerror}."

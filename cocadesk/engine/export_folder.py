"""A folder that maps are written to again and again: what an earlier export left there goes, and nothing else."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

NUMBERS = "maps.npz"

_NAMES, _DIGESTS = "files", "digests"


def remember(folder: Path, files: Iterable[Path]) -> None:
    """Add the names of files to `maps.npz` in that folder, as `files`, and what they contain, as `digests`.

    Raises:
        OSError: if it cannot be written, or a file cannot be read.
    """
    listed = list(files)
    arrays = {_NAMES: np.array([file.name for file in listed]), _DIGESTS: np.array([_digest(file) for file in listed])}
    with zipfile.ZipFile(folder / NUMBERS, "a") as archive:
        for name, array in arrays.items():
            data = io.BytesIO()
            np.lib.format.write_array(data, array, allow_pickle=False)
            archive.writestr(f"{name}.npy", data.getvalue())


def remembered(folder: Path) -> dict[str, str]:
    """What an earlier export wrote beside the `maps.npz` that lies there, digests by name; empty if that is unknown."""
    try:
        with np.load(folder / NUMBERS, allow_pickle=False) as found:
            return dict(zip(_strings(found[_NAMES]), _strings(found[_DIGESTS]), strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def remove(folder: Path, earlier: Mapping[str, str], written: Iterable[Path]) -> None:
    """Remove what an earlier export wrote, unless it was written anew, or changed or replaced by someone since.

    Args:
        earlier: As `remembered` tells.

    Raises:
        OSError: if a file cannot be removed.
    """
    kept = {path.name for path in written} | {NUMBERS}
    for name, digest in earlier.items():
        file = folder / name
        # The list is read from a file, which may say anything: only plain names of plain files in this folder count.
        if name in kept or name != Path(name).name or file.is_symlink() or not file.is_file():
            continue
        if _digest(file) == digest:
            file.unlink()


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _strings(array: npt.NDArray[np.str_]) -> list[str]:
    return [str(each) for each in array]

"""Safetensors files: their arrays one by one, without reading the others.

Format: 8 bytes with the header's length, little-endian; the header, a JSON table of each array's type, shape and place;
then the arrays' bytes (github.com/huggingface/safetensors).
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from cocadesk.catalog.progress import format_bytes
from cocadesk.engine.arrays import Array
from cocadesk.errors import DamagedWeights, ModelError

_PIECE_BYTES = 4 << 20
_PAGE_BYTES = 4096
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class _File:
    """What the arrays of one file share: its pages, and room for a piece of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mapping: Any = safe_open(path, framework="pt", device="cpu")  # this checks the whole header

    @cached_property
    def room(self) -> Tensor:
        """For one piece. Were it made anew for each array, the allocator would leave holes of its size between them."""
        return torch.empty(_PIECE_BYTES, dtype=torch.uint8)


class StoredArray:
    """An array of a safetensors file.

    Attributes:
        shape, dtype: As it is stored.
    """

    def __init__(self, file: _File, name: str, dtype: torch.dtype, shape: tuple[int, ...], start: int) -> None:
        self.shape = shape
        self.dtype = dtype
        self._file = file
        self._name = name
        self._start = start

    @property
    def nbytes(self) -> int:
        """Bytes that its numbers take in the file."""
        return self.dtype.itemsize * torch.Size(self.shape).numel()

    def tensor(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """The numbers on that device, in that format.

        Where they need no change, the file's pages are mapped and stay the only copy. Else they are read and converted
        piece by piece: neither a second copy nor the file's pages, which would count as this process's, fill up memory.
        """
        if device.type == "cpu" and dtype == self.dtype and self._start % dtype.itemsize == 0:
            mapped: Tensor = self._file.mapping.get_tensor(self._name)
            # Touched now, in the order of the file, its pages come at the disk's full speed.
            mapped.view(-1).view(torch.uint8)[::_PAGE_BYTES].sum()
            return mapped
        numbers = torch.empty(self.shape, dtype=dtype, device=device)
        flat, place = numbers.view(-1), 0
        for piece in self.pieces():
            stored = piece.view(self.dtype)
            flat[place : place + len(stored)].copy_(stored)
            place += len(stored)
        return numbers

    def pieces(self) -> Iterator[Tensor]:
        """The stored bytes in order, uint8 (n,); each piece is overwritten by the next, of whichever array.

        Raises:
            DamagedWeights: if the file has become shorter since it was opened.
        """
        room = self._file.room
        view, left = room.numpy().data, self.nbytes
        with self._file.path.open("rb", buffering=0) as stream:
            stream.seek(self._start)
            while left:
                count = stream.readinto(view[: min(left, _PIECE_BYTES)])
                if not count or count % self.dtype.itemsize:
                    raise DamagedWeights(f"{self._file.path} became shorter while it was read.")
                yield room[:count]
                left -= count


def is_safetensors(path: Path) -> bool:
    """Whether a file begins like safetensors: with a header in JSON after the 8 bytes of its length."""
    with path.open("rb") as file:
        return file.read(9)[8:] == b"{"


def open_safetensors(path: Path) -> dict[str, StoredArray]:
    """The arrays of a file, in the order of their bytes.

    Raises:
        DamagedWeights: if the file is cut off or its header makes no sense.
        ModelError: if it holds numbers of a kind that is not read here.
        OSError: if it cannot be read.
    """
    try:
        entries, first = _read_header(path)
        file = _File(path)
    except (SafetensorError, ValueError, KeyError, TypeError, AttributeError, IndexError, struct.error) as error:
        raise DamagedWeights(f"{path} cannot be read: its safetensors header is damaged.") from error
    strange = {entry["dtype"] for entry in entries.values()} - _DTYPES.keys()
    if strange:
        raise ModelError(f"{path} cannot be read: CocaDesk knows no numbers of the type {', '.join(sorted(strange))}.")
    return {
        name: StoredArray(file, name, _DTYPES[entry["dtype"]], tuple(entry["shape"]), first + entry["data_offsets"][0])
        for name, entry in sorted(entries.items(), key=lambda item: item[1]["data_offsets"])
    }


def write_safetensors(arrays: Mapping[str, Array], path: Path) -> None:
    """Write arrays into one file, piece by piece.

    Raises:
        ModelError: if there are numbers of a kind that is not written here.
        OSError: if there is no room, or the file cannot be written.
    """
    # The widest numbers come first, so that each array begins at a multiple of its numbers' width.
    ordered = sorted(arrays.items(), key=lambda item: -item[1].dtype.itemsize)
    types = {dtype: name for name, dtype in _DTYPES.items()}
    header, end = {}, 0
    for name, array in ordered:
        if array.dtype not in types:
            raise ModelError(f"CocaDesk writes no numbers of the type {array.dtype}, which {name} consists of.")
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": types[array.dtype], "shape": array.shape, "data_offsets": (begin, end)}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, array in ordered:
            for piece in array.pieces():
                file.write(piece.numpy().data)


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """The header's entries by name, and where the arrays' bytes begin."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        (length,) = struct.unpack("<Q", file.read(8))
        first = 8 + length
        _require_whole(path, size, first)
        entries = json.loads(file.read(length))
        entries.pop("__metadata__", None)
        _require_whole(path, size, first + max((entry["data_offsets"][1] for entry in entries.values()), default=0))
    return entries, first


def _require_whole(path: Path, size: int, whole: int) -> None:
    if whole > size:
        raise DamagedWeights(
            f"{path} cannot be read: it is cut off after {format_bytes(size)} of {format_bytes(whole)}."
        )

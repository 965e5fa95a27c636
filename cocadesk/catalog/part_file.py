"""The half of a file that has arrived: written, hashed and resumed, never taken for the whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType

READ_BYTES = 1 << 20
SHA256_DIGITS = 64


class PartFile:
    """A file that grows to a known size and must have a known hash then. Use as a context.

    The hash is computed as bytes come in, so that a file of gigabytes needs no second reading at the end.

    Attributes:
        path: Where the bytes are.
        offset: How many of them are known to be there, from the first on.
        validator: ETag of the answer they came with, for `If-Range`; empty if that had none. Kept beside the file, so
            that it outlives this process: where a file is stored has other ETags than the hub's own.
    """

    def __init__(self, path: Path, size: int, etag: str) -> None:
        """`etag` is the hub's: the content's SHA-256, or git's blob SHA-1."""
        self.path = path
        self.size = size
        self.offset = 0
        self._etag = etag
        self._validator_path = path.with_name(f"{path.name}.etag")
        self.validator = ""
        self._digest = _new_digest(size, etag)

    def __enter__(self) -> PartFile:
        # Unbuffered: what has been written survives a crash of this process, and a full disk shows at once.
        self._file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b", 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        if self.offset == 0 < self.size:
            self.path.unlink(missing_ok=True)  # only now: Windows removes no open file

    def read_existing(self) -> Iterator[None]:
        """Hash what an earlier download left, a piece at each step; a file that is too long starts over."""
        if os.fstat(self._file.fileno()).st_size > self.size:
            self.restart()
        while piece := self._file.read(min(READ_BYTES, self.size - self.offset)):
            self._digest.update(piece)
            self.offset += len(piece)
            yield
        if self.offset and self._validator_path.is_file():
            self.validator = self._validator_path.read_text(encoding="ascii", errors="replace")

    def write(self, piece: bytes) -> None:
        """Append; raises `OSError` where the disk is full, keeping what went in before."""
        view = memoryview(piece)
        while view:
            written = self._file.write(view)
            self._digest.update(view[:written])
            self.offset += written
            view = view[written:]

    def remember_validator(self, validator: str) -> None:
        """Keep the ETag that the following bytes belong to."""
        if validator != self.validator:
            self.validator = validator
            self._validator_path.write_text(validator, encoding="ascii", errors="replace")

    def restart(self) -> None:
        """Throw away what is there; if nothing comes in its place, the file goes when the context ends."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = _new_digest(self.size, self._etag)
        self.offset = 0
        self.validator = ""
        self._validator_path.unlink(missing_ok=True)

    def is_right(self) -> bool:
        """Whether it is whole and has the hub's hash."""
        return self.offset == self.size and self._digest.hexdigest() == self._etag

    def finish(self) -> None:
        """Have the bytes on the disk before any name says that they are whole; a power cut must not leave a hole."""
        os.fsync(self._file.fileno())
        self._validator_path.unlink(missing_ok=True)


def is_whole(path: Path, size: int, etag: str) -> Generator[int, None, bool]:
    """Whether a file, which is only read, has that size and that hash; the bytes read so far at each step."""
    digest, offset = _new_digest(size, etag), 0
    with path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            digest.update(piece)
            offset += len(piece)
            yield offset
    return offset == size and digest.hexdigest() == etag


def _new_digest(size: int, etag: str) -> hashlib._Hash:
    if len(etag) == SHA256_DIGITS:
        return hashlib.sha256()
    return hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)

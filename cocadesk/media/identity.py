"""What makes a picture the same picture: its content, wherever its file is and whatever it is called."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cocadesk.errors import InputError
from cocadesk.media.files import why_unreadable
from cocadesk.types import Picture

_WHOLE = 16 * 1024 * 1024
"""Files up to this size are read whole."""

_SAMPLE = 4 * 1024 * 1024
"""What is read at the beginning, in the middle and at the end of a larger one: a video of hours takes no longer."""


def fingerprint(source: Path | Picture) -> str:
    """A name for the content of a file, or of a picture without one: 32 hexadecimal digits.

    It stays the same when the file is moved or renamed, and is another one once the file is changed. Of files above
    16 MB the size and 12 MB of the content count.

    Raises:
        InputError: if the file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    if isinstance(source, Picture):
        digest.update(repr(source.pixels.shape).encode())
        digest.update(source.pixels.tobytes())
        return digest.hexdigest()
    try:
        size = source.stat().st_size
        with source.open("rb") as stream:
            if size <= _WHOLE:
                digest.update(stream.read())
            else:
                digest.update(str(size).encode())
                for place in (0, size // 2, size - _SAMPLE):
                    stream.seek(place)
                    digest.update(stream.read(_SAMPLE))
    except OSError as error:
        raise InputError(why_unreadable(error)) from error
    return digest.hexdigest()

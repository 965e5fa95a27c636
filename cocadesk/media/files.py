"""What all openers of files share: is it a file, what does it seem to be, and why it cannot be read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from cocadesk.errors import InputError

DAMAGED = "It is damaged or incomplete: its pixels cannot be decoded. Copy or download it again."

MEGAPIXEL = 1_000_000

# Pictures in the box structure that MP4 and QuickTime have as well, by the brand behind "ftyp".
_PICTURE_BRANDS = frozenset(
    {b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
    | {b"mif1", b"mif2", b"msf1", b"jxl ", b"crx "}
)
_QUICKTIME_BOXES = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
_VIDEO_STARTS = (
    b"\x1a\x45\xdf\xa3",  # Matroska and WebM
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # WMV
    b"FLV\x01",
    b"OggS",
)
_SNIFFED_BYTES = 1024
_TRANSPORT_PACKETS = ((0, 188), (4, 192))


def check_file(path: Path) -> None:
    """Refuse what only looks like a file; before opening it, since opening a pipe waits for its other end.

    Raises:
        InputError: if it is a folder, no regular file, or empty.
        OSError: if the system refuses.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise InputError("It is a folder, not a picture.")
    if not stat.S_ISREG(status.st_mode):
        raise InputError("It is not a regular file. Save the picture to a file first.")
    if status.st_size == 0:
        raise InputError("It is empty (0 bytes). Copy or download it again.")


def check_name(path: str | os.PathLike[str]) -> str:
    """The path as text.

    Raises:
        InputError: if it is a web link.
    """
    text = os.fspath(path)
    if text.startswith(("http://", "https://")):
        raise InputError("It is a web link. Save the picture to a file first, then open that file.")
    return text


def is_video(path: str | os.PathLike[str]) -> bool:
    """Whether the file begins like a video; False for what cannot be read, which its opener will explain."""
    try:
        if not Path(path).is_file():  # opening a pipe would wait for its other end
            return False
        with Path(path).open("rb") as stream:
            return _begins_like_video(stream.read(_SNIFFED_BYTES))
    except (OSError, ValueError):
        return False


def why_unreadable(error: OSError) -> str:
    """One sentence for what the system, or a decoder that speaks in OSErrors, complained about."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "There is no such file. Check the name; it may have been moved or deleted."
        case errno.EACCES | errno.EPERM:
            return "There is no permission to read it. Change its permissions, or open a copy of it."
        case None:
            return DAMAGED
        case _:
            return f"It cannot be read: {error.strerror}."


def _begins_like_video(start: bytes) -> bool:
    box = start[4:8]
    if box == b"ftyp":
        return start[8:12] not in _PICTURE_BRANDS
    if box in _QUICKTIME_BOXES or start.startswith(_VIDEO_STARTS):
        return True
    if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
        return True
    return any(start[at::size][:3] == b"GGG" for at, size in _TRANSPORT_PACKETS)  # MPEG transport stream

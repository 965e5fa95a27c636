"""Opening pictures: every common format, upright, in sRGB, within a limit, with one clear sentence when it fails.

All functions may be called from any thread.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

# Imported to register their formats: Image.open would import all of Pillow's plugins for it, in whichever thread first.
from PIL import (
    AvifImagePlugin,  # noqa: F401
    BmpImagePlugin,  # noqa: F401
    ExifTags,
    GifImagePlugin,  # noqa: F401
    Image,
    JpegImagePlugin,  # noqa: F401
    PngImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from cocadesk.errors import InputError
from cocadesk.media.colour import to_srgb
from cocadesk.media.files import DAMAGED, MEGAPIXEL, check_file, check_name, is_video, why_unreadable
from cocadesk.types import Clip, Picture

MAX_PIXELS = 200_000_000
"""Largest picture that is opened, in pixels: 600 MB as RGB. Checked in the header, before pixels are decoded."""

# Pillow has a guard of its own: a warning above its limit, an error above twice that. Raised once to this project's
# limit (never lowered, and left off where someone turned it off), it stays silent on what is accepted here and still
# refuses bombs for everyone. Anything finer (a warning filter, a limit set around each call) is not thread-safe.
if Image.MAX_IMAGE_PIXELS is not None:
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, MAX_PIXELS)

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_FORMATS_READ = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF and HEIC, MP4, MOV, MKV, WebM and AVI"

_ANIMATED = frozenset({"GIF", "WebP", "PNG", "AVIF"})

# Registered under another name by Pillow than the one people use: a phone's JPEG with a preview is "MPO" to Pillow.
_FORMAT_TITLES = {"MPO": "JPEG", "WEBP": "WebP", "HEIF": "HEIC"}

# What Pillow's decoders raise on damaged data, beside OSError.
_DAMAGE = (SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, RuntimeError)
_DAMAGE_LOW_LEVEL = (struct.error, zlib.error)

# Modes whose samples can be averaged as they are: no palettes, no colour keys, no deep samples.
_AVERAGED_MODES = {"L", "LA", "RGB", "RGBA", "CMYK"}

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_heif_lock = threading.Lock()


def open_picture(path: str | os.PathLike[str]) -> Picture:
    """Open a picture file.

    Returns:
        The picture as its author meant it to be seen: upright by its EXIF orientation, in sRGB by its colour profile,
        transparency over white, deep samples scaled to 8 bits. Of an animation or a video, the first frame.

    Raises:
        InputError: if the file is missing, unreadable, damaged, larger than `MAX_PIXELS` or not a picture. The message
            says what is wrong and what to do, without the file's name.
    """
    if is_video(path):
        return _first_frame(path)
    with opened(path) as image:
        return _picture(path, image)


def thumbnail(path: str | os.PathLike[str], side: int) -> Picture:
    """Open a picture scaled down to fit a square of `side` pixels; smaller pictures keep their size.

    A JPEG is decoded at a fraction of its size, which is several times faster than opening it whole.

    Raises:
        InputError: as for `open_picture`.
    """
    if is_video(path):
        return _first_frame(path, side)
    with opened(path) as image:
        image.draft(None, (2 * side, 2 * side))
        return _picture(path, image, side)


def open_picture_or_clip(path: str | os.PathLike[str], count: int) -> Picture | Clip:
    """Open an animation or a video as a clip of at most `count` frames, anything else as a picture.

    Raises:
        InputError: as for `open_picture` and `clips.open_clip`.
    """
    picture = open_picture(path)
    if picture.seconds is None:
        return picture
    from cocadesk.media.clips import open_clip  # noqa: PLC0415 — stands on this module

    return open_clip(path, count)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """The file's header read and its size checked; whatever goes wrong inside becomes an `InputError`."""
    text = check_name(path)
    with explained():
        check_file(Path(text))
        with Path(text).open("rb") as stream:
            yield _identify(stream)


@contextmanager
def explained() -> Iterator[None]:
    """Whatever reading a picture raises becomes an `InputError`."""
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(
            f"It has more than the limit of {MAX_PIXELS // MEGAPIXEL} megapixels. Scale it down first."
        ) from None
    except MemoryError:
        raise InputError("There is not enough free memory to open it. Close something, or scale it down.") from None
    except OSError as error:
        raise InputError(why_unreadable(error)) from error
    except (*_DAMAGE, *_DAMAGE_LOW_LEVEL) as error:
        raise InputError(DAMAGED) from error


def _identify(stream: IO[bytes]) -> Image.Image:
    """Read the header only, and refuse what is too large."""
    formats = list(_FORMATS)
    if stream.read(12)[4:8] == b"ftyp":  # the box that opens HEIC and AVIF files
        _register_heif()
        formats.append("HEIF")
    stream.seek(0)
    try:
        image = Image.open(stream, formats=formats)
    except UnidentifiedImageError:
        stream.seek(0)
        raise InputError(_why_unidentified(stream.read(4096))) from None
    if image.width * image.height > MAX_PIXELS:
        raise InputError(
            f"It has {image.width} × {image.height} pixels, more than the limit of "
            f"{MAX_PIXELS // MEGAPIXEL} megapixels. Scale it down first."
        )
    return image


def _register_heif() -> None:
    """Teach Pillow HEIC when the first such file turns up: the library is large and most runs never need it."""
    with _heif_lock:
        if "HEIF" not in Image.OPEN:
            import pillow_heif  # noqa: PLC0415

            pillow_heif.register_heif_opener()


def title(image: Image.Image) -> str:
    """The name of the file's format that people use."""
    return _FORMAT_TITLES.get(image.format or "", image.format or "")


def frame_count(image: Image.Image) -> int:
    """How many frames or pages the file has."""
    # The extra images of a phone's JPEG are previews and depth maps, not an animation.
    return 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))


def decoded_pixels(image: Image.Image, side: int | None = None) -> npt.NDArray[np.uint8]:
    """The current frame, upright and in sRGB, (height, width, 3), read-only; scaled to fit `side` if one is given."""
    image.load()
    orientation = _orientation(image)
    if side and image.mode in _AVERAGED_MODES and "transparency" not in image.info:
        image.thumbnail((side, side))  # before the colours are converted, so that fewer need converting
    upright = to_srgb(image)
    if side:
        upright.thumbnail((side, side))  # what could not be averaged before; does nothing to what was
    if orientation in _UPRIGHT:
        upright = upright.transpose(_UPRIGHT[orientation])
    return np.asarray(upright)  # contiguous, and read-only since it looks at a bytes object


def _picture(path: str | os.PathLike[str], image: Image.Image, side: int | None = None) -> Picture:
    frames = frame_count(image)
    name = title(image)
    seconds = 0.0 if frames > 1 and name in _ANIMATED else None  # the images of a TIFF are pages, not frames
    return Picture(os.fspath(path), decoded_pixels(image, side), name, frames, seconds)


def _first_frame(path: str | os.PathLike[str], side: int | None = None) -> Picture:
    from cocadesk.media.video import VideoFile  # noqa: PLC0415 — loads a library that pictures do without

    with VideoFile(path) as video:
        info = video.info
        scale = min(1.0, side / max(info.width, info.height)) if side else 1.0
        return Picture(os.fspath(path), video.first().pixels(scale), info.format, info.frames, info.seconds)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (OSError, *_DAMAGE, *_DAMAGE_LOW_LEVEL):
        return 1  # broken metadata must not cost the picture


def _why_unidentified(start: bytes) -> str:
    """Pillow recognised no format: say what the file seems to be instead, from its first bytes."""
    start = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "It is a web page, not a picture. Save the picture itself, then open that file."
    if b"<svg" in start:
        return "It is an SVG drawing, which cannot be opened. Export it as PNG first."
    return f"It is not a picture or a video that can be opened ({_FORMATS_READ} can)."

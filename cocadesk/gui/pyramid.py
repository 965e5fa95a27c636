"""A picture as a stack of halved copies, so that drawing costs the pixels of the screen and not of the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage

from cocadesk.types import Picture

SMALLEST_SIDE = 512
CONVERTED_PIXELS = 16_000_000
STRIP_ROWS = 512

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Level:
    """One copy of the picture.

    Attributes:
        pixels: C-contiguous, shape (height, width, 4) as Qt's RGB32, or (height, width, 3) as RGB888.
        shrink: Picture pixels along one side of a pixel of this level: 1, 2, 4 …
    """

    pixels: Bytes
    shrink: int

    def view(self, area: QRect) -> QImage:
        """The pixels inside `area`, without copying them; this level must outlive the image."""
        width, channels = self.pixels.shape[1:]
        start = (area.y() * width + area.x()) * channels
        pixel_format = QImage.Format.Format_RGB32 if channels == 4 else QImage.Format.Format_RGB888
        memory = self.pixels.reshape(-1)[start:].data
        return QImage(memory, area.width(), area.height(), width * channels, pixel_format)


@dataclass(frozen=True, slots=True)
class Pyramid:
    """A picture and its halved copies, the picture itself first."""

    width: int
    height: int
    levels: tuple[Level, ...]

    def level_for(self, scale: float) -> Level:
        """The smallest copy that still has a pixel for every screen pixel at `scale` screen pixels a picture pixel."""
        wanted = 1 / max(scale, 1e-6)
        number = int(math.log2(wanted)) if wanted > 1 else 0
        return self.levels[min(number, len(self.levels) - 1)]


def build(picture: Picture) -> Pyramid:
    """Halve the picture until it fits a small square. Takes a second for 100 megapixels: for the I/O pool.

    Levels are kept in Qt's own 32-bit layout, which draws three times faster; the picture itself only up to
    `CONVERTED_PIXELS`, above which its own memory is shared instead of doubled.
    """
    pixels = np.ascontiguousarray(picture.pixels)
    base = _as_rgb32(pixels) if picture.width * picture.height <= CONVERTED_PIXELS else pixels
    levels = [Level(base, 1)]
    while max(pixels.shape[:2]) > SMALLEST_SIDE:
        pixels = _halved(pixels)
        levels.append(Level(_as_rgb32(pixels), 2 * levels[-1].shrink))
    return Pyramid(picture.width, picture.height, tuple(levels))


def _halved(pixels: Bytes) -> Bytes:
    """The mean of every two by two pixels; a side of odd length keeps its last half pixel.

    In strips, because Pillow holds the interpreter lock while it hands pixels over, and the window needs it.
    """
    height, width = pixels.shape[:2]
    half = np.empty(((height + 1) // 2, (width + 1) // 2, 3), np.uint8)
    for top in range(0, height, STRIP_ROWS):
        strip = Image.fromarray(pixels[top : top + STRIP_ROWS]).reduce(2)
        half[top // 2 : top // 2 + strip.height] = np.asarray(strip)
    return half


def _as_rgb32(pixels: Bytes) -> Bytes:
    """Qt's RGB32 is a native 32-bit integer 0xffRRGGBB, whose bytes are B, G, R, 255 on a little-endian machine."""
    height, width = pixels.shape[:2]
    packed = np.empty((height, width), np.uint32)
    for top in range(0, height, STRIP_ROWS):
        strip = pixels[top : top + STRIP_ROWS].astype(np.uint32)
        packed[top : top + STRIP_ROWS] = 0xFF000000 | strip[..., 0] << 16 | strip[..., 1] << 8 | strip[..., 2]
    return packed.view(np.uint8).reshape(height, width, 4)

"""Hiding a region of a picture: which pixels a shape covers, and the picture without what was there.

Coordinates are in picture pixels from the upper left corner, x before y: the centre of the first pixel is (0.5, 0.5).
Regions are bool, (height, width), True for what is to be hidden. Sizes are (width, height), as Pillow has them.
All functions may be called from any thread.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeVar, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from cocadesk.errors import InputError, OptionError
from cocadesk.types import Clip, Picture

Fill = Literal["mean", "blur", "grey"]
FILLS: tuple[Fill, ...] = get_args(Fill)

Region = npt.NDArray[np.bool_]
Size = tuple[int, int]
Point = tuple[float, float]
Shown = TypeVar("Shown", Picture, Clip)

GREY = 128
"""Half of white, of each colour."""

_BLUR = 0.25
"""A blur's standard deviation, as a share of the longer side of the region's bounding box. What fills the region, or a
third of it, is no more than a change of colour afterwards, and so is what a model sees of it, however large it sees
the picture."""
_REACH = 3.0
"""So many standard deviations around the region have a part in its blur."""
_FINE = 8
"""A blur is computed on a smaller copy, whose pixels are a blur's standard deviation divided by this."""
_SMALLEST_RADIUS = 0.75
"""Of a brush: from any point the centre of the pixel under it is at most 0.71 pixels away."""


def rectangle(size: Size, box: tuple[float, float, float, float]) -> Region:
    """The pixels that a rectangle touches; what lies beside the picture is cut off.

    Args:
        size: Width and height of the picture.
        box: Left, top, right and bottom.

    Raises:
        InputError: if it misses the picture.
    """
    width, height = size
    _require_finite(box)
    left, top = (max(0, int(np.floor(edge))) for edge in box[:2])
    right, bottom = (min(limit, int(np.ceil(edge))) for edge, limit in zip(box[2:], size, strict=True))
    region = np.zeros((height, width), np.bool_)
    region[top : max(top, bottom), left : max(left, right)] = True
    return _covering(region)


def polygon(size: Size, points: Sequence[Point]) -> Region:
    """The pixels whose centres a polygon encloses, also where it encloses them twice (the non-zero winding rule).

    Args:
        size: Width and height of the picture.
        points: The corners, at least three; the last is joined to the first.

    Raises:
        InputError: if it misses the picture, or all centres of its pixels.
    """
    windings = _Windings(size, _around(points, 0.0), len(points))
    windings.add_polygon(np.asarray(points, np.float64).reshape(-1, 2))
    return _covering(windings.region())


def stroke(size: Size, points: Sequence[Point], radius: float) -> Region:
    """The pixels whose centres a round brush passes over.

    Args:
        size: Width and height of the picture.
        points: The brush's way, at least one point.
        radius: Of the brush; never so small that it would fall between the centres.

    Raises:
        InputError: if it misses the picture.
    """
    _require_finite([radius])
    radius = max(radius, _SMALLEST_RADIUS)
    windings = _Windings(size, _around(points, radius), 2 * len(points))
    way = np.asarray(points, np.float64).reshape(-1, 2)
    for point in way:
        windings.add_disc(point, radius)
    for start, stop in itertools.pairwise(way):
        length = float(np.hypot(*(stop - start)))
        if length > 0:
            aside = radius / length * np.array([start[1] - stop[1], stop[0] - start[0]])
            windings.add_polygon(np.stack((start + aside, start - aside, stop - aside, stop + aside)))
    return _covering(windings.region())


def masked(what: Shown, region: Region, fill: Fill) -> Shown:
    """The picture with a region hidden; of a clip, each frame on its own.

    Args:
        region: (height, width) of the picture.
        fill: With what. "mean": the mean colour of the pixels outside the region, so that nothing of what is hidden
            shows in it. "blur": a Gaussian blur of the whole picture, with a standard deviation of a quarter of the
            longer side of the region's bounding box. "grey": half of white.

    Raises:
        InputError: if the region covers nothing of the picture, or all of it, or is of another size.
        OptionError: if there is no such fill.
    """
    if isinstance(what, Clip):
        return replace(what, frames=tuple(masked(frame, region, fill) for frame in what.frames))
    if fill not in FILLS:
        raise OptionError(f"A region is filled with “mean”, “blur” or “grey”, not “{fill}”.")
    pixels = what.pixels
    if region.shape != pixels.shape[:2]:
        raise InputError(
            f"The region was drawn on {region.shape[1]} × {region.shape[0]} pixels, but {what.name} has "
            f"{what.width} × {what.height}."
        )
    _covering(region)
    if region.all():
        raise InputError("The region covers the whole picture: leave some of it to look at.")
    filled = pixels.copy()
    if fill == "blur":
        place, blurred = _blurred(pixels, region)
        np.copyto(filled[place], blurred, where=region[place][..., None])
    else:
        filled[region] = GREY if fill == "grey" else np.rint(_mean(pixels, ~region))
    filled.flags.writeable = False
    return replace(what, pixels=filled)


class _Windings:
    """How often shapes go around each pixel's centre, within the part of a picture that they can reach.

    Each row of pixels is a line through their centres. What is kept is by how much the count changes from one pixel of
    the line to the next.

    Args:
        size: Of the picture.
        bounds: Left, top, right and bottom of all shapes.
        most: Most times that they can go around a pixel.
    """

    def __init__(self, size: Size, bounds: tuple[float, float, float, float], most: int) -> None:
        self._size = size
        left, top = (int(np.clip(np.floor(edge), 0, limit)) for edge, limit in zip(bounds[:2], size, strict=True))
        right, bottom = (int(np.clip(np.ceil(edge), 0, limit)) for edge, limit in zip(bounds[2:], size, strict=True))
        self._left, self._top = left, top
        self._columns, self._rows = max(0, right - left), max(0, bottom - top)
        self._changes = np.zeros((self._rows, self._columns + 1), np.int16 if most < 2**15 else np.int32)

    def add_polygon(self, points: npt.NDArray[np.float64]) -> None:
        """Add a polygon with these corners, (N, 2)."""
        for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, 0), strict=True):
            if y0 != y1:
                rows = self._between(min(y0, y1), max(y0, y1))
                self._change(rows, x0 + (self._centres(rows) - y0) * (x1 - x0) / (y1 - y0), 1 if y1 < y0 else -1)

    def add_disc(self, centre: npt.NDArray[np.float64], radius: float) -> None:
        """Add a disc, in the same direction as a polygon with its corners against the clock on the screen."""
        rows = self._between(centre[1] - radius, centre[1] + radius)
        half = np.sqrt(np.maximum(0.0, radius**2 - (self._centres(rows) - centre[1]) ** 2))
        self._change(rows, centre[0] - half, 1)
        self._change(rows, centre[0] + half, -1)

    def region(self) -> Region:
        """What is gone around at least once, of the whole picture."""
        width, height = self._size
        region = np.zeros((height, width), np.bool_)
        inside = np.cumsum(self._changes[:, :-1], axis=1, dtype=self._changes.dtype) != 0
        region[self._top : self._top + self._rows, self._left : self._left + self._columns] = inside
        return region

    def _between(self, top: float, bottom: float) -> npt.NDArray[np.intp]:
        """The rows whose centres lie from `top` to right above `bottom`, counted from the first that is kept."""
        first, last = (int(np.clip(np.ceil(y - 0.5) - self._top, 0, self._rows)) for y in (top, bottom))
        return np.arange(first, last)

    def _centres(self, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        return np.asarray(rows + self._top + 0.5, np.float64)

    def _change(self, rows: npt.NDArray[np.intp], x: npt.NDArray[np.float64], by: int) -> None:
        """Count so many more from the first centre on that is not left of x, each row once."""
        columns = np.clip(np.ceil(x - 0.5) - self._left, 0, self._columns).astype(np.intp)
        self._changes[rows, columns] += by


def _around(points: Sequence[Point], radius: float) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what lies within a radius of these points."""
    found = np.asarray(points, np.float64).reshape(-1, 2)
    _require_finite(found)
    if not len(found):
        return 0.0, 0.0, 0.0, 0.0
    (left, top), (right, bottom) = found.min(0) - radius, found.max(0) + radius
    return float(left), float(top), float(right), float(bottom)


def _require_finite(numbers: npt.ArrayLike) -> None:
    if not np.isfinite(numbers).all():
        raise InputError("The region has a place that is no number: draw it over the picture.")


def _covering(region: Region) -> Region:
    """The region itself, if it covers anything."""
    if not region.any():
        raise InputError("The region covers nothing of the picture: draw it over the part that is to be hidden.")
    return region


def _mean(pixels: npt.NDArray[np.uint8], where: Region) -> npt.NDArray[np.float64]:
    """The mean of the sRGB numbers of these pixels, (3,)."""
    return np.array([float(pixels[..., channel][where].mean()) for channel in range(3)])


def _blurred(pixels: npt.NDArray[np.uint8], region: Region) -> tuple[tuple[slice, slice], npt.NDArray[np.uint8]]:
    """The blurred picture within the region's bounding box, and where that lies (rows, columns)."""
    rows, columns = np.flatnonzero(region.any(1)), np.flatnonzero(region.any(0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    deviation = _BLUR * max(bottom - top, right - left)
    reach = int(np.ceil(_REACH * deviation))
    height, width = region.shape
    around = (
        slice(max(0, top - reach), min(height, bottom + reach)),
        slice(max(0, left - reach), min(width, right + reach)),
    )
    part = Image.fromarray(pixels[around])
    factor = max(1, int(deviation / _FINE))
    small = part.reduce(factor).filter(ImageFilter.GaussianBlur(deviation / factor))
    # The last row and column of the smaller copy may stand for fewer pixels than the others.
    seen = (0.0, 0.0, part.width / factor, part.height / factor)
    whole = np.asarray(small.resize(part.size, Image.Resampling.BILINEAR, box=seen))
    place = slice(top, bottom), slice(left, right)
    inner = tuple(slice(own.start - wide.start, own.stop - wide.start) for own, wide in zip(place, around, strict=True))
    return place, whole[inner]

"""Regions of a picture as the shapes they were drawn with, and the picture without such a region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from cocadesk.errors import InputError
from cocadesk.media import masking
from cocadesk.media.masking import Fill
from cocadesk.types import Clip, Picture

ShapeKind = Literal["rectangle", "lasso", "brush"]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Shape:
    """Something that was drawn on a picture.

    Attributes:
        points: In picture pixels from the upper left corner: two opposite corners of a rectangle, the corners of what a
            lasso encloses, or the places that a brush came through.
        radius: Of the brush, in picture pixels.
        erases: Whether it takes away from the region in place of adding to it.
    """

    kind: ShapeKind
    points: tuple[Point, ...]
    radius: float = 0.0
    erases: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """What the shapes, drawn one over the other, cover.

    Attributes:
        size: Width and height of the picture that they were drawn on, in pixels.
    """

    size: tuple[int, int]
    shapes: tuple[Shape, ...] = ()


def covered(region: Region, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Which pixels of a picture of that width and height the region covers, (height, width).

    The picture may be a smaller copy of the one that was drawn on, such as a frame of a clip.
    """
    across, down = size[0] / region.size[0], size[1] / region.size[1]
    mask = np.zeros((size[1], size[0]), bool)
    for shape in region.shapes:
        points = [(x * across, y * down) for x, y in shape.points]
        drawn = _drawn(shape, size, points, shape.radius * across)
        mask = mask & ~drawn if shape.erases else mask | drawn
    return mask


def without(what: Picture | Clip, region: Region, fill: Fill) -> Picture | Clip:
    """The picture, or each frame of the clip, with the region filled.

    Raises:
        InputError: if the region is empty, misses the picture or covers all of it; the message says what to do.
    """
    first = what.frames[0] if isinstance(what, Clip) else what
    mask = covered(region, (first.width, first.height))
    if not mask.any():
        raise InputError("The region covers nothing of the picture. Draw over the part that is to be hidden.")
    if isinstance(what, Clip):
        clip: Clip = masking.masked(what, mask, fill)
        return clip
    return masking.masked(what, mask, fill)


def _drawn(shape: Shape, size: tuple[int, int], points: list[Point], radius: float) -> npt.NDArray[np.bool_]:
    """What one shape covers; nothing where it lies beside the picture."""
    try:
        if shape.kind == "rectangle":
            (left, top), (right, bottom) = points
            box = (min(left, right), min(top, bottom), max(left, right), max(top, bottom))
            return masking.rectangle(size, box)
        if shape.kind == "lasso":
            return masking.polygon(size, points)
        return masking.stroke(size, points, radius)
    except InputError:
        return np.zeros((size[1], size[0]), bool)

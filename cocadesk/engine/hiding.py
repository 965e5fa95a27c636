"""Pictures with some of their patches hidden, exactly as the model sees them.

Patches are hidden on the model's own square and not on the picture it was made from: their edges are then whole pixels,
nothing of what is hidden is mixed into its neighbours by resampling, and a large picture is resampled only once.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.pictures import stills
from cocadesk.engine.preprocess import Preprocessing, geometry, preprocess
from cocadesk.errors import OptionError
from cocadesk.media.masking import FILLS, GREY, Fill
from cocadesk.types import Clip, Picture

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


class PatchHider:
    """Makes copies of a picture or clip in which some patches are hidden.

    Attributes:
        patches: Which patches show something of the picture, (rows, columns); the others are padding.
    """

    def __init__(self, item: Picture | Clip, wanted: Preprocessing, layout: PatchLayout, fill: Fill) -> None:
        """Prepare the model's square, and what hides it.

        Args:
            item: A picture, or a clip: each frame is hidden behind its own fill.
            wanted: How the model wants its pictures.
            layout: Where its patches lie on this picture.
            fill: With what patches are hidden. "mean": the mean colour of what the model sees of the picture; "blur":
                the same after a Gaussian blur whose standard deviation is the longer side of a patch; "grey": half of
                white.

        Raises:
            OptionError: if there is no such fill, or the layout is not one of this picture.
        """
        if fill not in FILLS:
            raise OptionError(f"Patches are filled with “mean”, “blur” or “grey”, not “{fill}”.")
        frames = stills(item)
        place = geometry(frames[0].width, frames[0].height, wanted)
        if place != layout.geometry:
            raise OptionError(f"The map belongs to another picture than {item.name}, or to another model.")
        self._item, self._frames, self._layout = item, frames, layout
        self._squares = [_square(frame, wanted) for frame in frames]
        self._filled = [self._fill(square, fill) for square in self._squares]
        # A picture of this size is not resized, and the square is cut from this place.
        side = math.floor(wanted.pixels / wanted.crop)
        self._around = geometry(side, side, wanted).offset
        self._side = side
        boxes = layout.boxes()
        width, height = place.picture
        self.patches: Mask = (
            (boxes[..., 2] > 0) & (boxes[..., 0] < width) & (boxes[..., 3] > 0) & (boxes[..., 1] < height)
        )

    def hide(self, hidden: Mask) -> Picture | Clip:
        """The picture or clip, of the model's size, with these patches hidden, (rows, columns)."""
        width, height = self._layout.patch
        pixels = np.repeat(np.repeat(hidden, height, 0), width, 1)
        frames = tuple(
            self._hide(frame, square, filled, pixels)
            for frame, square, filled in zip(self._frames, self._squares, self._filled, strict=True)
        )
        return replace(self._item, frames=frames) if isinstance(self._item, Clip) else frames[0]

    def _hide(self, frame: Picture, square: Pixels, filled: Pixels, hidden: Mask) -> Picture:
        left, top = self._around
        shown = np.zeros((self._side, self._side, 3), np.uint8)
        inside = shown[top : top + len(square), left : left + len(square)]
        inside[:] = square
        rows, columns = hidden.shape
        np.copyto(inside[:rows, :columns], filled[:rows, :columns], where=hidden[..., None])
        shown.flags.writeable = False
        return replace(frame, pixels=shown)

    def _fill(self, square: Pixels, fill: Fill) -> Pixels:
        """The square with all of the picture in it replaced; what is padded stays as it is."""
        place = self._layout.geometry
        left, top = (max(0, -offset) for offset in place.offset)
        right, bottom = (
            min(place.side, extent - offset) for extent, offset in zip(place.resized, place.offset, strict=True)
        )
        filled = square.copy()
        seen = filled[top:bottom, left:right]
        if fill == "grey":
            seen[:] = GREY
        elif fill == "mean":
            seen[:] = np.rint(seen.mean((0, 1)))
        else:
            blur = ImageFilter.GaussianBlur(max(self._layout.patch))
            seen[:] = np.asarray(Image.fromarray(np.ascontiguousarray(seen)).filter(blur))
        return filled


def _square(frame: Picture, wanted: Preprocessing) -> Pixels:
    """The square that the model sees, before its values are normalised, (side, side, 3)."""
    normalised, _ = preprocess(frame.pixels, wanted)
    scaled = normalised.transpose(1, 2, 0) * np.asarray(wanted.std, np.float32) + np.asarray(wanted.mean, np.float32)
    return np.rint(scaled * 255).clip(0, 255).astype(np.uint8)

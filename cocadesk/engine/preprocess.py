"""From a picture's pixels to the square that a model sees, as open_clip's `image_transform(is_train=False)` and timm's
`create_transform(is_training=False)` make it.

What was done is kept as a `Geometry`, so that maps over the square can be laid over the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)

ResizeMode = Literal["shortest", "longest", "squash"]
Interpolation = Literal["bicubic", "bilinear"]

_RESAMPLING = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
# Source pixels that a resampled pixel may draw on to either side, in units of the scale where that is above 1.
_SUPPORT = {"bicubic": 2, "bilinear": 1}

_LARGEST_RESIZED = 4_000_000
"""Pixels; a picture that would grow beyond this before being cropped (30,000×20 would reach 75 million) is resampled
only where the crop looks. Below it, the whole is resized first, which equals open_clip's transform to the bit."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a model wants its pictures.

    Attributes:
        pixels: Side of the square.
        mean, std: Per channel, for values from 0 to 1.
        interpolation: Of the resampling, always with antialiasing.
        resize_mode: "shortest" fits the shorter side and crops the longer one, "longest" fits the longer side and
            pads the shorter one with black, "squash" ignores the shape.
        crop: Share of the resized side that the square keeps (timm's crop_pct): the picture is resized to
            ⌊pixels / crop⌋ and the square cut from its middle.
    """

    pixels: int
    mean: tuple[float, ...] = OPENAI_MEAN
    std: tuple[float, ...] = OPENAI_STD
    interpolation: Interpolation = "bicubic"
    resize_mode: ResizeMode = "shortest"
    crop: float = 1.0


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the square lies on the picture: the picture was resized to `resized`, then the square cut at `offset`.

    Attributes:
        picture: Width and height of the picture.
        resized: Width and height after resizing.
        offset: Left and top edge of the square on the resized picture; negative where the square is padded.
        side: Of the square, in pixels.
    """

    picture: tuple[int, int]
    resized: tuple[int, int]
    offset: tuple[int, int]
    side: int

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom edge of the square in the picture's own pixels."""
        scale_x = self.picture[0] / self.resized[0]
        scale_y = self.picture[1] / self.resized[1]
        left, top = self.offset
        return left * scale_x, top * scale_y, (left + self.side) * scale_x, (top + self.side) * scale_y


def geometry(width: int, height: int, wanted: Preprocessing) -> Geometry:
    """Where the model's square lies on a picture of that size."""
    side = wanted.pixels
    fitted = math.floor(side / wanted.crop)
    if wanted.resize_mode == "squash":
        resized = (fitted, fitted)
    elif wanted.resize_mode == "longest":
        ratio = max(width, height) / fitted
        resized = (max(1, round(width / ratio)), max(1, round(height / ratio)))
    elif width <= height:
        resized = (fitted, int(fitted * height / width))
    else:
        resized = (int(fitted * width / height), fitted)
    return Geometry((width, height), resized, (_offset(resized[0], side), _offset(resized[1], side)), side)


def preprocess(pixels: npt.NDArray[np.uint8], wanted: Preprocessing) -> tuple[npt.NDArray[np.float32], Geometry]:
    """The square a model sees.

    Args:
        pixels: Shape (height, width, 3), sRGB.
        wanted: What the model wants.

    Returns:
        float32 of shape (3, side, side), normalised; and how it came about.
    """
    place = geometry(pixels.shape[1], pixels.shape[0], wanted)
    if place.resized[0] * place.resized[1] <= _LARGEST_RESIZED:
        square = _resize_then_crop(pixels, place, wanted)
    else:
        square = _resample_crop(pixels, place, wanted)
    scaled = np.asarray(square, np.float32).transpose(2, 0, 1) / np.float32(255)
    mean = np.asarray(wanted.mean, np.float32)[:, None, None]
    std = np.asarray(wanted.std, np.float32)[:, None, None]
    return np.ascontiguousarray((scaled - mean) / std), place


def _offset(length: int, side: int) -> int:
    """Where a centred crop begins; rounded as torchvision's `center_crop` rounds, or half the padding, negative."""
    return -((side - length) // 2) if length < side else round((length - side) / 2.0)


def _resize_then_crop(pixels: npt.NDArray[np.uint8], place: Geometry, wanted: Preprocessing) -> Image.Image:
    image = Image.fromarray(pixels)
    if image.size != place.resized:
        image = image.resize(place.resized, _RESAMPLING[wanted.interpolation])
    left, top = place.offset
    return image.crop((left, top, left + place.side, top + place.side))


def _resample_crop(pixels: npt.NDArray[np.uint8], place: Geometry, wanted: Preprocessing) -> Image.Image:
    """Resample only the source pixels under the square; differs from resizing the whole by at most one grey level.

    Only "shortest" pictures grow so large, so the square lies within the resized picture.
    """
    left, top, right, bottom = place.box
    # Pillow keeps the box in single precision: cut a window first, so that its numbers stay small.
    margins = [
        math.ceil(_SUPPORT[wanted.interpolation] * max(1.0, extent / place.side)) + 1
        for extent in (right - left, bottom - top)
    ]
    first_x, first_y = max(0, math.floor(left) - margins[0]), max(0, math.floor(top) - margins[1])
    window = pixels[first_y : math.ceil(bottom) + margins[1], first_x : math.ceil(right) + margins[0]]
    return Image.fromarray(np.ascontiguousarray(window)).resize(
        (place.side, place.side),
        _RESAMPLING[wanted.interpolation],
        box=(
            left - first_x,
            top - first_y,
            min(right - first_x, window.shape[1]),
            min(bottom - first_y, window.shape[0]),
        ),
    )

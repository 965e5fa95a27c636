"""Attention maps as pictures: over the picture they belong to, as matrices, as bars, and many of them as tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from cocadesk.engine.attention import Weights
from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.errors import OptionError
from cocadesk.media.colour_maps import NAMES, colours_at
from cocadesk.types import Picture

_SMALLEST, _LARGEST = 448, 1024
"""Between which the longer side of a drawn picture lies, in pixels."""
_UNSEEN = 0.4
"""How bright a part of the picture is that the model did not see."""
INK, PAPER = (40, 40, 40), (255, 255, 255)
MARGIN = 4

Limits = tuple[float, float]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class MapStyle:
    """How a map is laid over its picture.

    Attributes:
        colours: One of `media.colour_maps.NAMES`.
        opacity: Of the map, 0 to 1.
        threshold: Share of the scale, 0 to 1, below which nothing is laid over.

    Raises:
        OptionError: if there are no such colours, or a share lies outside its range.
    """

    colours: str = "inferno"
    opacity: float = 0.5
    threshold: float = 0.0

    def __post_init__(self) -> None:
        if self.colours not in NAMES:
            raise OptionError(f"There are no colours “{self.colours}”; there are {', '.join(NAMES)}.")
        if not (0 <= self.opacity <= 1 and 0 <= self.threshold <= 1):
            raise OptionError("Opacity and threshold lie between 0 and 1.")


def coloured(values: Weights, limits: Limits | None = None, colours: str = "inferno") -> Pixels:
    """Values as colours from dark (low) to bright (high), (…) to (…, 3).

    Args:
        limits: The values of the first and the last colour; None for the lowest and the highest there are.
        colours: One of `media.colour_maps.NAMES`.
    """
    return colours_at(np.nan_to_num(shares(values, limits or extent(values))), colours)


def extent(values: Weights) -> Limits:
    """The lowest and the highest value; NaN does not count."""
    return float(np.nanmin(values)), float(np.nanmax(values))


def shares(values: Weights, limits: Limits) -> Weights:
    """Where on the scale values lie: 0 at the first limit, 1 at the last; all 0 where those are the same. NaN stays."""
    low, high = limits
    return np.asarray(
        (values - low) / (high - low) if high > low else np.where(np.isnan(values), np.nan, 0), np.float32
    )


class OverlayPainter:
    """Draws maps over one picture; what the model did not see of it stands dimmed and grey.

    Args:
        layout: Where the patches lie on the picture.
        longest: The longer side of what is drawn; None for the picture's own, brought between 448 and 1024 pixels.
    """

    def __init__(self, picture: Picture, layout: PatchLayout, longest: int | None = None) -> None:
        own = max(picture.width, picture.height)
        scale = (longest or min(max(own, _SMALLEST), _LARGEST)) / own
        self.size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        self._layout = layout
        drawn = Image.fromarray(picture.pixels).resize(self.size, Image.Resampling.BICUBIC, reducing_gap=3.0)
        self._base = np.asarray(drawn, np.float32)
        self._dimmed = np.asarray(drawn.convert("L").convert("RGB"), np.float32) * _UNSEEN

    @property
    def layout(self) -> PatchLayout:
        """Where the patches lie on the picture."""
        return self._layout

    def backdrop(self) -> Image.Image:
        """The picture without a map; what the model did not see of it is dimmed and grey."""
        unseen = np.isnan(self._layout.on_picture(np.zeros(self._layout.grid, np.float32), self.size, smooth=False))
        return Image.fromarray(np.rint(np.where(unseen[..., None], self._dimmed, self._base)).astype(np.uint8))

    def paint(
        self,
        values: Weights,
        *,
        opacity: float = 0.5,
        smooth: bool = True,
        limits: Limits | None = None,
        colours: str = "inferno",
        threshold: float = 0.0,
    ) -> Image.Image:
        """The picture with a map over it.

        Args:
            values: One for each patch, (rows, columns).
            opacity, threshold: As in `MapStyle`.
            smooth: Whether to go smoothly from patch to patch.
            limits, colours: As for `coloured`.
        """
        limits = limits or extent(values)
        drawn = self._layout.on_picture(values, self.size, smooth=smooth)
        over = coloured(drawn, limits, colours)
        laid = (shares(drawn, limits) >= threshold)[..., None] * opacity
        mixed = np.where(np.isnan(drawn)[..., None], self._dimmed, self._base * (1 - laid) + over * laid)
        return Image.fromarray(np.rint(mixed).astype(np.uint8))


def matrix_picture(matrix: Weights, tokens: Sequence[str], keys: Sequence[str]) -> Image.Image:
    """A matrix of cells, a row for each token and a column for each key, with their names."""
    rows, columns = matrix.shape
    cell = min(max(960 // max(rows, columns), 10), 40)
    font = font_for(cell)
    left, top = room_for(tokens, font), room_for(keys, font)
    image = Image.new("RGB", (left + columns * cell + MARGIN, top + rows * cell + MARGIN), PAPER)
    image.paste(_enlarged(coloured(matrix), (columns * cell, rows * cell)), (left, top))
    draw = ImageDraw.Draw(image)
    for row, name in enumerate(tokens):
        draw.text((left - MARGIN, top + (row + 0.5) * cell), name.strip(), INK, font, anchor="rm")
    # Names of columns run upwards: drawn lying, then turned with the strip they stand in.
    strip = Image.new("RGB", (top, columns * cell), PAPER)
    lying = ImageDraw.Draw(strip)
    for column, name in enumerate(keys):
        lying.text((MARGIN, (column + 0.5) * cell), name.strip(), INK, font, anchor="lm")
    image.paste(strip.transpose(Image.Transpose.ROTATE_90), (left, 0))
    return image


def bars_picture(weights: Weights, keys: Sequence[str]) -> Image.Image:
    """A bar for each key, the longest as wide as the chart, with its name and its weight in percent."""
    height, width = 24, 480
    font = font_for(height)
    left, right = room_for(keys, font), room_for(["100.0 %"], font)
    image = Image.new("RGB", (left + width + right, len(keys) * height + 2 * MARGIN), PAPER)
    draw = ImageDraw.Draw(image)
    colours = coloured(weights * 0.75, (0.0, float(weights.max()) or 1.0))  # the brightest would be lost on paper
    for number, (name, weight, colour) in enumerate(zip(keys, weights, colours, strict=True)):
        middle = MARGIN + (number + 0.5) * height
        end = left + width * float(weight) / (float(weights.max()) or 1.0)
        draw.rectangle((left, middle - 8, end, middle + 8), fill=tuple(map(int, colour)))
        draw.text((left - MARGIN, middle), name.strip(), INK, font, anchor="rm")
        draw.text((end + MARGIN, middle), f"{weight:.1%}".replace("%", " %"), INK, font, anchor="lm")
    return image


def tiles(
    rows: Sequence[Sequence[Image.Image]], row_names: Sequence[str], names: Sequence[Sequence[str]]
) -> Image.Image:
    """Pictures of one size side by side in rows.

    Args:
        row_names: What stands beside each row.
        names: What stands above the columns, one row of names; or above every picture, a row for each row of pictures.
    """
    font = font_for(16)
    width, height = rows[0][0].size
    left, head = room_for(row_names, font), 16 + 2 * MARGIN
    across, down = width + MARGIN, height + MARGIN
    image = Image.new("RGB", (left + max(map(len, rows)) * across, len(rows) * down + len(names) * head), PAPER)
    draw = ImageDraw.Draw(image)
    top = 0
    for number, pictures in enumerate(rows):
        if number < len(names):
            for column, name in enumerate(names[number]):
                middle = left + column * across + width / 2
                draw.text((middle, top + head / 2), fitting(name.strip(), width, font), INK, font, "mm")
            top += head
        draw.text((left - MARGIN, top + height / 2), row_names[number], INK, font, anchor="rm")
        for column, picture in enumerate(pictures):
            image.paste(picture, (left + column * across, top))
        top += down
    return image


def captioned(image: Image.Image, line: str) -> Image.Image:
    """A picture with a line of text below it."""
    font = ImageFont.load_default(20)
    below = Image.new("RGB", (image.width, image.height + 36), PAPER)
    below.paste(image)
    words = fitting(line, image.width - 2 * MARGIN, font)
    ImageDraw.Draw(below).text((image.width / 2, image.height + 18), words, INK, font, anchor="mm")
    return below


def matrix_tile(matrix: Weights, longest: int) -> Image.Image:
    """A matrix without names, as a tile whose longer side has so many pixels."""
    rows, columns = matrix.shape
    scale = longest / max(rows, columns)
    return _enlarged(coloured(matrix), (max(1, round(columns * scale)), max(1, round(rows * scale))))


def _enlarged(pixels: Pixels, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST)


def font_for(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font for lines of that height, in pixels."""
    return ImageFont.load_default(min(14, height - 2))


def room_for(names: Sequence[str], font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
    """Pixels for the widest of these names, with margins."""
    return round(max(font.getlength(name.strip()) for name in names)) + 2 * MARGIN


def fitting(name: str, width: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """As much of the name as has room in so many pixels."""
    while name and font.getlength(name) > width:
        name = name[:-1]
    return name

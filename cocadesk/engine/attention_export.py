"""Attention maps as files: the numbers, a picture of each map, sheets of them, and animations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_figures import (
    GRID,
    STRIP,
    ArcsFigure,
    BarsFigure,
    Drawing,
    Figure,
    MapFigure,
    MatrixFigure,
    Over,
    TilesFigure,
    figures,
    film,
    grid,
    strip,
)
from cocadesk.engine.attention_pictures import (
    OverlayPainter,
    bars_picture,
    captioned,
    matrix_picture,
    matrix_tile,
    tiles,
)
from cocadesk.engine.attention_svg import VectorPainter
from cocadesk.engine.export_folder import NUMBERS, remember, remembered, remove
from cocadesk.engine.pictures import stills
from cocadesk.errors import OptionError
from cocadesk.media.film import write_gif, write_mp4
from cocadesk.types import Clip, Picture

__all__ = ["NUMBERS", "Drawing", "Outputs", "PixelPainter", "export_maps", "film_pictures", "vector_painter"]

_TILE, _STRIP_TILE, _FILM_SIDE = 128, 256, 640
"""Pixels of the longer side: of a map on the grid, on the strip, and in an animation."""
_WIDEST = 12_000
"""Pixels of the sheet; tiles become smaller where there are many side by side."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Which files are written beside `maps.npz`.

    Attributes:
        format: Of the maps and sheets: pixels, or vectors, in which a text's attention is drawn as arcs as well.
        strip: Also the maps of the chosen layer beside each other, every word's, or every head's.
        animate: Also an animation over words, layers or heads; None for none.
        animation: What it is written as.
        seconds: How long each of its pictures is shown.
    """

    format: Literal["png", "svg"] = "png"
    strip: bool = False
    animate: Over | None = None
    animation: Literal["gif", "mp4"] = "gif"
    seconds: float = 0.8


def export_maps(
    maps: AttentionMaps,
    folder: Path,
    drawing: Drawing,
    seen: Picture | Clip | None = None,
    outputs: Outputs = Outputs(),
) -> list[Path]:
    """Write `maps.npz` (`AttentionMaps.save`), a picture of each map of the chosen layer and head, and the grid.

    Which maps those are is told by `attention_figures.figures`, `.grid`, `.strip` and `.film`. Every map has colours of
    its own, from its lowest value to its highest. What an earlier export wrote to the same folder is removed unless it
    was changed since; its names are in `maps.npz`.

    Args:
        folder: It must be there; files of the same names are replaced.
        seen: What the maps were made of, to draw them over it, a clip's over its first frame; None for a text.

    Returns:
        The files that were written, `maps.npz` first.

    Raises:
        OptionError: if the maps have no such layer or head, or nothing to animate over, or their picture is missing.
        OSError: if a file cannot be written.
    """
    picture = None if seen is None else stills(seen)[0]
    if picture is None and maps.layout is not None:
        raise OptionError("These maps lie over a picture. Name it to have them drawn.")
    frames = film(maps, drawing, outputs.animate) if outputs.animate else []
    named: list[tuple[str, Figure]] = [*figures(maps, drawing), (GRID, grid(maps, drawing))]
    if outputs.strip:
        named.append((STRIP, strip(maps, drawing)))
    earlier = remembered(folder)
    written = []
    painter = (vector_painter if outputs.format == "svg" else PixelPainter)(maps, picture, smooth=drawing.smooth)
    for name, figure in named:
        drawn = painter.draw(figure)
        if drawn is not None:
            written.append(folder / f"{name}.{outputs.format}")
            drawn.save(written[-1])
    if outputs.animate:
        written.append(folder / f"{outputs.animate}.{outputs.animation}")
        pictures = film_pictures(frames, maps, picture, smooth=drawing.smooth)
        (write_gif if outputs.animation == "gif" else write_mp4)(written[-1], pictures, outputs.seconds)
    maps.save(folder / NUMBERS)
    remember(folder, written)
    remove(folder, earlier, written)
    return [folder / NUMBERS, *written]


class PixelPainter:
    """Draws figures as pictures of pixels.

    Args:
        maps: What the figures are of.
        picture: What they lie over; None for a text.
        longest: The longer side of a single map; None for the picture's own, brought between 448 and 1024 pixels.
    """

    def __init__(
        self, maps: AttentionMaps, picture: Picture | None, *, smooth: bool = True, longest: int | None = None
    ) -> None:
        self._layout, self._picture, self._smooth = maps.layout, picture, smooth
        self._over = self._painter(longest)

    def draw(self, figure: Figure) -> Image.Image | None:
        """The figure as RGB; None for arcs, which are drawn as vectors only."""
        match figure:
            case MapFigure():
                assert self._over is not None
                return self._over.paint(figure.values, smooth=self._smooth)
            case MatrixFigure():
                return matrix_picture(figure.matrix, figure.tokens, figure.keys)
            case BarsFigure():
                return bars_picture(figure.weights, figure.keys)
            case TilesFigure():
                return self._tiles(figure)
            case ArcsFigure():
                return None

    def _tiles(self, figure: TilesFigure) -> Image.Image:
        side = _tile_side(figure)
        over = self._painter(side)
        rows = [
            [matrix_tile(values, side) if over is None else over.paint(values, smooth=self._smooth) for values in row]
            for row in figure.tiles
        ]
        return tiles(rows, figure.row_names, figure.names)

    def _painter(self, longest: int | None) -> OverlayPainter | None:
        if self._picture is None or self._layout is None:
            return None
        return OverlayPainter(self._picture, self._layout, longest)


def vector_painter(maps: AttentionMaps, picture: Picture | None, *, smooth: bool = True) -> VectorPainter:
    """One that draws figures of these maps as SVG, over that picture, or a text's over none."""
    if picture is None or maps.layout is None:
        return VectorPainter(smooth=smooth)
    over, small = (OverlayPainter(picture, maps.layout, longest) for longest in (None, _STRIP_TILE))
    return VectorPainter(over, small, smooth)


def film_pictures(
    frames: list[tuple[str, MapFigure | MatrixFigure | TilesFigure]],
    maps: AttentionMaps,
    picture: Picture | None,
    *,
    smooth: bool = True,
) -> list[Image.Image]:
    """What `attention_figures.film` tells as pictures of one size, each with its line of text."""
    painter = PixelPainter(maps, picture, smooth=smooth, longest=_FILM_SIDE)
    drawn = ((painter.draw(figure), line) for line, figure in frames)
    return [captioned(picture, line) for picture, line in drawn if picture is not None]


def _tile_side(figure: TilesFigure) -> int:
    columns = max(map(len, figure.tiles))
    wanted = _TILE if any(figure.row_names) else _STRIP_TILE
    return max(16, min(wanted, _WIDEST // columns))

"""Attention maps as files: the numbers, a picture of each map, sheets of them, and animations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from cocadesk.engine.attention import AttentionMaps, Weights
from cocadesk.engine.attention_arcs import arcs_picture
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
    Step,
    TilesFigure,
    figures,
    film,
    grid,
    no_step,
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

__all__ = [
    "NUMBERS",
    "Drawing",
    "Outputs",
    "PixelPainter",
    "export_maps",
    "figure_writer",
    "film_pictures",
    "vector_painter",
    "write_film",
]

FigureFormat = Literal["png", "svg"]
FilmFormat = Literal["gif", "mp4"]

SECONDS = 0.8
"""How long each picture of an animation is shown, unless something else is wanted."""

_TILE, _STRIP_TILE, _FILM_SIDE = 128, 256, 640
"""Pixels of the longer side: of a map on the grid, on the strip, and in an animation."""
_WIDEST = 12_000
"""Pixels of the sheet; tiles become smaller where there are many side by side."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Which files are written beside `maps.npz`.

    Attributes:
        format: Of the maps and sheets: pixels, or vectors.
        strip: Also the maps of the chosen layer beside each other, every word's, or every head's.
        animate: Also an animation over words, layers or heads; None for none.
        animation: What it is written as.
        seconds: How long each of its pictures is shown.
    """

    format: FigureFormat = "png"
    strip: bool = False
    animate: Over | None = None
    animation: FilmFormat = "gif"
    seconds: float = SECONDS


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
    if seen is None and maps.layout is not None:
        raise OptionError("These maps lie over a picture. Name it to have them drawn.")
    if outputs.animate:
        film(maps, drawing, outputs.animate)  # refuses what cannot move before anything is written
    named: list[tuple[str, Figure]] = [*figures(maps, drawing), (GRID, grid(maps, drawing))]
    if outputs.strip:
        named.append((STRIP, strip(maps, drawing)))
    earlier = remembered(folder)
    written = [folder / f"{name}.{outputs.format}" for name, _ in named]
    write = figure_writer(maps, seen, drawing, outputs.format)
    for path, (_, figure) in zip(written, named, strict=True):
        write(path, figure)
    if outputs.animate:
        written.append(folder / f"{outputs.animate}.{outputs.animation}")
        form, seconds = outputs.animation, outputs.seconds
        write_film(written[-1], maps, seen, drawing, over=outputs.animate, form=form, seconds=seconds)
    maps.save(folder / NUMBERS)
    remember(folder, written)
    remove(folder, earlier, written)
    return [folder / NUMBERS, *written]


def figure_writer(
    maps: AttentionMaps,
    seen: Picture | Clip | None,
    drawing: Drawing,
    form: FigureFormat,
    step: Step = no_step,
) -> Callable[[Path, Figure], None]:
    """What writes figures of these maps, one after the other; it raises `OSError` if a file cannot be written.

    Args:
        seen: What the maps were made of, a clip for its first frame; None for a text.
        step: Called after each tile of a sheet; what it raises ends the writing before the file is there.
    """
    picture = None if seen is None else stills(seen)[0]
    if form == "svg":
        vectors = vector_painter(maps, picture, drawing, step)
        return lambda path, figure: vectors.draw(figure).save(path)
    pixels = PixelPainter(maps, picture, drawing, step=step)
    return lambda path, figure: pixels.draw(figure).save(path, "PNG")


def write_film(
    path: Path,
    maps: AttentionMaps,
    seen: Picture | Clip | None,
    drawing: Drawing,
    *,
    over: Over,
    form: FilmFormat,
    seconds: float = SECONDS,
    step: Step = no_step,
) -> None:
    """Write an animation over words, layers or heads.

    Args:
        seen: As for `figure_writer`.
        seconds: How long each of its pictures is shown.
        step: Called after each picture; what it raises ends the writing.

    Raises:
        OptionError: if there is nothing to animate over.
        OSError: if the file cannot be written.
    """
    picture = None if seen is None else stills(seen)[0]
    pictures = film_pictures(film(maps, drawing, over), maps, picture, drawing, step)
    (write_gif if form == "gif" else write_mp4)(path, pictures, seconds)


class PixelPainter:
    """Draws figures as pictures of pixels.

    Args:
        maps: What the figures are of.
        picture: What they lie over; None for a text.
        drawing: Says how maps are laid over it.
        longest: The longer side of a single map; None for the picture's own, brought between 448 and 1024 pixels.
        step: Called after each tile with how many are done of how many; what it raises ends the drawing.
    """

    def __init__(
        self,
        maps: AttentionMaps,
        picture: Picture | None,
        drawing: Drawing,
        *,
        longest: int | None = None,
        step: Step = no_step,
    ) -> None:
        self._layout, self._picture, self._drawing, self._step = maps.layout, picture, drawing, step
        self._over = self._painter(longest)

    def draw(self, figure: Figure) -> Image.Image:
        """The figure as RGB."""
        match figure:
            case MapFigure():
                assert self._over is not None
                return self._paint(self._over, figure.values)
            case MatrixFigure():
                return matrix_picture(figure.matrix, figure.tokens, figure.keys)
            case BarsFigure():
                return bars_picture(figure.weights, figure.keys)
            case TilesFigure():
                return self._tiles(figure)
            case ArcsFigure():
                return arcs_picture(figure)

    def _tiles(self, figure: TilesFigure) -> Image.Image:
        side, count = _tile_side(figure), sum(map(len, figure.tiles))
        over = self._painter(side)
        rows: list[list[Image.Image]] = []
        done = 0
        for row in figure.tiles:
            rows.append([])
            for values in row:
                rows[-1].append(matrix_tile(values, side) if over is None else self._paint(over, values))
                done += 1
                self._step(done, count)
        return tiles(rows, figure.row_names, figure.names)

    def _paint(self, over: OverlayPainter, values: Weights) -> Image.Image:
        style = self._drawing.style
        return over.paint(
            values,
            opacity=style.opacity,
            smooth=self._drawing.smooth,
            colours=style.colours,
            threshold=style.threshold,
        )

    def _painter(self, longest: int | None) -> OverlayPainter | None:
        if self._picture is None or self._layout is None:
            return None
        return OverlayPainter(self._picture, self._layout, longest)


def vector_painter(
    maps: AttentionMaps, picture: Picture | None, drawing: Drawing, step: Step = no_step
) -> VectorPainter:
    """One that draws figures of these maps as SVG, over that picture, or a text's over none."""
    over = small = None
    if picture is not None and maps.layout is not None:
        over, small = (OverlayPainter(picture, maps.layout, longest) for longest in (None, _STRIP_TILE))
    return VectorPainter(over, small, drawing.smooth, drawing.style, step)


def film_pictures(
    frames: Sequence[tuple[str, MapFigure | MatrixFigure | TilesFigure]],
    maps: AttentionMaps,
    picture: Picture | None,
    drawing: Drawing,
    step: Step = no_step,
) -> Iterator[Image.Image]:
    """What `attention_figures.film` tells as pictures of one size, each with its line of text, one at a time."""
    painter = PixelPainter(maps, picture, drawing, longest=_FILM_SIDE)
    for number, (line, figure) in enumerate(frames, start=1):
        yield captioned(painter.draw(figure), line)
        step(number, len(frames))


def _tile_side(figure: TilesFigure) -> int:
    columns = max(map(len, figure.tiles))
    wanted = _TILE if any(figure.row_names) else _STRIP_TILE
    return max(16, min(wanted, _WIDEST // columns))

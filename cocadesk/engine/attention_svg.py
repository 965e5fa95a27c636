"""Attention maps as vectors: figures as SVG, with the picture embedded once and every name as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np
import numpy.typing as npt
from PIL import Image

from cocadesk.engine.attention import Weights
from cocadesk.engine.attention_figures import (
    ArcsFigure,
    BarsFigure,
    Figure,
    MapFigure,
    MatrixFigure,
    Step,
    TilesFigure,
    no_step,
)
from cocadesk.engine.attention_pictures import MARGIN, Limits, MapStyle, OverlayPainter, coloured, extent, shares
from cocadesk.engine.attention_text_svg import arcs_svg, bars_svg, draw_scale, matrix_svg, number
from cocadesk.engine.svg import Svg, colour, shortened, width_of
from cocadesk.media.colour_maps import colours_at

_FOOT = 56
"""Height of the lines below a map: its title and its colour scale."""
_SMOOTH_SIDE, _TILE_SIDE = 256, 96
"""Pixels of the longer side of a smooth map that is embedded: alone, and as a tile."""


@dataclass(frozen=True, slots=True)
class VectorPainter:
    """Draws figures.

    Attributes:
        over: The picture that maps lie over; None for a text's.
        tiles_over: The same, at the size of a tile.
        smooth: Whether colours go smoothly from patch to patch: a small picture is embedded for each map then;
            otherwise every patch is a rectangle.
        style: Of maps over the picture.
        step: Called after each tile with how many are done of how many; what it raises ends the drawing.
    """

    over: OverlayPainter | None = None
    tiles_over: OverlayPainter | None = None
    smooth: bool = True
    style: MapStyle = field(default_factory=MapStyle)
    step: Step = no_step

    def draw(self, figure: Figure) -> Svg:
        """The figure as a drawing, with its title and a description for those who cannot see it."""
        match figure:
            case MapFigure():
                return self._map(figure)
            case TilesFigure():
                return self._tiles(figure)
            case MatrixFigure():
                return matrix_svg(figure)
            case BarsFigure():
                return bars_svg(figure)
            case ArcsFigure():
                return arcs_svg(figure)

    def _map(self, figure: MapFigure) -> Svg:
        assert self.over is not None
        width, height = self.over.size
        drawn = max(width, 320)  # a very narrow picture has a title, too
        svg = Svg(drawn, height + _FOOT, figure.title, _described(figure))
        svg.image(self.over.backdrop(), (width, height))
        self._lay(svg, svg.root, self.over, figure.values, described=figure)
        svg.text(shortened(figure.title, drawn - 2 * MARGIN), MARGIN, height + 16)
        draw_scale(
            svg,
            MARGIN,
            height + 32,
            drawn - 2 * MARGIN,
            figure.values,
            shares=figure.shares,
            colours=self.style.colours,
        )
        return svg

    def _tiles(self, figure: TilesFigure) -> Svg:
        width, height = self._tile_size(figure.tiles[0][0])
        left = round(max(map(width_of, figure.row_names))) + 2 * MARGIN
        head = 16 + 2 * MARGIN
        across, down = width + MARGIN, height + MARGIN
        columns, count = max(map(len, figure.tiles)), sum(map(len, figure.tiles))
        size = left + columns * across, len(figure.tiles) * down + len(figure.names) * head
        counted = f"{count} maps in {len(figure.tiles)} rows of {columns}."
        svg = Svg(*size, figure.title, f"{counted} Each has colours of its own, from its lowest value to its highest.")
        if self.tiles_over is not None:
            svg.image(self.tiles_over.backdrop(), (width, height), svg.add("defs"), id="picture")
        top, done = 0, 0
        for at, row in enumerate(figure.tiles):
            if at < len(figure.names):
                for column, name in enumerate(figure.names[at]):
                    middle = left + column * across + width / 2
                    svg.text(shortened(name.strip(), width), middle, top + head / 2, anchor="middle")
                top += head
            svg.text(figure.row_names[at], left - MARGIN, top + height / 2, anchor="end")
            names = figure.names[min(at, len(figure.names) - 1)]
            for column, values in enumerate(row):
                title = ", ".join(filter(None, (figure.row_names[at], names[column].strip())))
                place = f"translate({left + column * across} {top})"
                self._tile(svg, svg.group(title=title, transform=place), values, (width, height))
                done += 1
                self.step(done, count)
            top += down
        return svg

    def _tile_size(self, values: Weights) -> tuple[int, int]:
        if self.tiles_over is not None:
            return self.tiles_over.size
        rows, columns = values.shape
        return max(1, round(128 * columns / max(rows, columns))), max(1, round(128 * rows / max(rows, columns)))

    def _tile(self, svg: Svg, group: Element, values: Weights, size: tuple[int, int]) -> None:
        if self.tiles_over is None:
            svg.image(_palette_image(np.kron(values, np.ones((4, 4), np.float32))), size, group)
            return
        svg.use("picture", group)
        self._lay(svg, group, self.tiles_over, values)

    def _lay(
        self, svg: Svg, parent: Element, over: OverlayPainter, values: Weights, *, described: MapFigure | None = None
    ) -> None:
        """Lay a map over the picture that is drawn at `over.size`."""
        width, height = over.size
        if self.smooth:
            side = _TILE_SIDE if described is None else _SMOOTH_SIDE
            share = min(1.0, side / max(width, height))
            small = max(1, round(width * share)), max(1, round(height * share))
            drawn = over.layout.on_picture(values, small, smooth=True)
            image = _palette_image(drawn, extent(values), self.style.colours, self.style.threshold)
            svg.image(image, over.size, parent, opacity=self.style.opacity)
            return
        group = svg.group(parent, fill_opacity=self.style.opacity, shape_rendering="crispEdges")
        picture_width, picture_height = over.layout.geometry.picture
        scale = np.array([width / picture_width, height / picture_height] * 2)
        # Whole pixels: edges of two patches that fall between pixels would overlap, or let a line through.
        edges = np.rint((over.layout.boxes() * scale).clip(0, [width, height] * 2))
        colours = coloured(values, colours=self.style.colours)
        laid = shares(values, extent(values)) >= self.style.threshold
        for row, column in np.argwhere(laid):
            x, y, right, bottom = map(float, edges[row, column])
            if right > x and bottom > y:
                fill = colour(colours[row, column])
                patch = svg.add("rect", group, x=x, y=y, width=right - x, height=bottom - y, fill=fill)
                if described is not None:
                    weight = number(float(values[row, column]), shares=described.shares)
                    svg.tell(patch, f"patch {row},{column}: {weight}")


def _palette_image(
    values: Weights, limits: Limits | None = None, colours: str = "inferno", threshold: float = 0.0
) -> Image.Image:
    """Values as a picture of 255 colours; what is NaN, or below that share of the scale, is transparent."""
    share = shares(values, limits or extent(values))
    indices: npt.NDArray[np.uint8] = np.nan_to_num(1 + np.rint(share.clip(0, 1) * 254), nan=0.0).astype(np.uint8)
    indices[~(share >= threshold)] = 0
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette([0, 0, 0, *colours_at(np.linspace(0, 1, 255), colours).ravel().tolist()])
    if not indices.all():
        image.info["transparency"] = 0
    return image


def _described(figure: MapFigure) -> str:
    rows, columns = figure.values.shape
    row, column = np.unravel_index(int(figure.values.argmax()), figure.values.shape)
    low, high = (number(float(edge), shares=figure.shares) for edge in (figure.values.min(), figure.values.max()))
    span = f"{rows} × {columns} patches from {low} (dark) to {high} (bright)"
    return f"{span}; the brightest is patch {row},{column}, by row and column from 0."

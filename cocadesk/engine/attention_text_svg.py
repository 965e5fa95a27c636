"""A text's attention as vectors: matrices, bars and arcs, with their names and weights as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cocadesk.engine.attention import Weights
from cocadesk.engine.attention_arcs import ROW, ArcsLayout, arcs_colour, arcs_layout
from cocadesk.engine.attention_figures import ArcsFigure, BarsFigure, MatrixFigure
from cocadesk.engine.attention_pictures import MARGIN, coloured
from cocadesk.engine.svg import Svg, colour, shortened, width_of
from cocadesk.media.colour_maps import anchors

_DESCRIBED_CELLS = 1024
"""Up to so many cells of a matrix say their weight when they are pointed at."""


def matrix_svg(figure: MatrixFigure) -> Svg:
    """A matrix of cells, a row for each token and a column for each key."""
    rows, columns = figure.matrix.shape
    cell = min(max(960 // max(rows, columns), 10), 40)
    small = min(14, cell - 2)
    left, top = _room(figure.tokens, small), _room(figure.keys, small) + ROW
    width = max(left + columns * cell + MARGIN, 320)
    svg = Svg(width, top + rows * cell + 24 + 2 * MARGIN, figure.title, _described_matrix(figure))
    svg.text(shortened(figure.title, width - 2 * MARGIN), MARGIN, ROW / 2)
    for row, name in enumerate(figure.tokens):
        svg.text(name.strip(), left - MARGIN, top + (row + 0.5) * cell, anchor="end", size=small)
    for column, name in enumerate(figure.keys):
        svg.text(name.strip(), left + (column + 0.5) * cell, top - MARGIN, size=small, turned=True)
    cells = svg.group(shape_rendering="crispEdges")
    colours = coloured(figure.matrix)
    for row, column in np.ndindex(rows, columns):
        place = {"x": left + column * cell, "y": top + row * cell, "width": cell, "height": cell}
        rect = svg.add("rect", cells, fill=colour(colours[row, column]), **place)
        if rows * columns <= _DESCRIBED_CELLS:
            names = f"{figure.tokens[row].strip()} → {figure.keys[column].strip()}"
            svg.tell(rect, f"{names}: {percent(float(figure.matrix[row, column]))}")
    draw_scale(svg, MARGIN, top + rows * cell + MARGIN, width - 2 * MARGIN, figure.matrix)
    return svg


def bars_svg(figure: BarsFigure) -> Svg:
    """A bar for each key, the longest as wide as the chart, with its name and its weight."""
    wide, highest = 480, float(figure.weights.max()) or 1.0
    left, right = _room(figure.keys), _room(["100.0 %"])
    most = figure.keys[int(figure.weights.argmax())].strip()
    told = f"{len(figure.keys)} bars; the longest, {percent(highest)}, is “{most}”."
    svg = Svg(left + wide + right, (len(figure.keys) + 1) * ROW + 2 * MARGIN, figure.title, told)
    svg.text(shortened(figure.title, left + wide + right), MARGIN, ROW / 2)
    colours = coloured(figure.weights * 0.75, (0.0, highest))  # the brightest would be lost on paper
    for place, (name, weight) in enumerate(zip(figure.keys, map(float, figure.weights), strict=True)):
        middle = MARGIN + (place + 1.5) * ROW
        length = wide * weight / highest
        svg.add("rect", x=left, y=middle - 8, width=length, height=16, fill=colour(colours[place]))
        svg.text(name.strip(), left - MARGIN, middle, anchor="end")
        svg.text(percent(weight), left + length + MARGIN, middle)
    return svg


def arcs_svg(figure: ArcsFigure) -> Svg:
    """Tokens below each other; right of them arcs to those before, left of them arcs to those behind."""
    layout = arcs_layout(figure, _room)
    svg = Svg(layout.width, layout.height, figure.title, _told_arcs(figure, layout))
    svg.text(shortened(figure.title, layout.width - 2 * MARGIN), MARGIN, ROW / 2)
    arcs = svg.group(fill="none", stroke=colour(arcs_colour()), stroke_linecap="round")
    for arc in layout.arcs:
        x, first, last, beyond = arc.x, arc.first, arc.last, arc.beyond
        if arc.row == arc.column:
            fill = arcs.get("stroke") or ""
            mark = svg.add("circle", arcs, cx=x, cy=first, r=arc.radius, fill=fill, stroke="none")
        else:
            curve = f"M{x:.1f} {first:.1f}C{beyond:.1f} {first:.1f} {beyond:.1f} {last:.1f} {x:.1f} {last:.1f}"
            mark = svg.add("path", arcs, d=curve, stroke_width=arc.thickness)
        mark.set("opacity", f"{arc.share:.3f}")
        pair = f"{figure.tokens[arc.row].strip()} → {figure.tokens[arc.column].strip()}"
        svg.tell(mark, f"{pair}: {percent(arc.weight)}")
    for place, name in enumerate(figure.tokens):
        svg.text(name.strip(), layout.names_end, layout.middle(place), anchor="end")
    return svg


def draw_scale(
    svg: Svg, x: float, y: float, width: float, values: Weights, *, shares: bool = True, colours: str = "inferno"
) -> None:
    """The colours from the lowest value to the highest, between the two."""
    low, high = (number(float(value), shares=shares) for value in (values.min(), values.max()))
    gradient = svg.add("linearGradient", svg.add("defs"), id="scale")
    steps = anchors(colours)
    for place, step in enumerate(steps):
        svg.add("stop", gradient, offset=place / (len(steps) - 1), stop_color=colour(np.rint(step)))
    room = 64
    svg.text(low, x + room - MARGIN, y + 8, anchor="end", size=12)
    svg.add("rect", x=x + room, y=y, width=width - 2 * room, height=16, fill="url(#scale)")
    svg.text(high, x + width - room + MARGIN, y + 8, size=12)


def number(value: float, *, shares: bool) -> str:
    """A value as it is written: in percent if it is part of a whole."""
    return percent(value) if shares else f"{value:.3g}"


def percent(weight: float) -> str:
    """A share as it is written: "12.3 %"."""
    return f"{float(weight):.1%}".replace("%", " %")


def _described_matrix(figure: MatrixFigure) -> str:
    row, column = np.unravel_index(int(figure.matrix.argmax()), figure.matrix.shape)
    pair = f"“{figure.tokens[row].strip()}” to “{figure.keys[column].strip()}”"
    size = f"{len(figure.tokens)} rows of tokens that attend, {len(figure.keys)} columns of those attended to"
    return f"{size}. The brightest cell, {percent(figure.matrix.max())}, is {pair}."


def _told_arcs(figure: ArcsFigure, layout: ArcsLayout) -> str:
    others = [arc for arc in layout.arcs if arc.row != arc.column]
    told = f"{len(figure.tokens)} tokens below each other and {len(others)} arcs from each to those it attends to"
    if not others:
        return f"{told}."
    thickest = others[-1]
    names = f"“{figure.tokens[thickest.row].strip()}” to “{figure.tokens[thickest.column].strip()}”"
    return (
        f"{told}; the thickest, {percent(thickest.weight)}, goes from {names}. A dot is a token's attention to itself."
    )


def _room(names: Sequence[str], size: float = 14) -> int:
    """Pixels for the widest of these names, with margins."""
    return round(max(width_of(name.strip(), size) for name in names)) + 2 * MARGIN

"""A text's attention as vectors: matrices, bars and arcs, with their names and weights as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cocadesk.engine.attention import Weights
from cocadesk.engine.attention_figures import ArcsFigure, BarsFigure, MatrixFigure
from cocadesk.engine.attention_pictures import MARGIN, coloured
from cocadesk.engine.svg import Svg, colour, shortened, width_of
from cocadesk.media.colour_maps import anchors, colours_at

_ROW = 24
_FAINTEST = 0.02
"""Of the strongest arc's weight: what is weaker is not drawn."""
_THICKEST = 7.0
_DESCRIBED_CELLS = 1024
"""Up to so many cells of a matrix say their weight when they are pointed at."""


def matrix_svg(figure: MatrixFigure) -> Svg:
    """A matrix of cells, a row for each token and a column for each key."""
    rows, columns = figure.matrix.shape
    cell = min(max(960 // max(rows, columns), 10), 40)
    small = min(14, cell - 2)
    left, top = _room(figure.tokens, small), _room(figure.keys, small) + _ROW
    width = max(left + columns * cell + MARGIN, 320)
    svg = Svg(width, top + rows * cell + 24 + 2 * MARGIN, figure.title, _described_matrix(figure))
    svg.text(shortened(figure.title, width - 2 * MARGIN), MARGIN, _ROW / 2)
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
    svg = Svg(left + wide + right, (len(figure.keys) + 1) * _ROW + 2 * MARGIN, figure.title, told)
    svg.text(shortened(figure.title, left + wide + right), MARGIN, _ROW / 2)
    colours = coloured(figure.weights * 0.75, (0.0, highest))  # the brightest would be lost on paper
    for place, (name, weight) in enumerate(zip(figure.keys, map(float, figure.weights), strict=True)):
        middle = MARGIN + (place + 1.5) * _ROW
        length = wide * weight / highest
        svg.add("rect", x=left, y=middle - 8, width=length, height=16, fill=colour(colours[place]))
        svg.text(name.strip(), left - MARGIN, middle, anchor="end")
        svg.text(percent(weight), left + length + MARGIN, middle)
    return svg


def arcs_svg(figure: ArcsFigure) -> Svg:
    """Tokens below each other; right of them arcs to those before, left of them arcs to those behind."""
    strongest = float(figure.matrix.max()) or 1.0
    found = [
        (float(figure.matrix[row, column]), int(row), int(column))
        for row, column in np.argwhere(figure.matrix > _FAINTEST * strongest)
    ]
    count = len(figure.tokens)
    names = _room(figure.tokens) + 2 * MARGIN
    reach = min(360.0, 60 + 8.0 * count)
    before = reach if any(row < column for _, row, column in found) else 0.0
    width = max(before + names + reach + 2 * MARGIN, 420)
    svg = Svg(width, (count + 1) * _ROW + 2 * MARGIN, figure.title, _told_arcs(figure, found))
    svg.text(shortened(figure.title, width - 2 * MARGIN), MARGIN, _ROW / 2)
    edges = {True: before + MARGIN, False: before + MARGIN + names}
    arcs = svg.group(fill="none", stroke=colour(colours_at(np.array([0.4]))[0]), stroke_linecap="round")
    for weight, row, column in sorted(found):
        share = weight / strongest
        x, first, last = edges[row < column], *(MARGIN + (place + 1.5) * _ROW for place in (row, column))
        if row == column:
            dot = max(1.2, _THICKEST * share / 2)
            mark = svg.add("circle", arcs, cx=x, cy=first, r=dot, fill=arcs.get("stroke") or "", stroke="none")
        else:
            out = (reach - _THICKEST) * 4 / 3 * (abs(row - column) / max(count - 1, 1)) ** 0.7
            beyond = x - out if row < column else x + out
            curve = f"M{x:.1f} {first:.1f}C{beyond:.1f} {first:.1f} {beyond:.1f} {last:.1f} {x:.1f} {last:.1f}"
            mark = svg.add("path", arcs, d=curve, stroke_width=max(0.6, _THICKEST * share))
        mark.set("opacity", f"{share:.3f}")
        pair = f"{figure.tokens[row].strip()} → {figure.tokens[column].strip()}"
        svg.tell(mark, f"{pair}: {percent(weight)}")
    for place, name in enumerate(figure.tokens):
        svg.text(name.strip(), edges[False] - 2 * MARGIN, MARGIN + (place + 1.5) * _ROW, anchor="end")
    return svg


def draw_scale(svg: Svg, x: float, y: float, width: float, values: Weights, *, shares: bool = True) -> None:
    """The colours from the lowest value to the highest, between the two."""
    low, high = (number(float(value), shares=shares) for value in (values.min(), values.max()))
    gradient = svg.add("linearGradient", svg.add("defs"), id="scale")
    steps = anchors()
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


def _told_arcs(figure: ArcsFigure, found: list[tuple[float, int, int]]) -> str:
    others = [arc for arc in found if arc[1] != arc[2]]
    told = f"{len(figure.tokens)} tokens below each other and {len(others)} arcs from each to those it attends to"
    if not others:
        return f"{told}."
    weight, row, column = max(others)
    names = f"“{figure.tokens[row].strip()}” to “{figure.tokens[column].strip()}”"
    return f"{told}; the thickest, {percent(weight)}, goes from {names}. A dot is a token's attention to itself."


def _room(names: Sequence[str], size: float = 14) -> int:
    """Pixels for the widest of these names, with margins."""
    return round(max(width_of(name.strip(), size) for name in names)) + 2 * MARGIN

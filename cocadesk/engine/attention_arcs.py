"""Where the arcs between a text's tokens run, for pixels and vectors alike, and the arcs as a picture of pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from cocadesk.engine.attention_figures import ArcsFigure
from cocadesk.engine.attention_pictures import INK, MARGIN, PAPER, fitting, font_for, room_for
from cocadesk.media.colour_maps import colours_at

ROW = 24
"""Pixels from one token to the next."""
_FAINTEST = 0.02
"""Of the strongest arc's weight: what is weaker is not drawn."""
_THICKEST = 7.0
_NARROWEST = 420.0
_FINER, _STEPS = 3, 40
"""How much finer pixels are drawn before they are merged, and of how many straight pieces an arc is made then."""

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Arc:
    """An arc from the token that attends to the one that is attended to.

    Attributes:
        row, column: Places of the two tokens; the same one twice for a dot.
        weight: As it is.
        share: Of the strongest weight: its opacity, and its thickness beside the thickest arc's.
        x: Where it begins and ends.
        first, last: How far down it begins and ends.
        beyond: How far across the two control points of its Bézier curve lie.
    """

    row: int
    column: int
    weight: float
    share: float
    x: float
    first: float
    last: float
    beyond: float

    @property
    def thickness(self) -> float:
        return max(0.6, _THICKEST * self.share)

    @property
    def radius(self) -> float:
        """Of the dot that stands for a token's attention to itself."""
        return max(1.2, _THICKEST * self.share / 2)


@dataclass(frozen=True, slots=True)
class ArcsLayout:
    """Tokens below each other; right of them arcs to those before, left of them arcs to those behind.

    Attributes:
        names_end: Where the tokens' names end.
        arcs: The weakest first.
    """

    width: float
    height: float
    names_end: float
    arcs: tuple[Arc, ...]

    @staticmethod
    def middle(place: int) -> float:
        """How far down the middle of that token is."""
        return MARGIN + (place + 1.5) * ROW


def arcs_layout(figure: ArcsFigure, room: Callable[[Sequence[str]], float]) -> ArcsLayout:
    """Where everything lies.

    Args:
        room: How many pixels the widest of some names takes, with margins.
    """
    matrix, count = figure.matrix, len(figure.tokens)
    strongest = float(matrix.max()) or 1.0
    found = [(int(row), int(column)) for row, column in np.argwhere(matrix > _FAINTEST * strongest)]
    names = room(figure.tokens) + 2 * MARGIN
    reach = min(360.0, 60 + 8.0 * count)
    before = reach if any(row < column for row, column in found) else 0.0
    left, right = before + MARGIN, before + MARGIN + names
    arcs = []
    for row, column in found:
        weight = float(matrix[row, column])
        x = left if row < column else right
        # A half ellipse, nearly, whose width grows with what it spans.
        out = (reach - _THICKEST) * 4 / 3 * (abs(row - column) / max(count - 1, 1)) ** 0.7
        first, last = map(ArcsLayout.middle, (row, column))
        beyond = x - out if row < column else x + out
        arcs.append(Arc(row, column, weight, weight / strongest, x, first, last, beyond))
    return ArcsLayout(
        max(before + names + reach + 2 * MARGIN, _NARROWEST),
        (count + 1) * ROW + 2 * MARGIN,
        right - 2 * MARGIN,
        tuple(sorted(arcs, key=lambda arc: (arc.weight, arc.row, arc.column))),
    )


def arcs_colour() -> npt.NDArray[np.uint8]:
    """Red, green and blue of the strongest arc."""
    return np.asarray(colours_at(np.array([0.4]))[0])


def arcs_picture(figure: ArcsFigure) -> Image.Image:
    """The arcs as pixels, on white."""
    font = font_for(ROW)
    layout = arcs_layout(figure, lambda names: room_for(names, font))
    size = round(layout.width), round(layout.height)
    fine = Image.new("RGB", (size[0] * _FINER, size[1] * _FINER), PAPER)
    draw = ImageDraw.Draw(fine, "RGBA")  # colours are mixed with what is there
    colour = tuple(map(int, arcs_colour()))
    for arc in layout.arcs:
        fill = (*colour, round(255 * arc.share))
        if arc.row == arc.column:
            edges = (arc.x - arc.radius, arc.first - arc.radius, arc.x + arc.radius, arc.first + arc.radius)
            draw.ellipse([_FINER * edge for edge in edges], fill=fill)
        else:
            # One closed shape: pieces of a line would overlap where they meet, and be too strong there.
            draw.polygon([(x, y) for x, y in (_FINER * _outline(arc)).tolist()], fill=fill)
    image = fine.resize(size, Image.Resampling.BOX)
    words = ImageDraw.Draw(image)
    words.text((MARGIN, ROW / 2), fitting(figure.title, size[0] - 2 * MARGIN, font), INK, font, anchor="lm")
    for place, name in enumerate(figure.tokens):
        words.text((layout.names_end, layout.middle(place)), name.strip(), INK, font, anchor="rm")
    return image


def _outline(arc: Arc) -> Points:
    """Points around an arc of its thickness, with half circles at its ends, (points, 2)."""
    corners = np.array([(arc.x, arc.first), (arc.beyond, arc.first), (arc.beyond, arc.last), (arc.x, arc.last)])
    at = np.linspace(0, 1, _STEPS + 1)[:, None]
    ahead = 1 - at
    # A cubic Bézier curve, and its direction.
    line = ahead**3 * corners[0] + 3 * ahead**2 * at * corners[1] + 3 * ahead * at**2 * corners[2] + at**3 * corners[3]
    steps = np.diff(corners, axis=0)
    along = 3 * (ahead**2 * steps[0] + 2 * ahead * at * steps[1] + at**2 * steps[2])
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = np.stack([-along[:, 1], along[:, 0]], 1) * (arc.thickness / 2)
    turns = np.linspace(0, np.pi, 7)[1:-1, None]
    back, forth = -along[0] * arc.thickness / 2, along[-1] * arc.thickness / 2
    end = line[-1] + np.cos(turns) * aside[-1] + np.sin(turns) * forth
    start = line[0] - np.cos(turns) * aside[0] + np.sin(turns) * back
    return np.concatenate([line + aside, end, (line - aside)[::-1], start])

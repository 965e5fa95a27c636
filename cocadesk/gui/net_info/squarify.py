"""Dividing a rectangle into smaller ones whose areas are given and whose sides are as equal as can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: its upper left corner, and its sides."""

    x: float
    y: float
    width: float
    height: float


def squarify(values: Sequence[float], box: Box) -> list[Box]:
    """One rectangle for each value, with an area in proportion to it; together they fill the box.

    The squarified treemap of Bruls, Huizing and van Wijk (2000): rows are filled along the shorter side of what is
    left, for as long as another rectangle makes the worst ratio of sides in the row no worse.

    Args:
        values: Above 0, the largest first.
    """
    scale = box.width * box.height / sum(values) if values else 0.0
    areas = [value * scale for value in values]
    if scale <= 0:
        return [Box(box.x, box.y, 0.0, 0.0) for _ in values]
    boxes: list[Box] = []
    x, y, width, height = box.x, box.y, box.width, box.height
    while len(boxes) < len(areas):
        begin = len(boxes)
        side = min(width, height)
        row, end = _fill_row(areas, begin, side)
        depth = min(row / side, max(width, height)) if side > 0 else 0.0
        along = 0.0
        for area in areas[begin:end]:
            length = area / row * side
            if width >= height:
                boxes.append(Box(x, y + along, depth, length))
            else:
                boxes.append(Box(x + along, y, length, depth))
            along += length
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
    return boxes


def _fill_row(areas: Sequence[float], begin: int, side: float) -> tuple[float, int]:
    """The row that begins there: the sum of its areas, and where it ends."""
    row, end = areas[begin], begin + 1
    worst = _worst_ratio(row, areas[begin], areas[begin], side)
    while end < len(areas):
        longer = row + areas[end]
        ratio = _worst_ratio(longer, areas[begin], areas[end], side)
        if ratio > worst:
            break
        row, worst, end = longer, ratio, end + 1
    return row, end


def _worst_ratio(row: float, largest: float, smallest: float, side: float) -> float:
    """The greatest ratio of sides in a row of that total area along that side."""
    if side <= 0:
        return float("inf")
    square = side * side
    return max(square * largest / (row * row), row * row / (square * smallest))

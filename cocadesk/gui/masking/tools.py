"""The tools that a region is drawn with."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF

from cocadesk.work.regions import Shape, ShapeKind

CLOSE_ENOUGH = 1e-6


class Tool(Enum):
    """What dragging on the picture does; the value is what a user reads."""

    RECTANGLE = "Rectangle"
    LASSO = "Lasso"
    BRUSH = "Brush"
    ERASER = "Eraser"


KINDS: dict[Tool, ShapeKind] = {
    Tool.RECTANGLE: "rectangle",
    Tool.LASSO: "lasso",
    Tool.BRUSH: "brush",
    Tool.ERASER: "brush",
}


def shape_of(tool: Tool, places: list[QPointF], radius: float) -> Shape | None:
    """What was drawn along these places, in picture pixels; None where it has no extent."""
    points = [(place.x(), place.y()) for place in places]
    if tool in (Tool.BRUSH, Tool.ERASER):
        return Shape("brush", tuple(points), radius, tool is Tool.ERASER) if points else None
    if tool is Tool.RECTANGLE and points:
        first, last = points[0], points[-1]
        flat = abs(first[0] - last[0]) < CLOSE_ENOUGH or abs(first[1] - last[1]) < CLOSE_ENOUGH
        return None if flat else Shape("rectangle", (first, last))
    return Shape("lasso", tuple(points)) if len(set(points)) > 2 else None


def outline(shape: Shape) -> QPainterPath:
    """The shape's edge, in picture pixels; of a brush, the line it went along."""
    path = QPainterPath()
    places = [QPointF(*point) for point in shape.points]
    if shape.kind == "rectangle":
        path.addRect(QRectF(places[0], places[1]).normalized())
    elif shape.kind == "lasso":
        path.setFillRule(Qt.FillRule.WindingFill)
        path.addPolygon(QPolygonF(places))
        path.closeSubpath()
    else:
        path.addPolygon(QPolygonF(places))
    return path


def draw(painter: QPainter, shape: Shape) -> None:
    """Cover the shape's area, or uncover it if it erases. The painter counts in picture pixels."""
    mode = QPainter.CompositionMode
    painter.setCompositionMode(mode.CompositionMode_Clear if shape.erases else mode.CompositionMode_Source)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(Qt.GlobalColor.black)
    if shape.kind != "brush":
        painter.drawPath(outline(shape))
    elif len(shape.points) == 1:
        painter.drawEllipse(QPointF(*shape.points[0]), shape.radius, shape.radius)
    else:
        cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
        painter.strokePath(
            outline(shape), QPen(Qt.GlobalColor.black, 2 * shape.radius, Qt.PenStyle.SolidLine, cap, join)
        )

"""Draws the map over the picture, and the maps of the lenses within their rectangles."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from cocadesk.gui.overlays.map_drawing import MapDrawing

Lens = tuple[MapDrawing, QRectF]


class OverlayItem(QGraphicsItem):
    """Maps in the picture's own coordinates.

    A lens shows its own map alone: neither the map over the whole picture nor lenses below it are seen through it.

    Args:
        visible: The part of the plane that is on the screen.
    """

    def __init__(self, visible: Callable[[], QRectF]) -> None:
        super().__init__()
        self._visible = visible
        self._size = QRectF()
        self._drawing: MapDrawing | None = None
        self._lenses: tuple[Lens, ...] = ()

    @property
    def drawing(self) -> MapDrawing | None:
        """The map over the whole picture."""
        return self._drawing

    def set_size(self, width: int, height: int) -> None:
        """The picture has that size now."""
        self.prepareGeometryChange()
        self._size = QRectF(0, 0, width, height)

    def set_drawing(self, drawing: MapDrawing | None) -> None:
        """Lay that map over the whole picture, or none."""
        self._drawing = drawing
        self.update()

    def set_lenses(self, lenses: Sequence[Lens]) -> None:
        """Show those maps within rectangles of the picture, the last one on top."""
        before, self._lenses = self._lenses, tuple(lenses)
        same = 0
        for old, new in zip(before, self._lenses, strict=False):
            if old != new:
                break
            same += 1
        for _, rect in (*before[same:], *self._lenses[same:]):
            self.update(rect)

    def boundingRect(self) -> QRectF:
        return self._size

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        paint_maps(painter, self._drawing, self._lenses, self._visible() & self._size)


def paint_maps(painter: QPainter, drawing: MapDrawing | None, lenses: Sequence[Lens], area: QRectF) -> None:
    """Paint that part of the picture's maps, in its pixels: one over the whole, and some within rectangles."""
    layers = [(drawing, area)] if drawing else []
    layers += [(lens, rect & area) for lens, rect in lenses]
    for number, (layer, rect) in enumerate(layers):
        if rect.isEmpty():
            continue
        covering = [other for _, other in layers[number + 1 :] if other.intersects(rect)]
        painter.save()
        if covering:
            painter.setClipPath(_without(rect, covering), Qt.ClipOperation.IntersectClip)
        layer.paint(painter, rect)
        painter.restore()


def _without(rect: QRectF, others: Sequence[QRectF]) -> QPainterPath:
    path = QPainterPath()
    path.addRect(rect)
    for other in others:
        hole = QPainterPath()
        hole.addRect(other)
        path = path.subtracted(hole)
    return path

"""Draws the part of a picture that is on the screen, from the copy whose size suits the zoom."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from cocadesk.gui.pyramid import Pyramid

CRISP_FROM = 2.0


class PictureItem(QGraphicsItem):
    """A picture in its own coordinates: one unit is one pixel, the origin its upper left corner.

    Args:
        visible: The part of the plane that is on the screen.
    """

    def __init__(self, visible: Callable[[], QRectF]) -> None:
        super().__init__()
        self._visible = visible
        self._pyramid: Pyramid | None = None

    @property
    def pyramid(self) -> Pyramid | None:
        """What is drawn."""
        return self._pyramid

    def set_pyramid(self, pyramid: Pyramid | None) -> None:
        """Draw another picture, or none."""
        self.prepareGeometryChange()
        self._pyramid = pyramid
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self._pyramid.width, self._pyramid.height) if self._pyramid else QRectF()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._pyramid is not None:
            paint_picture(painter, self._pyramid, self._visible())


def paint_picture(painter: QPainter, pyramid: Pyramid, seen: QRectF) -> None:
    """Paint that part of the picture, in its pixels, from the copy whose size suits the painter's scale."""
    scale = abs(painter.deviceTransform().m11())
    level = pyramid.level_for(scale)
    rows, columns = level.pixels.shape[:2]
    across, down = pyramid.width / columns, pyramid.height / rows
    area = QRectF(seen.x() / across, seen.y() / down, seen.width() / across, seen.height() / down).toAlignedRect()
    area = area.adjusted(-1, -1, 1, 1) & QRect(0, 0, columns, rows)  # a margin for the smoothing at the edges
    if area.isEmpty():
        return
    # Smoothing helps where pixels are merged or barely grow; further in, a person wants to see the pixels.
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, scale < CRISP_FROM)
    target = QRectF(area.x() * across, area.y() * down, area.width() * across, area.height() * down)
    painter.drawImage(target, level.view(area))

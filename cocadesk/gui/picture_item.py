"""Draws the part of a picture that is on the screen, from the copy whose size suits the zoom."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QImage, QPainter, QTransform
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
        self._drawn: tuple[QTransform, QRectF] | None = None
        self._kept: QImage | None = None

    @property
    def pyramid(self) -> Pyramid | None:
        """What is drawn."""
        return self._pyramid

    def set_pyramid(self, pyramid: Pyramid | None) -> None:
        """Draw another picture, or none."""
        self.prepareGeometryChange()
        self._pyramid = pyramid
        self._drawn = self._kept = None
        self.update()

    def boundingRect(self) -> QRectF:
        return QRectF(0, 0, self._pyramid.width, self._pyramid.height) if self._pyramid else QRectF()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        seen = self._visible() & self.boundingRect()
        if self._pyramid is None or seen.isEmpty():
            return
        transform, ratio = painter.worldTransform(), painter.device().devicePixelRatioF()
        where = transform.mapRect(seen).toAlignedRect()
        if self._drawn != (transform, seen):
            self._drawn, self._kept = (transform, seen), None
        elif self._kept is None and ratio == round(ratio):
            self._kept = self._as_drawn(transform, seen, where, round(ratio))
        if self._kept is None or self._kept.devicePixelRatio() != ratio:
            paint_picture(painter, self._pyramid, seen)
            return
        painter.save()
        painter.resetTransform()
        painter.drawImage(where.topLeft(), self._kept)
        painter.restore()

    def _as_drawn(self, transform: QTransform, seen: QRectF, where: QRect, ratio: int) -> QImage:
        """What is on the screen, kept while the picture stands still and only what lies over it changes."""
        kept = QImage(where.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        kept.setDevicePixelRatio(ratio)
        kept.fill(0)
        with QPainter(kept) as painter:
            painter.translate(-where.topLeft())
            painter.setWorldTransform(transform, combine=True)
            assert self._pyramid is not None
            paint_picture(painter, self._pyramid, seen)
        return kept


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

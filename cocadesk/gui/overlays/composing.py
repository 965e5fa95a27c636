"""The picture with all that lies over it, as one image."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from cocadesk.gui.overlays.map_drawing import MapDrawing
from cocadesk.gui.overlays.overlay_item import Lens, paint_maps
from cocadesk.gui.picture_item import paint_picture
from cocadesk.gui.pyramid import Pyramid


def composed(
    pyramid: Pyramid | None, drawing: MapDrawing | None, lenses: Sequence[Lens], longest: int | None = None
) -> QImage:
    """The picture with a map over it and others within rectangles; a null image if there is no picture, or no memory.

    Args:
        longest: The longer side in pixels; None for the picture's own.
    """
    if pyramid is None:
        return QImage()
    scale = (longest or max(pyramid.width, pyramid.height)) / max(pyramid.width, pyramid.height)
    image = QImage(
        max(1, round(pyramid.width * scale)), max(1, round(pyramid.height * scale)), QImage.Format.Format_RGB32
    )
    if image.isNull():
        return image
    with QPainter(image) as painter:
        painter.scale(image.width() / pyramid.width, image.height() / pyramid.height)
        whole = QRectF(0, 0, pyramid.width, pyramid.height)
        paint_picture(painter, pyramid, whole)
        paint_maps(painter, drawing, lenses, whole)
    return image

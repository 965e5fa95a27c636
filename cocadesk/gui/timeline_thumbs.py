"""Small copies of a clip's frames, for the film below the canvas."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage

from cocadesk.media.clips import Pixels

THUMBNAIL_SIZE = QSize(160, 54)


@dataclass(frozen=True, slots=True)
class Thumb:
    """A small frame and when it is shown, in seconds from the first frame."""

    seconds: float
    image: QImage


def small(pixels: Pixels) -> QImage:
    """The pixels, RGB, as an image that fits a thumbnail; on any thread."""
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    if width > THUMBNAIL_SIZE.width() or height > THUMBNAIL_SIZE.height():
        image = image.scaled(
            THUMBNAIL_SIZE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
    return image.convertToFormat(QImage.Format.Format_RGB32)  # a copy: the pixels may go

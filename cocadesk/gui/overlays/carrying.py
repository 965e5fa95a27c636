"""Overlays that are carried out of the window: as image data, and as a file that other programs can take."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from PySide6.QtCore import QMimeData, QRectF, QSize, Qt, QTemporaryDir, QUrl
from PySide6.QtGui import QDrag, QImage, QPixmap

from cocadesk.gui.overlays.overlay_map import OverlayMap, map_mime
from cocadesk.gui.overlays.style import OverlayStyle

LONGEST = 2048
"""Pixels of the longer side at most, so that a drag begins at once however large the picture is."""
QUICKLY = 70
"""Qt's quality of a PNG: how little effort is spent on making the file small."""
THUMBNAIL = QSize(180, 180)
NAME_LENGTH = 60


def carried_longest(picture: QRectF) -> int:
    """How long the longer side of a carried picture is."""
    return min(LONGEST, max(1, round(max(picture.width(), picture.height()))))


def picture_mime(image: QImage, shown: OverlayMap, style: OverlayStyle) -> QMimeData:
    """A picture as other programs take it, as a file and as pixels, and its map for this one."""
    mime = map_mime(shown, style)
    mime.setImageData(image)
    path = Path(_folder().path()) / f"{file_name(shown.title)}.png"
    if image.save(str(path), quality=QUICKLY):
        mime.setUrls([QUrl.fromLocalFile(str(path))])
    return mime


def file_name(title: str) -> str:
    """A title as a file's name: letters and digits of any script, joined by hyphens."""
    return "-".join(re.findall(r"\w+", title))[:NAME_LENGTH].strip("-") or "overlay"


def drag_picture(drag: QDrag, image: QImage) -> None:
    """Give a drag the image to show beside the pointer."""
    drag.setPixmap(
        QPixmap.fromImage(
            image.scaled(THUMBNAIL, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        )
    )


@cache
def _folder() -> QTemporaryDir:
    """Removed when the program ends: until then another program may still be copying from it."""
    return QTemporaryDir()

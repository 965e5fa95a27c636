"""What a drop or a paste carries: files, pictures without a file, or web links, which are not opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QImage, QPainter

from cocadesk.gui.overlays.overlay_map import MAP_MIME
from cocadesk.types import Picture

LINK_MESSAGE = "Web links are not opened. Save the picture first, then drop the file here."
NOTHING_MESSAGE = "There is no picture in what was {how}. Copy or drop picture files, folders or an image."


@dataclass(frozen=True, slots=True)
class Incoming:
    """What can be opened out of a drop or a paste.

    Attributes:
        paths: Files and folders.
        picture: An image that came as pixels; only where there were no files.
        message: What to tell the user where nothing, or not everything, can be opened; else empty.
    """

    paths: tuple[Path, ...] = ()
    picture: Picture | None = None
    message: str = ""


def may_hold_pictures(mime: QMimeData) -> bool:
    """Whether to accept the drag; its contents are looked at when it is dropped. A map of the window's own is none."""
    return not mime.hasFormat(MAP_MIME) and (mime.hasUrls() or mime.hasImage() or mime.hasText())


def read(mime: QMimeData, how: str) -> Incoming:
    """Sort out mime data.

    Files win over image data, because a file manager may send both and the file is the original. Image data wins over
    links, because a browser sends both and the image is at hand.

    Args:
        how: "dropped" or "pasted", for names and messages.
    """
    urls = mime.urls() if mime.hasUrls() else []
    paths = tuple(Path(url.toLocalFile()) for url in urls if url.isLocalFile())
    has_link = len(paths) < len(urls) or mime.text().strip().lower().startswith(("http://", "https://"))
    if paths:
        return Incoming(paths, message=LINK_MESSAGE if len(paths) < len(urls) else "")
    picture = _image(mime, f"{how.capitalize()} picture")
    if picture is not None:
        return Incoming(picture=picture)
    return Incoming(message=LINK_MESSAGE if has_link else NOTHING_MESSAGE.format(how=how))


def _image(mime: QMimeData, name: str) -> Picture | None:
    image = mime.imageData() if mime.hasImage() else None
    if not isinstance(image, QImage) or image.isNull():
        return None
    return picture_from_qimage(image, name)


def picture_from_qimage(image: QImage, name: str) -> Picture:
    """The image as a picture, transparency laid over white as for files."""
    if image.hasAlphaChannel():
        page = QImage(image.size(), QImage.Format.Format_RGB32)
        page.fill(Qt.GlobalColor.white)
        with QPainter(page) as painter:
            painter.drawImage(0, 0, image)
        image = page
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()
    pixels.setflags(write=False)
    return Picture(name, pixels)

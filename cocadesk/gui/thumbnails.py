"""Small pictures for lists, made on the I/O pool when they are first seen."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage

from cocadesk.media.image import thumbnail
from cocadesk.types import Picture
from cocadesk.work.io_pool import IoPool, Priority

SIDE = 320
KEPT = 1500


class Thumbnails(QObject):
    """Makes and keeps thumbnails, the ones seen lately; at most `KEPT`, so that a huge folder stays affordable."""

    arrived = Signal(object)
    """The source whose thumbnail is there now."""

    def __init__(self, pool: IoPool, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = pool
        self._kept: OrderedDict[Path | int, QImage] = OrderedDict()
        self._asked: set[Path | int] = set()
        self._seconds: dict[Path | int, float] = {}

    def get(self, source: Path | Picture) -> QImage | None:
        """The thumbnail if it is there; otherwise it is asked for once, and `arrived` tells when it came."""
        name = _name(source)
        image = self._kept.get(name)
        if image is not None:
            self._kept.move_to_end(name)
        elif name not in self._asked:
            self._asked.add(name)
            self._pool.submit(
                lambda: _make(source), lambda made: self._keep(source, made), lambda _: None, Priority.LATER
            )
        return image

    def seconds(self, source: Path | Picture) -> float | None:
        """How long that clip lasts as far as its header tells; None for a still picture, or before it arrived."""
        return self._seconds.get(_name(source))

    def forget(self, source: Path | Picture) -> None:
        """Drop a thumbnail, so that it is made anew when the file is opened again."""
        self._kept.pop(_name(source), None)
        self._seconds.pop(_name(source), None)
        self._asked.discard(_name(source))

    def _keep(self, source: Path | Picture, made: tuple[QImage, float | None]) -> None:
        self._kept[_name(source)], seconds = made
        if seconds is not None:
            self._seconds[_name(source)] = seconds
        if len(self._kept) > KEPT:
            dropped, _ = self._kept.popitem(last=False)
            self._asked.discard(dropped)
        self.arrived.emit(source)


def _name(source: Path | Picture) -> Path | int:
    return source if isinstance(source, Path) else id(source)


def _make(source: Path | Picture) -> tuple[QImage, float | None]:
    picture = thumbnail(source, SIDE) if isinstance(source, Path) else source
    pixels = picture.pixels
    image = QImage(pixels.tobytes(), picture.width, picture.height, 3 * picture.width, QImage.Format.Format_RGB888)
    scaled = image.scaled(
        QSize(min(SIDE, picture.width), min(SIDE, picture.height)),
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    return scaled.convertToFormat(QImage.Format.Format_RGB32), picture.seconds

"""Frames of a clip in a row: the first ones, and those that the model looked at."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QToolTip, QWidget

from cocadesk.gui import wording
from cocadesk.gui.theme import colour, scaled_font, theme
from cocadesk.gui.timeline_thumbs import THUMBNAIL_SIZE, Thumb

HEADING = 18
CAPTION = 16
GAP = 4
GROUP_GAP = 16
SAME_FRAME_S = 1e-3
HEIGHT = HEADING + THUMBNAIL_SIZE.height() + CAPTION + 2


class Film(QScrollArea):
    """Two groups of frames with their times; a click shows one."""

    frame_chosen = Signal(float)
    """The time of the frame that was clicked, in seconds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedHeight(HEIGHT + 12)
        self._row = _Row(self)
        self.setWidget(self._row)
        self._row.setProperty("plain", "true")

    def wheelEvent(self, event: QWheelEvent) -> None:
        """A row can only be scrolled sideways, whichever wheel is turned."""
        bar, turned = self.horizontalScrollBar(), event.angleDelta()
        bar.setValue(bar.value() - (turned.x() or turned.y()))
        event.accept()

    @property
    def firsts(self) -> list[Thumb]:
        """The first frames."""
        return self._row.groups[0][1]

    @property
    def sampled(self) -> list[Thumb]:
        """The frames that the model looked at."""
        return self._row.groups[1][1]

    def set_firsts(self, thumbs: Sequence[Thumb]) -> None:
        """Show these as the first frames."""
        self._row.set_group(0, "First frames" if thumbs else "", thumbs)

    def set_sampled(self, thumbs: Sequence[Thumb]) -> None:
        """Show these as the sampled frames."""
        title = f"{len(thumbs)} sampled {'frame' if len(thumbs) == 1 else 'frames'}"
        self._row.set_group(1, title if thumbs else "", thumbs)

    def set_seconds(self, seconds: float) -> None:
        """Outline the frame of that time."""
        self._row.set_seconds(seconds)


class _Row(QWidget):
    def __init__(self, film: Film) -> None:
        super().__init__(film)
        self._film = film
        self._seconds = 0.0
        self.groups: list[tuple[str, list[Thumb]]] = [("", []), ("", [])]
        self.setAccessibleName("Frames")
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme().changed.connect(self.update)

    def set_group(self, number: int, title: str, thumbs: Sequence[Thumb]) -> None:
        self.groups[number] = (title, list(thumbs))
        self.resize(self.sizeHint())
        self.setAccessibleDescription(", ".join(title for title, _ in self.groups if title))
        self.update()

    def set_seconds(self, seconds: float) -> None:
        """Outline another frame; called for every frame that plays, and hardly any is in the film."""
        before, self._seconds = self._seconds, seconds
        thumbs = (thumb for _, thumbs in self.groups for thumb in thumbs)
        if any(_is_at(thumb, before) != _is_at(thumb, seconds) for thumb in thumbs):
            self.update()

    def sizeHint(self) -> QSize:
        places = self._places()
        return QSize(int(places[-1][0].right()) + GAP if places else 1, HEIGHT)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        thumb = self._at(event)
        if thumb is not None and event.button() == Qt.MouseButton.LeftButton:
            self._film.frame_chosen.emit(thumb.seconds)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        thumb = self._at(event)
        if thumb is not None:
            QToolTip.showText(event.globalPosition().toPoint(), wording.clock(thumb.seconds, 3), self)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.setFont(scaled_font(0.85))
            left = 0.0
            for title, thumbs in self.groups:
                if not title:
                    continue
                painter.setPen(colour("muted"))
                painter.drawText(QRectF(left, 0, 400, HEADING), Qt.AlignmentFlag.AlignVCenter, title)
                for place, thumb in _laid_out(left, thumbs):
                    self._draw(painter, place, thumb)
                    left = place.right() + GAP
                left += GROUP_GAP - GAP

    def _draw(self, painter: QPainter, place: QRectF, thumb: Thumb) -> None:
        outline = QPainterPath()
        outline.addRoundedRect(place, 4, 4)
        painter.save()
        painter.setClipPath(outline)
        painter.drawImage(place, thumb.image)
        painter.restore()
        if _is_at(thumb, self._seconds):
            painter.setPen(QPen(colour("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(place, 4, 4)
        painter.setPen(colour("muted"))
        below = QRectF(place.x(), place.bottom(), place.width(), CAPTION)
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, wording.clock(thumb.seconds, 2))

    def _places(self) -> list[tuple[QRectF, Thumb]]:
        places: list[tuple[QRectF, Thumb]] = []
        left = 0.0
        for title, thumbs in self.groups:
            if title:
                places += _laid_out(left, thumbs)
                left = (places[-1][0].right() if places else left) + GROUP_GAP
        return places

    def _at(self, event: QMouseEvent) -> Thumb | None:
        return next((thumb for place, thumb in self._places() if place.contains(event.position())), None)


def _is_at(thumb: Thumb, seconds: float) -> bool:
    return abs(thumb.seconds - seconds) < SAME_FRAME_S


def _laid_out(left: float, thumbs: Sequence[Thumb]) -> list[tuple[QRectF, Thumb]]:
    places = []
    for thumb in thumbs:
        place = QRectF(left, HEADING, _width(thumb.image), THUMBNAIL_SIZE.height())
        places.append((place, thumb))
        left = place.right() + GAP
    return places


def _width(image: QImage) -> float:
    """Of the image at the row's height, within what a time below it needs and a thumbnail may have."""
    return min(max(image.width() * THUMBNAIL_SIZE.height() / max(image.height(), 1), 40.0), THUMBNAIL_SIZE.width())

"""The length of a clip as a bar: where it stands, which part is sampled, and where the sampled frames are."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from cocadesk.gui import wording
from cocadesk.gui.theme import colour
from cocadesk.media.clips import Span

HEIGHT = 36
INSET = 10.0
TRACK = 14.0
GRIP = 7.0
REACH = 6.0
LEAST_SHARE = 0.005
SMALL_STEP = 0.01
LARGE_STEP = 0.1


class _Held(Enum):
    """What the mouse drags."""

    NOTHING = 0
    PLAYHEAD = 1
    BEGIN = 2
    END = 3


class TimelineBar(QWidget):
    """Drag to scrub, drag the grips at the ends to choose what is sampled.

    With the keyboard: the arrow keys move by a hundredth, with Shift by a tenth, Home and End to the ends; I and O put
    the begin and the end of what is sampled here.
    """

    scrubbed = Signal(float, bool)
    """A time in seconds to show, and whether the user has let go."""

    span_changed = Signal(object)
    """The part that is sampled, a `Span`, or None for the whole clip; when the user has let go."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Timeline")
        self.setToolTip("Drag to scrub; drag the grips to choose the part that is sampled")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._length = 0.0
        self._seconds = 0.0
        self._span: Span | None = None
        self._marks: tuple[float, ...] = ()
        self._held = _Held.NOTHING

    @property
    def seconds(self) -> float:
        """Where it stands."""
        return self._seconds

    @property
    def span(self) -> Span | None:
        """What is sampled; None for the whole clip."""
        return self._span

    @property
    def marks(self) -> tuple[float, ...]:
        """Where the sampled frames are."""
        return self._marks

    @property
    def is_held(self) -> bool:
        """Whether the user drags something."""
        return self._held is not _Held.NOTHING

    def set_clip(self, length: float, span: Span | None) -> None:
        """Show another clip, from its beginning."""
        self._length = length
        self._span = span
        self._marks = ()
        self._held = _Held.NOTHING
        self.set_seconds(0.0)

    def set_length(self, length: float) -> None:
        """The clip turned out to be so long."""
        self._length = length
        self.update()

    def set_seconds(self, seconds: float) -> None:
        """Move the playhead."""
        self._seconds = min(max(seconds, 0.0), self._length)
        self.setAccessibleDescription(f"{wording.clock(self._seconds, 2)} of {wording.clock(self._length, 2)}")
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        self.update()

    def set_span(self, span: Span | None) -> None:
        """Show that part as sampled."""
        self._span = span
        self.update()

    def set_marks(self, times: Sequence[float]) -> None:
        """Show where the sampled frames are."""
        self._marks = tuple(times)
        self.update()

    def x_of(self, seconds: float) -> float:
        """Where that time is, in pixels from the left."""
        width = max(self.width() - 2 * INSET, 1.0)
        return INSET + width * (seconds / self._length if self._length else 0.0)

    def sizeHint(self) -> QSize:
        return QSize(300, HEIGHT)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._length:
            return
        self._held = self._at(event.position())
        if self._held is _Held.PLAYHEAD:
            self._scrub(event.position().x(), done=False)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is _Held.NOTHING:
            over = self._at(event.position())
            sideways = over in (_Held.BEGIN, _Held.END)
            self.setCursor(Qt.CursorShape.SizeHorCursor if sideways else Qt.CursorShape.PointingHandCursor)
        elif self._held is _Held.PLAYHEAD:
            self._scrub(event.position().x(), done=False)
        else:
            self._stretch(self._time_at(event.position().x()), self._held)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        held, self._held = self._held, _Held.NOTHING
        if held is _Held.PLAYHEAD:
            self._scrub(event.position().x(), done=True)
        elif held is not _Held.NOTHING:
            self.span_changed.emit(self._span)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = LARGE_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else SMALL_STEP
        steps = {Qt.Key.Key_Left: -step, Qt.Key.Key_Right: step, Qt.Key.Key_Home: -1.0, Qt.Key.Key_End: 1.0}
        key = Qt.Key(event.key())
        if key in steps:
            self.set_seconds(self._seconds + steps[key] * self._length)
            self.scrubbed.emit(self._seconds, True)
        elif key in (Qt.Key.Key_I, Qt.Key.Key_O):
            self._stretch(self._seconds, _Held.BEGIN if key == Qt.Key.Key_I else _Held.END)
            self.span_changed.emit(self._span)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            middle = self.height() / 2
            track = QRectF(INSET, middle - TRACK / 2, max(self.width() - 2 * INSET, 1.0), TRACK)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("border"))
            painter.drawRoundedRect(track, 4, 4)
            begin, end = (self.x_of(edge) for edge in self._edges())
            painter.setBrush(colour("accent_soft"))
            painter.drawRoundedRect(QRectF(begin, track.y(), max(end - begin, 1.0), TRACK), 4, 4)
            painter.setPen(QPen(colour("accent", 0.8), 2))
            for mark in self._marks:
                x = self.x_of(mark)
                painter.drawLine(QPointF(x, track.y() + 3), QPointF(x, track.bottom() - 3))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent"))
            for x in (begin - GRIP, end):
                painter.drawRoundedRect(QRectF(x, track.y() - 3, GRIP, TRACK + 6), 3, 3)
            head = self.x_of(self._seconds)
            painter.setPen(QPen(colour("text"), 2))
            painter.drawLine(QPointF(head, 3), QPointF(head, self.height() - 3))
            painter.setBrush(colour("text"))
            painter.drawEllipse(QPointF(head, 5), 3.5, 3.5)
            if self.hasFocus():
                painter.setPen(QPen(colour("accent"), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 6, 6)

    def _edges(self) -> Span:
        return self._span or (0.0, self._length)

    def _at(self, where: QPointF) -> _Held:
        """What lies under the pointer; the grips stand outside what they bound."""
        begin, end = (self.x_of(edge) for edge in self._edges())
        if abs(where.x() - (begin - GRIP / 2)) <= REACH:
            return _Held.BEGIN
        if abs(where.x() - (end + GRIP / 2)) <= REACH:
            return _Held.END
        return _Held.PLAYHEAD

    def _time_at(self, x: float) -> float:
        width = max(self.width() - 2 * INSET, 1.0)
        return min(max((x - INSET) / width, 0.0), 1.0) * self._length

    def _scrub(self, x: float, *, done: bool) -> None:
        self.set_seconds(self._time_at(x))
        self.scrubbed.emit(self._seconds, done)

    def _stretch(self, seconds: float, grip: _Held) -> None:
        begin, end = self._edges()
        least = LEAST_SHARE * self._length
        if grip is _Held.BEGIN:
            begin = max(min(seconds, end - least), 0.0)
        else:
            end = min(max(seconds, begin + least), self._length)
        self.set_span(None if begin <= 0 and end >= self._length else (begin, end))

"""A thin bar that moves while something is awaited."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QRectF, Qt, QTimer
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from cocadesk.gui.theme import colour

DELAY_MS = 400
FRAME_MS = 33
ROUND_TRIP_MS = 1400
RUNNER = 0.3


class BusyBar(QWidget):
    """Appears when a wait has lasted `DELAY_MS`, so that short ones do not flicker."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(3)
        self.setAccessibleName("Working")
        self._moving = False
        self._clock = QElapsedTimer()
        self._delay = QTimer(self, singleShot=True, interval=DELAY_MS)
        self._delay.timeout.connect(self._begin)
        self._frames = QTimer(self, interval=FRAME_MS)
        self._frames.timeout.connect(self.update)

    def set_busy(self, busy: bool) -> None:
        """Start or end the wait."""
        if busy and not self._moving and not self._delay.isActive():
            self._delay.start()
        elif not busy:
            self._delay.stop()
            self._frames.stop()
            self._moving = False
            self.update()

    @property
    def is_moving(self) -> bool:
        return self._moving

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._moving:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("accent", 0.18))
            painter.drawRoundedRect(self.rect(), 1.5, 1.5)
            phase = (self._clock.elapsed() % ROUND_TRIP_MS) / ROUND_TRIP_MS
            there_and_back = 1 - abs(2 * phase - 1)
            eased = there_and_back * there_and_back * (3 - 2 * there_and_back)
            length = self.width() * RUNNER
            painter.setBrush(colour("accent"))
            painter.drawRoundedRect(QRectF(eased * (self.width() - length), 0, length, self.height()), 1.5, 1.5)

    def showEvent(self, event: QShowEvent) -> None:
        if self._moving:
            self._frames.start()

    def hideEvent(self, event: QHideEvent) -> None:
        self._frames.stop()

    def _begin(self) -> None:
        self._moving = True
        self._clock.start()
        if self.isVisible():
            self._frames.start()

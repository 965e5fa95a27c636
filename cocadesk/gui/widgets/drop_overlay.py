"""The veil over the window while something is dragged over it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from cocadesk.gui.icons import icon
from cocadesk.gui.theme import colour, scaled_font

INSET = 14


class DropOverlay(QWidget):
    """Covers its parent and says what letting go will do."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._covered = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def cover(self) -> None:
        """Show over the whole parent."""
        self.setGeometry(self._covered.rect())
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(self.rect(), colour("window", 0.95))
            frame = QRectF(self.rect()).adjusted(INSET, INSET, -INSET, -INSET)
            painter.setPen(QPen(colour("accent"), 2, Qt.PenStyle.DashLine))
            painter.setBrush(colour("accent", 0.06))
            painter.drawRoundedRect(frame, 16, 16)
            middle = frame.center().toPoint()
            painter.drawPixmap(middle.x() - 28, middle.y() - 64, icon("drop", "accent").pixmap(56, 56))
            painter.setPen(colour("text"))
            painter.setFont(scaled_font(1.5, QFont.Weight.DemiBold))
            painter.drawText(frame.translated(0, 22), Qt.AlignmentFlag.AlignCenter, "Drop to caption")

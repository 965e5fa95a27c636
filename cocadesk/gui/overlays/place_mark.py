"""A ring around the place that is pointed at by keys, where the mouse's pointer is not."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from cocadesk.gui.theme import colour

SIDE = 19


class PlaceMark(QWidget):
    """Lies over the picture and lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFixedSize(SIDE, SIDE)
        self.hide()

    def mark(self, spot: QPoint) -> None:
        """Show the ring around that place of the parent."""
        self.move(spot - self.rect().center())
        self.raise_()
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            ring = self.rect().toRectF().adjusted(3, 3, -3, -3)
            for tone, width in ((Qt.GlobalColor.white, 5), (colour("accent"), 2.5)):
                painter.setPen(QPen(tone, width))
                painter.drawEllipse(ring)

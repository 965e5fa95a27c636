"""What marks a thumbnail as a clip: a film, and how long it lasts."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter

from cocadesk.gui import wording
from cocadesk.gui.icons import icon
from cocadesk.gui.theme import colour, scaled_font

HEIGHT = 20


def paint_film_mark(painter: QPainter, frame: QRectF, seconds: float) -> None:
    """Paint the mark into the lower left corner of a thumbnail's frame; 0 seconds: nobody knows how many."""
    painter.setFont(scaled_font(0.8))
    text = wording.clock(seconds) if seconds else ""
    width = HEIGHT + (painter.fontMetrics().horizontalAdvance(text) + 6 if text else 0)
    spot = QRectF(frame.x() + 4, frame.bottom() - HEIGHT - 4, width, HEIGHT)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour("surface"))
    painter.drawRoundedRect(spot, HEIGHT / 2, HEIGHT / 2)
    icon("film").paint(painter, QRect(int(spot.x()) + 4, int(spot.y()) + 4, HEIGHT - 8, HEIGHT - 8))
    painter.setPen(colour("text"))
    painter.drawText(spot.adjusted(HEIGHT - 1, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, text)

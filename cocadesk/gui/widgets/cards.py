"""The card that a row of a list is painted on."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QStyle

from cocadesk.gui.theme import colour

RADIUS = 9


def paint_card(painter: QPainter, where: QRectF, state: QStyle.StateFlag) -> None:
    """Nothing for a row at rest, a tint for one that is pointed at, and a line around it if it is selected."""
    selected = bool(state & QStyle.StateFlag.State_Selected)
    if selected or state & QStyle.StateFlag.State_MouseOver:
        painter.setPen(QPen(colour("accent"), 1.5) if selected else Qt.PenStyle.NoPen)
        painter.setBrush(colour("accent_soft", 1.0 if selected else 0.5))
        painter.drawRoundedRect(where, RADIUS, RADIUS)

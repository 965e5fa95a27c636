"""Arcs between the tokens of a text: the thicker and stronger, the more one attends to the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from cocadesk.gui.theme import colour, scaled_font, theme

ROW = 22
NAMES_SHARE = 0.34
THICKEST = 7.0
FAINTEST = 0.02
"""Of the strongest arc's weight: what is weaker is not drawn."""

QUIET = 0.35
"""How strong arcs of other tokens are beside those of the chosen one."""


class ArcDiagram(QWidget):
    """Tokens below each other, with an arc from each to those it attends to.

    Arcs of the chosen token are in the accent's colour; point at a token to see its arcs alone, click it or use the
    arrow keys to choose it. A token's attention to itself is a dot.
    """

    chosen = Signal(int)
    """The place of the token that was chosen by the user."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Attention between tokens")
        self.setToolTip("Point at a token to see its arcs alone, click to choose it")
        self.setFont(scaled_font(0.95))
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._names: list[str] = []
        self._matrix: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._current: int | None = None
        self._pointed: int | None = None
        theme().changed.connect(self.update)

    def show_matrix(self, names: Sequence[str], matrix: npt.NDArray[np.float32], current: int | None) -> None:
        """Show what each token attends to, (tokens, tokens), and which one is chosen."""
        same = len(names) == len(self._names)
        self._names, self._matrix, self._current = list(names), matrix, current
        self.setAccessibleDescription("" if current is None else f"{self._names[current].strip()} is chosen")
        if not same:
            self._pointed = None
            self.updateGeometry()
        self.update()

    @property
    def shown(self) -> list[tuple[int, int, float]]:
        """The arcs that are drawn: the token that attends, the one that is attended to, and the weight, the weakest
        first."""
        if not self._matrix.size:
            return []
        strongest = float(self._matrix.max())
        rows, columns = np.nonzero(self._matrix > FAINTEST * strongest)
        arcs = [
            (int(row), int(column), float(self._matrix[row, column])) for row, column in zip(rows, columns, strict=True)
        ]
        if self._pointed is not None:
            arcs = [arc for arc in arcs if arc[0] == self._pointed]
        return sorted(arcs, key=lambda arc: (arc[0] == self._current, arc[2]))

    def row_rect(self, place: int) -> QRect:
        """The row of a token."""
        return QRect(0, ROW * place, self.width(), ROW)

    def sizeHint(self) -> QSize:
        return QSize(240, ROW * len(self._names))

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._names:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            metrics = self.fontMetrics()
            widest = max(metrics.horizontalAdvance(name.strip()) for name in self._names)
            left = min(widest, int(NAMES_SHARE * self.width())) + 14
            strongest = float(self._matrix.max()) or 1.0
            for row, column, weight in self.shown:
                stands_out = row in (self._current, self._pointed)
                share = weight / strongest
                tone = colour("accent" if stands_out else "muted", share if stands_out else QUIET * share)
                self._paint_arc(painter, left, (row, column), QPen(tone, max(0.6, THICKEST * share)))
            for place, name in enumerate(self._names):
                area = QRect(0, ROW * place, left - 10, ROW)
                painter.setPen(colour("accent" if place in (self._current, self._pointed) else "text"))
                text = metrics.elidedText(name.strip(), Qt.TextElideMode.ElideRight, left - 12)
                painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
            if self.hasFocus() and self._current is not None:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(colour("accent"), 1.5))
                painter.drawRoundedRect(QRectF(0.75, ROW * self._current + 1, left - 6, ROW - 2), 4, 4)

    def _paint_arc(self, painter: QPainter, left: int, ends: tuple[int, int], pen: QPen) -> None:
        first, last = (ROW * place + ROW / 2 for place in ends)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        if ends[0] == ends[1]:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(pen.color())
            radius = max(1.2, pen.widthF() / 2)
            painter.drawEllipse(QPointF(left, first), radius, radius)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            return
        # A half ellipse whose width grows with what it spans, up to the widget's own.
        span = abs(ends[0] - ends[1]) / max(len(self._names) - 1, 1)
        out = left + (self.width() - left - THICKEST) * 4 / 3 * span**0.7
        path = QPainterPath(QPointF(left, first))
        path.cubicTo(QPointF(out, first), QPointF(out, last), QPointF(left, last))
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._point(self._at(event))
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._choose(self._at(event))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self._at(event))

    def leaveEvent(self, event: QEvent) -> None:
        self._point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Left: -1}
        key, last = Qt.Key(event.key()), len(self._names) - 1
        if last < 0:
            super().keyPressEvent(event)
        elif key in steps:
            here = self._current + steps[key] if self._current is not None else 0
            self._choose(min(max(here, 0), last))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._choose(0 if key == Qt.Key.Key_Home else last)
        else:
            super().keyPressEvent(event)

    def _at(self, event: QMouseEvent) -> int | None:
        place = int(event.position().y()) // ROW
        return place if 0 <= place < len(self._names) else None

    def _point(self, place: int | None) -> None:
        if place != self._pointed:
            self._pointed = place
            self.update()

    def _choose(self, place: int | None) -> None:
        if place is not None and place != self._current:
            self._current = place
            self.update()
            self.chosen.emit(place)

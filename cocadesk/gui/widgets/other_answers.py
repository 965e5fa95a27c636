"""What else a model nearly answered, each with its probability as a bar."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cocadesk.gui.theme import colour, scaled_font
from cocadesk.gui.wording import probability
from cocadesk.types import OtherAnswer

ROW = 24
BAR = 3


class OtherAnswers(QWidget):
    """A row each; an answer that is longer than the panel is shortened, and whole on hover."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answers: tuple[OtherAnswer, ...] = ()
        self.setAccessibleName("Other answers")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFont(scaled_font(0.95))

    def show_answers(self, answers: Sequence[OtherAnswer]) -> None:
        """Show these."""
        if tuple(answers) == self._answers:
            return
        self._answers = tuple(answers)
        spoken = [f"{_text(other)}, {probability(other.logprob)}" for other in self._answers]
        self.setAccessibleDescription("; ".join(spoken))
        self.setToolTip("\n".join(spoken))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, ROW * len(self._answers))

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for number, other in enumerate(self._answers):
                self._paint_row(painter, QRect(0, ROW * number, self.width(), ROW), other)

    def _paint_row(self, painter: QPainter, row: QRect, other: OtherAnswer) -> None:
        line = row.adjusted(0, 0, 0, -BAR - 2)
        number = probability(other.logprob)
        room = line.width() - painter.fontMetrics().horizontalAdvance(number) - 10
        text = painter.fontMetrics().elidedText(_text(other), Qt.TextElideMode.ElideRight, room)
        painter.setPen(colour("muted"))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)
        groove = QRectF(row.x(), row.bottom() - BAR, row.width(), BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("border", 0.6))
        painter.drawRoundedRect(groove, BAR / 2, BAR / 2)
        groove.setWidth(max(BAR, groove.width() * math.exp(min(other.logprob, 0.0))))
        painter.setBrush(colour("muted"))
        painter.drawRoundedRect(groove, BAR / 2, BAR / 2)


def _text(other: OtherAnswer) -> str:
    return other.answer or "(nothing)"

"""What else the model nearly said: a small chart beside a word."""

from __future__ import annotations

import math

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QWidget

from cocadesk.gui.theme import colour, scaled_font
from cocadesk.gui.widgets.word import Word, percent, visible
from cocadesk.types import Alternative, Token

WIDTH = 264
MARGIN = 14
ROW = 25
BAR = 3
HEAD = 48
GAP = 6


class AlternativesPopup(QFrame):
    """Painted over the window rather than as a window of its own, so it never takes the focus.

    Attributes:
        word: The word it stands beside, None while it is hidden.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._home = parent
        self.setObjectName("popup")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("What else the model nearly said")
        self.word: Word | None = None
        self.hide()

    def show_for(self, word: Word, text: QWidget) -> None:
        """Stand below or above the text that the word is in, so that none of its words is covered."""
        self.word = word
        self.setAccessibleDescription(f"{word.accessibleName()}. {word.accessibleDescription()}")
        self.resize(self.sizeHint())
        home = self._home.rect().adjusted(8, 8, -8, -8)
        left = word.mapTo(self._home, QPoint(0, 0)).x()
        corner = text.mapTo(self._home, QPoint(0, text.height() + GAP))
        if corner.y() + self.height() > home.bottom():
            corner = text.mapTo(self._home, QPoint(0, -GAP - self.height()))
        corner.setX(max(home.left(), min(left, home.right() - self.width())))
        self.move(corner)
        self.raise_()
        self.show()
        self.update()

    def leave(self, word: Word) -> None:
        """Hide, if it stands beside that word."""
        if word is self.word:
            self.dismiss()

    def dismiss(self) -> None:
        """Hide."""
        self.word = None
        self.hide()

    def sizeHint(self) -> QSize:
        rows = len(_candidates(self.word.token)) if self.word else 0
        return QSize(WIDTH, HEAD + ROW * rows + MARGIN - 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.word is None:
            return
        token = self.word.token
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        head = QRect(MARGIN, 8, self.width() - 2 * MARGIN, HEAD - 16)
        painter.setFont(scaled_font(1.15, QFont.Weight.DemiBold))
        painter.setPen(colour("text"))
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, visible(token.text))
        painter.setPen(colour("accent"))
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, percent(token.logprob))
        painter.setPen(colour("border"))
        painter.drawLine(MARGIN, HEAD - 6, self.width() - MARGIN, HEAD - 6)
        for number, candidate in enumerate(_candidates(token)):
            row = QRect(MARGIN, HEAD + ROW * number, self.width() - 2 * MARGIN, ROW)
            _paint_row(painter, row, candidate, candidate.id == token.id)


def _candidates(token: Token) -> list[Alternative]:
    """The likeliest tokens and, where it was sampled from further down, the one that was taken."""
    chosen = Alternative(token.id, token.text, token.logprob)
    known = any(other.id == token.id for other in token.alternatives)
    return [*token.alternatives, *([] if known else [chosen])]


def _paint_row(painter: QPainter, row: QRect, candidate: Alternative, chosen: bool) -> None:
    text_area = row.adjusted(0, 0, 0, -BAR - 2)
    number = percent(candidate.logprob)
    painter.setFont(scaled_font(0.95, QFont.Weight.DemiBold if chosen else QFont.Weight.Normal))
    painter.setPen(colour("text" if chosen else "muted"))
    room = text_area.width() - painter.fontMetrics().horizontalAdvance(number) - 10
    text = painter.fontMetrics().elidedText(visible(candidate.text), Qt.TextElideMode.ElideRight, room)
    painter.drawText(text_area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
    painter.drawText(text_area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)
    groove = QRectF(row.x(), row.bottom() - BAR, row.width(), BAR)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour("border", 0.6))
    painter.drawRoundedRect(groove, BAR / 2, BAR / 2)
    groove.setWidth(max(BAR, groove.width() * math.exp(min(candidate.logprob, 0.0))))
    painter.setBrush(colour("accent" if chosen else "muted"))
    painter.drawRoundedRect(groove, BAR / 2, BAR / 2)

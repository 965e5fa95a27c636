"""One token of a caption: a word, or a piece of one, tinted by how unsure the model was."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QWidget

from cocadesk.gui.theme import colour
from cocadesk.gui.wording import probability
from cocadesk.types import Token

PADDING_X = 2
PADDING_Y = 3
STRONGEST_TINT = 0.5


def visible(text: str) -> str:
    """A token's text, or a name for it where there is nothing to see."""
    return text.strip() or ("end of the caption" if not text else "space")


class Word(QAbstractButton):
    """Shows a token; tells when the mouse or the keyboard reaches it.

    Attributes:
        token: What it shows.
        begins_word: Whether a space comes before it.
    """

    noticed = Signal(object)
    """The word itself: the mouse or the keyboard came to it."""

    left = Signal(object)
    """The word itself: the mouse or the keyboard went away."""

    def __init__(self, token: Token, parent: QWidget) -> None:
        super().__init__(parent)
        self.token = token
        self.begins_word = token.text != token.text.lstrip()
        self._hint: QSize | None = None
        self.setText(token.text.strip())
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"{visible(token.text)}, {probability(token.logprob)}")
        others = [f"{visible(other.text)} {probability(other.logprob)}" for other in token.alternatives]
        self.setAccessibleDescription("Likeliest here: " + ", ".join(others) if others else "")

    def sizeHint(self) -> QSize:
        if self._hint is None:  # asked for a thousand times while a caption's words arrive
            self._hint = self._measure()
        return QSize(self._hint)

    def _measure(self) -> QSize:
        """What it needs with its text and font."""
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 2 * PADDING_X, metrics.height() + 2 * PADDING_Y)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._hint = None
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            doubt = 1 - math.exp(min(self.token.logprob, 0.0))
            self._paint_box(painter, self.rect(), colour("doubt", STRONGEST_TINT * doubt))
            painter.setPen(colour("text"))
            text = self.text()
            if self.width() < self.sizeHint().width():
                text = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, self.width() - 2 * PADDING_X)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)

    def _paint_box(self, painter: QPainter, where: QRect, tint: QColor) -> None:
        """The word's box in that tint, with a line around it while it is pointed at or has the keyboard."""
        box = QRectF(where).adjusted(0.75, 0.75, -0.75, -0.75)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tint)
        painter.drawRoundedRect(box, 4, 4)
        if self.hasFocus() or self.underMouse():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colour("accent"), 1.5))
            painter.drawRoundedRect(box, 4, 4)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # the caption moves between its words; a button would take the arrow keys for Tab

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        self.noticed.emit(self)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        self.left.emit(self)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.noticed.emit(self)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit(self)

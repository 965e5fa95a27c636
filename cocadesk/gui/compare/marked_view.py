"""A caption whose words are underlined where another caption has others."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from cocadesk.gui.theme import colour
from cocadesk.gui.widgets.caption_view import CaptionView
from cocadesk.gui.widgets.word import Word, visible
from cocadesk.gui.wording import probability
from cocadesk.types import Token


class MarkedView(CaptionView):
    """Words that tell how probable they are, and whether the other caption has them."""

    def show_marked(self, tokens: Sequence[Token], differing: set[int]) -> None:
        """Show these; the tokens in the positions `differing` are marked."""
        self.set_tokens(tokens)
        for word in self.words:
            if isinstance(word, MarkedWord):
                word.mark(word.token.position in differing)

    @property
    def marked(self) -> list[str]:
        """The words that are marked."""
        return [word.text() for word in self.words if isinstance(word, MarkedWord) and word.is_marked]

    def _make_word(self, token: Token) -> Word:
        return MarkedWord(token, self)


class MarkedWord(Word):
    """One word; the likeliest others are shown on hover."""

    def __init__(self, token: Token, parent: QWidget) -> None:
        super().__init__(token, parent)
        self.is_marked = False
        self._name = self.accessibleName()
        others = [f"{visible(other.text)} {probability(other.logprob)}" for other in token.alternatives]
        self.setToolTip("\n".join([self._name, *(["", *others] if others else [])]))

    def mark(self, marked: bool) -> None:
        """Mark it, or not."""
        if marked != self.is_marked:
            self.is_marked = marked
            self.setAccessibleName(f"{self._name}, not in the other caption" if marked else self._name)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.is_marked:
            with QPainter(self) as painter:
                painter.setPen(QPen(colour("danger"), 2.5))
                line = self.height() - 2.0
                painter.drawLine(QPointF(3, line), QPointF(self.width() - 3, line))

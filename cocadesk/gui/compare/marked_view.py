"""A caption whose words are underlined where another caption has others."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF
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

    def show_kept(self, token: Token | None) -> None:
        """Show whose map stays; None for no word's."""
        for word in self.words:
            if isinstance(word, MarkedWord):
                word.keep(word.token == token)

    @property
    def marked(self) -> list[str]:
        """The words that are marked."""
        return [word.text() for word in self.words if isinstance(word, MarkedWord) and word.is_marked]

    def _make_word(self, token: Token) -> Word:
        return MarkedWord(token, self)


class MarkedWord(Word):
    """One word; the likeliest others are shown on hover.

    Attributes:
        is_marked: Whether the other caption has it not.
        is_kept: Whether its map stays over the picture.
    """

    def __init__(self, token: Token, parent: QWidget) -> None:
        super().__init__(token, parent)
        self.is_marked = False
        self.is_kept = False
        self._name = self.accessibleName()
        others = [f"{visible(other.text)} {probability(other.logprob)}" for other in token.alternatives]
        self.setToolTip("\n".join([self._name, *(["", *others] if others else [])]))

    def mark(self, marked: bool) -> None:
        """Mark it, or not."""
        if marked != self.is_marked:
            self.is_marked = marked
            self._tell()

    def keep(self, kept: bool) -> None:
        """Show that its map stays, or that it does not."""
        if kept != self.is_kept:
            self.is_kept = kept
            self._tell()

    def _tell(self) -> None:
        more = (self.is_marked, "not in the other caption"), (self.is_kept, "its map stays")
        self.setAccessibleName(", ".join([self._name, *(text for holds, text in more if holds)]))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.is_kept:
            with QPainter(self) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(colour("accent"), 1.5))
                painter.setBrush(colour("accent", 0.22))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.75, 0.75, -0.75, -0.75), 4, 4)
        super().paintEvent(event)
        if self.is_marked:
            with QPainter(self) as painter:
                painter.setPen(QPen(colour("danger"), 2.5))
                line = self.height() - 2.0
                painter.drawLine(QPointF(3, line), QPointF(self.width() - 3, line))

"""A caption whose words are coloured by how much more or less probable something has made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from cocadesk.gui.theme import colour, scaled_font
from cocadesk.gui.widgets.caption_view import CaptionView
from cocadesk.gui.widgets.word import PADDING_X, Word, visible
from cocadesk.gui.wording import probability
from cocadesk.types import Token

STRONGEST_TINT = 0.55
FULL_CHANGE = 3.0
"""Of the natural log-probability: from here on, twenty times, the colour is the strongest."""


def signed(change: float) -> str:
    """A change of the natural log-probability as a person reads it."""
    rounded = round(change, 1)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else '±'}{abs(rounded):.1f}"


def tone_of(change: float) -> str:
    """Name of the colour of a figure: quiet where it reads as no change."""
    return "muted" if abs(change) < 0.05 else "accent" if change > 0 else "danger"


def tint_of(change: float) -> tuple[str, float]:
    """Name and opacity of the colour of that change: one for what gained, another for what lost."""
    return ("accent" if change > 0 else "danger"), STRONGEST_TINT * min(abs(change) / FULL_CHANGE, 1.0)


class ChangeView(CaptionView):
    """Words with a signed figure below each: the change of its natural log-probability."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._after: dict[int, Token] = {}
        super().__init__(parent)
        self.setAccessibleName("Change of each word")

    def show_change(self, before: Sequence[Token], after: Sequence[Token]) -> None:
        """Show the words of `before`; `after` has the same tokens with other probabilities."""
        self.set_tokens([])
        self._after = {token.position: token for token in after}
        self.set_tokens(before)

    @property
    def changed(self) -> list[ChangedWord]:
        """The words with their changes."""
        return [word for word in self.words if isinstance(word, ChangedWord)]

    def _make_word(self, token: Token) -> Word:
        return ChangedWord(token, self._after, self)


class ChangedWord(Word):
    """One word and its change."""

    def __init__(self, token: Token, after: Mapping[int, Token], parent: QWidget) -> None:
        super().__init__(token, parent)
        self.after = after[token.position]
        self.change = self.after.logprob - token.logprob
        told = (
            f"{visible(token.text)}: {probability(token.logprob)} with the whole picture, "
            f"{probability(self.after.logprob)} without the region; "
            f"log-probability {token.logprob:.2f} → {self.after.logprob:.2f}, {signed(self.change)}"
        )
        self.setToolTip(told)
        self.setAccessibleName(told)
        self.setAccessibleDescription("")

    def _measure(self) -> QSize:
        size = super()._measure()
        figure = self._figure_metrics()
        width = max(size.width(), figure[0] + 2 * PADDING_X)
        return QSize(width, size.height() + figure[1])

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            figure = self._figure_metrics()[1]
            word = self.rect().adjusted(0, 0, 0, -figure)
            self._paint_box(painter, word, colour(*tint_of(self.change)))
            painter.setPen(colour("text"))
            text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
            painter.drawText(word, Qt.AlignmentFlag.AlignCenter, text)
            painter.setFont(scaled_font(0.82))
            painter.setPen(colour(tone_of(self.change)))
            below = QRect(0, word.bottom(), self.width(), figure)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, signed(self.change))

    def _figure_metrics(self) -> tuple[int, int]:
        metrics = QFontMetrics(scaled_font(0.82))
        return metrics.horizontalAdvance(signed(self.change)), metrics.height()

"""A caption as a flow of words that can be hovered, and walked through with the keyboard."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cocadesk.gui.theme import colour, scaled_font
from cocadesk.gui.widgets.word import PADDING_X, Word
from cocadesk.types import Token

FONT_SCALE = 1.45
LINE_GAP = 2
WRAP = Qt.TextFlag.TextWordWrap | Qt.TextFlag.TextWrapAnywhere
"""Between words, and inside one only if it is longer than a line."""


class CaptionView(QWidget):
    """Lays words out in lines, keeping the pieces of one word together.

    One word at a time can be reached with Tab; the arrow keys, Home and End move between words. Enter, or a
    click, opens one.
    """

    word_noticed = Signal(object)
    """The `Word` that the mouse or the keyboard came to."""

    word_left = Signal(object)
    """The `Word` that they left."""

    word_dropped = Signal(object)
    """The `Word` that is not to be explained any more: it is removed, or Escape was pressed on it."""

    word_opened = Signal(object, bool)
    """The `Word` that was clicked, or that Enter was pressed on, and whether it was the keyboard."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFont(scaled_font(FONT_SCALE))
        self.setAccessibleName("Caption")
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._words: list[Word] = []
        self._draft = ""

    @property
    def words(self) -> Sequence[Word]:
        """The words in reading order."""
        return tuple(self._words)

    @property
    def text(self) -> str:
        """What is shown."""
        return "".join(word.token.text for word in self._words).strip() or self._draft

    def set_tokens(self, tokens: Sequence[Token], draft: str = "") -> None:
        """Show these in place of what is shown; a draft only where there are none. Words that stay are kept."""
        shown = [token for token in tokens if token.text.strip()]
        self._draft = "" if shown else draft
        same = 0
        while same < min(len(shown), len(self._words)) and self._words[same].token == shown[same]:
            same += 1
        for word in self._words[same:]:
            self.word_left.emit(word)
            self.word_dropped.emit(word)
            word.hide()
            word.deleteLater()
        del self._words[same:]
        for token in shown[same:]:
            self._add(token)
        self._refresh()

    def append(self, token: Token) -> None:
        """Add one token at the end."""
        self._draft = ""
        if token.text.strip():
            self._add(token)
        self._refresh()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._flow(width, place=False)

    def sizeHint(self) -> QSize:
        return QSize(260, self.heightForWidth(max(self.width(), 200)))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._flow(self.width(), place=True)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._draft:
            with QPainter(self) as painter:
                painter.setPen(colour("muted"))
                painter.drawText(self.rect(), WRAP, self._draft)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        here = next((number for number, word in enumerate(self._words) if word.hasFocus()), None)
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}
        key = Qt.Key(event.key())
        if here is None:
            super().keyPressEvent(event)
        elif key in steps:
            self._focus(here + steps[key])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._focus(0 if key == Qt.Key.Key_Home else len(self._words) - 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.word_opened.emit(self._words[here], True)
        elif key == Qt.Key.Key_Escape:
            self.word_left.emit(self._words[here])
            self.word_dropped.emit(self._words[here])
        else:
            super().keyPressEvent(event)

    def focus_words(self) -> None:
        """Give the keyboard to the first word."""
        self._focus(0)

    def focus_at(self, position: int) -> None:
        """Give the keyboard to the word of the token in that position, if it is shown."""
        for number, word in enumerate(self._words):
            if word.token.position == position:
                self._focus(number)

    def _focus(self, number: int) -> None:
        if 0 <= number < len(self._words):
            self._words[number].setFocus(Qt.FocusReason.OtherFocusReason)

    def _add(self, token: Token) -> None:
        word = self._make_word(token)
        word.setFont(self.font())
        word.noticed.connect(self._on_noticed)
        word.left.connect(self.word_left)
        word.clicked.connect(lambda: self.word_opened.emit(word, False))
        word.show()
        self._words.append(word)

    def _make_word(self, token: Token) -> Word:
        return Word(token, self)

    def _on_noticed(self, noticed: Word) -> None:
        if noticed.hasFocus():
            for word in self._words:
                word.setFocusPolicy(Qt.FocusPolicy.StrongFocus if word is noticed else Qt.FocusPolicy.ClickFocus)
        self.word_noticed.emit(noticed)

    def _refresh(self) -> None:
        if self._words and not any(word.focusPolicy() == Qt.FocusPolicy.StrongFocus for word in self._words):
            self._words[0].setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleDescription(self.text)
        self._flow(self.width(), place=True)
        self.updateGeometry()
        self.update()

    def _flow(self, width: int, place: bool) -> int:
        """Put the words in lines of that width if `place`; the height they take.

        A piece that is longer than a line is made as wide as the line, and shortens its text.
        """
        metrics = self.fontMetrics()
        if self._draft:
            return metrics.boundingRect(0, 0, width, 10_000, WRAP, self._draft).height()
        space = metrics.horizontalAdvance(" ")
        x = y = line = 0
        for group in self._groups(width):
            sizes = [word.sizeHint().boundedTo(QSize(width, word.sizeHint().height())) for word in group]
            length = sum(size.width() for size in sizes)
            if x and x + length > width:
                x, y = 0, y + line + LINE_GAP
            for word, size in zip(group, sizes, strict=True):
                if place:
                    word.setGeometry(x, y, size.width(), size.height())
                x += size.width() - (2 * PADDING_X - 1)
                line = size.height()
            x += 2 * PADDING_X - 1 + space - 2
        return y + line

    def _groups(self, width: int) -> list[list[Word]]:
        """The words with the pieces of each together, unless they are longer than a line."""
        groups: list[list[Word]] = []
        for word in self._words:
            if word.begins_word or not groups:
                groups.append([])
            groups[-1].append(word)
        return [part for group in groups for part in _split(group, width)]


def _split(group: list[Word], width: int) -> list[list[Word]]:
    """The pieces of one word together if they fit a line, else each for itself."""
    fits = sum(word.sizeHint().width() for word in group) <= width
    return [group] if fits else [[word] for word in group]

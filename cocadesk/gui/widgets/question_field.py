"""Where a question is typed; the arrow keys recall earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

MOST_LINES = 6
FRAME = 14


class QuestionField(QPlainTextEdit):
    """Grows with its text up to some lines. Enter sends, Shift+Enter begins a new line.

    In the first line Arrow up recalls the question before, in the last one Arrow down the one after it, at the end what
    had been typed.

    Args:
        earlier: Questions to recall, the latest last.
    """

    sent = Signal()
    """Enter was pressed."""

    def __init__(self, earlier: Callable[[], Sequence[str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._earlier = earlier
        self._recalled: list[str] = []
        self._place = 0
        self.setAccessibleName("Question")
        self.setPlaceholderText("Ask about the picture")
        self.setToolTip("Enter sends, Shift+Enter begins a new line, Arrow up recalls earlier questions")
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.textChanged.connect(self._fit)
        self._fit()

    @property
    def question(self) -> str:
        """What was typed, without the white space around it."""
        return self.toPlainText().strip()

    def put(self, text: str) -> None:
        """Put that text in place of what is there, as if typed: it can be undone."""
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        self.moveCursor(QTextCursor.MoveOperation.End)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, plain = Qt.Key(event.key()), not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and plain:
            self._recalled = []
            self.sent.emit()
        elif key == Qt.Key.Key_Up and plain and self._is_at(QTextCursor.MoveOperation.Up):
            self._recall(-1)
        elif key == Qt.Key.Key_Down and plain and self._is_at(QTextCursor.MoveOperation.Down):
            self._recall(1)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _is_at(self, way: QTextCursor.MoveOperation) -> bool:
        """Whether there is no line further that way."""
        return not QTextCursor(self.textCursor()).movePosition(way)

    def _recall(self, by: int) -> None:
        shown = self.toPlainText()
        if not self._recalled or self._recalled[self._place] != shown:
            self._recalled = [*self._earlier(), shown]
            self._place = len(self._recalled) - 1
        place = self._place + by
        if 0 <= place < len(self._recalled):
            self._place = place
            self.put(self._recalled[place])

    def _fit(self) -> None:
        lines = round(self.document().size().height())  # this kind of document counts in lines
        self.setFixedHeight(self.fontMetrics().lineSpacing() * min(max(lines, 1), MOST_LINES) + 2 * FRAME)

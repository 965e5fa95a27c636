"""Problems, listed at the top of the window until they are dismissed; nothing waits for them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QToolButton, QVBoxLayout, QWidget

from cocadesk.gui.icons import icon
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.naming import named

MOST_LINES = 5


class MessageBar(QFrame):
    """One line for one problem; for several, how many and a list, one line per file.

    Attributes:
        messages: What is listed, oldest first.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self.setAccessibleName("Problems")
        self.messages: list[str] = []
        self._icon = QLabel()
        self._head = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._list = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self._list.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._list.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setWidget(self._list)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.viewport().setAutoFillBackground(False)
        self._list.setAutoFillBackground(False)
        self._dismiss = named(QToolButton(), "Dismiss the problems", "Dismiss")
        self._dismiss.clicked.connect(self.clear)
        text = QVBoxLayout()
        text.setSpacing(4)
        text.addWidget(self._head)
        text.addWidget(self._scroll)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 10, 10, 10)
        row.setSpacing(12)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addLayout(text, 1)
        row.addWidget(self._dismiss, 0, Qt.AlignmentFlag.AlignVCenter)
        theme().changed.connect(self._dress)
        self._dress()
        self.hide()

    def add(self, name: str, message: str) -> None:
        """List one more problem, unless it is listed already."""
        line = f"{name}: {message}" if name else message
        if line not in self.messages:
            self.messages.append(line)
        self._refresh()

    def clear(self) -> None:
        """Forget them all."""
        self.messages.clear()
        self._refresh()

    def _refresh(self) -> None:
        count = len(self.messages)
        self._head.setText(self.messages[0] if count == 1 else f"{count} problems. The rest goes on.")
        self._list.setText("\n".join(self.messages))
        self._scroll.setFixedHeight(self._list.fontMetrics().lineSpacing() * min(count, MOST_LINES) + 4)
        self._scroll.setVisible(count > 1)
        self.setAccessibleDescription("\n".join(self.messages))
        self.setVisible(count > 0)

    def _dress(self) -> None:
        self._icon.setPixmap(icon("error", "danger").pixmap(20, 20))
        self._dismiss.setIcon(icon("close", "muted"))

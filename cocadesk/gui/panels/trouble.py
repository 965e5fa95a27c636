"""What stands in the picture's place when it cannot be opened."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui.icons import icon
from cocadesk.gui.theme import scaled_font, theme
from cocadesk.gui.widgets.elided_label import ElidedLabel

WIDTH = 420


class Trouble(QWidget):
    """Says what is wrong with which file, and offers what can be done."""

    retry_asked = Signal()
    """Open the same file again."""

    close_asked = Signal()
    """Take the picture off the list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._mark = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        heading = QLabel("This picture cannot be opened", alignment=Qt.AlignmentFlag.AlignCenter)
        heading.setFont(scaled_font(1.45, QFont.Weight.DemiBold))
        self._name = ElidedLabel()
        self._name.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message = QLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
        self._message.setTextFormat(Qt.TextFormat.PlainText)
        self._message.setProperty("tone", "muted")
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        again = QPushButton("Try again")
        again.setProperty("kind", "primary")
        again.clicked.connect(self.retry_asked)
        close = QPushButton("Remove from the list")
        close.clicked.connect(self.close_asked)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch()
        buttons.addWidget(again)
        buttons.addWidget(close)
        buttons.addStretch()
        middle = QWidget()
        middle.setFixedWidth(WIDTH)
        column = QVBoxLayout(middle)
        column.setSpacing(8)
        for widget in (self._mark, heading, self._name, self._message):
            column.addWidget(widget)
        column.addSpacing(12)
        column.addLayout(buttons)
        around = QVBoxLayout(self)
        around.addStretch(2)
        around.addWidget(middle, 0, Qt.AlignmentFlag.AlignHCenter)
        around.addStretch(3)
        theme().changed.connect(self._dress)
        self._dress()

    def describe(self, name: str, message: str) -> None:
        """Show this problem."""
        self._name.setText(name)
        self._message.setText(message)
        self.setAccessibleName(f"{name} cannot be opened")
        self.setAccessibleDescription(message)

    @property
    def message(self) -> str:
        """What is shown."""
        return self._message.text()

    def _dress(self) -> None:
        self._mark.setPixmap(icon("error", "danger").pixmap(52, 52))

"""What the dialogs that bring a model into the list have in common."""

from __future__ import annotations

from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QLayout, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.tone import set_tone

WIDTH = 540


class ModelDialog(QDialog):
    """Asks for something, then says how it goes: what is asked for on top, a message, and the buttons.

    Args:
        title: Of the window.
        hint: The message at first.
        verb: What the button that begins is called.

    Attributes:
        go: Begins.
        message: What is going on, or what went wrong.
        close_button: Cancels.
    """

    def __init__(self, title: str, hint: str, verb: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.message = QLabel(hint, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.message.setProperty("tone", "muted")
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._busy = BusyBar()
        self.go = QPushButton(verb)
        self.go.setProperty("kind", "primary")
        self.go.setDefault(True)
        self.go.clicked.connect(self.begin)
        self.close_button = QPushButton("Cancel")
        self.close_button.setAutoDefault(False)
        self.close_button.clicked.connect(self.reject)

    def begin(self) -> None:
        """Do what was asked for."""
        raise NotImplementedError

    def lay_out(self, asked: QLayout, *fields: QWidget) -> None:
        """Put what is asked for above the message and the buttons; Tab goes through its fields first."""
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch()
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.go)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(14)
        column.addLayout(asked)
        column.addWidget(self.message)
        column.addStretch()
        column.addWidget(self._busy)
        column.addLayout(buttons)
        self.setMinimumWidth(WIDTH)
        for one, following in pairwise((*fields, self.go, self.close_button)):
            self.setTabOrder(one, following)
        fields[0].setFocus()

    def say(self, text: str, tone: str = "muted") -> None:
        """Show a message, which a screen reader reads, too."""
        self.message.setText(text)
        self.message.setAccessibleName(text)
        set_tone(self.message, tone)

    def show_busy(self, busy: bool, *fields: QWidget) -> None:
        """Say whether something is being done; meanwhile these fields and the button cannot be used."""
        self._busy.set_busy(busy)
        for widget in (*fields, self.go):
            widget.setEnabled(not busy)

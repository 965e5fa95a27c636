"""A heading that unfolds what is below it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from cocadesk.gui.icons import icon
from cocadesk.gui.theme import theme


class Collapsible(QWidget):
    """A section with a heading; click it, or press Space on it, to fold or unfold the content.

    Attributes:
        heading: What is clicked.
    """

    toggled = Signal(bool)
    """Whether the content is shown now."""

    def __init__(self, title: str, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = content
        self.heading = QPushButton(title)
        self.heading.setCheckable(True)
        self.heading.setProperty("kind", "section")
        self.heading.toggled.connect(self._fold)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.heading)
        column.addWidget(content)
        content.hide()
        theme().changed.connect(self._dress)
        self._dress()

    def set_open(self, shown: bool) -> None:
        """Fold or unfold."""
        self.heading.setChecked(shown)

    def _fold(self, shown: bool) -> None:
        self._content.setVisible(shown)
        self._dress()
        self.toggled.emit(shown)

    def _dress(self) -> None:
        self.heading.setIcon(icon("expanded" if self.heading.isChecked() else "collapsed", "muted"))

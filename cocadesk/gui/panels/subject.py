"""Which pictures a panel is about."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from cocadesk.gui.entries import Entry
from cocadesk.gui.theme import scaled_font
from cocadesk.gui.widgets.elided_label import ElidedLabel


class Subject(QWidget):
    """The name of the selected picture, or how many are selected and what they are called."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ElidedLabel()
        self._name.setFont(scaled_font(1.15, QFont.Weight.DemiBold))
        self._details = ElidedLabel()
        self._details.setProperty("tone", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._name)
        column.addWidget(self._details)

    @property
    def text(self) -> str:
        """What is shown."""
        return f"{self._name.text()}\n{self._details.text()}"

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show what these are."""
        if len(entries) == 1:
            self._name.setText(entries[0].name)
            self._name.setToolTip(entries[0].location)
            self._details.setText(entries[0].details or " ")
            self._details.setToolTip("")
        elif entries:
            names = ", ".join(entry.name for entry in entries)
            self._name.setText(f"{len(entries):,} pictures")
            self._details.setText(names)
            for label in (self._name, self._details):
                label.setToolTip("\n".join(entry.name for entry in entries[:30]))
        else:
            self._name.setText("No picture yet")
            self._details.setText("Open one, or drop it anywhere on the window.")
            for label in (self._name, self._details):
                label.setToolTip("")


def muted(text: str = "") -> QLabel:
    """A paragraph in a quiet colour."""
    label = QLabel(text, wordWrap=True)
    label.setProperty("tone", "muted")
    return label

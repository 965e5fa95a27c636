"""What stands in a panel's place while its model is not on this machine: why, and how to get it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui import wording
from cocadesk.gui.library import Library, Place
from cocadesk.gui.panels.download_box import DownloadBox
from cocadesk.gui.theme import scaled_font
from cocadesk.types import ModelRequest


class ModelNotice(QFrame):
    """Shows itself only where a model is missing.

    Args:
        heading: What needs it, such as "Questions need a model of their own".

    Attributes:
        download: Its download, in place.
        untrained: Offers to do without trained weights.
    """

    untrained_asked = Signal()
    """Use random weights, to try the panel out."""

    def __init__(self, library: Library, heading: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._library = library
        head = QLabel(heading, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        head.setFont(scaled_font(1.1, QFont.Weight.DemiBold))
        self._text = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._text.setProperty("tone", "muted")
        self.download = DownloadBox()
        self.untrained = QPushButton("Try it without training")
        self.untrained.setToolTip("Fill the model with seeded random weights: what it says will mean nothing")
        self.untrained.setProperty("kind", "link")
        self.untrained.clicked.connect(self.untrained_asked)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 12)
        column.setSpacing(10)
        for widget in (head, self._text, self.download):
            column.addWidget(widget)
        column.addWidget(self.untrained, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    @property
    def text(self) -> str:
        """What is said about the model."""
        return self._text.text()

    def show_model(self, model: ModelRequest) -> str:
        """Show how things stand with that model; returns why it cannot be used now, empty if it can."""
        entry = self._library.entry(model.name)
        place = self._library.place(model)
        if entry is None or place not in (Place.ABSENT, Place.MISSING, Place.UNKNOWN):
            self.hide()
            return ""
        card = entry.card
        if place is Place.UNKNOWN:
            self.hide()
            return f"Looking for {card.title} on this machine…"
        memory = f"its weights take {wording.size(card.memory_bytes('float32'))} of memory"
        if not card.hub_repo:
            self._text.setText(f"The weights of {card.title} are not on this machine. Choose another model below.")
        elif card.download_bytes:
            fetched = wording.size(card.download_bytes)
            self._text.setText(
                f"{card.title} is not on this machine yet. It is {fetched} to download, once; {memory}. Other models "
                "are in the settings below."
            )
        else:
            self._text.setText(f"{card.title} is not on this machine yet. It can be downloaded; {memory}.")
        self.download.show_entry(entry, self._library.free_bytes)
        self.show()
        return f"{card.title} has to be downloaded first."

"""A field for the name of a library's model, which is added to the list and chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from cocadesk.catalog.card import Ability, ModelCard
from cocadesk.catalog.cards import is_library_name
from cocadesk.gui import wording
from cocadesk.gui.library import Library
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.tone import set_tone


class LibraryModelField(QWidget):
    """Takes a name such as "open_clip:ViT-B-32/openai" when Enter is pressed.

    Args:
        ability: What the model must be able to do.

    Attributes:
        name: What is typed.
        said: What is going on, or why the model cannot be used.
    """

    found = Signal(str)
    """The name of the model, which is in the library now."""

    def __init__(self, library: Library, ability: Ability, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._ability = ability
        self.name = named(QLineEdit(placeholderText="open_clip:ViT-B-32/openai"), "Another model")
        self.name.setToolTip("Any model that open_clip names, as open_clip:ARCHITECTURE/TAG; Enter adds it to the list")
        self.said = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.said.hide()
        form: QFormLayout = fields.form()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(fields.label(self.name), self.name)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(form)
        column.addWidget(self.said)
        self.name.returnPressed.connect(self._look_up)

    def _look_up(self) -> None:
        name = self.name.text().strip()
        entry = self._library.entry(name)
        if entry is not None:
            self._on_added(entry.card)
        elif is_library_name(name):
            self._say("Looking it up…", "muted")
            self._library.add_named(name, self._on_added, lambda message: self._say(message, "danger"))
        else:
            self._say("Name it as open_clip:ARCHITECTURE/TAG.", "danger")

    def _on_added(self, card: ModelCard) -> None:
        if self._ability in card.abilities:
            self._say("", "muted")
            self.name.clear()
            self.found.emit(card.name)
        else:
            self._say(f"{card.title} cannot do that; it {wording.abilities(card).lower()}", "danger")

    def _say(self, text: str, tone: str) -> None:
        self.said.setText(text)
        self.said.setVisible(bool(text))
        set_tone(self.said, tone)

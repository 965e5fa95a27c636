"""Adding a model of open_clip or timm to the list, by the library's own name for it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCompleter, QLineEdit, QVBoxLayout, QWidget

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.cards import is_library_name
from cocadesk.gui.library import Library
from cocadesk.gui.model_dialog import ModelDialog
from cocadesk.gui.widgets.naming import named

SHOWN_NAMES = 14

HINT = (
    "Any CLIP or CoCa of open_clip (open_clip:ARCHITECTURE/TAG) and any vision transformer of timm (timm:NAME). Type a "
    "part of the name to see what there is. Nothing is downloaded yet."
)


class AddDialog(ModelDialog):
    """Asks for a name, with the libraries' names to choose from, and shows why one cannot be added.

    Attributes:
        name: What was typed.
    """

    added = Signal(object)
    """The `ModelCard` of the model that is in the list now."""

    def __init__(self, library: Library, parent: QWidget) -> None:
        super().__init__("Add a model of a library", HINT, "Add", parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._library = library
        self.name = named(QLineEdit(placeholderText="open_clip:ViT-B-32/laion2b_s34b_b79k"), "Name of the model")
        self.name.textChanged.connect(self._enable)
        asked = QVBoxLayout()
        asked.addWidget(self.name)
        self.lay_out(asked, self.name)
        self._enable()
        self._busy.set_busy(True)
        self._names = library.list_names(self._on_names, self._on_no_names)
        self._search = self._names
        self.finished.connect(self._drop)

    def begin(self) -> None:
        """Add the model of that name."""
        self.show_busy(True, self.name)
        self.say("Building it without its weights, to see what it is…")
        self._search = self._library.add_named(self.name.text().strip(), self._on_added, self._on_failed)

    def _enable(self) -> None:
        self.go.setEnabled(is_library_name(self.name.text().strip()))

    def _on_names(self, names: list[str]) -> None:
        self._busy.set_busy(False)
        completer = QCompleter(names, self)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setMaxVisibleItems(SHOWN_NAMES)
        self.name.setCompleter(completer)

    def _on_no_names(self, message: str) -> None:
        self._busy.set_busy(False)
        self.say(f"What the libraries have could not be listed, but a name can be typed. {message}", "danger")

    def _on_added(self, card: ModelCard) -> None:
        self.added.emit(card)
        self.accept()

    def _on_failed(self, message: str) -> None:
        self.show_busy(False, self.name)
        self.say(message, "danger")
        self.name.setFocus()

    def _drop(self) -> None:
        """Forget what was asked for: the dialog is gone when the answer comes."""
        self._names.drop()
        self._search.drop()

"""Adding a model of open_clip or timm to the list, by the library's own name for it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCompleter, QDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.cards import is_library_name
from cocadesk.gui.library import Library
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.tone import set_tone

WIDTH = 540
SHOWN_NAMES = 14

HINT = (
    "Any CLIP or CoCa of open_clip (open_clip:ARCHITECTURE/TAG) and any vision transformer of timm (timm:NAME). Type a "
    "part of the name to see what there is. Nothing is downloaded yet."
)


class AddDialog(QDialog):
    """Asks for a name, with the libraries' names to choose from, and shows why one cannot be added.

    Attributes:
        name: What was typed.
        go: Adds it.
        message: What is going on, or what went wrong.
    """

    added = Signal(object)
    """The `ModelCard` of the model that is in the list now."""

    def __init__(self, library: Library, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Add a model of a library")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._library = library
        self.name = named(QLineEdit(placeholderText="open_clip:ViT-B-32/laion2b_s34b_b79k"), "Name of the model")
        self.message = QLabel(HINT, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.message.setProperty("tone", "muted")
        self._busy = BusyBar()
        self.go = QPushButton("Add")
        self.go.setProperty("kind", "primary")
        self.go.setDefault(True)
        self.go.clicked.connect(self._begin)
        self._close = QPushButton("Cancel")
        self._close.setAutoDefault(False)
        self._close.clicked.connect(self.reject)
        self.name.textChanged.connect(self._enable)
        self._lay_out()
        self._enable()
        self._busy.set_busy(True)
        self._names = library.list_names(self._on_names, self._on_no_names)
        self._search = self._names
        self.finished.connect(self._drop)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch()
        buttons.addWidget(self._close)
        buttons.addWidget(self.go)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(14)
        column.addWidget(self.name)
        column.addWidget(self.message)
        column.addStretch()
        column.addWidget(self._busy)
        column.addLayout(buttons)
        self.setMinimumWidth(WIDTH)

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
        self._say(f"What the libraries have could not be listed, but a name can be typed. {message}", "danger")

    def _begin(self) -> None:
        self._show_busy(True)
        self._say("Building it without its weights, to see what it is…", "muted")
        self._search = self._library.add_named(self.name.text().strip(), self._on_added, self._on_failed)

    def _on_added(self, card: ModelCard) -> None:
        self.added.emit(card)
        self.accept()

    def _on_failed(self, message: str) -> None:
        self._show_busy(False)
        self._say(message, "danger")
        self.name.setFocus()

    def _say(self, text: str, tone: str) -> None:
        self.message.setText(text)
        self.message.setAccessibleName(text)
        set_tone(self.message, tone)

    def _show_busy(self, busy: bool) -> None:
        self._busy.set_busy(busy)
        self.name.setEnabled(not busy)
        self.go.setEnabled(not busy)

    def _drop(self) -> None:
        """Forget what was asked for: the dialog is gone when the answer comes."""
        self._names.drop()
        self._search.drop()

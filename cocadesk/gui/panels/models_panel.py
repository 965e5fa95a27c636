"""The Models panel: which models there are, where each stands, and what can be done with them."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QLabel, QMenu, QPushButton, QSplitter, QVBoxLayout, QWidget

from cocadesk.gui import wording
from cocadesk.gui.icons import icon
from cocadesk.gui.library import Library, ModelEntry
from cocadesk.gui.panels.model_card import ModelCardView
from cocadesk.gui.panels.model_list import ModelList
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.in_front import bring_to_front
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.tone import set_tone

FIRST_SIZE = (1120, 720)
LIST_WIDTH = 430


class ModelsPanel(QDialog):
    """A window beside the main one: the list on the left, the card of the selected model on the right.

    Args:
        add_model: Asks for a library's model and adds it.
        import_model: Asks for a checkpoint and imports it.
        folder_actions: What can be done about the folder that models go to.

    Attributes:
        list: The models.
        card: The selected one.
    """

    def __init__(
        self,
        library: Library,
        add_model: QAction,
        import_model: QAction,
        folder_actions: tuple[QAction, ...],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self._library = library
        self._in_use = ""
        self.list = ModelList(library)
        self.card = ModelCardView(library)
        self._said = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._room = ElidedLabel()
        self._room.setProperty("tone", "muted")
        self._add = named(QPushButton("Add…"), "Add a model of a library", add_model.text())
        self._add.clicked.connect(add_model.trigger)
        self._import = named(QPushButton("Import…"), "Import a checkpoint", import_model.text())
        self._import.clicked.connect(import_model.trigger)
        self._folder = named(QPushButton("Model folder"), "Model folder", "Where models are kept")
        menu = QMenu(self._folder)
        menu.addActions(list(folder_actions))
        self._folder.setMenu(menu)
        self._lay_out()
        self.list.chosen.connect(self._on_chosen)
        library.scanned.connect(self._show_room)
        QShortcut(QKeySequence.StandardKey.Find, self, self.list.search.setFocus)
        theme().changed.connect(self._dress)
        self._dress()
        self._show_room()
        self.resize(*FIRST_SIZE)

    def _lay_out(self) -> None:
        left = QWidget()
        left.setObjectName("sidebar")
        left.setMinimumWidth(300)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.list)
        halves = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False, handleWidth=1)
        halves.addWidget(left)
        halves.addWidget(self.card)
        halves.setStretchFactor(1, 1)
        halves.setSizes([LIST_WIDTH, FIRST_SIZE[0] - LIST_WIDTH])
        footer = QFrame()
        footer.setObjectName("modelsFooter")
        row = QHBoxLayout(footer)
        row.setContentsMargins(14, 10, 14, 10)
        row.setSpacing(8)
        row.addWidget(self._add)
        row.addWidget(self._import)
        row.addWidget(self._folder)
        row.addSpacing(6)
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self._said)
        words.addWidget(self._room)
        row.addLayout(words, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(halves, 1)
        whole.addWidget(footer)
        self.say("")
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # or Return in the search field would press the first one

    def open_at(self, name: str) -> None:
        """Show the window with that model selected."""
        self._library.refresh()
        bring_to_front(self)
        self.list.choose(name)
        self.list.view.setFocus()

    def show_in_use(self, name: str) -> None:
        """Mark the model that captions are made with."""
        self._in_use = name
        self.card.show_entry(self.list.current, name)

    def say(self, text: str, tone: str = "") -> None:
        """Tell what became of what was asked for, until another model is selected."""
        self._said.setText(text)
        self._said.setVisible(bool(text))
        set_tone(self._said, tone)

    def showEvent(self, event: QShowEvent) -> None:
        self.say("")
        super().showEvent(event)

    def _on_chosen(self, entry: ModelEntry | None) -> None:
        self.card.show_entry(entry, self._in_use)

    def _show_room(self) -> None:
        here = [entry for entry in self._library if entry.is_here]
        taken = wording.size(sum(entry.bytes_here for entry in here))
        models = "1 model" if len(here) == 1 else f"{len(here)} models"
        free = wording.size(self._library.free_bytes)
        self._room.setText(f"{models} here, {taken} · downloads go to {self._library.folder}, {free} free")
        self._room.setToolTip(str(self._library.folder))

    def _dress(self) -> None:
        self._add.setIcon(icon("plus"))
        self._import.setIcon(icon("import"))
        self._folder.setIcon(icon("folder"))

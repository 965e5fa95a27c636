"""Everything known about one model, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui import wording
from cocadesk.gui.icons import icon
from cocadesk.gui.library import Library, ModelEntry
from cocadesk.gui.model_facts import FACTS
from cocadesk.gui.panels.download_box import DownloadBox
from cocadesk.gui.panels.model_list import paint_badge
from cocadesk.gui.theme import scaled_font, theme
from cocadesk.gui.widgets.scrolled import scrolled

READABLE_WIDTH = 760


class ModelCardView(QWidget):
    """Shows one model.

    Attributes:
        download: Its download.
        use: Captions with it from now on.
        net: Shows what it is made of.
        reveal: Opens the folder of its files.
        unload: Gives back the memory it takes.
        remove: Frees the space it takes.
    """

    use_asked = Signal(str)
    """The name of the model to caption with."""

    net_asked = Signal(str)
    """The name of the model to look into."""

    reveal_asked = Signal(object)
    """The folder (a `Path`) to show."""

    unload_asked = Signal(str)
    """The name of the model to take out of memory."""

    remove_asked = Signal(str)
    """The name of the model to remove."""

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._entry: ModelEntry | None = None
        self._in_use = ""
        self._title = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._title.setFont(scaled_font(1.5, QFont.Weight.DemiBold))
        self._badge = _Badge()
        self._name = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._name.setProperty("tone", "muted")
        self._name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._about = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(8)
        self.download = DownloadBox(self._buttons)
        self.use = QPushButton("Use for captions")
        self.use.setProperty("kind", "primary")
        self.use.clicked.connect(lambda: self.use_asked.emit(self._name_shown()))
        self.net = QPushButton("Net information…")
        self.net.clicked.connect(lambda: self.net_asked.emit(self._name_shown()))
        self.reveal = QPushButton("Show in folder")
        self.reveal.clicked.connect(self._on_reveal)
        self.unload = QPushButton("Unload")
        self.unload.setToolTip("Give back the memory it takes; it loads again when it is needed")
        self.unload.clicked.connect(lambda: self.unload_asked.emit(self._name_shown()))
        self.remove = QPushButton("Remove…")
        self.remove.clicked.connect(lambda: self.remove_asked.emit(self._name_shown()))
        self._facts: dict[str, tuple[QLabel, QLabel]] = {}
        self._lay_out()
        theme().changed.connect(self._dress)
        self._dress()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._title, 1)
        head.addWidget(self._badge, 0, Qt.AlignmentFlag.AlignTop)
        for button in (self.use, self.net, self.reveal, self.unload, self.remove):
            self._buttons.addWidget(button)
        self._buttons.addStretch()
        card = QFrame()
        card.setObjectName("card")
        grid = QGridLayout(card)
        grid.setContentsMargins(16, 14, 16, 14)
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(9)
        grid.setColumnStretch(1, 1)
        for row, name in enumerate(FACTS):
            key = QLabel(name)
            key.setProperty("tone", "muted")
            value = QLabel(wordWrap=True, textFormat=Qt.TextFormat.RichText, openExternalLinks=True)
            value.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse
                | Qt.TextInteractionFlag.LinksAccessibleByMouse
                | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
            )
            value.setAccessibleName(name)
            key.setBuddy(value)
            grid.addWidget(key, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignTop)
            self._facts[name] = key, value
        content = QWidget()
        content.setProperty("plain", "true")
        content.setMaximumWidth(READABLE_WIDTH)
        column = QVBoxLayout(content)
        column.setContentsMargins(22, 18, 22, 20)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self._name)
        column.addSpacing(6)
        column.addWidget(self._about)
        column.addSpacing(8)
        column.addWidget(self.download)
        column.addSpacing(4)
        column.addLayout(self._buttons)
        column.addSpacing(10)
        column.addWidget(card)
        column.addStretch()
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(scrolled(content))

    def show_entry(self, entry: ModelEntry | None, in_use: str) -> None:
        """Show that model.

        Args:
            in_use: Name of the model that captions are made with.
        """
        self._entry, self._in_use = entry, in_use
        self.setVisible(entry is not None)
        if entry is None:
            return
        card = entry.card
        self.setAccessibleName(card.title)
        self._title.setText(card.title)
        self._name.setText(card.name)
        self._badge.show_entry(entry)
        self._about.setText(
            wording.abilities(card) + (f" {wording.STARTER}" if card.bundled and not card.imported else "")
        )
        for name, (key, value) in self._facts.items():
            text = FACTS[name](entry)
            key.setVisible(bool(text))
            value.setVisible(bool(text))
            if value.text() != text:  # so that what is selected stays
                value.setText(text)
        self.download.show_entry(entry, self._library.free_bytes)
        is_used = card.name == in_use
        self.use.setVisible("caption" in card.abilities and entry.is_here)
        self.use.setEnabled(not is_used)
        self.use.setText("Used for captions" if is_used else "Use for captions")
        self.reveal.setVisible(entry.is_here)
        self.unload.setVisible(entry.is_loaded)
        self.remove.setVisible(entry.can_remove)

    def _name_shown(self) -> str:
        return self._entry.card.name if self._entry else ""

    def _on_reveal(self) -> None:
        if self._entry is not None and self._entry.path is not None:
            self.reveal_asked.emit(self._entry.path.parent)

    def _dress(self) -> None:
        self.use.setIcon(icon("captioned", "on_accent"))
        self.net.setIcon(icon("net"))
        self.reveal.setIcon(icon("folder"))
        self.unload.setIcon(icon("unload"))
        self.remove.setIcon(icon("remove"))
        for _, value in self._facts.values():
            value.clear()  # links have the colours they were written with
        self.show_entry(self._entry, self._in_use)


class _Badge(QWidget):
    """The model's state, as the list shows it."""

    def __init__(self) -> None:
        super().__init__()
        self._entry: ModelEntry | None = None
        self.setFixedSize(150, 30)

    def show_entry(self, entry: ModelEntry) -> None:
        self._entry = entry
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._entry is not None:
            with QPainter(self) as painter:
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                paint_badge(painter, self.rect().toRectF(), self._entry)

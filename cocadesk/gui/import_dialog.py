"""Importing a checkpoint: which file, and what the model is to be called."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.imports import choose_name
from cocadesk.errors import ModelError
from cocadesk.gui.library import Library
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.tone import set_tone

CHECKPOINTS = "Checkpoints (*.safetensors *.bin *.pt *.pth *.ckpt *.index.json);;All files (*)"
WIDTH = 540

HINT = (
    "A safetensors file, or a PyTorch checkpoint of plain tensors; code that it may hold is not run. Of several shards "
    "choose any one. The architecture is recognised from the names and shapes of the arrays. The model is a copy: the "
    "file may be moved afterwards."
)


class ImportDialog(QDialog):
    """Asks for a file and a name, and shows why an import failed; the import itself runs on the I/O pool.

    Attributes:
        file: The checkpoint's path.
        name: What the model will be called.
        go: Begins.
        message: What is going on, or what went wrong.
    """

    imported = Signal(object)
    """The `ModelCard` of the model that is in the catalog now."""

    def __init__(self, library: Library, folder: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Import a checkpoint")
        self._library = library
        self._folder = folder
        self._is_busy = False
        self.file = named(QLineEdit(placeholderText="Path of the checkpoint"), "Checkpoint")
        self.name = named(QLineEdit(placeholderText="Made from the file's name"), "Name of the model")
        self.message = QLabel(HINT, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.message.setProperty("tone", "muted")
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._busy = BusyBar()
        self._browse = QPushButton("Browse…")
        self._browse.clicked.connect(self.browse)
        self._browse.setAutoDefault(False)
        self.go = QPushButton("Import")
        self.go.setProperty("kind", "primary")
        self.go.setDefault(True)
        self.go.clicked.connect(self._begin)
        self._close = QPushButton("Cancel")
        self._close.setAutoDefault(False)
        self._close.clicked.connect(self.reject)
        self.file.textChanged.connect(self._suggest)
        self.finished.connect(lambda: None if self._is_busy else self.deleteLater())
        self._lay_out()
        self._suggest()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.file, 1)
        row.addWidget(self._browse)
        form = QFormLayout()
        form.setHorizontalSpacing(14)
        form.setVerticalSpacing(10)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.addRow("File", row)
        form.addRow("Name", self.name)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch()
        buttons.addWidget(self._close)
        buttons.addWidget(self.go)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 20, 22, 18)
        column.setSpacing(14)
        column.addLayout(form)
        column.addWidget(self.message)
        column.addStretch()
        column.addWidget(self._busy)
        column.addLayout(buttons)
        self.setMinimumWidth(WIDTH)

    def browse(self) -> None:
        """Let the user choose the file."""
        path, _ = QFileDialog.getOpenFileName(self, "Choose a checkpoint", self._folder, CHECKPOINTS)
        if path:
            self.file.setText(path)

    def _suggest(self) -> None:
        path = self.file.text().strip()
        self.go.setEnabled(bool(path))
        try:
            self.name.setPlaceholderText(choose_name(Path(path), None) if path else "Made from the file's name")
        except ModelError:
            self.name.setPlaceholderText("Choose a name")

    def _begin(self) -> None:
        self._show_busy(True)
        self._say("Reading the checkpoint to find out which architecture it is of, and copying it…", "muted")
        self._library.add(
            self.file.text().strip(), self.name.text().strip() or None, self._on_imported, self._on_failed
        )

    def _on_imported(self, card: ModelCard) -> None:
        self._is_busy = False
        self.imported.emit(card)
        if self.isVisible():
            self.accept()
        else:
            self.deleteLater()

    def _on_failed(self, message: str) -> None:
        self._show_busy(False)
        self._say(message, "danger")
        self.file.setFocus()
        self.show()  # it may have been left to itself

    def _say(self, text: str, tone: str) -> None:
        self.message.setText(text)
        self.message.setAccessibleName(text)
        set_tone(self.message, tone)

    def _show_busy(self, busy: bool) -> None:
        self._is_busy = busy
        self._busy.set_busy(busy)
        for widget in (self.file, self.name, self._browse, self.go):
            widget.setEnabled(not busy)
        self._close.setText("Continue in the background" if busy else "Cancel")

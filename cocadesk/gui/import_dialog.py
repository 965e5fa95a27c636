"""Importing a checkpoint: which file, and what the model is to be called."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QWidget,
)

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.imports import choose_name
from cocadesk.errors import ModelError
from cocadesk.gui.library import Library
from cocadesk.gui.model_dialog import ModelDialog
from cocadesk.gui.widgets.naming import named

CHECKPOINTS = "Checkpoints (*.safetensors *.bin *.pt *.pth *.ckpt *.index.json);;All files (*)"

HINT = (
    "A safetensors file, or a PyTorch checkpoint of plain tensors; code that it may hold is not run. Of several shards "
    "choose any one. The architecture is recognised from the names and shapes of the arrays. The model is a copy: the "
    "file may be moved afterwards."
)


class ImportDialog(ModelDialog):
    """Asks for a file and a name, and shows why an import failed; the import itself runs on the I/O pool.

    Attributes:
        file: The checkpoint's path.
        name: What the model will be called.
    """

    imported = Signal(object)
    """The `ModelCard` of the model that is in the catalog now."""

    def __init__(self, library: Library, folder: str, parent: QWidget) -> None:
        super().__init__("Import a checkpoint", HINT, "Import", parent)
        self._library = library
        self._folder = folder
        self._is_busy = False
        self.file = named(QLineEdit(placeholderText="Path of the checkpoint"), "Checkpoint")
        self.name = named(QLineEdit(placeholderText="Made from the file's name"), "Name of the model")
        self._browse = QPushButton("Browse…")
        self._browse.clicked.connect(self.browse)
        self._browse.setAutoDefault(False)
        self.file.textChanged.connect(self._suggest)
        self.finished.connect(lambda: None if self._is_busy else self.deleteLater())
        self.lay_out(self._form(), self.file, self._browse, self.name)
        self._suggest()

    def _form(self) -> QFormLayout:
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
        return form

    def begin(self) -> None:
        """Import that file."""
        self._wait(True)
        self.say("Reading the checkpoint to find out which architecture it is of, and copying it…")
        self._library.add(
            self.file.text().strip(), self.name.text().strip() or None, self._on_imported, self._on_failed
        )

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

    def _on_imported(self, card: ModelCard) -> None:
        self._is_busy = False
        self.imported.emit(card)
        if self.isVisible():
            self.accept()
        else:
            self.deleteLater()

    def _on_failed(self, message: str) -> None:
        self._wait(False)
        self.say(message, "danger")
        self.file.setFocus()
        self.show()  # it may have been left to itself

    def _wait(self, busy: bool) -> None:
        """While it is busy, the dialog can be closed and the import goes on."""
        self._is_busy = busy
        self.show_busy(busy, self.file, self.name, self._browse)
        self.close_button.setText("Continue in the background" if busy else "Cancel")

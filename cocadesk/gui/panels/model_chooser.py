"""Which model is used, with which weights, and where it runs; what is not here is downloaded in place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QToolButton, QVBoxLayout, QWidget

from cocadesk.catalog.card import Ability
from cocadesk.catalog.cards import DEFAULT_ANSWERER, DEFAULT_CAPTIONER, DEFAULT_CLASSIFIER, DEFAULT_RANKER
from cocadesk.gui.icons import icon
from cocadesk.gui.import_dialog import CHECKPOINTS
from cocadesk.gui.library import Library, Place
from cocadesk.gui.panels.download_box import DownloadBox
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.naming import named
from cocadesk.types import DEVICES, DTYPES, DeviceName, DtypeName, ModelRequest

DEVICE_NAMES: dict[DeviceName, str] = {
    "auto": "Automatic",
    "cpu": "Processor",
    "cuda": "NVIDIA GPU",
    "mps": "Apple GPU",
}
DTYPE_NAMES: dict[DtypeName, str] = {"auto": "Automatic"}


UNTRAINED: dict[Ability, str] = {
    "caption": "Random weights: captions mean nothing.",
    "ask": "Random weights: answers mean nothing.",
    "rank": "Random weights: distances mean nothing.",
    "attend": "Random weights: maps mean nothing.",
    "classify": "Random weights: classes mean nothing.",
}


USUAL: dict[Ability, str] = {
    "caption": DEFAULT_CAPTIONER,
    "ask": DEFAULT_ANSWERER,
    "rank": DEFAULT_RANKER,
    "classify": DEFAULT_CLASSIFIER,
    "attend": DEFAULT_CAPTIONER,
}
"""The model that comes along for each ability."""


class ModelChooser(QWidget):
    """Edits a `ModelRequest`: the catalog's models that can do something, those that are not on this machine marked.

    Args:
        ability: What they must be able to do.

    Attributes:
        download: The download of the chosen model, where it is not here.
    """

    edited = Signal()
    """`model` was changed by the user."""

    refreshed = Signal()
    """What is shown may have changed, whoever did it."""

    def __init__(self, library: Library, ability: Ability = "caption", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._ability = ability
        self._seed = 0
        self._model = fields.combo("Model")
        self._place = QLabel(wordWrap=True)
        self._place.setProperty("tone", "muted")
        self.download = DownloadBox()
        self._checkpoint = named(QLineEdit(placeholderText="The model's own", clearButtonEnabled=True), "Weights file")
        self._checkpoint.setToolTip("A checkpoint to use in place of the model's own weights")
        self._browse = named(QToolButton(), "Choose a weights file", "Choose a weights file")
        self._untrained = named(QCheckBox("Untrained weights"), "Untrained weights")
        self._untrained.setToolTip("Fill the model with seeded random weights, to see what training brings")
        self._device = fields.combo("Device")
        for device in DEVICES:
            self._device.addItem(DEVICE_NAMES[device], device)
        self._dtype = fields.combo("Number format", "How numbers are stored: 16 bits take half the memory of float32")
        for dtype in DTYPES:
            self._dtype.addItem(DTYPE_NAMES.get(dtype, dtype), dtype)
        self._lay_out()
        self._fill()
        guard = fields.WheelGuard(self)
        for combo in (self._model, self._device, self._dtype):
            combo.currentIndexChanged.connect(self._on_edit)
            combo.installEventFilter(guard)
        self._untrained.toggled.connect(self._on_edit)
        self._checkpoint.editingFinished.connect(self._on_checkpoint)
        self._checkpoint.textChanged.connect(lambda text: None if text else self._on_checkpoint())
        self._browse.clicked.connect(self._on_browse)
        library.modelReset.connect(self._fill)
        library.changed.connect(self._on_changed)
        library.scanned.connect(self._refresh)
        theme().changed.connect(self._dress)
        self._shown = self.model
        self._dress()
        self._refresh()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._checkpoint, 1)
        row.addWidget(self._browse)
        below = QVBoxLayout()
        below.setContentsMargins(0, 0, 0, 4)
        below.setSpacing(8)
        below.addWidget(self._place)
        below.addWidget(self.download)
        form = fields.form()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(fields.label(self._model), self._model)
        form.addRow(below)
        form.addRow(fields.label(self._checkpoint, "Weights"), row)
        form.addRow("", self._untrained)
        form.addRow(fields.label(self._device), self._device)
        form.addRow(fields.label(self._dtype), self._dtype)
        self.setLayout(form)

    @property
    def model(self) -> ModelRequest:
        """The model as chosen."""
        untrained = self._untrained.isChecked()
        return ModelRequest(
            name=self._model.currentData(),
            device=self._device.currentData(),
            dtype=self._dtype.currentData(),
            checkpoint=None if untrained else self._checkpoint.text().strip() or None,
            untrained=untrained,
            seed=self._seed,
        )

    def show_model(self, model: ModelRequest) -> None:
        """Show this one without telling that anything was edited; where there is none of its name, the usual one.

        Weights that were chosen for it are let go then: they would not fit the other one.
        """
        if self._model.findData(model.name) < 0:
            model = replace(model, checkpoint=None, untrained=False)
        blockers = [
            QSignalBlocker(field)
            for field in (self._model, self._device, self._dtype, self._untrained, self._checkpoint)
        ]
        self._seed = model.seed
        self._model.setCurrentIndex(self._row(model.name))
        self._device.setCurrentIndex(max(0, self._device.findData(model.device)))
        self._dtype.setCurrentIndex(max(0, self._dtype.findData(model.dtype)))
        self._untrained.setChecked(model.untrained)
        self._checkpoint.setText(model.checkpoint or "")
        del blockers
        self._shown = self.model
        self._refresh()

    def choose(self, name: str) -> None:
        """Choose the model of that name, as the user would; weights that were chosen for another one are let go."""
        self.show_model(ModelRequest(name, self._device.currentData(), self._dtype.currentData(), seed=self._seed))
        self.edited.emit()

    def _row(self, name: str | None) -> int:
        """Where that model is in the list; else the one that does this unless another is chosen; else the first."""
        rows = [self._model.findData(name) for name in (name, USUAL[self._ability])]
        return next((row for row in rows if row >= 0), 0)

    def _fill(self) -> None:
        chosen = self._model.currentData()
        blocker = QSignalBlocker(self._model)
        self._model.clear()
        for entry in self._library:
            if self._ability in entry.card.abilities:
                self._model.addItem(entry.card.title, entry.card.name)
        self._model.setCurrentIndex(self._row(chosen))
        del blocker
        self._mark_all()
        if chosen is not None and self._model.currentData() != chosen:  # an imported model is gone
            self._on_edit()

    def _mark(self, row: int) -> None:
        """Show whether that row's model would have to be downloaded first."""
        entry = self._library.entry(self._model.itemData(row))
        place = entry.place if entry else Place.UNKNOWN
        absent = place in (Place.ABSENT, Place.MISSING)
        self._model.setItemIcon(row, icon("download" if absent else "captioned", "muted" if absent else "accent"))
        title = self._model.itemText(row)
        spoken = f"{title}, {place.value.lower()}" if place.value else title
        self._model.setItemData(row, spoken, Qt.ItemDataRole.AccessibleTextRole)
        self._model.setItemData(row, place.value, Qt.ItemDataRole.ToolTipRole)

    def _mark_all(self) -> None:
        for row in range(self._model.count()):
            self._mark(row)

    def _on_changed(self, name: str) -> None:
        row = self._model.findData(name)
        if row >= 0:
            self._mark(row)
        if name == self._model.currentData():
            self._refresh()

    def _on_checkpoint(self) -> None:
        if self.model != self._shown:
            self._on_edit()

    def _on_browse(self) -> None:
        start = self._checkpoint.text().strip() or str(Path.home())
        path, _ = QFileDialog.getOpenFileName(self, "Choose a weights file", start, CHECKPOINTS)
        if path:
            self._checkpoint.setText(path)
            self._on_checkpoint()

    def _on_edit(self, *_: object) -> None:
        self._shown = self.model
        self._refresh()
        self.edited.emit()

    def _refresh(self) -> None:
        model = self.model
        entry = self._library.entry(model.name)
        self._model.setToolTip(self._model.currentText())  # it may be longer than the field
        own = not model.untrained and model.checkpoint is None
        self._checkpoint.setEnabled(not model.untrained)
        self._browse.setEnabled(not model.untrained)
        if model.untrained:
            self._place.setText(UNTRAINED[self._ability])
        elif model.checkpoint is not None:
            self._place.setText("The weights come from the file below.")
        else:
            self._place.setText(entry.place.value if entry else "")
        if own and entry is not None:
            self.download.show_entry(entry, self._library.free_bytes)
        else:
            self.download.show_nothing()
        self.refreshed.emit()

    def _dress(self) -> None:
        self._browse.setIcon(icon("folder", "muted"))
        self._mark_all()

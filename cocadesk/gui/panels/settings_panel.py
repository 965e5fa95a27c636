"""How to caption: the model, where it runs, and how words are chosen."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui.library import Library
from cocadesk.gui.panels.model_chooser import ModelChooser
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.naming import named
from cocadesk.types import CLIP_TEMPERATURE, CaptionOptions, ModelRequest

SAMPLING_TEMPERATURE = 0.7
BEAMS = 6
ALL = 1.0


class Method(Enum):
    """Ways to choose the next word."""

    AUTOMATIC = "Automatic"
    GREEDY = "Always the likeliest"
    SAMPLE = "Draw at random"
    BEAMS = "Search several at once"


class SettingsPanel(QWidget):
    """Edits a `ModelRequest` and a `CaptionOptions`; only what the chosen method uses is shown.

    Attributes:
        chooser: The model's part.
    """

    edited = Signal()
    """`model` or `options` changed by the user."""

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = CaptionOptions()
        self.chooser = ModelChooser(library)
        self._method = fields.combo(
            "How words are chosen",
            f"Automatic: the likeliest; of a video or an animation, drawn at temperature {CLIP_TEMPERATURE}.",
        )
        for method in Method:
            self._method.addItem(method.value, method)
        self._temperature = fields.decimal(
            "Temperature", 0.05, 10.0, 0.1, "Low: plain captions. High: surprising ones."
        )
        self._top_k = fields.whole("Top-k", 1, 50_000, "Draw among this many likeliest words only.")
        self._top_p = fields.decimal(
            "Top-p", 0.05, ALL, 0.05, "Draw among the fewest words whose probabilities sum to this."
        )
        self._seed = fields.whole("Seed", -1, 2**31 - 1, "The same seed draws the same words.")
        self._seed.setSpecialValueText("New each time")
        self._beams = fields.whole("Beams", 2, 64, "How many captions are kept side by side.")
        self._most = fields.whole("Most tokens", 1, 76, "Where a caption is cut off; a word is one or more tokens.")
        self._frames = fields.whole("Frames", 1, 1024, "Of a video, how many evenly spaced frames are averaged.")
        self._uncached = named(QCheckBox("Compute every step anew"), "Compute every step anew")
        self._uncached.setToolTip("Keep no attention keys and values between tokens: the same words, but slower")
        self._form = fields.form()
        self._form.setContentsMargins(0, 0, 0, 0)
        for field in self._fields():
            short = "Words" if field is self._method else ""
            label = "" if isinstance(field, QCheckBox) else fields.label(field, short)
            self._form.addRow(label, field)
        reset = QPushButton("Reset")
        reset.setToolTip("Back to the defaults")
        reset.clicked.connect(self._on_reset)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 2, 4, 8)
        column.setSpacing(8)
        column.addWidget(self.chooser)
        column.addLayout(self._form)
        column.addWidget(reset, 0, Qt.AlignmentFlag.AlignRight)
        self.chooser.edited.connect(self.edited)
        guard = fields.WheelGuard(self)
        self._method.currentIndexChanged.connect(self._on_edit)
        self._method.installEventFilter(guard)
        for spin in (self._temperature, self._top_p, self._top_k, self._seed, self._beams, self._most, self._frames):
            spin.valueChanged.connect(self._on_edit)
            spin.installEventFilter(guard)
        self._uncached.toggled.connect(self._on_edit)
        self.show_values(ModelRequest(), CaptionOptions())

    @property
    def model(self) -> ModelRequest:
        """The model as chosen."""
        return self.chooser.model

    @property
    def options(self) -> CaptionOptions:
        """The decoding as chosen."""
        options = replace(
            self._base,
            temperature=0.0 if self.method is Method.GREEDY else None,
            top_p=None,
            beams=1,
            seed=None,
            max_tokens=self._most.value(),
            frames=self._frames.value(),
            cached=not self._uncached.isChecked(),
        )
        if self.method is Method.SAMPLE:
            top_p = self._top_p.value()
            return replace(
                options,
                temperature=self._temperature.value(),
                top_k=self._top_k.value(),
                top_p=None if top_p >= ALL else top_p,
                seed=None if self._seed.value() < 0 else self._seed.value(),
            )
        return replace(options, beams=self._beams.value()) if self.method is Method.BEAMS else options

    @property
    def method(self) -> Method:
        """How words are chosen."""
        return Method(self._method.currentText())

    def show_values(self, model: ModelRequest, options: CaptionOptions) -> None:
        """Show these without telling that anything was edited."""
        self.chooser.show_model(model)
        blockers = [QSignalBlocker(field) for field in self._fields()]
        self._base = options
        self._method.setCurrentText(_method_of(options).value)
        self._temperature.setValue(options.temperature or SAMPLING_TEMPERATURE)
        self._top_k.setValue(options.top_k)
        self._top_p.setValue(ALL if options.top_p is None else options.top_p)
        self._seed.setValue(-1 if options.seed is None else options.seed)
        self._beams.setValue(options.beams if options.beams > 1 else BEAMS)
        self._most.setValue(options.max_tokens)
        self._frames.setValue(options.frames)
        self._uncached.setChecked(not options.cached)
        del blockers
        self._refresh()

    def _fields(self) -> list[QWidget]:
        return [
            self._method,
            self._temperature,
            self._top_k,
            self._top_p,
            self._seed,
            self._beams,
            self._most,
            self._frames,
            self._uncached,
        ]

    def _on_edit(self, *_: object) -> None:
        self._refresh()
        self.edited.emit()

    def _on_reset(self) -> None:
        self.show_values(ModelRequest(), CaptionOptions())
        self.edited.emit()

    def _refresh(self) -> None:
        for field in (self._temperature, self._top_k, self._top_p, self._seed):
            self._form.setRowVisible(field, self.method is Method.SAMPLE)
        self._form.setRowVisible(self._beams, self.method is Method.BEAMS)


def _method_of(options: CaptionOptions) -> Method:
    if options.beams > 1:
        return Method.BEAMS
    if options.temperature is None:
        return Method.AUTOMATIC
    return Method.SAMPLE if options.temperature > 0 else Method.GREEDY

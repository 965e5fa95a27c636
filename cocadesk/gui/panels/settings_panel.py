"""How to caption: the model, where it runs, and how words are chosen."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from cocadesk.catalog.cards import all_cards
from cocadesk.gui.widgets.naming import named
from cocadesk.types import DEVICES, CaptionOptions, DeviceName, ModelRequest

DEVICE_NAMES: dict[DeviceName, str] = {
    "auto": "Automatic",
    "cpu": "Processor",
    "cuda": "NVIDIA GPU",
    "mps": "Apple GPU",
}
SAMPLING_TEMPERATURE = 0.7
BEAMS = 6
ALL = 1.0


class Method(Enum):
    """Ways to choose the next word."""

    GREEDY = "Always the likeliest"
    SAMPLE = "Draw at random"
    BEAMS = "Search several at once"


class SettingsPanel(QWidget):
    """Edits a `ModelRequest` and a `CaptionOptions`; only what the chosen method uses is shown."""

    edited = Signal()
    """`model` or `options` changed by the user."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._base = CaptionOptions()
        self._model = _combo("Model")
        for card in all_cards().values():
            self._model.addItem(card.title, card.name)
        self._model_state = QLabel(wordWrap=True)
        self._model_state.setProperty("tone", "muted")
        self._untrained = QCheckBox("Untrained weights")
        self._device = _combo("Device")
        for name in DEVICES:
            self._device.addItem(DEVICE_NAMES[name], name)
        self._method = _combo("How words are chosen")
        for method in Method:
            self._method.addItem(method.value, method)
        self._temperature = _decimal("Temperature", 0.05, 10.0, 0.1, "Low: plain captions. High: surprising ones.")
        self._top_k = _whole("Top-k", 1, 50_000, "Draw among this many likeliest words only.")
        self._top_p = _decimal("Top-p", 0.05, ALL, 0.05, "Draw among the fewest words whose probabilities sum to this.")
        self._seed = _whole("Seed", -1, 2**31 - 1, "The same seed draws the same words.")
        self._seed.setSpecialValueText("New each time")
        self._beams = _whole("Beams", 2, 64, "How many captions are kept side by side.")
        self._most = _whole("Most tokens", 1, 76, "Where a caption is cut off; a word is one or more tokens.")
        self._form = QFormLayout()
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._form.setHorizontalSpacing(14)
        self._form.setVerticalSpacing(8)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for field in self._fields():
            self._form.addRow(_label(field), field) if field.accessibleName() else self._form.addRow("", field)
        self._form.insertRow(1, "", self._model_state)
        self._untrained.setAccessibleName("Untrained weights")
        self._untrained.setToolTip("Fill the model with seeded random weights, to see what training brings")
        self._reset = QPushButton("Reset")
        self._reset.setToolTip("Back to the defaults")
        self._reset.clicked.connect(self._on_reset)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 2, 4, 8)
        column.setSpacing(10)
        column.addLayout(self._form)
        column.addWidget(self._reset, 0, Qt.AlignmentFlag.AlignRight)
        for combo in (self._model, self._device, self._method):
            combo.currentIndexChanged.connect(self._on_edit)
            combo.installEventFilter(self)
        for spin in (self._temperature, self._top_p, self._top_k, self._seed, self._beams, self._most):
            spin.valueChanged.connect(self._on_edit)
            spin.installEventFilter(self)
        self._untrained.toggled.connect(self._on_edit)
        self.show_values(ModelRequest(), CaptionOptions())

    @property
    def model(self) -> ModelRequest:
        """The model as chosen."""
        return ModelRequest(
            name=self._model.currentData(), device=self._device.currentData(), untrained=self._untrained.isChecked()
        )

    @property
    def options(self) -> CaptionOptions:
        """The decoding as chosen."""
        options = replace(self._base, temperature=0.0, top_p=None, beams=1, seed=None, max_tokens=self._most.value())
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
        blockers = [QSignalBlocker(field) for field in self._fields()]
        self._base = options
        self._model.setCurrentIndex(max(0, self._model.findData(model.name)))
        self._device.setCurrentIndex(max(0, self._device.findData(model.device)))
        self._untrained.setChecked(model.untrained)
        method = Method.BEAMS if options.beams > 1 else Method.SAMPLE if options.temperature > 0 else Method.GREEDY
        self._method.setCurrentText(method.value)
        self._temperature.setValue(options.temperature or SAMPLING_TEMPERATURE)
        self._top_k.setValue(options.top_k)
        self._top_p.setValue(ALL if options.top_p is None else options.top_p)
        self._seed.setValue(-1 if options.seed is None else options.seed)
        self._beams.setValue(options.beams if options.beams > 1 else BEAMS)
        self._most.setValue(options.max_tokens)
        del blockers
        self._refresh()

    def show_state(self, model: ModelRequest, state: str) -> None:
        """Say below the model's name whether it can be used, if it is still the chosen one."""
        if model == self.model:
            self._model_state.setText(state)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The wheel scrolls the panel; it changes a field only while that has the focus."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False

    def _fields(self) -> list[QWidget]:
        return [
            self._model,
            self._untrained,
            self._device,
            self._method,
            self._temperature,
            self._top_k,
            self._top_p,
            self._seed,
            self._beams,
            self._most,
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


def _label(field: QWidget) -> QLabel:
    label = QLabel({"How words are chosen": "Words"}.get(field.accessibleName(), field.accessibleName()))
    label.setBuddy(field)
    label.setMinimumHeight(field.sizeHint().height())
    return label


def _combo(name: str) -> QComboBox:
    combo = named(QComboBox(), name)
    combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(12)
    return combo


def _prepare(spin: QAbstractSpinBox, name: str, hint: str) -> None:
    spin.setAccessibleName(name)
    spin.setAccessibleDescription(hint)
    spin.setToolTip(hint)
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    spin.setKeyboardTracking(False)
    spin.lineEdit().setTextMargins(6, 0, 0, 0)


def _whole(name: str, least: int, most: int, hint: str) -> QSpinBox:
    spin = QSpinBox(minimum=least, maximum=most)
    _prepare(spin, name, hint)
    return spin


def _decimal(name: str, least: float, most: float, step: float, hint: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox(minimum=least, maximum=most, singleStep=step, decimals=2)
    _prepare(spin, name, hint)
    return spin

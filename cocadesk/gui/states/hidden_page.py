"""What an encoder holds of each token through its layers, on a plane."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QRadioButton, QSlider, QVBoxLayout, QWidget

from cocadesk.gui.panels.subject import muted
from cocadesk.gui.states.hidden_plot import HiddenPlot
from cocadesk.gui.states.inquiry import Inquiry
from cocadesk.gui.states.state_line import StateLine
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.naming import named
from cocadesk.work.states import Projected

HINT = (
    "Each point is a token’s hidden state, on the plane on which all of them lie furthest apart. Point at one for its "
    "name; click it to see its way through the layers."
)
NO_TEXT = "This model has no text encoder."
NO_TOKEN = "No token"


class HiddenPage(QWidget):
    """Picture or text, a layer, a token, and the plot.

    Attributes:
        of_picture, of_text: What is looked at.
        text: The text.
        line: Looks, or stops.
        layer: From before the first layer, 0, to behind the last one.
        token: Whose way is drawn; the first item is none.
        plot: The points.
    """

    look_asked = Signal()
    """Look at what is chosen."""

    def __init__(self, hidden: Inquiry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hidden = hidden
        self._shown: Projected | None = None
        self.of_picture = named(QRadioButton("Picture"), "Picture", "The patches of the picture, in the image encoder")
        self.of_text = named(QRadioButton("Text"), "Text", "The tokens of a text, in the text encoder")
        self.of_picture.setChecked(True)
        self.text = named(QLineEdit(placeholderText="A text to read"), "Text to read")
        self.line = StateLine(hidden, "Look", "See the hidden states of what is chosen (Enter in the text)")
        self.layer = named(QSlider(Qt.Orientation.Horizontal), "Layer", "Layer: drag, or use the arrow keys")
        self.layer.setPageStep(1)
        self._layer_told = QLabel()
        self.token = fields.combo("Token", "Its way through the layers is drawn as a line")
        self.plot = HiddenPlot()
        self._lay_out()
        self.of_text.toggled.connect(self._on_kind)
        self.text.returnPressed.connect(self.look_asked)
        self.line.run_asked.connect(self.look_asked)
        self.layer.valueChanged.connect(self._on_layer)
        self.token.currentIndexChanged.connect(lambda place: self.plot.show_token(place - 1))
        self.plot.chosen.connect(lambda token: self.token.setCurrentIndex(token + 1))
        hidden.changed.connect(self._show)
        self._on_kind()
        self._show()

    def _lay_out(self) -> None:
        of = QHBoxLayout()
        of.setSpacing(14)
        of.addWidget(self.of_picture)
        of.addWidget(self.of_text)
        of.addWidget(self.text, 1)
        steps = QHBoxLayout()
        steps.setSpacing(12)
        steps.addWidget(self._layer_told)
        steps.addWidget(self.layer, 1)
        steps.addWidget(fields.label(self.token))
        steps.addWidget(self.token)
        self._layer_told.setMinimumWidth(self.fontMetrics().horizontalAdvance("Before the first layer"))
        self._layer_told.setBuddy(self.layer)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        column.addWidget(muted(HINT))
        column.addLayout(of)
        column.addWidget(self.line)
        column.addWidget(self.plot, 1)
        column.addLayout(steps)

    @property
    def reads_text(self) -> bool:
        """Whether a text is looked at, and not the picture."""
        return self.of_text.isChecked()

    def offer(self, *, picture: bool, text: bool) -> None:
        """Whether there is a picture to look at, and a text encoder."""
        self.of_picture.setEnabled(picture)
        self.of_text.setEnabled(text)
        self.of_text.setToolTip("The tokens of a text, in the text encoder" if text else NO_TEXT)
        if not text:
            self.of_picture.setChecked(True)
        self._refresh()

    def suggest(self, caption: str) -> None:
        """Fill in this text, unless the user has written one."""
        if not self.text.isModified():
            self.text.setText(caption)

    def _on_kind(self) -> None:
        self._refresh()
        self._hidden.ask(None)
        if not self.reads_text or self.text.text().strip():
            self.look_asked.emit()

    def _refresh(self) -> None:
        self.text.setEnabled(self.reads_text)
        self.line.run.setEnabled(self.reads_text or self.of_picture.isEnabled())

    def _on_layer(self, layer: int) -> None:
        self._tell_layer()
        self.plot.show_layer(layer)

    def _tell_layer(self) -> None:
        layers = self._shown.layers if self._shown is not None else 0
        at = self.layer.value()
        told = "" if not layers else f"Layer {at} of {layers}" if at else "Before the first layer"
        self._layer_told.setText(told)
        self.layer.setAccessibleDescription(told)

    def _show(self) -> None:
        found = self._hidden.result
        shown = found if isinstance(found, Projected) else None
        if shown is self._shown and shown is not None:
            return
        self._shown = shown
        self.plot.show_states(shown)
        self.token.clear()
        self.token.addItem(NO_TOKEN)
        self.token.addItems([name.strip() or name for name in shown.tokens] if shown is not None else [])
        self.layer.setRange(0, shown.layers if shown is not None else 0)
        self.layer.setValue(self.layer.maximum())
        for control in (self.layer, self.token):
            control.setEnabled(shown is not None)
        self._tell_layer()

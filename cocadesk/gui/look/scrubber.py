"""A slider with a name and a read-out."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from cocadesk.gui.widgets.fields import WheelGuard
from cocadesk.gui.widgets.naming import named

LONGEST_NAME = "Threshold"


class Scrubber(QWidget):
    """Drag it, or use the arrow keys, Home and End; the wheel moves it while it has the keyboard.

    Args:
        read: What the read-out says for a value.
        widest: The longest read-out there may be.

    Attributes:
        slider: What is dragged.
    """

    moved = Signal(int)
    """The user moved it to that value."""

    def __init__(
        self, name: str, read: Callable[[int], str], widest: str, tip: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._read = read
        self.slider = named(QSlider(Qt.Orientation.Horizontal), name, tip)
        self.slider.setPageStep(1)
        label = QLabel(name)
        label.setBuddy(self.slider)
        label.setMinimumWidth(label.fontMetrics().horizontalAdvance(LONGEST_NAME) + 6)
        self._told = QLabel()
        self._told.setProperty("tone", "muted")
        self._told.setMinimumWidth(self._told.fontMetrics().horizontalAdvance(widest) + 4)
        self._told.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(label)
        row.addWidget(self.slider, 1)
        row.addWidget(self._told)
        self.slider.installEventFilter(WheelGuard(self))
        self.slider.valueChanged.connect(self._on_value)
        self._tell(self.slider.value())

    @property
    def value(self) -> int:
        return self.slider.value()

    @property
    def told(self) -> str:
        """What the read-out says."""
        return self._told.text()

    def set_range(self, least: int, most: int) -> None:
        """Let it go from one to the other; it is disabled where there is nothing to choose."""
        blocker = QSignalBlocker(self.slider)
        self.slider.setRange(least, most)
        del blocker
        self.setEnabled(most > least)
        self._tell(self.slider.value())

    def show_value(self, value: int) -> None:
        """Move it without telling."""
        blocker = QSignalBlocker(self.slider)
        self.slider.setValue(value)
        del blocker
        self._tell(value)

    def _on_value(self, value: int) -> None:
        self._tell(value)
        self.moved.emit(value)

    def _tell(self, value: int) -> None:
        self._told.setText(self._read(value))
        self.slider.setAccessibleDescription(self._told.text())

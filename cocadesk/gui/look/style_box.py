"""How maps are laid over the picture: colours, opacity, threshold, smoothing."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from cocadesk.gui.look.scrubber import LONGEST_NAME, Scrubber
from cocadesk.gui.overlays.style import COLOUR_MAPS, OverlayStyle
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.collapsible import Collapsible
from cocadesk.gui.widgets.naming import named


class StyleBox(Collapsible):
    """Edits an `OverlayStyle`."""

    edited = Signal()
    """`overlay_style` was changed by the user."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._colours = fields.combo("Colours")
        for name in COLOUR_MAPS:
            self._colours.addItem(name.capitalize(), name)
        self._smooth = named(QCheckBox("Smooth"), "Smooth", "Go smoothly from patch to patch")
        self._opacity = Scrubber("Opacity", lambda value: f"{value} %", "100 %", "How much of the picture is covered")
        self._opacity.set_range(0, 100)
        self._threshold = Scrubber(
            "Threshold", lambda value: f"{value} %", "100 %", "Of the scale, what must be reached to be shown at all"
        )
        self._threshold.set_range(0, 95)
        content = QWidget()
        row = QHBoxLayout()
        row.setSpacing(12)
        label = QLabel("Colours")
        label.setBuddy(self._colours)
        label.setMinimumWidth(label.fontMetrics().horizontalAdvance(LONGEST_NAME) + 6)
        self._colours.setMinimumContentsLength(6)
        row.addWidget(label)
        row.addWidget(self._colours, 1)
        row.addWidget(self._smooth)
        column = QVBoxLayout(content)
        column.setContentsMargins(4, 2, 8, 8)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._opacity)
        column.addWidget(self._threshold)
        super().__init__("Colours and opacity", content, parent)
        self._colours.installEventFilter(fields.WheelGuard(self))
        self.show_style(OverlayStyle())
        self._colours.currentIndexChanged.connect(self.edited)
        self._smooth.toggled.connect(self.edited)
        self._opacity.moved.connect(self.edited)
        self._threshold.moved.connect(self.edited)

    @property
    def overlay_style(self) -> OverlayStyle:
        """The style as chosen."""
        return OverlayStyle(
            self._colours.currentData(),
            self._opacity.value / 100,
            self._threshold.value / 100,
            self._smooth.isChecked(),
        )

    def show_style(self, style: OverlayStyle) -> None:
        """Show that one without telling that anything was edited."""
        blockers = [QSignalBlocker(field) for field in (self._colours, self._smooth)]
        self._colours.setCurrentIndex(max(0, self._colours.findData(style.colours)))
        self._smooth.setChecked(style.smooth)
        del blockers
        self._opacity.show_value(round(100 * style.opacity))
        self._threshold.show_value(round(100 * style.threshold))

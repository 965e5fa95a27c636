"""Milliseconds per token, a bar for each way of decoding."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QVBoxLayout, QWidget

from cocadesk.gui.states.inquiry import WAYS
from cocadesk.gui.theme import scaled_font, theme
from cocadesk.gui.widgets.plots import dress_axes, quiet_plot
from cocadesk.types import CacheComparison

HEADROOM = 1.18
"""Of the tallest bar: its number stands above it."""


class WaysPlot(QWidget):
    """The bars, each with its number above it.

    Attributes:
        plot: Where they are drawn.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: CacheComparison | None = None
        self.plot = quiet_plot("Milliseconds per token")
        self.plot.setMinimumSize(260, 200)
        self.plot.getAxis("bottom").setTicks([list(enumerate(WAYS.values()))])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)
        theme().changed.connect(self._dress)
        self._dress()

    def show_comparison(self, shown: CacheComparison | None) -> None:
        """Draw it; None for nothing."""
        self._shown = shown
        self._draw()

    def _draw(self) -> None:
        self.plot.clear()
        shown, colours = self._shown, theme().colours
        heights = [1000 * timed.seconds_per_token for timed in shown.timed] if shown is not None else []
        tallest = max(heights, default=1.0) or 1.0
        self.plot.setXRange(-0.6, len(WAYS) - 0.4, padding=0)
        self.plot.setYRange(0, HEADROOM * tallest, padding=0)
        brushes = [QColor(colours.accent), QColor(colours.accent), QColor(colours.doubt)]
        if not heights:
            self.plot.setAccessibleDescription("Nothing measured yet")
            return
        bars = pg.BarGraphItem(
            x=list(range(len(heights))), height=heights, width=0.56, brushes=brushes, pen=pg.mkPen(None)
        )
        self.plot.addItem(bars)
        for place, height in enumerate(heights):
            number = pg.TextItem(f"{milliseconds(height)} ms", color=QColor(colours.text), anchor=(0.5, 1.0))
            number.setFont(scaled_font(1.0, QFont.Weight.DemiBold))
            number.setPos(place, height)
            self.plot.addItem(number)
        spoken = (f"{name} {milliseconds(height)}" for name, height in zip(WAYS.values(), heights, strict=True))
        self.plot.setAccessibleDescription(f"Milliseconds per token: {', '.join(spoken)}")

    def _dress(self) -> None:
        dress_axes(self.plot, left="Milliseconds per token")
        self._draw()


def milliseconds(value: float) -> str:
    """Three digits, as a user reads them."""
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"

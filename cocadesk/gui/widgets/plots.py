"""Plots that are looked at: they neither move nor take the keyboard, and wear the window's colours."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from cocadesk.gui.theme import scaled_font, theme


def quiet_plot(name: str) -> Any:
    """A pyqtgraph `PlotWidget` of that accessible name, without menu, buttons and dragging."""
    plot = pg.PlotWidget(enableMenu=False)  # made and then taken away, the menu ends the process at times
    plot.setAccessibleName(name)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return plot


def dress_axes(plot: Any, *, left: str, bottom: str = "") -> None:
    """Give the plot the theme's colours, and its axes these titles; to be called again when the theme changes."""
    colours = theme().colours
    plot.setBackground(QColor(colours.surface))
    size = f"{scaled_font(0.85).pointSizeF():.1f}pt"
    for side, title in (("left", left), ("bottom", bottom)):
        axis = plot.getAxis(side)
        axis.enableAutoSIPrefix(False)
        axis.setPen(pg.mkPen(QColor(colours.border)))
        axis.setTextPen(pg.mkPen(QColor(colours.muted)))
        axis.setTickFont(scaled_font(0.9))
        if title:
            axis.setLabel(title, color=colours.muted, **{"font-size": size})

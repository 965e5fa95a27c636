"""Tokens on a plane, layer by layer, and one token's way through the layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QVBoxLayout, QWidget

from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.plots import dress_axes, quiet_plot
from cocadesk.work.states import Projected

REACH = 14
"""Pixels from a point within which it is pointed at."""

MARGIN = 0.08
"""Of the plot, around the points of all layers."""


class HiddenPlot(QWidget):
    """A point for each token; the same axes for all layers, so that a slider through them is a film.

    Attributes:
        plot: Where they are drawn.
        layer: Which layer is shown; 0 is before the first one.
        token: Whose way is drawn; -1 for none.
    """

    pointed = Signal(int)
    """The token under the pointer; -1 for none."""

    chosen = Signal(int)
    """The token that was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layer = 0
        self.token = -1
        self._shown: Projected | None = None
        self._under = -1
        self.plot = quiet_plot("Hidden states on a plane")
        self.plot.setMinimumSize(320, 240)
        self._points = pg.ScatterPlotItem(pxMode=True)
        self._way = pg.PlotDataItem()
        self._name = pg.TextItem(anchor=(0.5, 1.25))
        for item in (self._points, self._way, self._name):
            self.plot.addItem(item)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.plot)
        self.plot.scene().sigMouseMoved.connect(self._on_moved)
        self.plot.scene().sigMouseClicked.connect(self._on_clicked)
        theme().changed.connect(self._dress)
        self._dress()

    def show_states(self, shown: Projected | None) -> None:
        """Draw the last layer of these; None for nothing."""
        self._shown = shown
        self.layer = shown.layers if shown is not None else 0
        self.token = self._under = -1
        if shown is not None:
            flat = shown.points.reshape(-1, 2).astype(np.float64)  # float32 overflows in pyqtgraph's limits
            low, high = flat.min(0), flat.max(0)
            wide = np.where(high > low, high - low, 1.0) * MARGIN
            self.plot.setXRange(low[0] - wide[0], high[0] + wide[0], padding=0)
            self.plot.setYRange(low[1] - wide[1], high[1] + wide[1], padding=0)
        self._draw()

    def show_layer(self, layer: int) -> None:
        """Draw that layer."""
        self.layer = layer
        self._draw()

    def show_token(self, token: int) -> None:
        """Draw that token's way."""
        self.token = token
        self._draw()

    def spot(self, token: int) -> QPointF:
        """Where that token is drawn, in pixels of the plot."""
        assert self._shown is not None, "nothing is shown"
        x, y = self._shown.points[self.layer, token].tolist()
        return QPointF(self.plot.mapFromScene(self.plot.getViewBox().mapViewToScene(QPointF(x, y))))

    def token_at(self, scene: QPointF) -> int:
        """The token that is nearest to that place of the scene, if it is near; else -1."""
        if self._shown is None:
            return -1
        view = self.plot.getViewBox()
        place = view.mapSceneToView(scene)
        width, height = view.viewPixelSize()
        apart = (self._shown.points[self.layer] - (place.x(), place.y())) / (width, height)
        distances = np.hypot(apart[:, 0], apart[:, 1])
        nearest = int(distances.argmin())
        return nearest if distances[nearest] <= REACH else -1

    def _on_moved(self, scene: QPointF) -> None:
        under = self.token_at(scene)
        if under != self._under:
            self._under = under
            self._name_one()
            self.pointed.emit(under)

    def _on_clicked(self, event: Any) -> None:
        token = self.token_at(event.scenePos())
        if token >= 0:
            self.chosen.emit(token)

    def _draw(self) -> None:
        shown, colours = self._shown, theme().colours
        self.plot.setAccessibleDescription(self._description())
        if shown is None:
            self._points.clear()
            self._way.clear()
            self._name.hide()
            return
        now: npt.NDArray[np.float32] = shown.points[self.layer]
        brushes = [pg.mkBrush(_tint(name)) for name in shown.tokens]
        sizes = np.full(len(now), 9.0)
        if self.token >= 0:
            brushes[self.token] = pg.mkBrush(QColor(colours.danger))
            sizes[self.token] = 14.0
            way = shown.points[:, self.token]
            self._way.setData(way[:, 0], way[:, 1])
        else:
            self._way.clear()
        outline = pg.mkPen(QColor(colours.surface), width=1)
        self._points.setData(pos=now, brush=brushes, size=sizes, pen=outline)
        self._name_one()

    def _description(self) -> str:
        """What is drawn, for those who do not see it."""
        shown = self._shown
        if shown is None:
            return "Nothing to show yet"
        count = "1 token" if len(shown.tokens) == 1 else f"{len(shown.tokens)} tokens"
        where = f"after layer {self.layer} of {shown.layers}" if self.layer else "before the first layer"
        if self.token < 0:
            return f"{count} {where}"
        x, y = shown.points[self.layer, self.token].tolist()
        return f"{count} {where}. {_spoken(shown.tokens[self.token])} is at {x:.2f}, {y:.2f}"

    def _name_one(self) -> None:
        """Name the token under the pointer, or else the chosen one."""
        token = self._under if self._under >= 0 else self.token
        shown = self._shown
        self._name.setVisible(shown is not None and token >= 0)
        if shown is not None and token >= 0:
            x, y = shown.points[self.layer, token].tolist()
            self._name.setText(_spoken(shown.tokens[token]))
            self._name.setPos(x, y)
            left, right = self.plot.getViewBox().viewRange()[0]
            share = (x - left) / (right - left)
            self._name.setAnchor((min(max(share, 0.1), 0.9), 1.25))  # names at the edge stay on the plot

    def _dress(self) -> None:
        colours = theme().colours
        dress_axes(self.plot, left="Second principal component", bottom="First principal component")
        self._way.setPen(pg.mkPen(QColor(colours.danger), width=2))
        self._way.setSymbol("o")
        self._way.setSymbolSize(5)
        self._way.setSymbolPen(None)
        self._way.setSymbolBrush(QColor(colours.danger))
        self._name.setColor(QColor(colours.text))
        self._name.fill = pg.mkBrush(QColor(colours.window))
        self._name.border = pg.mkPen(QColor(colours.border))
        self._draw()


def _spoken(token: str) -> str:
    return token.strip() or token


def _tint(token: str) -> QColor:
    """Special tokens, such as "[class]", stand out among patches and words."""
    colours = theme().colours
    return QColor(colours.doubt if token.startswith("[") else colours.accent)

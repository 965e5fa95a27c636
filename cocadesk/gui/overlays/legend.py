"""The scale of a map's colours, with the value under the pointer."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QImage, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QWidget

from cocadesk.gui.overlays.map_drawing import MapDrawing
from cocadesk.gui.theme import colour, scaled_font, theme
from cocadesk.media.colour_maps import colours_at

WIDTH, PAD, BAR = 216, 10, 10
_DIGITS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def value_text(value: float) -> str:
    """A value with three figures, as a person writes it: 0.034, 12.5, 3.1×10⁻⁶."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}×10{str(int(exponent)).translate(_DIGITS)}"


class Legend(QWidget):
    """Floats over the picture and lets the mouse through."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._drawing: MapDrawing | None = None
        self._value: float | None = None
        self._place = ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFont(scaled_font(0.88))
        self.setAccessibleName("Scale of the map")
        theme().changed.connect(self.update)
        self.hide()

    @property
    def text(self) -> str:
        """What it says: the map, the ends of the scale, and the value under the pointer."""
        if self._drawing is None:
            return ""
        low, high = map(value_text, self._drawing.limits)
        return f"{self._drawing.map.title}: from {low} to {high}{', ' if self._place else ''}{self._place}"

    def show_drawing(self, drawing: MapDrawing | None, spot: QPointF | None = None) -> None:
        """Show the scale of that map, and its value at a place on the picture.

        Args:
            spot: In the picture's pixels; None if nothing is pointed at.
        """
        self._drawing = drawing
        self._value, self._place = None, ""
        if drawing is not None and spot is not None:
            patch = drawing.patch_at(spot)
            self._value = drawing.value_at(spot)
            if self._value is not None and patch is not None:
                self._place = f"{value_text(self._value)} at patch {patch[0]}, {patch[1]}"
            elif patch is None:
                self._place = "not seen by the model"
        self.setAccessibleDescription(self.text)
        self.setVisible(drawing is not None)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 2 * PAD + 3 * self.fontMetrics().height() + BAR + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._drawing is None:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(colour("border"))
            painter.setBrush(colour("surface", 0.94))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 9, 9)
            metrics, width, line = self.fontMetrics(), self.width() - 2 * PAD, self.fontMetrics().height()
            low, high = self._drawing.limits
            painter.setPen(colour("text"))
            title = metrics.elidedText(self._drawing.map.title or "Map", Qt.TextElideMode.ElideMiddle, width)
            painter.drawText(QRectF(PAD, PAD, width, line), Qt.AlignmentFlag.AlignLeft, title)
            bar = QRectF(PAD, PAD + line + 4, width, BAR)
            self._paint_scale(painter, bar)
            ends = QRectF(PAD, bar.bottom() + 3, width, line)
            painter.setPen(colour("muted"))
            painter.drawText(ends, Qt.AlignmentFlag.AlignLeft, value_text(low))
            painter.drawText(ends, Qt.AlignmentFlag.AlignRight, value_text(high))
            painter.setPen(colour("text" if self._place else "muted"))
            below = ends.translated(0, line + 1)
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft, self._place or "Point at the picture for a value")

    def _paint_scale(self, painter: QPainter, bar: QRectF) -> None:
        """The colours, bare below the threshold, with a mark at the value under the pointer."""
        drawing = self._drawing
        assert drawing is not None
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        steps = colours_at(np.linspace(0, 1, 256, dtype=np.float32)[None], drawing.style.colours)
        image = QImage(steps.tobytes(), 256, 1, 3 * 256, QImage.Format.Format_RGB888)
        painter.drawImage(bar, image)
        if drawing.style.threshold > 0:
            bare = QRectF(bar.topLeft(), bar.bottomLeft() + QPointF(drawing.style.threshold * bar.width(), 0))
            painter.fillRect(bare, colour("surface"))
            painter.fillRect(bare, QBrush(colour("faint"), Qt.BrushStyle.BDiagPattern))
        painter.setPen(colour("muted"))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(bar)
        painter.restore()
        low, high = drawing.limits
        if self._value is not None and high > low and math.isfinite(self._value):
            x = bar.left() + min(max((self._value - low) / (high - low), 0.0), 1.0) * bar.width()
            painter.setPen(colour("surface"))
            painter.setBrush(colour("text"))
            mark = QPolygonF([QPointF(x, bar.bottom() - 4), QPointF(x - 5, bar.bottom() + 4)])
            mark.append(QPointF(x + 5, bar.bottom() + 4))
            painter.drawPolygon(mark)

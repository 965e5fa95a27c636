"""A lens over the picture that shows a map of its own."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRectF, Signal
from PySide6.QtWidgets import QFrame, QWidget

from cocadesk.gui.overlays.map_drawing import MapDrawing
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.overlays.style import FAINTEST, OPACITY_STEP, OverlayStyle


class Pin(QFrame):
    """A rectangle over the picture within which another map is shown. Made by `Pins.pin`."""

    changed = Signal()
    """Its map, style or rectangle changed."""

    removed = Signal()
    """It was taken off the picture."""

    def __init__(self, shown: OverlayMap, style: OverlayStyle, rect: QRectF, parent: QWidget) -> None:
        super().__init__(parent)
        self._drawing = MapDrawing(shown, style)
        self._rect = QRectF(rect)

    @property
    def drawing(self) -> MapDrawing:
        """What is painted within it."""
        return self._drawing

    @property
    def map(self) -> OverlayMap:
        """What it shows."""
        return self._drawing.map

    @property
    def overlay_style(self) -> OverlayStyle:
        """How it shows it."""
        return self._drawing.style

    @property
    def rect_on_picture(self) -> QRectF:
        """Where it lies, in the picture's pixels."""
        return QRectF(self._rect)

    def set_map(self, shown: OverlayMap) -> None:
        """Show another map of the same picture."""
        self._drawing = MapDrawing(shown, self._drawing.style)
        self.changed.emit()

    def set_overlay_style(self, style: OverlayStyle) -> None:
        """Show the map in another way."""
        self._drawing = MapDrawing(self._drawing.map, style)
        self.changed.emit()

    def set_rect(self, rect: QRectF) -> None:
        """Lay it over another part of the picture, in its pixels."""
        self._rect = QRectF(rect)
        self.changed.emit()

    def fade(self, steps: int) -> None:
        """Make it so many steps more opaque, or fainter if negative."""
        opacity = self.overlay_style.opacity + steps * OPACITY_STEP
        self.set_overlay_style(replace(self.overlay_style, opacity=min(max(opacity, FAINTEST), 1.0)))

    def remove(self) -> None:
        """Take it off the picture."""
        self.removed.emit()

"""The lenses that are pinned to the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, QRectF, Signal

from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.overlays.pin import Pin
from cocadesk.gui.overlays.style import OverlayStyle

if TYPE_CHECKING:
    from cocadesk.gui.canvas import Canvas

SHARE = 0.4
"""Of the picture's part on the screen that a new lens covers, across and down."""


class Pins(QObject):
    """Pins maps to the picture on the canvas, as lenses that are moved, resized, faded and removed."""

    added = Signal(object)
    """That `Pin` was pinned."""

    removed = Signal(object)
    """That `Pin` was taken off."""

    changed = Signal()
    """One was added, removed, raised or changed."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._pins: list[Pin] = []

    def __len__(self) -> int:
        return len(self._pins)

    @property
    def all(self) -> tuple[Pin, ...]:
        """Those on the picture, the topmost last."""
        return tuple(self._pins)

    def pin(self, shown: OverlayMap, style: OverlayStyle | None = None, at: QPointF | None = None) -> Pin:
        """Pin a map to the picture.

        Args:
            shown: A map of the picture on the canvas.
            style: None for the default style.
            at: Where on the picture, in its pixels, the lens has its middle; None for a free place on the screen.
        """
        seen = self._canvas.seen & self._canvas.picture_rect
        rect = QRectF(0, 0, SHARE * seen.width(), SHARE * seen.height())
        rect.moveCenter(at if at is not None else seen.center())
        pin = Pin(shown, style or OverlayStyle(), rect, self._canvas.viewport)
        pin.hide()
        self._pins.append(pin)
        pin.changed.connect(self.changed)
        pin.removed.connect(lambda: self._on_removed(pin))
        self.added.emit(pin)
        self.changed.emit()
        return pin

    def clear(self) -> None:
        """Take all off the picture."""
        for pin in self.all:
            pin.remove()

    def _on_removed(self, pin: Pin) -> None:
        if pin in self._pins:
            self._pins.remove(pin)
            pin.deleteLater()
            self.removed.emit(pin)
            self.changed.emit()

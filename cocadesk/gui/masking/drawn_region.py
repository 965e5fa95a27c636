"""A region that is being drawn: its shapes, and a picture of what they cover."""

from __future__ import annotations

from PySide6.QtGui import QImage, QPainter

from cocadesk.gui.masking.tools import draw
from cocadesk.work.regions import Region, Shape

LONGEST = 2048
"""Pixels of the longer side of what is shown; the region itself is exact, whatever the size of the picture."""


class DrawnRegion:
    """Shapes drawn one over the other, the last of which can be taken back.

    Args:
        size: Width and height of the picture in pixels.

    Attributes:
        version: Another number after every change.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.version = 0
        self._size = size
        self._steps: list[tuple[Shape, ...]] = [()]
        self._scale = min(1.0, LONGEST / max(size))
        self._image = self._blank()
        self._current: Shape | None = None

    @property
    def region(self) -> Region:
        """What was drawn so far, without the shape that is being drawn."""
        return Region(self._size, self._steps[-1])

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self._size

    @property
    def scale(self) -> float:
        """Pixels of `image` along one pixel of the picture."""
        return self._scale

    @property
    def is_empty(self) -> bool:
        """Whether nothing was drawn."""
        return not self._steps[-1]

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return len(self._steps) > 1

    @property
    def current(self) -> Shape | None:
        """The shape that is being drawn."""
        return self._current

    def image(self) -> QImage:
        """What is covered, as opacity, with the shape that is being drawn."""
        if self._current is None:
            return self._image
        shown = self._image.copy()
        self._paint(shown, (self._current,))
        return shown

    def preview(self, shape: Shape | None) -> None:
        """Show a shape that is still being drawn, or none."""
        self._current = shape
        self.version += 1

    def add(self, shape: Shape) -> None:
        """Draw that shape."""
        self._steps.append((*self._steps[-1], shape))
        self._current = None
        self._paint(self._image, (shape,))
        self.version += 1

    def clear(self) -> None:
        """Take everything away; that is a step, too."""
        if self._steps[-1]:
            self._steps.append(())
            self._redraw()

    def undo(self) -> None:
        """Take the last step back."""
        if self.can_undo:
            del self._steps[-1]
            self._redraw()

    def _redraw(self) -> None:
        self._current = None
        self._image = self._blank()
        self._paint(self._image, self._steps[-1])
        self.version += 1

    def _blank(self) -> QImage:
        width, height = (max(1, round(side * self._scale)) for side in self._size)
        image = QImage(width, height, QImage.Format.Format_Alpha8)
        image.fill(0)
        return image

    def _paint(self, image: QImage, shapes: tuple[Shape, ...]) -> None:
        with QPainter(image) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.scale(self._scale, self._scale)
            for shape in shapes:
                draw(painter, shape)

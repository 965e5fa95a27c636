"""A grid of coloured cells: layers and heads, or the patches of a picture. One cell is chosen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from cocadesk.gui.theme import colour, scaled_font, theme
from cocadesk.gui.widgets.heat import mixed

Cell = tuple[int, int]
LABEL = 26


class CellGrid(QWidget):
    """Shows values as cells from the surface's colour, for the least, to the accent's, for the greatest.

    Click, drag or use the arrow keys, Home and End to choose a cell; `describe` says what a cell is.

    Args:
        largest: Side of a cell at most, in pixels.
        labels: Whether rows and columns are numbered.
    """

    chosen = Signal(int, int)
    """Row and column of the cell that was chosen by the user."""

    def __init__(
        self,
        name: str,
        describe: Callable[[int, int], str],
        *,
        largest: int = 26,
        labels: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFont(scaled_font(0.82))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._describe = describe
        self._largest = largest
        self._labels = labels
        self._values: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._current: Cell | None = None
        theme().changed.connect(self.update)

    @property
    def current(self) -> Cell | None:
        """Row and column of the chosen cell."""
        return self._current

    def show_values(self, values: npt.NDArray[np.float32] | None) -> None:
        """Show these, (rows, columns); None for nothing."""
        before = self._values.shape
        self._values = np.zeros((0, 0), np.float32) if values is None else np.asarray(values, np.float32)
        if self._values.shape != before:
            self.updateGeometry()
        self.update()

    def show_current(self, cell: Cell | None) -> None:
        """Mark that one as chosen, without telling."""
        self._current = cell
        self.setAccessibleDescription(self._describe(*cell) if cell and self._has(cell) else "none chosen")
        self.update()

    def cell_rect(self, row: int, column: int) -> QRect:
        """Where a cell is."""
        side, margin = self._side(self.width()), self._margin
        return QRect(margin + column * side, row * side, side, side)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return len(self._values) * self._side(width) + (self.fontMetrics().height() + 2 if self._labels else 0)

    def sizeHint(self) -> QSize:
        return QSize(220, self.heightForWidth(max(self.width(), 200)))

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._values.size:
            return
        with QPainter(self) as painter:
            least, most = float(self._values.min()), float(self._values.max())
            rows, columns = self._values.shape
            for row in range(rows):
                for column in range(columns):
                    heat = 0.5 if most <= least else (float(self._values[row, column]) - least) / (most - least)
                    box = self.cell_rect(row, column)
                    painter.fillRect(box.adjusted(0, 0, -1, -1), mixed(heat))
            if self._labels:
                self._paint_labels(painter)
            if self._current is not None:
                self._paint_current(painter, self._current)

    def _paint_labels(self, painter: QPainter) -> None:
        """Every row's number, and as many of the columns' as there is room for."""
        painter.setPen(colour("muted"))
        rows, columns = self._values.shape
        side = self._side(self.width())
        high = self.fontMetrics().height()
        every = max(1, -(-high // max(side, 1)))
        for row in range(0, rows, every):
            box = self.cell_rect(row, 0)
            area = QRect(0, box.y(), self._margin - 5, box.height())
            painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(row))
        every = max(1, -(-self.fontMetrics().horizontalAdvance("00 ") // max(side, 1)))
        for column in range(0, columns, every):
            box = self.cell_rect(rows - 1, column)
            area = QRect(box.x() - side, box.bottom() + 1, 3 * side, high)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, str(column))

    def _paint_current(self, painter: QPainter, cell: Cell) -> None:
        """Mark the chosen cell; the whole row for column -1, which stands for all of them together."""
        row, column = cell
        box = self.cell_rect(row, max(column, 0))
        if column < 0:
            box.setRight(self.cell_rect(row, self._values.shape[1] - 1).right())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour("surface"), 3.5))
        painter.drawRect(QRectF(box).adjusted(0.5, 0.5, -1.5, -1.5))
        painter.setPen(QPen(colour("accent" if self.hasFocus() else "text"), 2 if self.hasFocus() else 1.5))
        painter.drawRect(QRectF(box).adjusted(0.5, 0.5, -1.5, -1.5))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self._at(event.position().toPoint()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._choose(self._at(event.position().toPoint()))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            cell = self._at(event.pos())
            if cell is not None:
                QToolTip.showText(event.globalPos(), self._describe(*cell), self)
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ways = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }
        key = Qt.Key(event.key())
        rows, columns = self._values.shape
        row, column = self._current or (0, 0)
        if key in ways and self._values.size:
            if self._current is not None:
                row, column = row + ways[key][0], column + ways[key][1]
            self._choose((min(max(row, 0), rows - 1), min(max(column, 0), columns - 1)))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and self._values.size:
            self._choose((row, 0 if key == Qt.Key.Key_Home else columns - 1))
        else:
            super().keyPressEvent(event)

    @property
    def _margin(self) -> int:
        return LABEL if self._labels else 0

    def _side(self, width: int) -> int:
        columns = max(int(self._values.shape[1]), 1)
        return max(4, min(self._largest, (width - self._margin) // columns))

    def _at(self, spot: QPoint) -> Cell | None:
        side = self._side(self.width())
        cell = (spot.y() // side, (spot.x() - self._margin) // side)
        return cell if self._has(cell) else None

    def _has(self, cell: Cell) -> bool:
        return 0 <= cell[0] < self._values.shape[0] and -1 <= cell[1] < self._values.shape[1] and cell[1] >= -1

    def _choose(self, cell: Cell | None) -> None:
        if cell is not None and cell[1] >= 0 and cell != self._current:
            self.show_current(cell)
            self.chosen.emit(*cell)

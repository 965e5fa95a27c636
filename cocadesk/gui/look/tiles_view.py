"""All layers and heads as tiles: a row for each layer, a column for each head and one for their mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QToolTip, QWidget

from cocadesk.gui.look.scene import Head, Values
from cocadesk.gui.theme import colour, scaled_font, theme
from cocadesk.media.colour_maps import colours_at

SMALLEST, LARGEST = 44, 190
GAP = 4
LEFT, TOP = 34, 24
OPACITY = 0.62

Tile = tuple[int, int]
"""Row and column: the layer, and the head or, behind the last one, the mean."""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The picture that tiles are drawn over.

    Attributes:
        image: Small.
        size: Width and height of the picture itself.
        box: Left, top, right and bottom edge of all patches, in pixels of the picture.
    """

    image: QImage
    size: tuple[int, int]
    box: tuple[float, float, float, float]


class TilesView(QAbstractScrollArea):
    """Paints the tiles that are in sight. Click one or use the arrow keys to choose it; Enter pins it; drag it away."""

    chosen = Signal(int, object)
    """A layer, and a head or "mean", that the user chose."""

    pin_asked = Signal()
    """The chosen tile is to be pinned to the picture."""

    dragged = Signal(int, object)
    """A tile's layer and head: it is being dragged away."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("All layers and heads")
        self.setFont(scaled_font(0.9))
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self._values: Values = np.zeros((0, 0, 0, 0), np.float32)
        self._pixels: npt.NDArray[np.uint32] = np.zeros((0, 0, 0, 0), np.uint32)
        self._images: list[list[QImage]] = []
        self._backdrop: Backdrop | None = None
        self._scaled: QPixmap | None = None
        self._smooth = True
        self._current: Tile | None = None
        self._pressed: tuple[Tile, QPoint] | None = None
        theme().changed.connect(self.viewport().update)

    @property
    def current(self) -> Tile | None:
        """Row and column of the chosen tile."""
        return self._current

    @property
    def values(self) -> Values:
        """What is shown, (layers, heads + 1, rows, columns)."""
        return self._values

    def show_tiles(
        self,
        values: Values,
        *,
        backdrop: Backdrop | None = None,
        colours: str = "inferno",
        one_scale: bool = False,
        smooth: bool = True,
    ) -> None:
        """Show these maps.

        Args:
            values: (layers, heads + 1, rows, columns), the mean over heads last.
            backdrop: What they are drawn over; None for the maps alone.
            one_scale: Whether the strongest colour is the same value on all tiles, not each tile's own greatest.
            smooth: Whether to go smoothly from patch to patch.
        """
        self._values = values
        self._pixels = _coloured(values, colours, one_scale=one_scale)  # the images only borrow this memory
        self._images = [[_image(tile) for tile in row] for row in self._pixels]
        self._backdrop, self._smooth, self._scaled = backdrop, smooth, None
        self._fit()
        self.viewport().update()

    def clear(self) -> None:
        """Show nothing."""
        self.show_tiles(np.zeros((0, 0, 0, 0), np.float32))
        self._current = None

    def show_current(self, layer: int, head: Head) -> None:
        """Mark that tile as chosen, without telling."""
        self._current = (layer, self._values.shape[1] - 1 if head == "mean" else head)
        self.setAccessibleDescription(self.describe(self._current))
        self.viewport().update()

    def reveal_current(self) -> None:
        """Scroll to the chosen tile."""
        if self._current is not None:
            self._bring_into_sight(self._current)

    def describe(self, tile: Tile) -> str:
        """What a user reads about a tile: its layer and head, and the greatest value."""
        layer, column = tile
        if not (0 <= layer < self._values.shape[0] and 0 <= column < self._values.shape[1]):
            return ""
        values = self._values[layer, column]
        row, place = np.unravel_index(values.argmax(), values.shape)
        head = "mean over heads" if self._head(column) == "mean" else f"head {column}"
        return f"Layer {layer}, {head}: at most {100 * float(values.max()):.1f} % (row {row}, column {place})"

    def tile_rect(self, tile: Tile) -> QRect:
        """Where a tile is in the viewport."""
        size = self._tile_size()
        x = LEFT + tile[1] * (size.width() + GAP) - self.horizontalScrollBar().value()
        y = TOP + tile[0] * (size.height() + GAP) - self.verticalScrollBar().value()
        return QRect(QPoint(x, y), size)

    def tile_image(self, tile: Tile, side: int = 96) -> QPixmap:
        """That tile alone, such as for a drag."""
        image = self._images[tile[0]][tile[1]]
        smooth = (
            Qt.TransformationMode.SmoothTransformation if self._smooth else Qt.TransformationMode.FastTransformation
        )
        return QPixmap.fromImage(image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, smooth))

    def sizeHint(self) -> QSize:
        return QSize(980, 760)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._scaled = None
        self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self.viewport()) as painter:
            layers, columns = self._values.shape[:2]
            size = self._tile_size()
            self._paint_names(painter, size)
            painter.setClipRect(self.viewport().rect().adjusted(LEFT - 2, TOP - 2, 0, 0))
            for layer in range(layers):
                if not self.viewport().rect().intersects(self._row_rect(layer, columns)):
                    continue
                for column in range(columns):
                    self._paint_tile(painter, (layer, column))
            if self._current is not None and layers:
                box = QRectF(self.tile_rect(self._current))
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(colour("surface"), 4))
                painter.drawRect(box)
                painter.setPen(QPen(colour("accent"), 2.5 if self.hasFocus() else 1.8))
                painter.drawRect(box)

    def _paint_names(self, painter: QPainter, size: QSize) -> None:
        layers, columns = self._values.shape[:2]
        painter.setPen(colour("muted"))
        for column in range(columns):
            box = self.tile_rect((0, column))
            area = QRect(box.x(), 0, size.width(), TOP - 4)
            name = "mean" if self._head(column) == "mean" else str(column)
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, name)
        for layer in range(layers):
            box = self.tile_rect((layer, 0))
            area = QRect(0, box.y(), LEFT - 8, size.height())
            if area.bottom() > TOP:
                painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(layer))

    def _paint_tile(self, painter: QPainter, tile: Tile) -> None:
        box, image = self.tile_rect(tile), self._images[tile[0]][tile[1]]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth)
        backdrop = self._backdrop
        if backdrop is None:
            painter.drawImage(box, image)
            return
        if self._scaled is None:
            self._scaled = QPixmap.fromImage(
                backdrop.image.scaled(
                    box.size(), Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
                )
            )
        painter.drawPixmap(box, self._scaled)
        across, down = box.width() / backdrop.size[0], box.height() / backdrop.size[1]
        left, top, right, bottom = backdrop.box
        target = QRectF(box.x() + left * across, box.y() + top * down, (right - left) * across, (bottom - top) * down)
        painter.save()
        painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
        painter.setOpacity(OPACITY)
        painter.drawImage(target, image)
        painter.restore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        tile = self._at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and tile is not None:
            self._pressed = (tile, event.position().toPoint())
            self._choose(tile)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            tile, begun = self._pressed
            if (event.position().toPoint() - begun).manhattanLength() >= QApplication.startDragDistance():
                self._pressed = None
                self.dragged.emit(tile[0], self._head(tile[1]))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pressed = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._at(event.position().toPoint()) is not None:
            self.pin_asked.emit()

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            tile = self._at(event.pos())
            if tile is not None:
                QToolTip.showText(event.globalPos(), self.describe(tile), self.viewport())
                return True
        return super().viewportEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ways = {
            Qt.Key.Key_Left: (0, -1),
            Qt.Key.Key_Right: (0, 1),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
            Qt.Key.Key_Home: (0, -999),
            Qt.Key.Key_End: (0, 999),
        }
        key = Qt.Key(event.key())
        layers, columns = self._values.shape[:2]
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and layers:
            self.pin_asked.emit()
        elif key in ways and layers:
            row, column = self._current or (0, 0)
            down, across = ways[key]
            tile = (min(max(row + down, 0), layers - 1), min(max(column + across, 0), columns - 1))
            self._choose(tile)
            self._bring_into_sight(tile)
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def _choose(self, tile: Tile) -> None:
        if tile != self._current:
            self.show_current(tile[0], self._head(tile[1]))
            self.chosen.emit(tile[0], self._head(tile[1]))

    def _bring_into_sight(self, tile: Tile) -> None:
        box, view = self.tile_rect(tile), self.viewport().rect()
        for bar, least, most, begin, end in (
            (self.verticalScrollBar(), box.top(), box.bottom(), TOP, view.bottom()),
            (self.horizontalScrollBar(), box.left(), box.right(), LEFT, view.right()),
        ):
            if least < begin:
                bar.setValue(bar.value() - (begin - least))
            elif most > end:
                bar.setValue(bar.value() + most - end)

    def _head(self, column: int) -> Head:
        return "mean" if column == self._values.shape[1] - 1 else column

    def _at(self, spot: QPoint) -> Tile | None:
        layers, columns = self._values.shape[:2]
        if spot.x() < LEFT or spot.y() < TOP or not layers:
            return None
        size = self._tile_size()
        row, in_row = divmod(spot.y() - TOP + self.verticalScrollBar().value(), size.height() + GAP)
        column, in_column = divmod(spot.x() - LEFT + self.horizontalScrollBar().value(), size.width() + GAP)
        inside = row < layers and column < columns and in_row < size.height() and in_column < size.width()
        return (row, column) if inside else None

    def _tile_size(self) -> QSize:
        columns = max(self._values.shape[1], 1)
        wide = (self.viewport().width() - LEFT - GAP) // columns - GAP
        wide = min(max(wide, SMALLEST), LARGEST)
        if self._backdrop is not None:
            width, height = self._backdrop.size
        else:
            height, width = (max(side, 1) for side in self._values.shape[2:])
        return QSize(wide, round(wide * min(max(height / width, 0.4), 1.6)))

    def _row_rect(self, layer: int, columns: int) -> QRect:
        return self.tile_rect((layer, 0)).united(self.tile_rect((layer, columns - 1)))

    def _fit(self) -> None:
        size, (layers, columns) = self._tile_size(), self._values.shape[:2]
        view = self.viewport().size()
        down, across = self.verticalScrollBar(), self.horizontalScrollBar()
        down.setRange(0, max(0, TOP + layers * (size.height() + GAP) - view.height()))
        down.setPageStep(view.height())
        down.setSingleStep(size.height() + GAP)
        across.setRange(0, max(0, LEFT + columns * (size.width() + GAP) - view.width()))
        across.setPageStep(view.width())


def _coloured(values: Values, colours: str, *, one_scale: bool) -> npt.NDArray[np.uint32]:
    """Each value's colour as Qt's RGB32, all tiles at once: (layers, columns, rows, columns) of 0xffRRGGBB."""
    if not values.size:
        return np.zeros(values.shape, np.uint32)
    axes = None if one_scale else (-2, -1)
    least, most = values.min(axes, keepdims=True), values.max(axes, keepdims=True)
    places = (values - least) * ((len(_table(colours)) - 1) / np.where(most > least, most - least, np.float32(1)))
    return np.asarray(_table(colours)[np.rint(places).astype(np.intp)])


@cache
def _table(colours: str) -> npt.NDArray[np.uint32]:
    """256 colours of a map: for half a million values this is ten times faster than to mix each one's."""
    found = colours_at(np.linspace(0, 1, 256), colours).astype(np.uint32)
    return np.asarray(0xFF000000 | found[:, 0] << 16 | found[:, 1] << 8 | found[:, 2], np.uint32)


def _image(pixels: npt.NDArray[np.uint32]) -> QImage:
    rows, columns = pixels.shape
    return QImage(pixels.data, columns, rows, 4 * columns, QImage.Format.Format_RGB32)

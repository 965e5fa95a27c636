"""The model as a map: each array an area as large as its share of the parameters."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from cocadesk.gui.net_info.item_models import share_text
from cocadesk.gui.net_info.squarify import Box, squarify
from cocadesk.gui.net_info.tree import Node
from cocadesk.gui.theme import colour, scaled_font, theme

HEADER = 17
HEADER_FROM = (60, 60)
LABEL_FROM = (40, 15)
ROOM_TO_FRAME = 14
SHADES = (0.0, 0.09, 0.18)


@dataclass(frozen=True, slots=True)
class Cell:
    """Where a node is drawn.

    Attributes:
        heading: What stands above what a module holds; empty for an array, or where there is no room.
        fill: Numbers of its colour and shade.
    """

    node: Node
    box: QRectF
    heading: str
    fill: tuple[int, int]


class Treemap(QWidget):
    """Hovering tells what is below the pointer; a click selects it, as do the arrow keys.

    Right and left go to the next module or array beside it, down into a module and up out of it.
    """

    node_chosen = Signal(object)
    """The `Node` that the user selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Treemap of the arrays")
        self._root = Node("", "")
        self._cells: list[Cell] = []
        self._drawn: QPixmap | None = None
        self._hovered: Node | None = None
        self._selected: Node | None = None
        theme().changed.connect(self._redraw)

    @property
    def cells(self) -> list[Cell]:
        """What is drawn where; modules come before what they hold."""
        return self._cells

    @property
    def selected(self) -> Node | None:
        return self._selected

    def show_tree(self, root: Node) -> None:
        """Show that model."""
        self._root = root
        self._hovered = self._selected = None
        self._place()

    def select(self, node: Node | None) -> None:
        """Mark that node."""
        self._selected = node
        self.setAccessibleDescription(describe(node, self._root) if node else "")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(420, 420)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 160)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._drawn is None:
            self._drawn = self._draw()
        with QPainter(self) as painter:
            painter.drawPixmap(0, 0, self._drawn)
            for node, tone, width in ((self._hovered, "muted", 1.5), (self._selected, "text", 2.5)):
                box = self._box_of(node)
                if box is not None:
                    painter.setPen(QPen(colour(tone), width, j=Qt.PenJoinStyle.MiterJoin))
                    painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
            if self.hasFocus():
                painter.setPen(QPen(colour("accent"), 2))
                painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self._node_at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        node = self._node_at(event.position().toPoint())
        if node is not None:
            self._choose(node)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        here = self._selected or self._root
        beside = _ordered(here.parent) if here.parent else [here]
        place = beside.index(here)
        target = {
            Qt.Key.Key_Left: beside[place - 1] if place > 0 else None,
            Qt.Key.Key_Right: beside[place + 1] if place + 1 < len(beside) else None,
            Qt.Key.Key_Up: here.parent,
            Qt.Key.Key_Down: next(iter(_ordered(here)), None),
        }.get(key, here)
        if target is here:
            super().keyPressEvent(event)
        elif target is not None and target is not self._root:
            self._choose(target)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            node = self._node_at(event.pos())
            QToolTip.showText(event.globalPos(), describe(node, self._root) if node else "", self)
            return True
        return super().event(event)

    def _choose(self, node: Node) -> None:
        self.select(node)
        self.node_chosen.emit(node)

    def _hover(self, node: Node | None) -> None:
        if node is not self._hovered:
            self._hovered = node
            self.update()

    def _node_at(self, where: QPoint) -> Node | None:
        inside = [cell.node for cell in self._cells if cell.box.contains(where.toPointF())]
        return inside[-1] if inside else None

    def _box_of(self, node: Node | None) -> QRectF | None:
        return next((cell.box for cell in self._cells if cell.node is node), None) if node else None

    def _place(self) -> None:
        self._cells = []
        self._divide(self._root, QRectF(self.rect()), _fills(self._root), (0, 0))
        self._redraw()

    def _divide(self, node: Node, box: QRectF, fills: dict[Node, tuple[int, int]], fill: tuple[int, int]) -> None:
        children = _ordered(node)
        boxes = squarify([child.parameters for child in children], Box(box.x(), box.y(), box.width(), box.height()))
        for child, part in zip(children, boxes, strict=True):
            area = QRectF(part.x, part.y, part.width, part.height)
            chain = _chain(child)
            is_roomy = area.width() >= HEADER_FROM[0] and area.height() >= HEADER_FROM[1]
            heading = ".".join(link.name for link in chain) if is_roomy and child.children else ""
            for link in chain:
                fill_here = fills.get(link, fills.get(child, fill))
                self._cells.append(Cell(link, area, heading if link is child else "", fill_here))
            if heading:
                area = area.adjusted(2, HEADER, -2, -2)
            elif min(area.width(), area.height()) >= ROOM_TO_FRAME:
                area = area.adjusted(0, 0, -1, -1)
            self._divide(chain[-1], area, fills, fill_here)

    def _redraw(self) -> None:
        self._drawn = None
        self.update()

    def _draw(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(self.size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(colour("surface"))
        with QPainter(pixmap) as painter:
            painter.setPen(Qt.PenStyle.NoPen)
            for cell in self._cells:
                if cell.heading:
                    painter.fillRect(_aligned(cell.box), colour("sunken"))
                elif cell.node.array is not None:
                    painter.fillRect(_aligned(cell.box), _paint(*cell.fill))
            for cell in self._cells:
                if cell.heading or cell.node.array is not None:
                    _label(painter, cell)
        return pixmap


def describe(node: Node, root: Node) -> str:
    """A node in one line: name, shape, count and share."""
    below = node.shape or (f"{node.arrays:,} arrays" if node.arrays > 1 else "1 array")
    parts = (node.path or "The whole model", below, f"{node.parameters:,} parameters")
    return " · ".join((*parts, share_text(node.parameters / max(root.parameters, 1))))


def _ordered(node: Node) -> list[Node]:
    """What is drawn inside a node, the largest first."""
    return sorted((child for child in node.children if child.parameters), key=lambda child: -child.parameters)


def _fills(root: Node) -> dict[Node, tuple[int, int]]:
    """A colour for each of the model's large parts, and a shade for each part of those."""
    parts = root.children
    while len(parts) == 1 and parts[0].children:
        parts = parts[0].children
    fills = {part: (number, 0) for number, part in enumerate(parts)}
    for number, part in enumerate(parts):
        blocks = part.children
        while len(blocks) == 1 and blocks[0].children:
            blocks = blocks[0].children
        fills |= {block: (number, place % len(SHADES)) for place, block in enumerate(blocks)}
    return fills


def _chain(node: Node) -> list[Node]:
    """The node, and what it holds for as long as that is one module: they are drawn as one."""
    chain = [node]
    while len(chain[-1].children) == 1 and chain[-1].children[0].children:
        chain.append(chain[-1].children[0])
    return chain


def _aligned(box: QRectF) -> QRect:
    """Whole pixels, with a gap of one to the right and below."""
    left, top, right, bottom = round(box.left()), round(box.top()), round(box.right()), round(box.bottom())
    return QRect(left, top, max(1, right - left - 1), max(1, bottom - top - 1))


def _paint(number: int, shade: int) -> QColor:
    series = theme().colours.series
    fill = QColor(series[number % len(series)])
    towards = colour("surface")
    amount = SHADES[shade] * 2.2
    return QColor.fromRgbF(
        fill.redF() + (towards.redF() - fill.redF()) * amount,
        fill.greenF() + (towards.greenF() - fill.greenF()) * amount,
        fill.blueF() + (towards.blueF() - fill.blueF()) * amount,
    )


def _label(painter: QPainter, cell: Cell) -> None:
    area = cell.box.adjusted(5, 1, -4, -1)
    if cell.heading:
        area.setHeight(HEADER)
    elif area.width() < LABEL_FROM[0] or area.height() < LABEL_FROM[1]:
        return
    painter.setPen(colour("text"))
    painter.setFont(scaled_font(0.82, QFont.Weight.DemiBold if cell.heading else QFont.Weight.Normal))
    text = painter.fontMetrics().elidedText(
        cell.heading or cell.node.name, Qt.TextElideMode.ElideRight, int(area.width())
    )
    where = Qt.AlignmentFlag.AlignLeft | (
        Qt.AlignmentFlag.AlignVCenter if cell.heading or area.height() < 40 else Qt.AlignmentFlag.AlignTop
    )
    painter.drawText(area, where, text)

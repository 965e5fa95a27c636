"""The region over the picture: shown as a hatch, drawn with the mouse or with the keyboard."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QEnterEvent,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QTransform,
)
from PySide6.QtWidgets import QWidget

from cocadesk.gui.canvas import Canvas
from cocadesk.gui.masking.drawn_region import DrawnRegion
from cocadesk.gui.masking.tools import Tool, outline, shape_of
from cocadesk.gui.theme import colour, theme

BRUSH_SHARE = 0.04
"""Radius of a new brush, of the picture's longer side."""
SMALLEST_BRUSH, LARGEST_BRUSH = 0.004, 0.25
KEY_STEP, FINE_STEP = 0.03, 0.004
"""How far an arrow key takes the pen, of what is seen of the picture; with Shift."""
CROSS = 9
HATCH = 9
"""Pixels of the screen between the lines of the hatch."""


class MaskLayer(QWidget):
    """Lies over the canvas. While a tool is taken up, dragging draws; the wheel and the middle button still move the
    picture. With the keyboard the arrow keys move a pen, Space sets it down and lifts it, Escape puts the tool away.

    Attributes:
        tool: What dragging does; None while no tool is taken up.
        region: What is drawn; None where there is no picture to draw on.
        brush: Radius of brush and eraser, of the picture's longer side.
    """

    changed = Signal()
    """The region changed."""

    tool_changed = Signal()
    """`tool` or `brush` changed."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas.viewport)
        self.setAccessibleName("Region")
        self.setAccessibleDescription(
            "The arrow keys move the pen, with Shift by little. Space sets it down and lifts it. Escape puts it away."
        )
        self._canvas = canvas
        self.tool: Tool | None = None
        self.region: DrawnRegion | None = None
        self.brush = BRUSH_SHARE
        self._places: list[QPointF] = []
        self._pen: QPointF | None = None
        self._pointer: QPointF | None = None
        self._grasped: QPointF | None = None
        self._hatched: tuple[object, QImage, QRect] | None = None
        self.setMouseTracking(True)
        self._take_input(False)
        self.setGeometry(canvas.viewport.rect())
        self.hide()
        canvas.viewport.installEventFilter(self)
        canvas.zoom_changed.connect(lambda _: self.update())
        theme().changed.connect(self.update)

    def show_region(self, region: DrawnRegion | None) -> None:
        """Show that region, to be drawn on."""
        if region is not self.region:
            self._lift()
            self.region = region
            self._pen = None
            self._hatched = None
            self.update()

    def take(self, tool: Tool | None) -> None:
        """Take up a tool, or put it away. The canvas has the focus then, so that the keyboard draws at once."""
        if tool is not self.tool:
            self._lift()
            self.tool = tool
            self._pen = None
            self._take_input(tool is not None)
            self.tool_changed.emit()
        if tool is not None:
            self.raise_()
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        elif self.hasFocus() and (view := self._canvas.viewport.parentWidget()) is not None:
            view.setFocus(Qt.FocusReason.OtherFocusReason)
        self._show_cursor()
        self.update()

    def set_brush(self, share: float) -> None:
        """Make brush and eraser that large, of the picture's longer side."""
        share = min(max(share, SMALLEST_BRUSH), LARGEST_BRUSH)
        if share != self.brush:
            self.brush = share
            self.tool_changed.emit()
            self.update()

    def undo(self) -> None:
        """Take the last step back."""
        if self.region is not None:
            self.region.undo()
            self._tell()

    def clear(self) -> None:
        """Take the whole region away."""
        if self.region is not None:
            self.region.clear()
            self._tell()

    @property
    def radius(self) -> float:
        """Of brush and eraser, in picture pixels."""
        return self.brush * max(self.region.size) if self.region else 0.0

    # The mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.MiddleButton:
            self._grasped = self._canvas.to_picture(event.position())
            self._show_cursor()
            return
        if self.tool is None or self.region is None or event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._pen = None
        self._places = [self._canvas.to_picture(event.position())]
        self._preview()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        if self._grasped is not None and event.buttons() & Qt.MouseButton.MiddleButton:
            moved = self._canvas.to_picture(event.position()) - self._grasped
            self._canvas.see(self._canvas.seen.translated(-moved))
        elif self._places and event.buttons() & Qt.MouseButton.LeftButton:
            self._go_to(self._canvas.to_picture(event.position()))
        else:
            event.ignore()
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.MiddleButton:
            self._grasped = None
            self._show_cursor()
        elif self._places and event.button() == Qt.MouseButton.LeftButton:
            self._finish()
        else:
            event.ignore()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._pointer = event.position()
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._pointer = None
        self.update()

    # The keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        ways = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        key, shift = Qt.Key(event.key()), Qt.KeyboardModifier.ShiftModifier
        plain = not event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | shift)
        if key == Qt.Key.Key_Escape:
            if self._places:
                self._lift()
            else:
                self.take(None)
        elif key in ways and plain and self.region is not None:
            self._move_pen(*ways[key], FINE_STEP if event.modifiers() & shift else KEY_STEP)
        elif key == Qt.Key.Key_Space and plain and self.region is not None:
            if not event.isAutoRepeat():
                self._set_down_or_lift()
        elif event.text() in ("[", "]"):
            self.set_brush(self.brush * (1.25 if event.text() == "]" else 0.8))
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def _move_pen(self, across: int, down: int, share: float) -> None:
        seen = self._canvas.seen & self._canvas.picture_rect
        pen = self._pen if self._pen is not None else seen.center()
        step = share * max(seen.width(), seen.height())
        whole = self._canvas.picture_rect
        pen = QPointF(
            min(max(pen.x() + across * step, whole.left()), whole.right()),
            min(max(pen.y() + down * step, whole.top()), whole.bottom()),
        )
        self._pen = pen
        if self._places:
            self._go_to(pen)
        self.update()

    def _set_down_or_lift(self) -> None:
        if self._places:
            self._finish()
        else:
            if self._pen is None:
                self._pen = (self._canvas.seen & self._canvas.picture_rect).center()
            self._places = [self._pen]
            self._preview()

    # Drawing

    def _go_to(self, place: QPointF) -> None:
        self._places.append(place)
        self._preview()

    def _preview(self) -> None:
        if self.region is not None and self.tool is not None:
            self.region.preview(shape_of(self.tool, self._places, self.radius))
            self.update()

    def _finish(self) -> None:
        places, self._places = self._places, []
        shape = shape_of(self.tool, places, self.radius) if self.tool is not None else None
        if self.region is None:
            return
        if shape is None:
            self.region.preview(None)
        else:
            self.region.add(shape)
        self._tell()

    def _lift(self) -> None:
        """Forget what is being drawn."""
        self._places = []
        if self.region is not None and self.region.current is not None:
            self.region.preview(None)
        self.update()

    def _tell(self) -> None:
        self.update()
        self.changed.emit()

    def _take_input(self, taken: bool) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not taken)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if taken else Qt.FocusPolicy.NoFocus)

    def _show_cursor(self) -> None:
        shape = Qt.CursorShape.BlankCursor if self.tool in (Tool.BRUSH, Tool.ERASER) else Qt.CursorShape.CrossCursor
        self.setCursor(Qt.CursorShape.ClosedHandCursor if self._grasped is not None else shape)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.setGeometry(self._canvas.viewport.rect())
        return False

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.region is None or self._canvas.is_empty:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            plane = self._canvas.plane
            hatched = self._hatch(self.region, plane)
            if hatched is not None:
                painter.drawImage(hatched[1], hatched[0])
            current = self.region.current
            if current is not None and current.kind != "brush":
                painter.setBrush(Qt.BrushStyle.NoBrush)
                for tint, width in ((QColor(0, 0, 0, 150), 3.0), (QColor(255, 255, 255), 1.2)):
                    painter.setPen(QPen(tint, width))
                    painter.drawPath(plane.map(outline(current)))
            self._paint_pen(painter, plane)

    def _hatch(self, region: DrawnRegion, plane: QTransform) -> tuple[QImage, QRect] | None:
        """Lines over what is covered and on the screen, and where they belong; kept until something changes."""
        ratio = self.devicePixelRatioF()
        key = (region.version, plane, self.size(), ratio, theme().colours.is_dark)
        if self._hatched is not None and self._hatched[0] == key:
            return self._hatched[1], self._hatched[2]
        if region.is_empty and region.current is None:
            return None
        whole = QRectF(0, 0, *region.size)
        area = plane.mapRect(whole).toAlignedRect() & self.rect()
        if area.isEmpty():
            return None
        image = QImage(area.size() * ratio, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(ratio)
        image.fill(QColor(12, 14, 16, 150))
        with QPainter(image) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrushOrigin(-area.topLeft())
            painter.setPen(QPen(QColor(255, 255, 255, 170), 1.4))
            across, down = area.width(), area.height()
            start = (area.x() + area.y()) % HATCH  # the lines stay where they are while the picture is moved
            for place in range(-start, across + down, HATCH):
                painter.drawLine(QPointF(place, 0), QPointF(place - down, down))
            painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_DestinationIn)
            painter.drawImage(QPointF(0, 0), _covering(region, plane.mapRect(whole).translated(-area.topLeft()), image))
        self._hatched = (key, image, area)
        return image, area

    def _paint_pen(self, painter: QPainter, plane: QTransform) -> None:
        """Where the tool is: the brush as a circle, the keyboard's pen as a cross."""
        if self.tool is None or self._grasped is not None:
            return
        with_keys = self._pen is not None and self.hasFocus()
        spot = plane.map(self._pen) if with_keys and self._pen is not None else self._pointer
        if spot is None:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for tint, width in ((QColor(0, 0, 0, 170), 3.0), (QColor(255, 255, 255), 1.4)):
            painter.setPen(QPen(tint, width))
            if self.tool in (Tool.BRUSH, Tool.ERASER):
                radius = self.radius * abs(plane.m11())
                painter.drawEllipse(spot, radius, radius)
            if with_keys:
                painter.drawLine(spot + QPointF(-CROSS, 0), spot + QPointF(CROSS, 0))
                painter.drawLine(spot + QPointF(0, -CROSS), spot + QPointF(0, CROSS))
        if with_keys and self._places:
            painter.setBrush(QBrush(colour("accent")))
            painter.drawEllipse(spot, 4, 4)


def _covering(region: DrawnRegion, target: QRectF, like: QImage) -> QImage:
    """What is covered, as opacity, drawn at a place of an image of the same size; nothing beside it."""
    cover = QImage(like.size(), QImage.Format.Format_ARGB32_Premultiplied)
    cover.setDevicePixelRatio(like.devicePixelRatio())
    cover.fill(Qt.GlobalColor.transparent)
    with QPainter(cover) as painter:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        covered = region.image()
        painter.drawImage(target, covered, QRectF(covered.rect()))
    return cover

"""A lens over the picture that shows a map of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QContextMenuEvent,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QMenu

from cocadesk.gui.overlays.map_drawing import MapDrawing
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.overlays.pin_bar import PinBar
from cocadesk.gui.overlays.style import FAINTEST, OPACITY_STEP, OverlayStyle
from cocadesk.gui.theme import colour, theme
from cocadesk.gui.widgets.naming import named

if TYPE_CHECKING:
    from cocadesk.gui.canvas import Canvas

SMALLEST = QSize(72, 40)
"""Of a lens on the screen, in pixels."""
RIM = 6
"""Pixels on either side of a lens's edge where it can be taken to resize it."""
STEP = 8
"""Screen pixels that an arrow key moves or resizes by."""
WHEEL_STEP = 120

_CURSORS = {
    (-1, -1): Qt.CursorShape.SizeFDiagCursor,
    (1, 1): Qt.CursorShape.SizeFDiagCursor,
    (-1, 1): Qt.CursorShape.SizeBDiagCursor,
    (1, -1): Qt.CursorShape.SizeBDiagCursor,
    (-1, 0): Qt.CursorShape.SizeHorCursor,
    (1, 0): Qt.CursorShape.SizeHorCursor,
    (0, -1): Qt.CursorShape.SizeVerCursor,
    (0, 1): Qt.CursorShape.SizeVerCursor,
    (0, 0): Qt.CursorShape.SizeAllCursor,
}
_WAYS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_CTRL = Qt.KeyboardModifier.ControlModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier

Edges = tuple[int, int]
"""Which edges are taken, across and down: -1 the first, 1 the last, 0 none; (0, 0) moves the whole."""


class Pin(QFrame):
    """A rectangle over the picture within which another map is shown. Made by `Pins.pin`.

    Dragging moves it, dragging an edge or a corner resizes it, Ctrl and the wheel fade it, the title's grip carries it
    away; all but the last can be done with keys, too, and the menu lists them.

    Attributes:
        can_save: Whether `save_asked` leads to a file.
    """

    changed = Signal()
    """Its map, style or rectangle changed."""

    taken = Signal()
    """It was clicked or focused: bring it to the front."""

    left = Signal()
    """The user is done with it: give the keyboard back to the picture."""

    removed = Signal()
    """It is to be taken off the picture."""

    copy_asked = Signal()
    """The picture with it is to be put on the clipboard."""

    save_asked = Signal()
    """The picture with it is to be written to a file."""

    carried = Signal()
    """It is being dragged away by its grip."""

    moved_to = Signal(QPointF)
    """A drag ended with the pointer at that place of the viewport."""

    def __init__(self, shown: OverlayMap, style: OverlayStyle, rect: QRectF, canvas: Canvas) -> None:
        super().__init__(canvas.viewport)
        self._canvas = canvas
        self._drawing = MapDrawing(shown, style)
        self._rect = QRectF(rect)
        self._edges: Edges | None = None
        self._from = QPointF(), QRectF()
        self._turned = 0
        self.can_save = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.bar = PinBar(self)
        self.bar.dismiss.clicked.connect(self.remove)
        self.bar.opacity.valueChanged.connect(lambda percent: self.set_opacity(percent / 100))
        theme().changed.connect(self.update)
        self._describe()

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
        self._describe()
        self.changed.emit()

    def set_overlay_style(self, style: OverlayStyle) -> None:
        """Show the map in another way."""
        if style != self._drawing.style:
            self._drawing = MapDrawing(self._drawing.map, style)
            self._describe()
            self.changed.emit()

    def set_opacity(self, opacity: float) -> None:
        """Fade it; it never becomes invisible."""
        self.set_overlay_style(replace(self.overlay_style, opacity=round(min(max(opacity, FAINTEST), 1.0), 3)))

    def fade(self, steps: int) -> None:
        """Make it so many steps more opaque, or fainter if negative."""
        self.set_opacity(self.overlay_style.opacity + steps * OPACITY_STEP)

    def set_rect(self, rect: QRectF) -> None:
        """Lay it over another part of the picture, in its pixels; its middle stays on the picture."""
        picture = self._canvas.picture_rect
        middle = rect.center()
        moved = QRectF(rect)
        moved.moveCenter(
            QPointF(
                min(max(middle.x(), picture.left()), picture.right()),
                min(max(middle.y(), picture.top()), picture.bottom()),
            )
        )
        self._rect = moved
        self.place()
        self.changed.emit()

    def remove(self) -> None:
        """Take it off the picture."""
        self.removed.emit()

    def place(self) -> None:
        """Bring the widget to where the lens is on the screen; what lies beyond the screen is left out."""
        viewport = QRectF(self._canvas.viewport.rect())
        lens = self._on_screen()
        shown = lens & viewport.adjusted(-2 * RIM, -2 * RIM, 2 * RIM, 2 * RIM)
        if shown.isEmpty():
            self.hide()
            return
        bar = self._bar_on_screen(shown & viewport if shown.intersects(viewport) else shown)
        whole = shown.adjusted(-RIM, -RIM, RIM, RIM).toAlignedRect() | bar
        self.setGeometry(whole)
        self.bar.setGeometry(bar.translated(-whole.topLeft()))
        self.show()
        self.update()

    @property
    def area(self) -> QRegion:
        """What it covers of the viewport, its frame and its bar included."""
        if self.isHidden():
            return QRegion()
        frame = self._on_screen().adjusted(-2, -2, 2, 2).toAlignedRect()
        return QRegion(frame) + QRegion(self.bar.geometry().translated(self.pos()))

    def cover(self, above: QRegion) -> None:
        """Show nothing of it in that region of the viewport, where others lie on top."""
        here = QRegion(self.geometry())
        if here.intersects(above):
            self.setMask((here - above).translated(-self.pos()))
        else:
            self.clearMask()

    def hit(self, spot: QPointF) -> Edges | None:
        """What is at a place on the widget: edges to resize by, (0, 0) for its inside or its bar; None beside both."""
        if QRectF(self.bar.geometry()).contains(spot):
            return (0, 0)
        lens = self._lens()
        if not lens.adjusted(-RIM, -RIM, RIM, RIM).contains(spot):
            return None
        x, y = spot.x(), spot.y()
        across = -1 if x <= lens.left() + RIM else 1 if x >= lens.right() - RIM else 0
        down = -1 if y <= lens.top() + RIM else 1 if y >= lens.bottom() - RIM else 0
        return across, down

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        edges = self.hit(event.position())
        if event.button() != Qt.MouseButton.LeftButton or edges is None:
            event.ignore()  # what is not the lens's goes to the picture below
            return
        self.taken.emit()
        self._edges = edges
        self._from = event.position() + QPointF(self.pos()), QRectF(self._rect)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._edges is None:
            edges = self.hit(event.position())
            self.setCursor(_CURSORS[edges] if edges is not None else Qt.CursorShape.ArrowCursor)
            event.ignore()  # so that the canvas tells the place under the pointer
            return
        begin, rect = self._from
        now = event.position() + QPointF(self.pos())
        if self._edges == (0, 0) and self._grips(begin - QPointF(self.pos())):
            if (now - begin).manhattanLength() >= QApplication.startDragDistance():
                self._edges = None
                self.carried.emit()
            return
        moved = self._canvas.to_picture(now) - self._canvas.to_picture(begin)
        self._drag(rect, self._edges, moved)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._edges is None:
            event.ignore()
        elif event.button() == Qt.MouseButton.LeftButton:
            self._edges = None
            self.moved_to.emit(event.position() + QPointF(self.pos()))
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not event.modifiers() & _CTRL:
            event.ignore()  # the wheel alone zooms the picture
            return
        self._turned += event.angleDelta().y()
        steps = int(self._turned / WHEEL_STEP)
        self._turned -= steps * WHEEL_STEP
        if steps:
            self.fade(steps)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.taken.emit()
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    # Keyboard

    def event(self, event: QEvent) -> bool:
        """Keys of a lens win over the window's shortcuts while it has the keyboard."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and self._takes(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._takes(event):
            super().keyPressEvent(event)
            return
        key, held = Qt.Key(event.key()), _held(event)
        if key in _WAYS and held == _CTRL:
            self.fade(-_WAYS[key][1])
        elif key in _WAYS:
            self._step(_WAYS[key], resize=held == _SHIFT)
        elif held == _CTRL:
            (self.copy_asked if key == Qt.Key.Key_C else self.save_asked).emit()
        elif key == Qt.Key.Key_Escape:
            self.left.emit()
        elif key == Qt.Key.Key_Menu:
            self._pop_menu()
        else:
            self.remove()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.taken.emit()
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def menu(self) -> QMenu:
        """All that can be done with it, with the keys."""
        menu = QMenu(self)
        for text, key, what in (
            ("More opaque", "Ctrl+Up", lambda: self.fade(1)),
            ("Fainter", "Ctrl+Down", lambda: self.fade(-1)),
            ("", "", None),
            ("Copy the picture with it", "Ctrl+C", self.copy_asked.emit),
            ("Save the picture with it…", "Ctrl+S", self.save_asked.emit),
            ("", "", None),
            ("Remove", "Del", self.remove),
        ):
            if what is None:
                menu.addSeparator()
            else:
                action = menu.addAction(f"{text}\t{key}")
                action.setEnabled(self.can_save or key != "Ctrl+S")
                action.triggered.connect(lambda _=False, what=what: what())
        menu.addSeparator()
        menu.addAction("Move: arrow keys · Resize: Shift and arrow keys").setEnabled(False)
        return menu

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            lens = self._lens()
            chosen = self.hasFocus() or self._edges is not None
            # A dark line within a light one stands out on every picture.
            painter.setPen(QPen(colour("accent"), 3) if chosen else QPen(Qt.GlobalColor.white, 2))
            painter.drawRect(lens)
            painter.setPen(QPen(Qt.GlobalColor.black, 1))
            painter.drawRect(lens.adjusted(1.5, 1.5, -1.5, -1.5))
            if chosen:
                painter.setPen(QPen(colour("accent"), 1))
                painter.setBrush(colour("surface"))
                for x in (lens.left(), lens.center().x(), lens.right()):
                    for y in (lens.top(), lens.center().y(), lens.bottom()):
                        if QPointF(x, y) != lens.center():
                            painter.drawRect(QRectF(x - 3, y - 3, 6, 6))

    def closeEvent(self, event: QCloseEvent) -> None:
        event.ignore()

    def _on_screen(self) -> QRectF:
        return self._canvas.plane.mapRect(self._rect)

    def _lens(self) -> QRectF:
        """Where it lies on the widget."""
        return self._on_screen().translated(-QPointF(self.pos()))

    def _bar_on_screen(self, seen: QRectF) -> QRect:
        """Where the bar lies on the viewport: above what is seen of the lens, and in reach as a whole."""
        viewport = self._canvas.viewport.rect()
        width, height = max(round(seen.width()), SMALLEST.width()), self.bar.sizeHint().height()
        left = min(round(seen.left()), viewport.width() - width)
        top = round(max(seen.top() - RIM - height, 0.0))  # above the screen it would be out of reach
        return QRect(max(left, 0), top, width, height)

    def _grips(self, spot: QPointF) -> bool:
        return QRect(self.bar.pos() + self.bar.grip.pos(), self.bar.grip.size()).contains(spot.toPoint())

    def _drag(self, rect: QRectF, edges: Edges, by: QPointF) -> None:
        """Move edges of a rectangle, or all of it, by so many of the picture's pixels; it stays large enough."""
        if edges == (0, 0):
            self.set_rect(rect.translated(by))
            return
        scale = self._canvas.plane
        least = SMALLEST.width() / abs(scale.m11()), SMALLEST.height() / abs(scale.m22())
        moved = QRectF(rect)
        if edges[0] < 0:
            moved.setLeft(min(rect.left() + by.x(), rect.right() - least[0]))
        elif edges[0] > 0:
            moved.setRight(max(rect.right() + by.x(), rect.left() + least[0]))
        if edges[1] < 0:
            moved.setTop(min(rect.top() + by.y(), rect.bottom() - least[1]))
        elif edges[1] > 0:
            moved.setBottom(max(rect.bottom() + by.y(), rect.top() + least[1]))
        if self._canvas.picture_rect.contains(moved.center()):
            self.set_rect(moved)

    def _step(self, way: Edges, resize: bool) -> None:
        scale = self._canvas.plane
        by = QPointF(way[0] * STEP / abs(scale.m11()), way[1] * STEP / abs(scale.m22()))
        self._drag(self._rect, (abs(way[0]), abs(way[1])) if resize else (0, 0), by)

    def _takes(self, event: QKeyEvent) -> bool:
        key, held = Qt.Key(event.key()), _held(event)
        if key in _WAYS:
            return held in (Qt.KeyboardModifier.NoModifier, _SHIFT) or (held == _CTRL and _WAYS[key][0] == 0)
        if held == _CTRL:
            return key in (Qt.Key.Key_C, Qt.Key.Key_S)
        plain = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace, Qt.Key.Key_Escape, Qt.Key.Key_Menu)
        return held == Qt.KeyboardModifier.NoModifier and key in plain

    def _pop_menu(self) -> None:
        where = self.mapToGlobal(self.bar.geometry().bottomLeft())
        self.contextMenuEvent(QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), where))

    def _describe(self) -> None:
        percent = round(100 * self.overlay_style.opacity)
        self.bar.show_state(self.map.title, percent)
        named(self, f"Overlay {self.map.title}")
        self.setAccessibleDescription(f"{percent} % opaque")


def _held(event: QKeyEvent) -> Qt.KeyboardModifier:
    return event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier

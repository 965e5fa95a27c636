"""The picture, to be dragged and zoomed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QResizeEvent,
    QTransform,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from cocadesk.gui.icons import icon
from cocadesk.gui.overlays.composing import composed
from cocadesk.gui.overlays.legend import Legend
from cocadesk.gui.overlays.map_drawing import MapDrawing
from cocadesk.gui.overlays.overlay_item import Lens, OverlayItem
from cocadesk.gui.overlays.overlay_map import OverlayMap, map_from_mime, style_from_mime
from cocadesk.gui.overlays.pins import Pins
from cocadesk.gui.overlays.place_mark import PlaceMark
from cocadesk.gui.overlays.style import OverlayStyle
from cocadesk.gui.picture_item import PictureItem
from cocadesk.gui.pyramid import Pyramid
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.naming import named

STEP = 1.25
KEY_PAN = 0.12
FIT_MARGIN = 0.02
CLOSEST_PIXELS = 4
FARTHEST = 6
BLANK_AFTER_MS = 150

pg.setConfigOptions(imageAxisOrder="row-major")


class Canvas(QWidget):
    """Shows one picture, maps over it and lenses with others.

    The wheel zooms at the pointer, dragging pans, as do the arrow keys. Shift and the arrow keys point at the map's
    patches one after the other, as the mouse does.

    Attributes:
        pins: The lenses.
    """

    zoom_changed = Signal(float)
    """`zoom` changed."""

    pointed = Signal(object)
    """The place on the picture under the pointer, a QPointF in its pixels; None where the pointer is not over it."""

    dropped_map = Signal(object)
    """A map was dropped on the picture and pinned where it was dropped; its `Pin`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = pg.GraphicsView(self, useOpenGL=False)
        self._view.setAcceptDrops(False)  # drops belong to the window
        self._view.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._view.setAccessibleName("Picture")
        self._view.installEventFilter(self)
        self._box: Any = pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False, defaultPadding=0)
        self._box.disableAutoRange()
        self._view.setCentralItem(self._box)
        self._item = PictureItem(self._box.viewRect)
        self._box.addItem(self._item, ignoreBounds=True)
        self._overlays = OverlayItem(self._box.viewRect)
        self._box.addItem(self._overlays, ignoreBounds=True)
        self._style = OverlayStyle()
        self._pointer: QPointF | None = None
        self.pins = Pins(self)
        self.pins.changed.connect(self._on_pins)
        self._legend = Legend(self)
        self._mark = PlaceMark(self.viewport)
        self.setAcceptDrops(True)  # of maps; others go on to the window
        self.viewport.setMouseTracking(True)
        self.viewport.installEventFilter(self)
        self._box.sigRangeChangedManually.connect(self._on_manual)
        self._box.sigRangeChanged.connect(self._on_range)
        self._fitted = True
        self._busy = BusyBar(self)
        self._blank = QTimer(self, singleShot=True, interval=BLANK_AFTER_MS)
        self._blank.timeout.connect(self._clear)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._view)
        self._bar = _ZoomBar(self)
        self._bar.fit.clicked.connect(self.fit)
        self._bar.actual.clicked.connect(self.actual_size)
        self._bar.closer.clicked.connect(self.zoom_in)
        self._bar.farther.clicked.connect(self.zoom_out)
        theme().changed.connect(self._dress)
        self._dress()

    @property
    def viewport(self) -> QWidget:
        """The surface that takes the mouse."""
        surface: QWidget = self._view.viewport()
        return surface

    @property
    def view(self) -> QWidget:
        """What has the keyboard while the picture is moved by keys."""
        view: QWidget = self._view
        return view

    @property
    def zoom(self) -> float:
        """Screen pixels per picture pixel."""
        return self.devicePixelRatioF() / max(float(self._box.viewPixelSize()[0]), 1e-9)

    @property
    def seen(self) -> QRectF:
        """The part of the picture on the screen, in its pixels."""
        rect: QRectF = self._box.viewRect()
        return rect

    @property
    def is_fitted(self) -> bool:
        """Whether the whole picture is shown, and stays so when the canvas is resized."""
        return self._fitted

    @property
    def is_empty(self) -> bool:
        return self._item.pyramid is None

    @property
    def picture_rect(self) -> QRectF:
        """The whole picture, in its pixels; empty if there is none."""
        return self._item.boundingRect()

    @property
    def map(self) -> OverlayMap | None:
        """The map that lies over the picture."""
        return self._overlays.drawing.map if self._overlays.drawing else None

    @property
    def overlay_style(self) -> OverlayStyle:
        """How `map` is laid over the picture."""
        return self._style

    def show_map(self, shown: OverlayMap | None) -> None:
        """Lay a map of the picture that is shown over it, or none; another picture takes it off again."""
        self._overlays.set_drawing(MapDrawing(shown, self._style) if shown is not None else None)
        self._refresh_legend()

    def set_overlay_style(self, style: OverlayStyle) -> None:
        """Lay the map, and those to come, over the picture in another way."""
        self._style = style
        self.show_map(self.map)

    def composed(self, longest: int | None = None) -> QImage:
        """The picture with all that lies over it, for export and copying.

        Args:
            longest: The longer side in pixels; None for the picture's own.
        """
        return self.composed_with(self._overlays.drawing, self.pins.lenses, longest)

    def composed_with(self, drawing: MapDrawing | None, lenses: Sequence[Lens], longest: int | None = None) -> QImage:
        """The picture with that over it in place of what is shown; as for `composed`."""
        return composed(self._item.pyramid, drawing, lenses, longest)

    def composer(self) -> Callable[[], QImage]:
        """What makes the same image as `composed` does now, whatever is shown by then; for another thread."""
        return self.composer_with(self._overlays.drawing, self.pins.lenses)

    def composer_with(self, drawing: MapDrawing | None, lenses: Sequence[Lens]) -> Callable[[], QImage]:
        """What makes the same image as `composed_with` does now; for another thread."""
        kept = [(lens.copy(), QRectF(rect)) for lens, rect in lenses]
        return partial(composed, self._item.pyramid, drawing.copy() if drawing is not None else None, kept)

    def to_picture(self, spot: QPointF) -> QPointF:
        """A place on the viewport as one on the picture, in its pixels."""
        return self.plane.inverted()[0].map(spot)

    @property
    def plane(self) -> QTransform:
        """From the picture's pixels to the viewport's."""
        transform: QTransform = self._box.childTransform() * self._box.sceneTransform() * self._view.viewportTransform()
        return transform

    def point(self, spot: QPointF | None) -> None:
        """The pointer is at that place of the viewport; None if it left."""
        before, self._pointer = self._pointed, spot
        if before is not None or self._pointed is not None:
            self.pointed.emit(self._pointed)
            self._refresh_legend()

    def await_picture(self) -> None:
        """Another picture is on its way: blank the canvas and show progress, if it takes long enough to notice."""
        self._busy.set_busy(True)
        self._blank.start()

    def show_picture(self, pyramid: Pyramid | None, name: str = "", key: int | None = None) -> None:
        """Show that picture, fitted; None blanks the canvas.

        Args:
            key: Identifies the picture: its lenses are kept under it while others are shown. None keeps none.
        """
        self._blank.stop()
        self._busy.set_busy(False)
        self._view.setAccessibleDescription(name)
        is_new = pyramid is not self._item.pyramid
        self._set_picture(pyramid)
        self._bar.setVisible(pyramid is not None)
        if pyramid is not None:
            longest = max(pyramid.width, pyramid.height)
            closest = min(CLOSEST_PIXELS, longest)
            self._box.setLimits(minXRange=closest, minYRange=closest, maxXRange=None, maxYRange=None)
            self._box.setLimits(maxXRange=FARTHEST * longest, maxYRange=FARTHEST * longest)
            self.fit()
            if is_new:
                self.pins.bring_back(key)

    def show_frame(self, pyramid: Pyramid) -> None:
        """Show another frame of the clip that is on the canvas, at the place and size of the last one."""
        if self._item.pyramid is not None and not self._blank.isActive():
            self._item.set_pyramid(pyramid)

    def fit(self) -> None:
        """Show the whole picture."""
        pyramid = self._item.pyramid
        if pyramid is not None:
            self._fitted = True
            self._box.setRange(QRectF(0, 0, pyramid.width, pyramid.height), padding=FIT_MARGIN)

    def see(self, part: QRectF) -> None:
        """Show that part of the picture, in its pixels."""
        if not self.is_empty:
            self._fitted = False
            self._box.setRange(part, padding=0)

    def actual_size(self) -> None:
        """One screen pixel for each pixel of the picture, about the same middle."""
        self._scale(self.zoom)

    def zoom_in(self) -> None:
        """Come closer."""
        self._scale(1 / STEP)

    def zoom_out(self) -> None:
        """Step back."""
        self._scale(STEP)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.viewport:
            if event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
                self._mark.hide()
                self.point(event.position())
            elif event.type() == QEvent.Type.MouseButtonPress:
                self.pins.leave()
            elif event.type() == QEvent.Type.Resize:
                QTimer.singleShot(0, self._follow)  # once the view has its new size
            elif event.type() == QEvent.Type.Leave:
                self.point(None)
            return False
        return isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._pan_by_key(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        self._consider(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        self._consider(event)

    def dropEvent(self, event: QDropEvent) -> None:
        shown = self._dragged(event)
        if shown is not None:
            event.acceptProposedAction()
            spot = self.viewport.mapFrom(self, event.position())
            style = style_from_mime(event.mimeData())
            self.dropped_map.emit(self.pins.pin(shown, style, at=self.to_picture(spot)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._busy.setGeometry(0, 0, self.width(), self._busy.height())
        self._bar.adjustSize()
        self._bar.move((self.width() - self._bar.width()) // 2, self.height() - self._bar.height() - 14)
        self._place_legend()
        if self._fitted:
            QTimer.singleShot(0, self.fit)  # once the view has its new size

    def _pan_by_key(self, event: QKeyEvent) -> bool:
        ways = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        way = ways.get(Qt.Key(event.key()))
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if way is not None and held == Qt.KeyboardModifier.ShiftModifier:
            return self._point_by_key(*way)
        if way is None or held:
            return False
        self._fitted = False
        seen = self.seen
        self._box.translateBy(x=way[0] * KEY_PAN * seen.width(), y=way[1] * KEY_PAN * seen.height())
        return True

    def _scale(self, factor: float) -> None:
        self._fitted = False
        self._box.scaleBy((factor, factor))

    def _clear(self) -> None:
        self._set_picture(None)
        self._bar.hide()

    def _set_picture(self, pyramid: Pyramid | None) -> None:
        """Another picture: what lay over the last one means nothing on it."""
        if pyramid is not self._item.pyramid:
            self.show_map(None)
            self.pins.put_aside()
        self._item.set_pyramid(pyramid)
        self._overlays.set_size(*((pyramid.width, pyramid.height) if pyramid else (0, 0)))

    def _consider(self, event: QDragMoveEvent) -> None:
        """Take maps of this picture; all else is ignored, so that the window is asked."""
        if self._dragged(event) is None:
            event.ignore()
        else:
            event.acceptProposedAction()

    def _dragged(self, event: QDropEvent) -> OverlayMap | None:
        shown = map_from_mime(event.mimeData())
        fits = shown is not None and QRectF(0, 0, *shown.layout.geometry.picture) == self.picture_rect
        return shown if fits else None

    def _on_pins(self) -> None:
        self._overlays.set_lenses(self.pins.lenses)
        self._refresh_legend()

    def _follow(self) -> None:
        """The picture lies elsewhere on the screen."""
        self.pins.place()
        self._mark.hide()
        if self._pointer is not None:
            self.point(self._pointer)

    def _point_by_key(self, across: int, down: int) -> bool:
        """Point at the middle of the next patch of the map, and mark it."""
        drawing = self._overlays.drawing
        if drawing is None:
            return False
        place = drawing.next_place(self._pointed, down, across)
        self._mark.mark(self.plane.map(place).toPoint())
        self.point(self.plane.map(place))
        return True

    @property
    def _pointed(self) -> QPointF | None:
        place = self.to_picture(self._pointer) if self._pointer is not None else None
        return place if place is not None and self.picture_rect.contains(place) else None

    def _refresh_legend(self) -> None:
        """Tell about what is pointed at: the topmost lens there, or the map over the whole picture."""
        place, lenses = self._pointed, self.pins.lenses
        under = [drawing for drawing, rect in lenses if place is not None and rect.contains(place)]
        shown = under or ([self._overlays.drawing] if self._overlays.drawing else [lens for lens, _ in lenses])
        drawing = shown[-1] if shown else None
        self._legend.show_drawing(drawing, place if drawing is self._overlays.drawing or under else None)

    def _place_legend(self) -> None:
        """In the lower left corner, above the buttons where both do not fit beside each other."""
        self._legend.resize(self._legend.sizeHint())
        left, bottom = 14, self.height() - 14
        if left + self._legend.width() + 8 > self._bar.x():
            bottom = self._bar.y() - 8
        self._legend.move(left, bottom - self._legend.height())

    def _on_manual(self, *_: object) -> None:
        """The mouse moved it; the range changed, and was told, before this is known."""
        if self._fitted:
            self._fitted = False
            self.zoom_changed.emit(self.zoom)

    def _on_range(self, *_: object) -> None:
        self._bar.actual.setText(f"{100 * self.zoom:.0f} %" if self.zoom >= 0.0995 else f"{100 * self.zoom:.1f} %")
        self.zoom_changed.emit(self.zoom)
        self._follow()

    def _dress(self) -> None:
        self._view.setBackground(QColor(theme().colours.sunken))


class _ZoomBar(QFrame):
    """Buttons that float over the picture."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("zoomBar")
        self.farther = _button("Zoom out")
        self.actual = _button("Show at 100 %")
        self.closer = _button("Zoom in")
        self.fit = _button("Fit to the window")
        self.actual.setMinimumWidth(62)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 4, 4, 4)
        row.setSpacing(2)
        divider = QLabel("")
        divider.setFixedWidth(4)
        for button in (self.farther, self.actual, self.closer, divider, self.fit):
            row.addWidget(button)
        theme().changed.connect(self._dress)
        self._dress()
        self.hide()

    def _dress(self) -> None:
        self.farther.setIcon(icon("zoom_out"))
        self.closer.setIcon(icon("zoom_in"))
        self.fit.setIcon(icon("fit"))


def _button(what: str) -> QToolButton:
    return named(QToolButton(), what, what)

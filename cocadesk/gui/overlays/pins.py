"""The lenses that are pinned to the picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QDrag, QGuiApplication, QImage, QRegion
from PySide6.QtWidgets import QWidget

from cocadesk.gui.overlays.carrying import carried_longest, drag_picture, picture_mime
from cocadesk.gui.overlays.kept_pins import KeptPins, PinState
from cocadesk.gui.overlays.overlay_item import Lens
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.overlays.pin import Pin
from cocadesk.gui.overlays.style import OverlayStyle

if TYPE_CHECKING:
    from cocadesk.gui.canvas import Canvas

SHARE = 0.4
"""Of the picture's part on the screen that a new lens covers, across and down."""
SMALLEST = 120.0
"""Screen pixels of its sides, where that share is less."""
CASCADE = 28.0
"""Screen pixels that a lens is put beside another one in the same place."""


class Pins(QObject):
    """Pins maps to the picture on the canvas, as lenses that are moved, resized, faded and removed.

    Lenses belong to their picture: they leave with it and are there again when it is shown again.
    """

    added = Signal(object)
    """That `Pin` was pinned."""

    removed = Signal(object)
    """That `Pin` was taken off."""

    changed = Signal()
    """One was added, removed, raised or changed."""

    current_changed = Signal(object)
    """The `Pin` that the user took last; None when it is gone, or the picture beside it was clicked."""

    told = Signal(str)
    """What was done, as a sentence for the user."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._pins: list[Pin] = []
        self._by_age: list[Pin] = []
        self._current: Pin | None = None
        self._key: int | None = None
        self._kept = KeptPins()
        self._saver: Callable[[Pin], None] | None = None

    def __len__(self) -> int:
        return len(self._pins)

    @property
    def all(self) -> tuple[Pin, ...]:
        """Those on the picture, the topmost last."""
        return tuple(self._pins)

    @property
    def current(self) -> Pin | None:
        """The one that the user took last."""
        return self._current

    @property
    def chosen(self) -> Pin | None:
        """The current one, or else the topmost."""
        return self._current or (self._pins[-1] if self._pins else None)

    @property
    def lenses(self) -> tuple[Lens, ...]:
        """What they show and where, the topmost last."""
        return tuple((pin.drawing, pin.rect_on_picture) for pin in self._pins)

    @property
    def elsewhere(self) -> int:
        """How many lenses wait for pictures that are not shown."""
        return len(self._kept)

    @property
    def state(self) -> tuple[PinState, ...]:
        """All of them, to be pinned again with `restore`."""
        return tuple(
            PinState(pin.map, pin.overlay_style, pin.rect_on_picture, self._by_age.index(pin)) for pin in self._pins
        )

    def pin(self, shown: OverlayMap, style: OverlayStyle | None = None, at: QPointF | None = None) -> Pin:
        """Pin a map to the picture.

        Args:
            shown: A map of the picture on the canvas.
            style: None for that of the map over the whole picture.
            at: Where on the picture, in its pixels, the lens has its middle, unless it would leave the picture or the
                screen there; None for a free place on the screen.
        """
        pin = self._add(shown, style or self._canvas.overlay_style, self._first_rect(at))
        self._take(pin)
        return pin

    def restore(self, state: Sequence[PinState]) -> None:
        """Pin lenses as they were, in place of those that are there. None of them takes the keyboard."""
        self.clear()
        by_age = sorted(state, key=lambda kept: kept.age)
        pinned = {id(kept): self._add(kept.map, kept.style, QRectF(kept.rect)) for kept in by_age}
        self._pins = [pinned[id(kept)] for kept in state]
        for pin in self._pins:
            pin.raise_()
        if state:
            self._on_changed()

    def clear(self) -> None:
        """Take all off the picture."""
        for pin in self.all:
            self._remove(pin)

    def clear_everywhere(self) -> None:
        """Take all off this picture, and forget those of the others."""
        self._kept.clear()
        self.clear()
        self.changed.emit()

    def put_aside(self) -> None:
        """The picture leaves the canvas: keep its lenses for when it comes back, if it has a key."""
        if self._key is not None:
            self._kept.put(self._key, self.state)
        self._key = None
        self.clear()

    def bring_back(self, key: int | None) -> None:
        """The picture of that key is on the canvas now: pin its lenses as they were left.

        Lenses of a file that has another size by now are let go, since nobody can say where they belong.
        """
        self._key = key
        kept = self._kept.take(key) if key is not None else ()
        size = self._canvas.picture_rect.size().toTuple()
        self.restore([pin for pin in kept if pin.map.layout.geometry.picture == size])

    def keep_only(self, is_open: Callable[[int], bool]) -> None:
        """Forget the lenses of pictures that were closed."""
        if self._key is not None and not is_open(self._key):
            self._key = None  # what is still on the canvas leaves for good
        self._kept.keep_only(is_open)
        self.changed.emit()

    def place(self) -> None:
        """Follow the picture, which was moved or zoomed."""
        for pin in self._pins:
            pin.place()
        self._cover()

    def step(self) -> None:
        """Give the keyboard to the lens that was pinned after the current one, or to the first."""
        if self._by_age:
            place = self._by_age.index(self._current) + 1 if self._current is not None else 0
            self._take(self._by_age[place % len(self._by_age)])

    def leave(self) -> None:
        """The picture itself was taken: none of them is the current one."""
        self._set_current(None)

    def image_of(self, pin: Pin, longest: int | None = None) -> QImage:
        """The picture with that lens alone over it; as for `Canvas.composed`."""
        return self._canvas.composed_with(None, [(pin.drawing, pin.rect_on_picture)], longest)

    def composer(self, pin: Pin) -> Callable[[], QImage]:
        """What makes the same image as `image_of` does now; for another thread."""
        return self._canvas.composer_with(None, [(pin.drawing, pin.rect_on_picture)])

    def carry(self, pin: Pin) -> None:
        """Let the user drag the picture with that lens to another program; returns when it was dropped."""
        image = self.image_of(pin, carried_longest(self._canvas.picture_rect))
        drag = QDrag(pin)
        drag.setMimeData(picture_mime(image, pin.map, pin.overlay_style))
        drag_picture(drag, image)
        drag.exec(Qt.DropAction.CopyAction)

    def copy(self, pin: Pin) -> None:
        """Put the picture with that lens on the clipboard."""
        QGuiApplication.clipboard().setImage(self.image_of(pin))
        self.told.emit("Picture with the overlay copied")

    def save_with(self, save: Callable[[Pin], None]) -> None:
        """Have that asked for a file to which the picture with a lens is written. Lenses offer it from now on."""
        self._saver = save
        for pin in self._pins:
            pin.can_save = True

    def save(self, pin: Pin) -> None:
        """Have a file asked for, and the picture with that lens written to it."""
        if self._saver is not None:
            self._saver(pin)

    def _add(self, shown: OverlayMap, style: OverlayStyle, rect: QRectF) -> Pin:
        pin = Pin(shown, style, rect, self._canvas)
        pin.can_save = self._saver is not None
        QWidget.setTabOrder(self._by_age[-1] if self._by_age else self._canvas.view, pin)
        self._pins.append(pin)
        self._by_age.append(pin)
        pin.changed.connect(self._on_changed)
        pin.taken.connect(lambda: self._take(pin))
        pin.left.connect(self._on_left)
        pin.removed.connect(lambda: self._remove(pin))
        pin.copy_asked.connect(lambda: self.copy(pin))
        pin.save_asked.connect(lambda: self.save(pin))
        pin.carried.connect(lambda: self.carry(pin))
        pin.moved_to.connect(self._canvas.point)
        pin.place()
        self.added.emit(pin)
        self._on_changed()
        return pin

    def _take(self, pin: Pin) -> None:
        """Bring it to the front and give it the keyboard."""
        if self._pins[-1] is not pin:
            self._pins.remove(pin)
            self._pins.append(pin)
            self._on_changed()
        pin.raise_()
        if not pin.hasFocus():
            pin.setFocus()
        self._set_current(pin)

    def _on_changed(self) -> None:
        self._cover()
        self.changed.emit()

    def _cover(self) -> None:
        """Hide of each lens's frame what lies below another lens, which shows its own map alone."""
        above = QRegion()
        for pin in reversed(self._pins):
            pin.cover(above)
            above += pin.area

    def _on_left(self) -> None:
        self._canvas.view.setFocus()
        self._set_current(None)

    def _remove(self, pin: Pin) -> None:
        if pin not in self._pins:
            return
        had_keyboard = pin.hasFocus()
        age = self._by_age.index(pin)
        self._pins.remove(pin)
        self._by_age.remove(pin)
        pin.hide()
        pin.deleteLater()
        if self._current is pin:
            self._set_current(None)
        if had_keyboard and self._by_age:
            self._by_age[min(age, len(self._by_age) - 1)].setFocus()
        elif had_keyboard:
            self._on_left()
        self.removed.emit(pin)
        self._on_changed()

    def _set_current(self, pin: Pin | None) -> None:
        if pin is not self._current:
            self._current = pin
            self.current_changed.emit(pin)

    def _first_rect(self, at: QPointF | None) -> QRectF:
        """Where a new lens is put."""
        seen, plane = self._canvas.seen & self._canvas.picture_rect, self._canvas.plane
        across, down = abs(plane.m11()), abs(plane.m22())
        rect = QRectF(0, 0, max(SHARE * seen.width(), SMALLEST / across), max(SHARE * seen.height(), SMALLEST / down))
        rect.moveCenter(at if at is not None else seen.center())
        if at is not None:  # as much as possible of it where it can be seen
            rect.translate(_into(rect.left(), rect.right(), seen.left(), seen.right()), 0)
            rect.translate(0, _into(rect.top(), rect.bottom(), seen.top(), seen.bottom()))
        if at is None:
            taken = [pin.rect_on_picture.center() for pin in self._pins]
            while any(abs(rect.center().x() - other.x()) * across < 4 for other in taken):
                rect.translate(CASCADE / across, CASCADE / down)
        return rect


def _into(first: float, last: float, least: float, most: float) -> float:
    """How far a span has to be moved to lie within another one; one that is longer keeps its middle."""
    if last - first >= most - least:
        return 0.0
    return max(least - first, 0.0) + min(most - last, 0.0)

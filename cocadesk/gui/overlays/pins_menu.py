"""What can be done with the lenses, as a menu of the window; keys that only count in a lens stand beside the texts."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from cocadesk.gui.overlays.pin import Pin
from cocadesk.gui.overlays.pins import Pins


def fill_pins_menu(menu: QMenu, pins: Pins) -> None:
    """Fill the menu; its entries work on the lens that was taken last, or else the topmost."""
    whole: list[QAction] = []

    def add(text: str, what: Callable[[], object]) -> QAction:
        action = menu.addAction(text)
        action.triggered.connect(lambda _=False: what())
        whole.append(action)
        return action

    def of_one(what: Callable[[Pin], object]) -> Callable[[], object]:
        return lambda: what(pins.chosen) if pins.chosen is not None else None

    step = add("Next overlay", pins.step)
    step.setShortcut(QKeySequence("F8"))
    window = menu.parentWidget()
    if window is not None:
        window.addAction(step)  # so that the key works in full screen, where the menu bar may be hidden
    menu.addSeparator()
    add("More opaque\tCtrl+Up", of_one(lambda pin: pin.fade(1)))
    add("Fainter\tCtrl+Down", of_one(lambda pin: pin.fade(-1)))
    menu.addSeparator()
    add("Copy the picture with it\tCtrl+C", of_one(pins.copy))
    add("Save the picture with it…\tCtrl+S", of_one(pins.save))
    menu.addSeparator()
    add("Remove\tDel", of_one(lambda pin: pin.remove()))
    add("Remove all", pins.clear)
    everywhere = menu.addAction("Remove all from every picture")
    everywhere.triggered.connect(lambda _=False: pins.clear_everywhere())
    hint = menu.addAction("Move: arrow keys · Resize: Shift and arrow keys")
    hint.setEnabled(False)

    def refresh() -> None:
        for action in whole:
            action.setEnabled(len(pins) > 0)
        everywhere.setEnabled(len(pins) + pins.elsewhere > 0)

    pins.changed.connect(refresh)
    refresh()

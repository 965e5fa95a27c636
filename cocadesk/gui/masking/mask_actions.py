"""What can be done with the region: each as an action with its shortcut, in a menu of its own."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QMainWindow, QMenu, QSlider, QWidget

from cocadesk.gui.masking.tools import Tool

KEYS = {Tool.RECTANGLE: "R", Tool.LASSO: "L", Tool.BRUSH: "B", Tool.ERASER: "E"}


class MaskActions:
    """The actions of the Test menu. Nothing is connected here.

    Their keys are plain ones, as those of a clip are: Ctrl+Alt locks the screen on one desktop, ends the session on
    another, and is AltGr on Windows. So all but the last count on the canvas and in the Test tab only.

    Attributes:
        tools: Take up a tool; checked while it is taken up.
        run: Ask the model with and without the region.
    """

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self.tools = {tool: self._make(tool.value, key) for tool, key in KEYS.items()}
        for action in self.tools.values():
            action.setCheckable(True)
        self.larger = self._make("Larger brush", "]")
        self.smaller = self._make("Smaller brush", "[")
        self.undo = self._make("Undo the last stroke", "Ctrl+Z")
        self.clear = self._make("Clear the region", "Backspace")
        self.run = self._make("Caption again without it", "Ctrl+Return", "Ctrl+Enter")
        self.faithfulness = self._make("Measure the map’s faithfulness", "Ctrl+Shift+Return")
        self.faithfulness.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        window.addAction(self.faithfulness)

    def listen(self, canvas: QWidget, panel: QWidget) -> None:
        """Have the keys count on that canvas and in that panel.

        The tools' letters count on the panel's buttons and sliders only: elsewhere, letters are typed or look for an
        entry of a list.
        """
        tools = list(self.tools.values())
        others = [self.larger, self.smaller, self.undo, self.clear, self.run]
        canvas.addActions(tools + others)
        panel.addActions(others)
        for control in (*panel.findChildren(QAbstractButton), *panel.findChildren(QSlider)):
            control.addActions(tools)

    def menu(self) -> QMenu:
        """All of them."""
        menu = QMenu("&Test", self._window)
        menu.addActions(list(self.tools.values()))
        menu.addSeparator()
        menu.addActions([self.larger, self.smaller, self.undo, self.clear])
        menu.addSeparator()
        menu.addActions([self.run, self.faithfulness])
        return menu

    def _make(self, text: str, *shortcuts: str) -> QAction:
        action = QAction(text, self._window)
        action.setShortcuts([QKeySequence(shortcut) for shortcut in shortcuts])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        return action

"""What can be done with the region: each as an action with its shortcut, in a menu of its own."""

from __future__ import annotations

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from cocadesk.gui.masking.tools import Tool

SHORTCUTS = {
    Tool.RECTANGLE: "Ctrl+Alt+R",
    Tool.LASSO: "Ctrl+Alt+L",
    Tool.BRUSH: "Ctrl+Alt+B",
    Tool.ERASER: "Ctrl+Alt+E",
}


class MaskActions:
    """The actions of the Test menu. Nothing is connected here.

    Attributes:
        tools: Take up a tool; checked while it is taken up.
        run: Ask the model with and without the region.
    """

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self.tools = {tool: self._make(tool.value, key) for tool, key in SHORTCUTS.items()}
        for action in self.tools.values():
            action.setCheckable(True)
        self.larger = self._make("Larger brush", "Ctrl+Alt+]")
        self.smaller = self._make("Smaller brush", "Ctrl+Alt+[")
        self.undo = self._make("Undo the last stroke", "Ctrl+Alt+Z")
        self.clear = self._make("Clear the region", "Ctrl+Alt+Backspace")
        self.run = self._make("Caption again without it", "Ctrl+Alt+Return")
        self.faithfulness = self._make("Measure the map’s faithfulness", "Ctrl+Alt+F")

    def menu(self) -> QMenu:
        """All of them."""
        menu = QMenu("&Test", self._window)
        menu.addActions(list(self.tools.values()))
        menu.addSeparator()
        menu.addActions([self.larger, self.smaller, self.undo, self.clear])
        menu.addSeparator()
        menu.addActions([self.run, self.faithfulness])
        return menu

    def _make(self, text: str, shortcut: str) -> QAction:
        action = QAction(text, self._window)
        action.setShortcut(QKeySequence(shortcut))
        self._window.addAction(action)
        return action

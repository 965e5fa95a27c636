"""The panels beside the picture, one at a time: a tab for each."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from cocadesk.gui.widgets.naming import named
from cocadesk.store.settings import Tab


class Side(QWidget):
    """Tabs above the panels.

    Attributes:
        tabs: What is clicked; the arrow keys move between them.
    """

    tab_changed = Signal(str)
    """The `Tab` that is shown now."""

    def __init__(self, panels: dict[Tab, tuple[str, QWidget]], parent: QWidget | None = None) -> None:
        """Show these panels, each under its title."""
        super().__init__(parent)
        self.setObjectName("sidePanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(290)
        self._names = list(panels)
        self.tabs = named(QTabBar(), "Panels")
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self._stack = QStackedWidget()
        for title, panel in panels.values():
            self.tabs.addTab(title)
            self._stack.addWidget(panel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.tabs)
        column.addWidget(self._stack, 1)
        self.tabs.currentChanged.connect(self._on_tab)

    @property
    def tab(self) -> Tab:
        """The one that is shown."""
        return self._names[self.tabs.currentIndex()]

    def show_tab(self, tab: Tab) -> None:
        """Show that one."""
        self.tabs.setCurrentIndex(self._names.index(tab))

    def set_hint(self, tab: Tab, hint: str) -> None:
        """What is shown when the pointer rests on that tab."""
        self.tabs.setTabToolTip(self._names.index(tab), hint)

    def _on_tab(self, number: int) -> None:
        # Qt would hand the keyboard on to whatever comes first in the next panel, such as a word, which opens a chart.
        hidden, focused = self._stack.currentWidget(), QApplication.focusWidget()
        if hidden is not None and focused is not None and hidden.isAncestorOf(focused):
            self.tabs.setFocus(Qt.FocusReason.OtherFocusReason)
        self._stack.setCurrentIndex(number)
        self.tab_changed.emit(self._names[number])

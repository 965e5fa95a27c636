"""Opens the window that compares, and keeps it about the picture that is chosen."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from cocadesk.gui.compare.compare_window import CompareWindow
from cocadesk.gui.compare.comparing import Comparing
from cocadesk.gui.entries import Entry
from cocadesk.gui.library import Library
from cocadesk.gui.model_desk import ModelDesk
from cocadesk.gui.session import Session
from cocadesk.gui.widgets.in_front import bring_to_front


class CompareDesk(QObject):
    """The window is made when it is asked for first.

    Args:
        opens: What the user opens it with.
        shown: The picture that is shown, if any.

    Attributes:
        window: The window; None until it was opened.
    """

    def __init__(
        self,
        comparing: Comparing,
        library: Library,
        session: Session,
        *,
        opens: QAction,
        models: ModelDesk,
        shown: Callable[[], Entry | None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.window: CompareWindow | None = None
        self._comparing = comparing
        self._library = library
        self._session = session
        self._models = models
        self._shown = shown
        self._parent = parent
        opens.triggered.connect(self.open)

    def open(self) -> None:
        """Show the window, with what captions are made with now on both sides when it is new."""
        if self.window is None:
            self.window = CompareWindow(self._comparing, self._library, self._parent)
            self.window.begin_with(self._session.model, self._session.options)
            self.window.opened.connect(self.show_current)
            for side in self.window.sides:
                self._models.steer(side.notice.download)
                self._models.steer(side.settings.chooser.download)
        bring_to_front(self.window)

    def show_current(self) -> None:
        """Another picture may be chosen now."""
        if self.window is not None:
            self.window.show_entry(self._shown())

"""Opens the window of states, and keeps it about the picture and the model that are chosen."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from cocadesk.gui.entries import Entry
from cocadesk.gui.library import Library
from cocadesk.gui.session import Session
from cocadesk.gui.states.inquiry import Inquiries
from cocadesk.gui.states.states_window import StatesWindow
from cocadesk.gui.widgets.in_front import bring_to_front


class StatesDesk(QObject):
    """The window is made when it is asked for first.

    Args:
        opens: What the user opens it with.
        shown: The picture that is shown, if any.

    Attributes:
        window: The window; None until it was opened.
    """

    def __init__(
        self,
        inquiries: Inquiries,
        library: Library,
        session: Session,
        *,
        opens: QAction,
        shown: Callable[[], Entry | None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.window: StatesWindow | None = None
        self._inquiries = inquiries
        self._library = library
        self._session = session
        self._shown = shown
        self._parent = parent
        opens.triggered.connect(self.open)

    def open(self) -> None:
        """Show the window."""
        if self.window is None:
            self.window = StatesWindow(self._inquiries, self._library, self._parent)
            self.window.opened.connect(self.show_current)
        bring_to_front(self.window)

    def show_current(self) -> None:
        """Another picture or model may be chosen now."""
        if self.window is not None:
            session = self._session
            self.window.show_about(self._shown(), session.model, session.options, session.absence(session.model))

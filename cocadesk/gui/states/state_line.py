"""A button that begins, one that stops, and how far it is."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui.icons import icon
from cocadesk.gui.panels.subject import muted
from cocadesk.gui.states.inquiry import Inquiry
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.swapped import swap
from cocadesk.gui.widgets.tone import set_tone


class StateLine(QWidget):
    """What is being found out, what went wrong, and begin and stop.

    Attributes:
        run, stop: Begin, end.
    """

    run_asked = Signal()
    """Begin."""

    def __init__(self, inquiry: Inquiry, run: str, hint: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._inquiry = inquiry
        self.run = named(QPushButton(run), run, hint)
        self.stop = named(QPushButton("Stop"), "Stop", "Stop (Ctrl+.)")
        for button in (self.run, self.stop):
            button.setAutoDefault(False)
        self._bar = named(QProgressBar(textVisible=False), "Progress")
        self._bar.setFixedHeight(6)
        self._told = muted()
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.run)
        row.addWidget(self.stop)
        row.addWidget(self._told, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._bar)
        self.run.clicked.connect(self.run_asked)
        self.stop.clicked.connect(inquiry.stop)
        inquiry.changed.connect(self.refresh)
        theme().changed.connect(self._dress)
        self._dress()
        self.refresh()

    @property
    def text(self) -> str:
        """What is told."""
        return self._told.text()

    def refresh(self) -> None:
        """Show how it stands."""
        inquiry = self._inquiry
        progress = inquiry.progress
        swap(self.run, self.stop) if progress is None else swap(self.stop, self.run)
        self._told.setText(progress.what if progress else inquiry.problem)
        set_tone(self._told, "danger" if inquiry.problem else "muted")
        self._bar.setVisible(progress is not None and progress.total > 0)
        if progress is not None and progress.total:
            self._bar.setRange(0, progress.total)
            self._bar.setValue(progress.done)

    def _dress(self) -> None:
        self.stop.setIcon(icon("stop"))

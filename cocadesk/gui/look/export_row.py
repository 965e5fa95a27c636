"""What is being written, how far it has come, and a button that stops it."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from cocadesk.gui.icons import icon
from cocadesk.gui.look.exporting import Exporting
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.naming import named

PATIENCE_MS = 300
"""Before it appears: most files are there sooner."""


class ExportRow(QWidget):
    """Shown while something is written."""

    def __init__(self, exporting: Exporting, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._exporting = exporting
        self._doing = ElidedLabel()
        self._bar = named(QProgressBar(textVisible=False), "Progress of the export")
        self._bar.setFixedHeight(6)
        self.stop = named(QToolButton(), "Stop writing", "Stop writing (Ctrl+.)")
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self._doing, 3)
        row.addWidget(self._bar, 2, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.stop)
        self.hide()
        self.stop.clicked.connect(exporting.stop)
        self._patience.timeout.connect(self.show)
        exporting.changed.connect(self._show_progress)
        theme().changed.connect(self._dress)
        self._dress()

    def _show_progress(self) -> None:
        progress = self._exporting.progress
        if progress is None:
            self._patience.stop()
            self.hide()
            return
        self._doing.setText(progress.what)
        self._bar.setRange(0, progress.total)  # 0 for a bar that only moves
        self._bar.setValue(progress.done)
        self._bar.setAccessibleDescription(f"{progress.done} of {progress.total}" if progress.total else "")
        if self.isHidden() and not self._patience.isActive():
            self._patience.start()

    def _dress(self) -> None:
        self.stop.setIcon(icon("stop", "accent"))

"""A model's download in place: its size before it starts, its progress, and the buttons that steer it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui import wording
from cocadesk.gui.icons import icon
from cocadesk.gui.library import ModelEntry
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.tone import set_tone
from cocadesk.work.downloads import DownloadPhase

STEPS = 1000


class DownloadBox(QWidget):
    """Shows one model's download, and nothing where there is nothing to fetch.

    Args:
        row: Where to put the buttons, in front of others; None for a row of their own.

    Attributes:
        begin: Starts it, goes on with it, or tries again.
        pause: Stops it and keeps what has arrived.
        cancel: Stops it and removes what has arrived.
    """

    begin_asked = Signal(str)
    """The name of the model to download, or to go on with."""

    pause_asked = Signal(str)
    """The name of the model whose download is to stop."""

    cancel_asked = Signal(str)
    """The name of the model whose download is to be thrown away."""

    def __init__(self, row: QHBoxLayout | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = ""
        self._bar = named(QProgressBar(textVisible=False, minimum=0, maximum=STEPS), "Download")
        self._bar.setFixedHeight(6)
        self._line = _label("muted")
        self._note = _label("muted")
        self._note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.begin = QPushButton("Download")
        self.begin.setProperty("kind", "primary")
        self.begin.clicked.connect(lambda: self.begin_asked.emit(self._model))
        self.pause = QPushButton("Pause")
        self.pause.setToolTip("Stop, and keep what has arrived")
        self.pause.clicked.connect(lambda: self.pause_asked.emit(self._model))
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("Stop, and remove what has arrived")
        self.cancel.clicked.connect(lambda: self.cancel_asked.emit(self._model))
        buttons = row or QHBoxLayout()
        for button in (self.begin, self.pause, self.cancel):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self._note, self._bar, self._line):
            column.addWidget(widget)
        if row is None:
            buttons.setSpacing(8)
            buttons.addStretch()
            column.addLayout(buttons)
        theme().changed.connect(self._dress)
        self._dress()
        self.show_nothing()

    def show_nothing(self) -> None:
        """There is nothing to fetch."""
        for widget in (self, self.begin, self.pause, self.cancel):
            widget.hide()

    def show_entry(self, entry: ModelEntry, free_bytes: int) -> None:
        """Show how that model's download stands.

        Args:
            free_bytes: Room on the disk that it goes to.
        """
        self._model = entry.card.name
        state = entry.download
        wanted = not entry.is_here and (entry.can_download or state is not None)
        if not wanted:
            self.show_nothing()
            return
        phase = state.phase if state else None
        is_short = entry.can_download and entry.bytes_missing > free_bytes
        note = state.message if state else ""
        if is_short and phase is not DownloadPhase.FAILED:
            missing, free = wording.size(entry.bytes_missing), wording.size(free_bytes)
            note = f"The disk has {free} free, and {missing} are missing. Free some space, or choose another folder."
        self._note.setText(note)
        self._note.setVisible(bool(note))
        set_tone(self._note, "danger" if is_short or phase is DownloadPhase.FAILED else "muted")
        begun = state is not None and (state.is_under_way or state.bytes_done > 0)
        self._bar.setVisible(begun)
        self._line.setVisible(state is not None and bool(wording.progress(state)))
        if state is not None:
            self._bar.setValue(STEPS * state.bytes_done // max(state.bytes_total, 1))
            self._line.setText(wording.progress(state))
            self._bar.setAccessibleDescription(self._line.text())
        size = f" {wording.size(entry.card.download_bytes)}" if entry.card.download_bytes else ""
        begin = {None: f"Download{size}", DownloadPhase.PAUSED: "Resume"}
        self.begin.setText(begin.get(phase, "Try again"))
        self.begin.setAccessibleName(f"{self.begin.text()}: {entry.card.title}")
        self.begin.setVisible(entry.can_download)
        self.pause.setVisible(state is not None and state.is_under_way)
        self.cancel.setVisible(state is not None)
        self.setVisible(bool(note) or state is not None or self.begin.parent() is self)
        self.cancel.setText("Cancel" if begun or phase is not DownloadPhase.FAILED else "Dismiss")

    def _dress(self) -> None:
        self.begin.setIcon(icon("download", "on_accent"))
        self.pause.setIcon(icon("pause"))
        self.cancel.setIcon(icon("close"))


def _label(tone: str) -> QLabel:
    label = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    label.setProperty("tone", tone)
    return label

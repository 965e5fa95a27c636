"""The timeline of the clip on the canvas: plays, scrubs, and says which frames the model looks at."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from cocadesk.gui import wording
from cocadesk.gui.actions import Actions
from cocadesk.gui.entries import Entry
from cocadesk.gui.icons import icon
from cocadesk.gui.theme import theme
from cocadesk.gui.timeline_bar import TimelineBar
from cocadesk.gui.timeline_film import Film
from cocadesk.gui.timeline_player import Player, Shown
from cocadesk.gui.timeline_thumbs import Thumb
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.naming import named
from cocadesk.media.clips import Span

RESAMPLE_AFTER_MS = 600
MOST_FRAMES = 1024


class Timeline(QWidget):
    """Lies under the canvas while a clip is on it; hidden otherwise.

    Attributes:
        bar: Where it stands, and what is sampled.
        film: The first frames and the sampled ones.
        count: How many frames are sampled.
        player: Decodes.
    """

    frame_ready = Signal(object)
    """A `Pyramid` to put on the canvas."""

    resample_asked = Signal(object)
    """An `Entry` to be captioned again: the user chose other frames and has let go for a moment."""

    count_changed = Signal(int)
    """The user chose another number of frames."""

    problem = Signal(str, str)
    """The name of a file, and why it cannot be played."""

    def __init__(self, do: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("timeline")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._do = do
        self._entry: Entry | None = None
        self._is_playing = False
        self._asked_times: tuple[float, ...] = ()
        self.player = Player(self)
        self.bar = TimelineBar()
        self.film = Film()
        self.count = fields.whole("Frames", 1, MOST_FRAMES, "How many evenly spaced frames the model looks at.")
        self.count.installEventFilter(fields.WheelGuard(self))
        self._time = named(QLabel(), "Time")
        self._buttons = {action: _button(action, self) for action in (do.frame_back, do.play, do.frame_forward)}
        self._whole = QPushButton(do.whole_clip.text())
        self._whole.setProperty("kind", "link")
        self._whole.clicked.connect(do.whole_clip.trigger)
        self._whole.installEventFilter(self)
        self._resample = QTimer(self, singleShot=True, interval=RESAMPLE_AFTER_MS)
        self._lay_out()
        self._connect()
        theme().changed.connect(self._dress)
        self._dress()
        self.hide()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in self._buttons.values():
            row.addWidget(button)
        row.addSpacing(8)
        row.addWidget(self._time)
        row.addStretch()
        row.addWidget(self._whole)
        row.addSpacing(8)
        label = QLabel("Frames")
        label.setBuddy(self.count)
        row.addWidget(label)
        row.addWidget(self.count)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 4)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.bar)
        column.addWidget(self.film)

    def _connect(self) -> None:
        do, player, queued = self._do, self.player, Qt.ConnectionType.QueuedConnection
        player.opened.connect(self._on_opened, queued)
        player.shown.connect(self._on_shown, queued)
        player.playing_changed.connect(self._on_playing, queued)
        player.firsts_ready.connect(self._on_firsts, queued)
        player.thumbs_ready.connect(self._on_thumbs, queued)
        player.failed.connect(self._on_failed, queued)
        self.bar.scrubbed.connect(self._on_scrubbed)
        self.bar.span_changed.connect(self._on_span)
        self.film.frame_chosen.connect(self._on_frame_chosen)
        self.count.valueChanged.connect(self._on_count)
        self._resample.timeout.connect(self._on_resample)
        do.play.triggered.connect(self.toggle)
        do.frame_back.triggered.connect(lambda: self.player.step(-1))
        do.frame_forward.triggered.connect(lambda: self.player.step(1))
        do.whole_clip.triggered.connect(self._on_whole)

    @property
    def is_playing(self) -> bool:
        return self._is_playing

    def set_scale(self, zoom: float) -> None:
        """So many screen pixels are there for a pixel of the frame: a playing clip is decoded no larger than that."""
        self.player.scale = min(zoom, 1.0)

    def set_count(self, count: int) -> None:
        """Show that many frames as chosen without telling that anything changed."""
        if count != self.count.value():
            self.count.blockSignals(True)
            self.count.setValue(count)
            self.count.blockSignals(False)

    def show_entry(self, entry: Entry | None) -> None:
        """Follow that entry, if it is a clip that can be opened; call again whenever it changed."""
        source = entry.source if entry is not None else None
        is_clip = entry is not None and entry.seconds is not None and isinstance(source, Path) and bool(entry.details)
        if not is_clip:
            entry = None
        if entry is not self._entry:
            self._change_to(entry)
        if entry is not None:
            self._follow(entry)

    def toggle(self) -> None:
        """Play, or pause."""
        if self._is_playing:
            self.player.pause()
        else:
            self.player.play()

    def shutdown(self) -> bool:
        """End the player's thread. Whether it ended."""
        return self.player.shutdown()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave the space bar to a button that has the focus."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Space:
            event.setAccepted(event.type() == QEvent.Type.ShortcutOverride)
        return False

    def _change_to(self, entry: Entry | None) -> None:
        if self._resample.isActive():  # what was chosen for the last one still counts
            self._resample.stop()
            self._on_resample()
        self._entry = entry
        self._asked_times = ()
        self._on_playing(False)
        self.film.set_firsts([])
        self.film.set_sampled([])
        self.bar.set_clip((entry.seconds or 0.0) if entry else 0.0, entry.span if entry else None)
        for action in (self._do.play, self._do.frame_back, self._do.frame_forward):
            action.setEnabled(entry is not None)
        self._do.whole_clip.setEnabled(False)
        self.setVisible(entry is not None)
        if entry is not None and isinstance(entry.source, Path):
            self.player.open(entry.key, entry.source)
        else:
            self.player.close()
        self._show_time()

    def _follow(self, entry: Entry) -> None:
        """Bring marks and film up to date with what was sampled."""
        if entry.seconds:
            self.bar.set_length(entry.seconds)
        if not self.bar.is_held:
            self.bar.set_span(entry.span)
        self.bar.set_marks(entry.times)
        if entry.film:
            self.film.set_sampled(entry.film)
        elif entry.times and entry.times != self._asked_times:
            self._asked_times = entry.times
            self.player.want_thumbs(entry.times)
        self._do.whole_clip.setEnabled(entry.span is not None)
        self._whole.setVisible(entry.span is not None)
        self._show_time()

    def _show_time(self) -> None:
        entry = self._entry
        length = (entry.seconds or 0.0) if entry else 0.0
        self._time.setText(f"{wording.clock(self.bar.seconds, 2)} / {wording.clock(length, 2)}")

    # What the player tells

    def _on_opened(self, key: int, length: float) -> None:
        if self._entry is not None and self._entry.key == key:
            if not self._entry.seconds:
                self._entry.seconds = length
            self._follow(self._entry)

    def _on_shown(self, shown: Shown) -> None:
        self.player.release()
        if self._entry is None or self._entry.key != shown.key:
            return
        if not self.bar.is_held:
            self.bar.set_seconds(shown.seconds)
        self.film.set_seconds(shown.seconds)
        self.frame_ready.emit(shown.pyramid)
        self._show_time()

    def _on_playing(self, playing: bool) -> None:
        self._is_playing = playing
        self._dress()

    def _on_firsts(self, key: int, thumbs: list[Thumb]) -> None:
        if self._entry is not None and self._entry.key == key:
            self.film.set_firsts(thumbs)

    def _on_thumbs(self, key: int, thumbs: list[Thumb]) -> None:
        if self._entry is not None and self._entry.key == key and not self._entry.film:
            self.film.set_sampled(thumbs)

    def _on_failed(self, key: int, message: str) -> None:
        if self._entry is not None and self._entry.key == key and not self._entry.error:
            self.problem.emit(self._entry.name, message)

    # What the user does

    def _on_scrubbed(self, seconds: float, done: bool) -> None:
        self.player.seek(seconds, final=done)
        self._show_time()

    def _on_frame_chosen(self, seconds: float) -> None:
        self.bar.set_seconds(seconds)
        self.player.seek(seconds)

    def _on_span(self, span: Span | None) -> None:
        if self._entry is not None and span != self._entry.span:
            self._entry.span = span
            self._follow(self._entry)
            self._resample.start()

    def _on_whole(self) -> None:
        self.bar.set_span(None)
        self._on_span(None)

    def _on_count(self, count: int) -> None:
        self.count_changed.emit(count)
        self._resample.start()

    def _on_resample(self) -> None:
        if self._entry is not None:
            self.resample_asked.emit(self._entry)

    def _dress(self) -> None:
        icons = {self._do.frame_back: "frame_back", self._do.frame_forward: "frame_forward"}
        icons[self._do.play] = "pause" if self._is_playing else "play"
        for action, button in self._buttons.items():
            button.setIcon(icon(icons[action]))
        play = self._buttons[self._do.play]
        play.setAccessibleName("Pause" if self._is_playing else "Play")


def _button(action: QAction, timeline: Timeline) -> QToolButton:
    button = named(QToolButton(), action.text(), f"{action.text()} ({action.shortcut().toString()})")
    button.clicked.connect(action.trigger)
    button.installEventFilter(timeline)
    return button

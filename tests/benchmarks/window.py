"""How long the window's event loop keeps anything waiting while a large model captions and the user pans."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget

from cocadesk.errors import CocaDeskError
from cocadesk.gui import app
from cocadesk.gui.entries import EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.store.settings import Settings
from cocadesk.types import ModelRequest
from cocadesk.work.model_manager import Loader, load_with_engine
from tests.benchmarks.row import Row

SIDE = 10_000
MODEL = ModelRequest("coca-vit-b-32", device="cpu", dtype="float32", untrained=True)
MEASURED_S = 12.0
IDLE_S = 2.0
READY_WITHIN_S = 180.0
FRAME_MS = 16
DRAG_RADIUS = 160


class Probe(QObject):
    """Measures, a thousand times a second, how much later than asked the event loop comes round to a timer."""

    def __init__(self) -> None:
        super().__init__()
        self._delays_ms: list[float] = []
        self._due = 0.0
        self._timer = QTimer(self, interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_time)

    def watch(self, seconds: float) -> list[float]:
        """Run the event loop for that long; the delays in milliseconds."""
        self._delays_ms = []
        self._due = time.perf_counter() + 0.001
        self._timer.start()
        loop = QEventLoop()  # quitting the application's own would close the window
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        loop.exec()
        self._timer.stop()
        return self._delays_ms

    def _on_time(self) -> None:
        now = time.perf_counter()
        self._delays_ms.append(max(0.0, 1000 * (now - self._due)))
        self._due = now + 0.001


class Panning(QObject):
    """A hand that drags the picture in circles, sixty times a second."""

    def __init__(self, surface: QWidget) -> None:
        super().__init__()
        self._surface = surface
        self._step = 0
        self._timer = QTimer(self, interval=FRAME_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._move)

    def start(self) -> None:
        self._send(QEvent.Type.MouseButtonPress, Qt.MouseButton.LeftButton)
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        self._send(QEvent.Type.MouseButtonRelease, Qt.MouseButton.NoButton)

    def _move(self) -> None:
        self._step += 1
        self._send(QEvent.Type.MouseMove, Qt.MouseButton.LeftButton)

    def _send(self, kind: QEvent.Type, held: Qt.MouseButton) -> None:
        angle = 0.12 * self._step
        middle = self._surface.rect().center()
        spot = QPointF(middle + QPoint(round(DRAG_RADIUS * np.cos(angle)), round(DRAG_RADIUS * np.sin(angle))))
        button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        event = QMouseEvent(kind, spot, self._surface.mapToGlobal(spot), button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self._surface, event)


@dataclass(frozen=True, slots=True)
class Measured:
    """Event-loop delays in milliseconds, and the tokens that were decoded meanwhile."""

    idle_ms: Sequence[float]
    busy_ms: Sequence[float]
    tokens: int


def rows() -> list[Row]:
    """The delays against what a person notices; what an idle window shows on this machine stands beside them."""
    found = measure()
    return [
        Row(
            f"event-loop delay, {name}, panning 100 megapixels while {found.tokens} tokens are decoded "
            f"(idle: {of(found.idle_ms):.1f} ms), at most",
            of(found.busy_ms),
            bound,
            of(found.busy_ms) <= bound and found.tokens > 0,
            "ms",
        )
        for name, of, bound in (
            ("99th percentile", lambda delays: float(np.percentile(delays, 99)), 16.0),
            ("largest", max, 100.0),
        )
    ]


def measure(loader: Loader = load_with_engine, seconds: float = MEASURED_S) -> Measured:
    """Pan a picture of 100 megapixels while it is captioned again and again."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    qt = app.application()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hundred megapixels.jpg"
        _noise_picture(SIDE).save(path, quality=70)
        window = app.build(Settings(model=MODEL), loader=loader, keep=False)
        try:
            window.show()
            window.session.open_paths([path])
            wait_for_caption(qt, window)
            window.canvas.actual_size()
            return _pan_and_caption(window, seconds)
        finally:
            window.close()


def _pan_and_caption(window: MainWindow, seconds: float) -> Measured:
    probe, hand = Probe(), Panning(window.canvas.viewport)
    idle = probe.watch(IDLE_S)
    tokens: list[object] = []

    def again() -> None:
        if window.session.active is None:
            window.commands.again.trigger()

    window.session.token_arrived.connect(lambda _key, token: tokens.append(token))
    window.session.queue_changed.connect(again, Qt.ConnectionType.QueuedConnection)
    window.commands.again.trigger()
    hand.start()
    busy = probe.watch(seconds)
    hand.stop()
    window.session.queue_changed.disconnect(again)
    return Measured(idle, busy, len(tokens))


def wait_for_caption(qt: QApplication, window: MainWindow) -> None:
    """Until the first caption is there, so that neither loading nor opening is measured."""
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        qt.processEvents()
        entry = window.session.entries.at(0)
        if entry is not None and entry.state is EntryState.CAPTIONED and not window.canvas.is_empty:
            return
        if entry is not None and entry.state is EntryState.FAILED:
            raise CocaDeskError(entry.error)
        if time.monotonic() > deadline:
            raise CocaDeskError(f"The first caption was not there after {READY_WITHIN_S:.0f} seconds.")
        time.sleep(0.005)


def _noise_picture(side: int) -> Image.Image:
    """A picture that compresses and scales like a photograph: smooth noise of several sizes."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (side // 40, side // 40, 3), np.uint8))
    return coarse.resize((side, side), Image.Resampling.BILINEAR)

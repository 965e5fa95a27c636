"""How long the window's event loop keeps anything waiting while a 1080p video plays and a large model works on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PySide6.QtCore import QEventLoop, Qt, QTimer, SignalInstance

from cocadesk.errors import CocaDeskError
from cocadesk.gui import app
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.questions import ExchangeState
from cocadesk.store.settings import Settings
from cocadesk.types import ModelRequest, Token
from tests.benchmarks.row import Row
from tests.benchmarks.video import KINDS, moving
from tests.benchmarks.window import MEASURED_S, MODEL, READY_WITHIN_S, Probe, wait_for_caption
from tests.fakes.videos import video

ANSWERER = ModelRequest("blip-vqa-base", device="cpu", dtype="float32", untrained=True)
QUESTIONS = ("What moves in the picture?", "How many are there?", "What colour is it?")


def rows() -> list[Row]:
    """The delays while the clip is captioned, and while one question after the other is asked about it."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with TemporaryDirectory(prefix="cocadesk-playing-") as folder:
        _, codec, options = KINDS[-1]
        path = video(Path(folder) / "clip.mkv", codec=codec, frames=moving(), options=options)
        return [*_captioning(path), *_asking(path)]


def _captioning(path: Path) -> list[Row]:
    with _window(Settings(model=MODEL), path) as window:

        def again() -> None:
            if window.session.active is None:
                window.commands.again.trigger()

        tokens: list[object] = []
        window.session.token_arrived.connect(lambda _key, token: tokens.append(token))
        delays, shown = _watch(window, window.session.queue_changed, again)
        return _rows(f"{MODEL.name} captions it", delays, shown, len(tokens))


def _asking(path: Path) -> list[Row]:
    with _window(Settings(tab="ask", ask_model=ANSWERER), path) as window:
        panel, questions = window.beside.ask, window.questions
        entry = window.session.entries.at(0)

        def again() -> None:
            if not questions.is_busy:
                panel.field.put(QUESTIONS[len(panel.view.answers) % len(QUESTIONS)])
                panel.send.click()

        again()
        _run_until(questions.busy_changed, lambda: not questions.is_busy)  # loading and the first look are no part
        exchange = panel.view.answers[0].exchange
        if entry is None or exchange.state is not ExchangeState.ANSWERED:
            raise CocaDeskError(exchange.error or "The first question was not answered.")
        tokens: list[Token] = []
        questions.said.connect(lambda _entry, exchange: tokens.extend(exchange.tokens[-1:]))
        delays, shown = _watch(window, questions.busy_changed, again)
        work = f"{ANSWERER.name} answers {len(panel.view.answers) - 1} questions about it"
        return _rows(work, delays, shown, len(tokens))


@contextmanager
def _window(settings: Settings, path: Path) -> Iterator[MainWindow]:
    """A window with that clip, captioned."""
    qt = app.application()
    window = app.build(settings, keep=False)
    try:
        window.show()
        window.session.open_paths([path])
        wait_for_caption(qt, window)
        yield window
    finally:
        window.close()


def _watch(window: MainWindow, changed: SignalInstance, again: Callable[[], None]) -> tuple[list[float], int]:
    """Play the clip round and round, calling `again` whenever `changed`; the delays in ms, and the frames shown."""

    def replay(playing: bool) -> None:
        if not playing:
            window.timeline.player.play()

    shown: list[object] = []
    queued = Qt.ConnectionType.QueuedConnection
    changed.connect(again, queued)
    window.timeline.player.playing_changed.connect(replay, queued)
    window.timeline.frame_ready.connect(shown.append)
    again()
    window.timeline.player.play()
    delays = Probe().watch(MEASURED_S)
    changed.disconnect(again)
    window.timeline.player.playing_changed.disconnect(replay)
    return delays, len(shown)


def _run_until(changed: SignalInstance, there: Callable[[], bool]) -> None:
    """Run the event loop until what is asked holds after `changed`."""
    loop = QEventLoop()
    changed.connect(lambda: loop.quit() if there() else None)
    QTimer.singleShot(round(1000 * READY_WITHIN_S), loop, loop.quit)
    if not there():
        loop.exec()


def _rows(work: str, delays: list[float], shown: int, tokens: int) -> list[Row]:
    what = f"while 1080p plays ({shown / MEASURED_S:.0f} frames/s shown) and {work} ({tokens} tokens), at most"
    found = (("99th percentile", float(np.percentile(delays, 99)), 16.0), ("largest", max(delays), 100.0))
    return [
        Row(f"event-loop delay, {name}, {what}", measured, bound, measured <= bound and shown > 0 < tokens, "ms")
        for name, measured, bound in found
    ]

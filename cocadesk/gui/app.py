"""Starts the window: composes runner, pool, session and window, and runs Qt's event loop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from cocadesk.errors import CocaDeskError, InputError
from cocadesk.gui.compare.comparing import Comparing
from cocadesk.gui.engine_calls import EngineCalls
from cocadesk.gui.entries import EntryState
from cocadesk.gui.icons import app_icon
from cocadesk.gui.library import Library
from cocadesk.gui.look.exporting import Exporting
from cocadesk.gui.looking import Looking, MapCache
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.measuring import Measuring
from cocadesk.gui.questions import Questions
from cocadesk.gui.rankings import Rankings
from cocadesk.gui.session import Session
from cocadesk.gui.states.inquiry import Inquiries
from cocadesk.gui.testing import Testing
from cocadesk.gui.theme import theme
from cocadesk.media.folder import list_pictures
from cocadesk.paths import resources_dir
from cocadesk.store.settings import Settings, load
from cocadesk.types import ModelRequest
from cocadesk.work.downloads import Downloads
from cocadesk.work.io_pool import IoPool
from cocadesk.work.model_manager import Loader, ModelManager, load_with_engine
from cocadesk.work.priority import favour_short_turns
from cocadesk.work.runner import Runner

log = logging.getLogger(__name__)

POLL_S = 0.01
SIGNAL_POLL_MS = 250


def run(files: Sequence[str | os.PathLike[str]] = ()) -> int:
    """Open the window with these files and folders, and run until it is closed. Returns the exit status."""
    app = application()
    window = build(load())
    _tell_unexpected(window)
    signal.signal(signal.SIGINT, lambda *_: window.close())
    ticker = QTimer(window, interval=SIGNAL_POLL_MS)  # Python handles signals only while Python code runs
    ticker.timeout.connect(lambda: None)
    ticker.start()
    if files:
        window.opening.open_paths([Path(file) for file in files])
    window.show()
    return app.exec()


def snapshot(
    file: str | os.PathLike[str],
    out: str | os.PathLike[str],
    timeout_s: float = 120.0,
    model: ModelRequest | None = None,
    loader: Loader = load_with_engine,
) -> str:
    """Run the window without a display until `file` is captioned, save a picture of it, and return the caption.

    Args:
        out: A PNG file to write.
        model: The default model where None; settings of the user are neither read nor written.

    Raises:
        InputError: if `file` cannot be opened, or `out` not be written.
        CocaDeskError: if the model fails, or the caption is not there after `timeout_s`.
    """
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    app = application()
    window = build(Settings(model=model or ModelRequest(), appearance="light"), loader=loader, keep=False)
    if model is not None and window.session.model.name != model.name:
        window.close()
        raise CocaDeskError(f"No model named “{model.name}” can caption.")
    problems: list[str] = []
    window.session.problem.connect(lambda _name, message: problems.append(message))
    window.show()
    window.session.open_paths([Path(file)])
    deadline = time.monotonic() + timeout_s
    try:
        while not problems:
            app.processEvents()
            entry = window.session.entries.at(0)
            if entry and entry.held and window.watch.is_missing:
                raise CocaDeskError(entry.held)
            if (
                entry
                and entry.state is EntryState.CAPTIONED
                and window.session.active is None
                and not window.canvas.is_empty
            ):
                break
            if time.monotonic() > deadline:
                raise CocaDeskError(f"The caption was not ready after {timeout_s:.0f} seconds.")
            time.sleep(POLL_S)
        if problems or entry is None:
            raise InputError(problems[0])
        app.processEvents()
        if not window.grab().save(os.fspath(out)):
            raise InputError(f"The picture of the window could not be written to {out}.")
        return entry.caption
    finally:
        window.close()


def application() -> QApplication:
    """The Qt application, made and dressed on first use."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("cocadesk")
    app.setApplicationDisplayName("CocaDesk")
    app.setDesktopFileName("cocadesk")
    app.setWindowIcon(app_icon())
    theme()
    favour_short_turns()
    return app


def build(
    settings: Settings,
    loader: Loader = load_with_engine,
    keep: bool = True,
    engine: EngineCalls = EngineCalls(),  # noqa: B008 — frozen
) -> MainWindow:
    """The window with its threads; closing the window ends them. The model loads after the first paint."""
    manager = ModelManager(loader)
    pool = IoPool()
    runner = Runner()
    session = Session(runner, pool, manager)
    questions = Questions(runner, pool, manager, session, session)
    rankings = Rankings(runner, manager, session, session)
    maps = MapCache()
    looking = Looking(runner, manager, session, cache=maps, parent=session)
    quiet = Looking(runner, manager, session, cache=maps, parent=session)
    library = Library(pool, Downloads(), engine)
    window = MainWindow(
        session,
        questions,
        rankings,
        (looking, quiet),
        (Testing(runner, pool, manager, session, session), Measuring(runner, manager, session, session)),
        comparing=Comparing(runner, pool, manager, session, cache=maps, parent=session),
        inquiries=Inquiries(runner, manager, session),
        exporting=Exporting(pool, session, session),
        library=library,
        settings=settings,
        samples=_samples(),
        keep=keep,
    )
    session.setParent(window)
    library.setParent(window)
    _AfterFirstPaint(window, window.watch.begin)
    return window


class _AfterFirstPaint(QObject):
    """Calls back once the window was painted for the first time."""

    def __init__(self, window: MainWindow, then: Callable[[], None]) -> None:
        super().__init__(window)
        self._then = then
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, self._then)
        return False


def _samples() -> list[Path]:
    try:
        return list_pictures(resources_dir() / "samples")
    except InputError:
        return []


def _tell_unexpected(window: MainWindow) -> None:
    """Show an error that nobody foresaw in the window instead of only where it was started from."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.error("Unexpected error", exc_info=(kind, error, trace))
        window.messages.add("Unexpected error", f"{kind.__name__}: {error}")

    sys.excepthook = tell

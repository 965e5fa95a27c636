"""A real window over a captioner without a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QClipboard, QGuiApplication
from pytestqt.qtbot import QtBot

from cocadesk.gui import app
from cocadesk.gui.engine_calls import EngineCalls
from cocadesk.gui.main_window import MainWindow
from cocadesk.models import Captioner
from cocadesk.store.settings import Settings
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.hub_home import use_hub_home
from tests.fakes.pictures import quadrants

MakeWindow = Callable[..., MainWindow]


@pytest.fixture(autouse=True)
def hub_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the hub's files, and no hub that could be reached by mistake."""
    use_hub_home(monkeypatch, tmp_path / "hf")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "hf"


@pytest.fixture
def make_window(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeWindow]:
    """Makes a shown window over a captioner, with settings; it is closed and its threads ended after the test."""
    windows: list[MainWindow] = []

    def make(captioner: Captioner | None = None, settings: Settings | None = None, **more: object) -> MainWindow:
        app.application()
        held = captioner or FakeCaptioner()
        loader = more.get("loader", lambda request: held)
        window = app.build(settings or Settings(), loader=loader, engine=more.get("engine", EngineCalls()))
        window.resize(1280, 800)
        with qtbot.waitExposed(window):
            window.show()
        windows.append(window)
        return window

    yield make
    for window in windows:
        window.close()
        window.deleteLater()


@pytest.fixture
def window(make_window: MakeWindow) -> MainWindow:
    return make_window()


@pytest.fixture
def clipboard() -> Iterator[QClipboard]:
    """The clipboard, emptied afterwards: what tests put there must not outlive Python, which owns part of it."""
    app.application()
    board = QGuiApplication.clipboard()
    yield board
    board.clear()


@pytest.fixture
def picture_file(tmp_path: Path) -> Path:
    """A PNG of four coloured quarters, with spaces and letters of several scripts in its name."""
    path = tmp_path / "ein Bild – 写真 é.png"
    quadrants().save(path)
    return path


@pytest.fixture
def many_files(tmp_path: Path) -> list[Path]:
    """Five pictures."""
    folder = tmp_path / "album"
    folder.mkdir()
    paths = [folder / f"{number}.png" for number in range(5)]
    for number, path in enumerate(paths):
        quadrants(40 + number, 30).save(path)
    return paths

"""Doing with the panels beside the picture what a user does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, Qt
from pytestqt.qtbot import QtBot

from cocadesk.gui.entries import EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.panels.exchange_view import AnswerView
from cocadesk.store.settings import Settings
from cocadesk.types import ModelRequest
from tests.fakes.answerer import FakeAnswerer
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.reader import FakeReader
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_states

ASKED = ModelRequest("blip-vqa-base", untrained=True)
ASKING = Settings(tab="ask", ask_model=ASKED)
RANKING = Settings(tab="rank")


class Steps:
    """Lets a model do one thing at a time."""

    def __init__(self) -> None:
        self._allowed = threading.Semaphore(0)

    def wait(self, *_: object) -> None:
        assert self._allowed.acquire(timeout=WAIT_MS / 1000)

    def allow(self, count: int = 1) -> None:
        self._allowed.release(count)


class ReadingCaptioner(FakeReader):
    """Ranks, and captions as well, as a CoCa does."""

    def __init__(self, name: str = "starter-coca") -> None:
        super().__init__()
        self.name = name
        self.caption = FakeCaptioner(name=name).caption


def loader(
    answerer: FakeAnswerer | None = None, reader: ReadingCaptioner | None = None
) -> Callable[[ModelRequest], object]:
    """Loads an answerer for BLIPs that answer, and for all others a reader that captions as well."""
    asked, read = answerer or FakeAnswerer(), reader or ReadingCaptioner()
    return lambda request: asked if "vqa" in request.name else read


def open_files(qtbot: QtBot, window: MainWindow, files: Sequence[Path]) -> None:
    """Drop files, and wait until they are captioned and the first one is selected."""
    drop(window, file_urls(files))
    wait_for_states(qtbot, window, *[EntryState.CAPTIONED] * len(files))


def select(window: MainWindow, rows: Sequence[int]) -> None:
    """Select these pictures, as with Ctrl and clicks."""
    model = window.strip.list.selectionModel()
    for number, row in enumerate(rows):
        flag = QItemSelectionModel.SelectionFlag
        model.setCurrentIndex(window.session.entries.index(row), flag.Select if number else flag.ClearAndSelect)


def ask(qtbot: QtBot, window: MainWindow, question: str) -> None:
    """Type a question and press Enter."""
    field = window.beside.ask.field
    qtbot.keyClicks(field, question) if question.isascii() else field.insertPlainText(question)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def answers(window: MainWindow) -> list[AnswerView]:
    return window.beside.ask.view.answers


def wait_for_answers(qtbot: QtBot, window: MainWindow, *texts: str) -> None:
    """Wait until these answers are shown and nothing is being asked."""

    def there() -> None:
        assert [answer.text.text for answer in answers(window)] == list(texts)
        assert not window.beside.is_busy

    qtbot.waitUntil(there, timeout=WAIT_MS)


def rank(qtbot: QtBot, window: MainWindow, text: str) -> None:
    """Put descriptions in the field and wait until they are ranked."""
    window.beside.rank.field.put(text)
    wait_for_ranking(qtbot, window)


def wait_for_ranking(qtbot: QtBot, window: MainWindow) -> None:
    panel = window.beside.rank

    def there() -> None:
        result = window.rankings.result
        assert result is not None
        assert result.texts == panel.texts.texts
        assert [Path(name) for name in result.locations] == [Path(entry.location) for entry in window.strip.selected]
        assert not window.rankings.is_busy

    qtbot.waitUntil(there, timeout=WAIT_MS)

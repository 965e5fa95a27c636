"""Doing with a window what a user does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from cocadesk.gui.entries import EntryState
from cocadesk.gui.library import ModelEntry
from cocadesk.gui.main_window import MainWindow

ACTION = Qt.DropAction.CopyAction
BUTTON = Qt.MouseButton.LeftButton
NO_KEYS = Qt.KeyboardModifier.NoModifier
WAIT_MS = 10_000


def file_urls(paths: Sequence[Path]) -> QMimeData:
    """What a file manager sends."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def drop(window: MainWindow, mime: QMimeData, where: QPoint | None = None) -> bool:
    """Drag over the window and let go, through Qt's own search for the widget that takes it. Whether it was taken."""
    spot = where or QPoint(window.width() // 2, window.height() // 2)
    handle = window.windowHandle()
    enter = QDragEnterEvent(spot, ACTION, mime, BUTTON, NO_KEYS)
    QApplication.sendEvent(handle, enter)
    QApplication.sendEvent(handle, QDragMoveEvent(spot, ACTION, mime, BUTTON, NO_KEYS))
    if not enter.isAccepted():
        return False
    let_go = QDropEvent(QPointF(spot), ACTION, mime, BUTTON, NO_KEYS)
    QApplication.sendEvent(handle, let_go)
    return let_go.isAccepted()


def states(window: MainWindow) -> list[EntryState]:
    return [entry.state for entry in window.session.entries]


def wait_for_states(qtbot: QtBot, window: MainWindow, *expected: EntryState) -> None:
    """Wait until the open pictures are in exactly these states and nothing is being done."""

    def there() -> None:
        assert states(window) == list(expected)
        assert window.session.active is None

    qtbot.waitUntil(there, timeout=WAIT_MS)


def wait_for_entry(
    qtbot: QtBot, window: MainWindow, model: str, expected: Callable[[ModelEntry], object]
) -> ModelEntry:
    """Wait until that model is in the library and as expected."""

    def there() -> None:
        entry = window.library.entry(model)
        assert entry is not None
        assert expected(entry)

    qtbot.waitUntil(there, timeout=WAIT_MS)
    entry = window.library.entry(model)
    assert entry is not None
    return entry


class Paints(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False

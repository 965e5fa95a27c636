"""Doing with the Look panel what a user does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from cocadesk.engine.attention import AttentionMaps, Weights
from cocadesk.gui.look.token_strip import TokenStrip
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.panels.look_panel import LookPanel
from cocadesk.store.settings import Settings
from cocadesk.types import ModelRequest
from tests.gui.driving import WAIT_MS, drop, file_urls

UNTRAINED_BLIP = ModelRequest("blip-vqa-base", untrained=True)
LOOKING = Settings(tab="look", look_ask_model=UNTRAINED_BLIP)


def panel_of(window: MainWindow) -> LookPanel:
    return window.look.panel


def open_one(qtbot: QtBot, window: MainWindow, file: Path, kind: str = "words") -> AttentionMaps:
    """Drop a picture and wait for its caption and the maps of that kind."""
    drop(window, file_urls([file]))
    if panel_of(window).kind != kind:
        panel_of(window).choose_kind(kind)
    return wait_for_maps(qtbot, window, kind)


def wait_for_maps(qtbot: QtBot, window: MainWindow, kind: str, text: str | None = None) -> AttentionMaps:
    """Wait until maps of that kind, and of that text if given, are there and nothing is being done."""
    panel = panel_of(window)

    def there() -> None:
        assert panel.scene is not None
        assert panel.scene.maps.kind == kind
        assert text is None or panel.scene.maps.text == text
        assert window.session.active is None
        assert not window.look.is_busy
        assert not window.canvas.is_empty

    qtbot.waitUntil(there, timeout=WAIT_MS)
    assert panel.scene is not None
    return panel.scene.maps


def assert_shown(window: MainWindow, expected: Weights) -> None:
    """This lies over the picture."""
    assert window.canvas.map is not None
    np.testing.assert_allclose(window.canvas.map.values, expected, rtol=1e-5, atol=1e-7)


def hover(widget: QWidget, spot: QPoint, held: Qt.MouseButton = Qt.MouseButton.NoButton) -> None:
    """Move the pointer there."""
    place = QPointF(spot)
    event = QMouseEvent(
        QMouseEvent.Type.MouseMove,
        place,
        widget.mapToGlobal(place),
        Qt.MouseButton.NoButton,
        held,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(widget, event)


def click_token(qtbot: QtBot, strip: TokenStrip, place: int) -> None:
    qtbot.mouseClick(strip, Qt.MouseButton.LeftButton, pos=strip.box(place).center())


def point_at_picture(window: MainWindow, x: float, y: float) -> None:
    """Move the pointer to that place on the picture, in its pixels."""
    hover(window.canvas.viewport, window.canvas.plane.map(QPointF(x, y)).toPoint())

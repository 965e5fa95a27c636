"""What is painted by the window itself shows at once that it has the keyboard, and that it lost it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from cocadesk.gui import app
from cocadesk.gui.look.arc_diagram import ArcDiagram
from cocadesk.gui.look.cell_grid import CellGrid
from cocadesk.gui.look.token_strip import TokenStrip
from cocadesk.gui.net_info.treemap import Treemap
from tests.gui.driving import WAIT_MS, Paints


@pytest.mark.parametrize(
    "make", [ArcDiagram, lambda: CellGrid("Cells", lambda *_: ""), lambda: TokenStrip("Tokens"), Treemap]
)
def test_it_is_painted_anew_when_the_keyboard_comes_and_goes(qtbot: QtBot, make: Callable[[], QWidget]) -> None:
    app.application()
    window, beside, widget = QWidget(), QLineEdit(), make()
    qtbot.addWidget(window)
    widget.setFixedSize(200, 100)
    column = QVBoxLayout(window)
    column.addWidget(beside)
    column.addWidget(widget)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    beside.setFocus()
    qtbot.waitUntil(beside.hasFocus, timeout=WAIT_MS)
    qtbot.wait(1)
    paints = Paints(widget)
    for one in (widget, beside):
        before = paints.count
        one.setFocus()
        qtbot.waitUntil(lambda before=before: paints.count > before, timeout=WAIT_MS)
        assert one.hasFocus()

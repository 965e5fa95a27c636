"""The first thing a user sees: ways to begin, and samples that fit into the window and lead where they say."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from cocadesk.gui.entries import EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.panels.welcome import GAP, NARROWEST, WIDEST, arranged
from cocadesk.paths import resources_dir
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, wait_for_states

SAMPLES = resources_dir() / "samples"


def tiles(window: MainWindow) -> list[QPushButton]:
    found = [button for button in window.welcome.findChildren(QPushButton) if "sample “" in button.accessibleName()]
    return [button for button in found if button.isVisible()]


def place(window: MainWindow, button: QPushButton) -> QRect:
    return QRect(button.mapTo(window.welcome, button.rect().topLeft()), button.size())


@pytest.mark.parametrize(
    ("count", "width", "height"), list(itertools.product((1, 5, 18), (96, 416, 1216, 2496), (-20, 302, 942)))
)
def test_squares_are_as_large_as_there_is_room(count: int, width: int, height: int) -> None:
    columns, shown, side = arranged(count, width, height)
    rows = -(-shown // columns)
    assert 1 <= shown <= count
    assert NARROWEST <= side <= WIDEST

    def fits(by_columns: int, large: int) -> bool:
        by_rows = -(-shown // by_columns)
        tall = by_rows * large + (by_rows - 1) * GAP
        return by_columns * large + (by_columns - 1) * GAP <= width and tall <= height

    if side > NARROWEST:
        assert fits(columns, side)
        if side < WIDEST:
            assert not any(fits(other, side + 1) for other in range(1, shown + 1))
    else:
        assert rows == 1 or fits(columns, side)


@pytest.mark.parametrize("size", [(1280, 800), (2560, 1440), (960, 620)])
def test_the_samples_fit_side_by_side(qtbot: QtBot, make_window: MakeWindow, size: tuple[int, int]) -> None:
    window = make_window()
    window.resize(*size)
    count = len(list(SAMPLES.iterdir()))
    qtbot.waitUntil(lambda: len(tiles(window)) == (count if size[0] > 1000 else 9), timeout=WAIT_MS)

    def fitting() -> None:
        shown = [place(window, button) for button in tiles(window)]
        assert len({(area.width(), area.height()) for area in shown}) == 1
        assert not any(one.intersects(other) for one, other in itertools.combinations(shown, 2))
        inside = window.welcome.rect()
        buttons = [button for button in window.welcome.findChildren(QPushButton) if button.isVisible()]
        assert all(inside.contains(place(window, button)) for button in buttons)

    qtbot.waitUntil(fitting, timeout=WAIT_MS)


def test_clips_are_among_the_samples_and_marked(qtbot: QtBot, window: MainWindow) -> None:
    clips = [button for button in tiles(window) if button.accessibleName().endswith("a clip")]
    assert sorted(button.toolTip() for button in clips) == ["balloon rising", "dog walking"]
    thumbnails = window.session.thumbnails
    paths = sorted(SAMPLES.glob("*.mp4"))
    qtbot.waitUntil(lambda: all(thumbnails.seconds(path) == pytest.approx(3.0) for path in paths), timeout=WAIT_MS)
    qtbot.mouseClick(clips[1], Qt.MouseButton.LeftButton)
    wait_for_states(qtbot, window, EntryState.CAPTIONED)
    assert window.strip.current is not None
    assert Path(window.strip.current.location).name == "dog-walking.mp4"
    qtbot.waitUntil(window.timeline.isVisible, timeout=WAIT_MS)


def test_all_samples_open_from_the_menu(qtbot: QtBot, window: MainWindow) -> None:
    window.commands.open_samples.trigger()
    wait_for_states(qtbot, window, *[EntryState.CAPTIONED] * len(list(SAMPLES.iterdir())))
    assert window.messages.messages == []

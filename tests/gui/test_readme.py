"""The keys that the README lists are those of the menus."""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from tests.gui.conftest import MakeWindow

README = Path(__file__).parents[2] / "README.md"


def listed() -> list[tuple[str, str]]:
    """Each key with what it does, by the tables of the README."""
    found = []
    for line in README.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `") and line.count("|") == 3:
            keys, names = line.strip("| ").split(" | ")
            found.extend(zip(re.findall("`([^`]+)`", keys), names.split(", "), strict=True))
    return found


def entries(menu: QMenu) -> list[QAction]:
    own = [action for action in menu.actions() if not isinstance(action.menu(), QMenu)]
    below = [action.menu() for action in menu.actions() if isinstance(action.menu(), QMenu)]
    return own + [action for other in below for action in entries(other)]


def test_the_readme_lists_keys_of_the_menus(make_window: MakeWindow) -> None:
    menus = [top.menu() for top in make_window().menuBar().actions()]
    actions = [action for menu in menus if isinstance(menu, QMenu) for action in entries(menu)]
    there = {(key.toString(), action.text()) for action in actions for key in action.shortcuts()}
    told = listed()
    assert len(told) > 35
    assert [pair for pair in told if pair not in there] == []

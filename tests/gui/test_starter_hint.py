"""The quiet line about starters: when it is there, what it says, where it leads, and that it goes for good."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextDocumentFragment
from PySide6.QtWidgets import QApplication, QCheckBox
from pytestqt.qtbot import QtBot

from cocadesk.catalog.card import WEIGHTS_FILE
from cocadesk.catalog.cards import CARDS, IMPORT_FILE, card
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.panels.starter_hint import StarterHint
from cocadesk.gui.theme import theme
from cocadesk.paths import models_dir
from cocadesk.store import settings
from cocadesk.store.settings import Settings
from cocadesk.types import ModelRequest
from tests.fakes.captioner import FakeCaptioner
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_entry

ASKER = "blip-vqa-base"


def said(hint: StarterHint) -> str:
    return QTextDocumentFragment.fromHtml(hint.label.text()).toPlainText().replace("\u00a0", " ").replace("\u2060", "")


def hints(window: MainWindow) -> list[StarterHint]:
    return [window.panel.starter, window.beside.ask.starter, window.beside.rank.starter]


def shown(window: MainWindow) -> list[bool]:
    return [not hint.isHidden() for hint in hints(window)]


def any_loader(request: ModelRequest) -> FakeCaptioner:
    return FakeCaptioner(name=request.name)


def test_it_says_which_model_speaks_and_leads_to_the_full_one(
    qtbot: QtBot, window: MainWindow, picture_file: Path
) -> None:
    drop(window, file_urls([picture_file]))
    hint = window.panel.starter
    qtbot.waitUntil(hint.isVisible, timeout=WAIT_MS)
    assert said(hint) == (
        "Starter CoCa is a small model that knows drawn scenes. For photographs, download CoCa ViT-B/32 (1.01 GB)…"
    )
    assert said(hint) == hint.label.accessibleName().replace("\u00a0", " ")
    hint.label.linkActivated.emit(re.findall('href="(.*?)"', hint.label.text())[0])
    panel = window.desk.panel
    assert panel is not None
    assert panel.isVisible()
    assert panel.list.current is not None
    assert panel.list.current.card.name == "coca-vit-b-32"
    panel.close()


def test_the_link_can_be_followed_with_the_keyboard(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    drop(window, file_urls([picture_file]))
    hint = window.panel.starter
    qtbot.waitUntil(hint.isVisible, timeout=WAIT_MS)
    asked: list[str] = []
    hint.model_asked.disconnect()
    hint.model_asked.connect(asked.append)
    window.activateWindow()
    hint.label.setFocus(Qt.FocusReason.TabFocusReason)
    assert hint.label.selectedText().startswith("download")  # the link is marked
    qtbot.keyClick(hint.label, Qt.Key.Key_Return)
    assert asked == ["coca-vit-b-32"]
    qtbot.keyClick(hint.label, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is hint.close_button


def test_only_a_bundled_model_with_its_own_weights_is_a_starter(
    qtbot: QtBot, make_window: MakeWindow, tmp_path: Path
) -> None:
    folder = models_dir() / "my-coca"
    folder.mkdir(parents=True)
    (folder / IMPORT_FILE).write_text('{"built_like": "starter-coca"}')
    (folder / WEIGHTS_FILE).write_bytes(b"")
    window = make_window(loader=any_loader)
    chooser = window.panel.settings.chooser
    wait_for_entry(qtbot, window, "my-coca", lambda entry: entry.is_here)
    assert shown(window) == [True, card(settings_model(window)).bundled, True]
    for name, expected in (("my-coca", False), ("coca-vit-l-14", False), ("starter-coca", True)):
        chooser.choose(name)
        assert shown(window)[0] is expected, name
    for model in (ModelRequest(untrained=True), ModelRequest(checkpoint=str(tmp_path / "own.safetensors"))):
        chooser.show_model(model)
        assert not shown(window)[0]
    chooser.show_model(ModelRequest())
    untrained = next(box for box in chooser.findChildren(QCheckBox))
    untrained.click()
    assert not shown(window)[0]


def settings_model(window: MainWindow) -> str:
    return window.beside.ask.box.model.name


def test_asking_says_so_too_where_its_model_comes_along(
    qtbot: QtBot, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the card's field and not by any name: here the published BLIP comes along, and another is the full one."""
    monkeypatch.setitem(CARDS, ASKER, replace(card(ASKER), bundled=True, hub_repo="", title="Pocket BLIP"))
    window = make_window(settings=Settings(tab="ask", ask_model=ModelRequest(ASKER)))
    assert shown(window)[1]
    full = card("blip-vqa-capfilt-large")
    assert said(window.beside.ask.starter).endswith(f"download {full.title} (1.54 GB)…")
    assert said(window.beside.ask.starter).startswith("Pocket BLIP is")


def test_a_full_model_that_is_here_need_not_be_downloaded(
    qtbot: QtBot, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"1234")
    name = "coca-vit-l-14"
    monkeypatch.setattr(
        "cocadesk.gui.library.find_weights", lambda asked: weights if asked.name in (name, "starter-coca") else None
    )
    window = make_window()
    wait_for_entry(qtbot, window, name, lambda entry: entry.is_here)
    assert said(window.panel.starter).endswith("For photographs, choose CoCa ViT-L/14…")


def test_without_a_full_model_nothing_is_promised(make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name, known in CARDS.items() if not known.bundled]:
        monkeypatch.delitem(CARDS, name)
    window = make_window()
    assert said(window.panel.starter) == "Starter CoCa is a small model that knows drawn scenes."


def test_it_goes_for_good_and_comes_back_from_the_menu(make_window: MakeWindow) -> None:
    first = make_window()
    assert shown(first)[0]
    first.panel.starter.close_button.click()
    assert shown(first) == [False] * 3
    assert not settings.load().starter_hints
    first.close()
    second = make_window(settings=settings.load())
    assert shown(second) == [False] * 3
    second.commands.starter_hints.trigger()
    assert shown(second)[0]
    assert settings.load().starter_hints


def test_it_follows_the_appearance(window: MainWindow) -> None:
    colours = set()
    for name in ("dark", "light"):
        window.commands.appearances[name].trigger()
        assert theme().colours.accent in window.panel.starter.label.text()
        colours.add(theme().colours.accent)
    assert len(colours) == 2


def test_a_long_name_makes_nothing_wider(
    qtbot: QtBot, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch, picture_file: Path
) -> None:
    plain = make_window()
    width = plain.panel.starter.minimumSizeHint().width()
    plain.close()
    monkeypatch.setitem(CARDS, "starter-coca", replace(card("starter-coca"), title="An_unbroken_name_" * 12))
    window = make_window()
    drop(window, file_urls([picture_file]))
    hint = window.panel.starter
    qtbot.waitUntil(hint.isVisible, timeout=WAIT_MS)
    assert hint.minimumSizeHint().width() == width
    right = hint.close_button.rect().topRight()
    qtbot.waitUntil(lambda: hint.close_button.mapTo(window, right).x() < window.width(), timeout=WAIT_MS)
    assert window.panel.width() < window.width() / 2

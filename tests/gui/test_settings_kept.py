"""What the user chose is used, kept, and there again the next time."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QLineEdit, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from cocadesk.catalog.card import WEIGHTS_FILE
from cocadesk.catalog.cards import CARDS, IMPORT_FILE
from cocadesk.gui.colours import DARK, LIGHT
from cocadesk.gui.entries import EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.theme import theme
from cocadesk.paths import models_dir
from cocadesk.store import settings
from cocadesk.types import CaptionOptions, ModelRequest
from tests.fakes.captioner import FakeCaptioner
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_entry, wait_for_states


def field(window: MainWindow, kind: type[QWidget], name: str) -> QWidget:
    return next(found for found in window.panel.settings.findChildren(kind) if found.accessibleName() == name)


def choose(window: MainWindow, name: str, text: str) -> None:
    combo = field(window, QComboBox, name)
    assert isinstance(combo, QComboBox)
    combo.setCurrentText(text)


def test_only_what_the_method_uses_is_shown(window: MainWindow) -> None:
    window.commands.settings.trigger()
    temperature = field(window, QDoubleSpinBox, "Temperature")
    beams = field(window, QSpinBox, "Beams")
    assert not temperature.isVisible()
    choose(window, "How words are chosen", "Draw at random")
    assert temperature.isVisible()
    assert not beams.isVisible()
    choose(window, "How words are chosen", "Search several at once")
    assert beams.isVisible()
    assert not temperature.isVisible()


def test_edited_settings_reach_the_session_and_the_disk(window: MainWindow) -> None:
    choose(window, "How words are chosen", "Draw at random")
    for name, value in (("Temperature", 0.9), ("Top-p", 0.8)):
        spin = field(window, QDoubleSpinBox, name)
        assert isinstance(spin, QDoubleSpinBox)
        spin.setValue(value)
    for name, whole in (("Top-k", 12), ("Seed", 3), ("Most tokens", 9)):
        number = field(window, QSpinBox, name)
        assert isinstance(number, QSpinBox)
        number.setValue(whole)
    expected = CaptionOptions(temperature=0.9, top_k=12, top_p=0.8, max_tokens=9, seed=3)
    assert window.session.options == expected
    assert settings.load().options == expected


def test_every_method_gives_valid_options(window: MainWindow) -> None:
    combo = field(window, QComboBox, "How words are chosen")
    assert isinstance(combo, QComboBox)
    for number in (1, 2, 3, 0, 2, 1, 3, 0):
        combo.setCurrentIndex(number)
        window.panel.settings.options  # noqa: B018 — it would raise
    assert window.session.options == CaptionOptions()


def put_imported(name: str) -> None:
    """An imported model, of no bytes."""
    folder = models_dir() / name
    folder.mkdir(parents=True)
    (folder / IMPORT_FILE).write_text('{"built_like": "starter-coca"}')
    (folder / WEIGHTS_FILE).write_bytes(b"")


def test_another_model_is_loaded_at_once(qtbot: QtBot, make_window: MakeWindow) -> None:
    asked: list[ModelRequest] = []

    def loader(request: ModelRequest) -> object:
        asked.append(request)
        return FakeCaptioner(name=request.name)

    put_imported("my-coca")
    window = make_window(loader=loader)
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=WAIT_MS)
    window.commands.settings.trigger()
    combo = field(window, QComboBox, "Model")
    assert isinstance(combo, QComboBox)
    wait_for_entry(qtbot, window, "my-coca", lambda entry: entry.is_here)
    combo.setCurrentIndex(combo.findData("my-coca"))
    qtbot.waitUntil(lambda: len(asked) == 2, timeout=WAIT_MS)
    assert asked[1] == ModelRequest("my-coca")


def test_layout_and_choices_are_there_again(qtbot: QtBot, make_window: MakeWindow) -> None:
    first = make_window()
    first.resize(1111, 777)
    first.commands.appearances["dark"].trigger()
    first.commands.settings.trigger()
    assert theme().colours is DARK
    first.close()
    second = make_window(settings=settings.load())
    assert second.commands.settings.isChecked()
    assert second.commands.appearances["dark"].isChecked()
    assert settings.load().geometry
    second.commands.appearances["light"].trigger()
    assert theme().colours is LIGHT


def test_full_screen_is_left_as_the_window_was(qtbot: QtBot, make_window: MakeWindow) -> None:
    window = make_window()
    window.showMaximized()
    window.commands.full_screen.trigger()
    assert window.isFullScreen()
    assert window.commands.full_screen.isChecked()
    window.commands.full_screen.trigger()
    assert window.isMaximized()
    assert not window.isFullScreen()
    window.showFullScreen()  # as a window manager would
    assert window.commands.full_screen.isChecked()


def test_a_window_closed_in_full_screen_is_there_again(qtbot: QtBot, make_window: MakeWindow) -> None:
    first = make_window()
    first.commands.full_screen.trigger()
    first.close()
    second = make_window(settings=settings.load())
    assert second.isFullScreen()
    assert second.commands.full_screen.isChecked()
    second.commands.full_screen.trigger()
    assert not second.isFullScreen()


def test_damaged_settings_fall_back_to_defaults(profile: Path) -> None:
    settings.settings_file().write_text("{", encoding="utf-8")
    assert settings.load() == settings.Settings()
    settings.settings_file().write_text('{"options": {"beams": -3}, "recent": [1, "a"], "appearance": "pink"}')
    assert settings.load() == settings.Settings(recent=("a",))


def test_a_remembered_model_that_is_gone_gives_way_to_the_usual_one(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[ModelRequest] = []
    usual = CARDS["starter-coca"]
    monkeypatch.delitem(CARDS, "starter-coca")
    monkeypatch.setitem(CARDS, "starter-coca", usual)  # wherever it is on the list

    def loader(request: ModelRequest) -> object:
        asked.append(request)
        return FakeCaptioner(name=request.name)

    remembered = ModelRequest("gone-coca", device="cpu", checkpoint="/nowhere/gone.safetensors")
    window = make_window(settings=settings.Settings(model=remembered), loader=loader)
    expected = ModelRequest("starter-coca", device="cpu")  # weights of another model would not fit
    assert window.panel.settings.model == expected
    assert window.session.model == expected
    assert window.messages.messages == ["gone-coca: It is not on the list of models any more. Starter CoCa captions."]
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, EntryState.CAPTIONED)
    assert asked == [expected]


def test_an_imported_model_can_be_chosen(qtbot: QtBot, make_window: MakeWindow) -> None:
    put_imported("my-coca")
    window = make_window()
    window.commands.settings.trigger()

    combo = field(window, QComboBox, "Model")
    assert isinstance(combo, QComboBox)
    combo.setCurrentIndex(combo.findData("my-coca"))

    assert window.session.model.name == "my-coca"
    labels = window.panel.settings.findChildren(QLabel)
    qtbot.waitUntil(lambda: any(label.text() == "Imported" for label in labels), timeout=WAIT_MS)


def test_frames_cache_and_weights_reach_the_request(window: MainWindow, tmp_path: Path) -> None:
    window.commands.settings.trigger()
    frames = field(window, QSpinBox, "Frames")
    assert isinstance(frames, QSpinBox)
    frames.setValue(5)
    anew = field(window, QCheckBox, "Compute every step anew")
    assert isinstance(anew, QCheckBox)
    anew.click()
    choose(window, "Number format", "bfloat16")
    choose(window, "Device", "Processor")
    weights = field(window, QLineEdit, "Weights file")
    assert isinstance(weights, QLineEdit)
    weights.setText(str(tmp_path / "own.safetensors"))
    weights.editingFinished.emit()
    assert window.session.options == CaptionOptions(frames=5, cached=False)
    expected = ModelRequest(device="cpu", dtype="bfloat16", checkpoint=str(tmp_path / "own.safetensors"))
    assert window.session.model == expected
    assert settings.load().model == expected
    assert settings.load().options == window.session.options
    untrained = field(window, QCheckBox, "Untrained weights")
    assert isinstance(untrained, QCheckBox)
    untrained.click()
    assert window.session.model == ModelRequest(device="cpu", dtype="bfloat16", untrained=True)
    assert not weights.isEnabled()
    untrained.click()
    weights.clear()
    assert window.session.model == ModelRequest(device="cpu", dtype="bfloat16")

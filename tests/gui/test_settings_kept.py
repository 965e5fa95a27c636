"""What the user chose is used, kept, and there again the next time."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QLabel, QSpinBox, QWidget
from pytestqt.qtbot import QtBot

from cocadesk.catalog.cards import IMPORT_FILE, WEIGHTS_FILE
from cocadesk.gui.colours import DARK, LIGHT
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.theme import theme
from cocadesk.paths import models_dir
from cocadesk.store import settings
from cocadesk.types import CaptionOptions, ModelRequest
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS


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
    for number in (1, 2, 0, 2, 1, 0):
        combo.setCurrentIndex(number)
        window.panel.settings.options  # noqa: B018 — it would raise
    assert window.session.options == CaptionOptions()


def test_another_model_is_loaded_at_once(qtbot: QtBot, make_window: MakeWindow) -> None:
    asked: list[ModelRequest] = []

    def loader(request: ModelRequest) -> object:
        asked.append(request)
        from tests.fakes.captioner import FakeCaptioner  # noqa: PLC0415

        return FakeCaptioner(name=request.name)

    window = make_window(loader=loader)
    qtbot.waitUntil(lambda: len(asked) == 1, timeout=WAIT_MS)
    choose(window, "Model", "CoCa ViT-B/32")
    qtbot.waitUntil(lambda: len(asked) == 2, timeout=WAIT_MS)
    untrained = field(window, QCheckBox, "Untrained weights")
    qtbot.mouseClick(untrained, Qt.MouseButton.LeftButton)
    window.panel.settings.edited.emit()
    assert asked[1] == ModelRequest("coca-vit-b-32")


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


def test_damaged_settings_fall_back_to_defaults(profile: Path) -> None:
    settings.settings_file().write_text("{", encoding="utf-8")
    assert settings.load() == settings.Settings()
    settings.settings_file().write_text('{"options": {"beams": -3}, "recent": [1, "a"], "appearance": "pink"}')
    assert settings.load() == settings.Settings(recent=("a",))


def test_an_imported_model_can_be_chosen(qtbot: QtBot, make_window: MakeWindow) -> None:
    folder = models_dir() / "my-coca"
    folder.mkdir(parents=True)
    (folder / IMPORT_FILE).write_text('{"built_like": "starter-coca"}')
    (folder / WEIGHTS_FILE).write_bytes(b"")
    window = make_window()
    window.commands.settings.trigger()

    combo = field(window, QComboBox, "Model")
    assert isinstance(combo, QComboBox)
    combo.setCurrentIndex(combo.findData("my-coca"))

    assert window.session.model.name == "my-coca"
    qtbot.waitUntil(
        lambda: any(label.text() == "On this machine" for label in window.panel.settings.findChildren(QLabel)),
        timeout=WAIT_MS,
    )

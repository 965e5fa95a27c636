"""Two models on the same picture: captions, what they do not share, and one view of the picture."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cocadesk.gui.canvas import Canvas
from cocadesk.gui.compare.compare_window import CompareWindow
from cocadesk.gui.library import Place
from cocadesk.gui.main_window import MainWindow
from cocadesk.types import CaptionOptions, Clip, ModelRequest, Picture
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.looker import FakeLooker
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls
from tests.gui.side import open_files

OTHER = ModelRequest("blip-caption-base", untrained=True)


@pytest.fixture
def models() -> dict[str, FakeCaptioner]:
    """One with maps of its words and one without; they differ in two words."""
    return {
        "starter-coca": FakeLooker(("a", " cat", " on", " grass")),
        "blip-caption-base": FakeCaptioner(("a", " dog", " on", " green", " grass"), name="blip-caption-base"),
    }


@pytest.fixture
def main(make_window: MakeWindow, models: dict[str, FakeCaptioner]) -> MainWindow:
    return make_window(loader=lambda request: models[request.name])


@pytest.fixture
def compared(qtbot: QtBot, main: MainWindow, picture_file: Path) -> Iterator[CompareWindow]:
    """Both models on one picture."""
    open_files(qtbot, main, [picture_file])
    main.commands.compare.trigger()
    window = main.compare.window
    assert window is not None
    window.sides[1].settings.show_values(OTHER, CaptionOptions(max_tokens=7))
    window.sides[1].settings.edited.emit()
    wait(qtbot, window)
    yield window
    window.close()


def wait(qtbot: QtBot, window: CompareWindow) -> None:
    def there() -> None:
        assert all(side.view.words for side in window.sides)
        assert not window._comparing.is_busy
        assert not any(side.canvas.is_empty for side in window.sides)

    qtbot.waitUntil(there, timeout=WAIT_MS)


def texts(window: CompareWindow) -> list[str]:
    return [side.view.text for side in window.sides]


def test_both_say_what_they_see(compared: CompareWindow, models: dict[str, FakeCaptioner]) -> None:
    assert texts(compared) == ["a cat on grass", "a dog on green grass"]
    assert [side.view.marked for side in compared.sides] == [["cat"], ["dog", "green"]]
    assert models["blip-caption-base"].asked == [CaptionOptions(max_tokens=7)]
    word = compared.sides[0].view.words[1]
    assert word.accessibleName() == "cat, 61 %, not in the other caption"
    assert "other0 37 %" in word.toolTip()
    image = compared.sides[0].view.grab().toImage()
    line = [image.pixelColor(word.geometry().center().x(), word.geometry().bottom() - down) for down in range(4)]
    assert any(shade.red() > shade.green() + 60 for shade in line)


def test_one_view_of_the_picture(qtbot: QtBot, compared: CompareWindow) -> None:
    left, right = (side.canvas for side in compared.sides)

    def alike() -> None:
        np.testing.assert_allclose(left.seen.getRect(), right.seen.getRect(), atol=0.5)

    qtbot.waitUntil(lambda: left.seen.width() > 0)
    before = right.zoom
    left.zoom_in()
    alike()
    assert right.zoom == pytest.approx(1.25 * before, rel=0.02)
    qtbot.keyClick(right.viewport.parentWidget(), Qt.Key.Key_Right)
    alike()
    right.fit()
    alike()
    assert left.zoom == pytest.approx(before, rel=0.02)
    turn_wheel(left, 120)
    alike()
    assert left.zoom > 1.1 * before
    assert not right.is_fitted


def turn_wheel(canvas: Canvas, by: int) -> None:
    """Turn the wheel over the middle of the picture."""
    spot = QPointF(canvas.viewport.rect().center())
    buttons, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    at = canvas.viewport.mapToGlobal(spot)
    event = QWheelEvent(spot, at, QPoint(), QPoint(0, by), buttons, keys, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(canvas.viewport, event)


def test_whole_picture_stays_whole_when_the_window_is_resized(qtbot: QtBot, compared: CompareWindow) -> None:
    left, right = (side.canvas for side in compared.sides)
    size = compared.size()
    before = left.zoom
    for width, height in ((900, 700), (1400, 900), (size.width(), size.height())):
        compared.resize(width, height)
        QApplication.processEvents()
        qtbot.waitUntil(lambda: left.seen.getRect() == pytest.approx(right.seen.getRect(), abs=0.5))
        for canvas in (left, right):
            assert canvas.seen.contains(canvas.picture_rect)
            assert canvas.is_fitted
    qtbot.waitUntil(lambda: left.zoom == pytest.approx(before, rel=1e-3), timeout=WAIT_MS)
    assert right.zoom == pytest.approx(before, rel=1e-3)


def test_a_word_shows_its_maps_on_both_sides(qtbot: QtBot, main: MainWindow, picture_file: Path) -> None:
    open_files(qtbot, main, [picture_file])
    main.commands.compare.trigger()
    window = main.compare.window
    assert window is not None
    qtbot.waitUntil(lambda: all(side.looked is not None for side in window._comparing.sides), timeout=WAIT_MS)
    wait(qtbot, window)
    word = window.sides[1].view.words[3]
    middle = QPointF(word.rect().center())
    QApplication.sendEvent(word, QEnterEvent(middle, middle, QPointF(word.mapToGlobal(word.rect().center()))))
    looked = window._comparing.sides[0].looked
    assert looked is not None
    for side in window.sides:
        assert side.canvas.map is not None
        np.testing.assert_allclose(side.canvas.map.values, looked.maps.patch_map(3, -1), rtol=1e-5)
    QApplication.sendEvent(word, QEvent(QEvent.Type.Leave))
    assert all(side.canvas.map is None for side in window.sides)
    window.close()


def test_a_word_that_only_one_says_is_looked_for_on_one_side(compared: CompareWindow) -> None:
    word = compared.sides[0].view.words[1]
    compared.sides[0].view.word_noticed.emit(word)
    assert compared.sides[0].canvas.map is not None
    assert compared.sides[1].canvas.map is None


def test_it_follows_the_picture_that_is_chosen(
    qtbot: QtBot, main: MainWindow, compared: CompareWindow, many_files: list[Path]
) -> None:
    drop(main, file_urls(many_files[:1]))
    qtbot.waitUntil(lambda: compared._name.text() == "0.png", timeout=WAIT_MS)
    wait(qtbot, compared)
    assert compared.sides[0].canvas.picture_rect.width() == 40
    compared.close()
    main.commands.previous.trigger()
    assert compared._entry is None
    main.commands.compare.trigger()
    wait(qtbot, compared)
    assert compared.sides[0].canvas.picture_rect.width() == 80
    assert compared.sides[1].settings.model == OTHER


def test_a_missing_model_is_offered(qtbot: QtBot, compared: CompareWindow, models: dict[str, FakeCaptioner]) -> None:
    side = compared.sides[1]
    assert side.view.text == "a dog on green grass"
    side.settings.chooser.choose("coca-vit-l-14")
    assert side.notice.isVisible()
    assert side.view.text == "", "what the other model said does not stand below this one's name"
    assert side.view.isHidden()
    models["coca-vit-l-14"] = FakeCaptioner(("a", " bird"), name="coca-vit-l-14")
    side.notice.untrained.setFocus()
    qtbot.keyClick(side.notice.untrained, Qt.Key.Key_Space)
    assert side.settings.model == ModelRequest("coca-vit-l-14", untrained=True)
    assert side.canvas.view.hasFocus()
    wait(qtbot, compared)
    assert texts(compared) == ["a cat on grass", "a bird"]


def test_model_that_arrives_is_used(
    qtbot: QtBot,
    main: MainWindow,
    compared: CompareWindow,
    models: dict[str, FakeCaptioner],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models["coca-vit-l-14"] = FakeCaptioner(("a", " bird"), name="coca-vit-l-14")
    side = compared.sides[1]
    side.settings.chooser.choose("coca-vit-l-14")
    main.library.changed.emit("starter-vit")
    assert texts(compared) == ["a cat on grass", ""]
    monkeypatch.setattr(main.library, "place", lambda model: Place.HERE)
    main.library.changed.emit("coca-vit-l-14")
    assert not side.notice.isVisible()
    wait(qtbot, compared)
    assert texts(compared) == ["a cat on grass", "a bird"]


def test_both_are_stopped(qtbot: QtBot, main: MainWindow, models: dict[str, FakeCaptioner], picture_file: Path) -> None:
    go_on = threading.Event()

    def before_token(_picture: Picture | Clip, position: int) -> None:
        if position == 2 and stopping:
            assert go_on.wait(WAIT_MS / 1000)

    stopping: list[int] = []
    models["starter-coca"]._before_token = before_token
    open_files(qtbot, main, [picture_file])
    stopping.append(1)
    main.commands.compare.trigger()
    window = main.compare.window
    assert window is not None
    qtbot.waitUntil(lambda: window.sides[0].view.text == "a cat", timeout=WAIT_MS)
    qtbot.mouseClick(window.stop, Qt.MouseButton.LeftButton)
    go_on.set()
    assert window.sides[0].message.text().startswith("Stopped.")
    assert texts(window) == ["a cat", ""]
    assert window.again.isVisible()
    window.close()

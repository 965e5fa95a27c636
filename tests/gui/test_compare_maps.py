"""One choice of map for two models: depth, head, kind and word."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_summary import rollout
from cocadesk.errors import InputError
from cocadesk.gui.compare.compare_window import EMPTY, NO_PICTURE, POINT, CompareWindow
from cocadesk.gui.compare.comparing import STOPPED
from cocadesk.gui.compare.shared_choice import Extent, MapKind, SharedChoice
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.widgets.word import Word
from cocadesk.types import AttentionKind, CaptionOptions, ModelRequest
from tests.fakes.looker import FakeLooker, RelevantLooker
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS
from tests.gui.side import open_files

OTHER = ModelRequest("blip-caption-base", untrained=True)
LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def models() -> dict[str, FakeLooker]:
    """Three layers of four heads, and six of two; the second cuts “grass” into pieces and weighs with gradients."""
    return {
        "starter-coca": FakeLooker(("a", " cat", " on", " grass")),
        "blip-caption-base": RelevantLooker(
            ("a", " dog", " on", " green", " gra", "ss"), name="blip-caption-base", layers=6, heads=2
        ),
    }


@pytest.fixture
def window(
    qtbot: QtBot, make_window: MakeWindow, models: dict[str, FakeLooker], picture_file: Path
) -> Iterator[CompareWindow]:
    """Both models on one picture, with the maps of their words."""
    main = make_window(loader=lambda request: models[request.name])
    open_files(qtbot, main, [picture_file])
    yield compared(qtbot, main)
    assert main.compare.window is not None
    main.compare.window.close()


def compared(qtbot: QtBot, main: MainWindow) -> CompareWindow:
    main.commands.compare.trigger()
    window = main.compare.window
    assert window is not None
    window.sides[1].settings.show_values(OTHER, CaptionOptions())
    window.sides[1].settings.edited.emit()
    settle(qtbot, window)
    return window


def settle(qtbot: QtBot, window: CompareWindow) -> None:
    """Wait until both captions and what can be had of their maps are there."""

    def there() -> None:
        assert all(side.view.words for side in window.sides)
        assert not any(side.canvas.is_empty for side in window.sides)
        assert not window._comparing.is_busy

    qtbot.waitUntil(there, timeout=WAIT_MS)


def maps(window: CompareWindow, side: int) -> AttentionMaps:
    looked = window._comparing.sides[side].looked
    assert looked is not None
    return looked.maps


def assert_shown(window: CompareWindow, side: int, expected: np.ndarray | None) -> None:
    shown = window.sides[side].canvas.map
    assert (shown is None) == (expected is None)
    if shown is not None:
        np.testing.assert_allclose(shown.values, expected, rtol=1e-5)


def point(word: Word) -> None:
    middle = QPointF(word.rect().center())
    QApplication.sendEvent(word, QEnterEvent(middle, middle, word.mapToGlobal(middle)))


def leave(word: Word) -> None:
    QApplication.sendEvent(word, QEvent(QEvent.Type.Leave))


def choose(qtbot: QtBot, window: CompareWindow, kind: MapKind) -> None:
    window.bar.kind.setCurrentIndex(window.bar.kind.findData(kind))
    settle(qtbot, window)


def told(window: CompareWindow) -> list[str]:
    return [side.seen.text() for side in window.sides]


def test_clicked_word_stays_on_both_sides(qtbot: QtBot, window: CompareWindow) -> None:
    left, right = (side.view for side in window.sides)
    assert told(window) == [POINT, POINT]
    qtbot.mouseClick(left.words[3], LEFT)
    leave(left.words[3])
    left.words[3].clearFocus()
    for side, place, layer in ((0, 3, 2), (1, 4, 5)):
        assert_shown(window, side, maps(window, side).patch_map(place, layer))
    assert told(window) == ["“grass” · layer 2 · mean", "“gra” · layer 5 · mean"]
    assert [[word.text() for word in view.words if word.is_kept] for view in (left, right)] == [["grass"], ["gra"]]  # type: ignore[attr-defined]
    assert left.words[3].accessibleName().endswith("its map stays")
    point(right.words[1])
    assert_shown(window, 0, None)
    assert_shown(window, 1, maps(window, 1).patch_map(1, 5))
    assert told(window)[0] == "This caption has no “dog”."
    leave(right.words[1])
    assert_shown(window, 0, maps(window, 0).patch_map(3, 2))
    qtbot.mouseClick(left.words[3], LEFT)
    leave(left.words[3])
    left.words[3].clearFocus()
    assert told(window) == [POINT, POINT]
    assert_shown(window, 0, None)


def test_everything_is_done_with_keys(qtbot: QtBot, window: CompareWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_F7)
    left, right = (side.view for side in window.sides)
    assert left.words[0].hasFocus()
    qtbot.keyClick(left.words[0], Qt.Key.Key_End)
    qtbot.keyClick(left.words[3], Qt.Key.Key_Return)
    window.bar.layer.slider.setFocus()
    qtbot.keyClick(window.bar.layer.slider, Qt.Key.Key_Home)
    qtbot.keyClick(window, Qt.Key.Key_Right, CTRL)
    for side, place in ((0, 3), (1, 4)):
        assert_shown(window, side, maps(window, side).patch_map(place, 0, 0))
    qtbot.keyClick(window, Qt.Key.Key_Left, CTRL)
    qtbot.keyClick(window, Qt.Key.Key_Down, CTRL)
    assert_shown(window, 1, maps(window, 1).patch_map(4, 1))
    qtbot.keyClick(window, Qt.Key.Key_Up, CTRL)
    assert_shown(window, 1, maps(window, 1).patch_map(4, 0))
    qtbot.keyClick(window, Qt.Key.Key_F7, Qt.KeyboardModifier.ShiftModifier)
    assert right.words[0].hasFocus()
    qtbot.keyClick(right.words[0], Qt.Key.Key_Escape)
    window.bar.layer.slider.setFocus()
    assert told(window) == [POINT, POINT]
    assert window.isVisible()


def test_layers_are_those_that_lie_as_deep(qtbot: QtBot, window: CompareWindow) -> None:
    qtbot.mouseClick(window.sides[0].view.words[0], LEFT)
    slider = window.bar.layer.slider
    assert (slider.minimum(), slider.maximum(), slider.value()) == (0, 5, 5)
    for place, shallow in enumerate((0, 0, 1, 1, 2, 2)):
        slider.setValue(place)
        assert_shown(window, 0, maps(window, 0).patch_map(0, shallow))
        assert_shown(window, 1, maps(window, 1).patch_map(0, place))
        assert window.bar.layer.told == f"left {shallow} of 0–2, right {place} of 0–5"
        assert slider.accessibleDescription() == window.bar.layer.told


def test_head_that_one_has_not_is_its_mean(qtbot: QtBot, window: CompareWindow) -> None:
    qtbot.mouseClick(window.sides[0].view.words[0], LEFT)
    slider = window.bar.head.slider
    assert (slider.minimum(), slider.maximum(), window.bar.head.told) == (-1, 3, "mean")
    slider.setValue(1)
    assert_shown(window, 0, maps(window, 0).patch_map(0, 2, 1))
    assert_shown(window, 1, maps(window, 1).patch_map(0, 5, 1))
    slider.setValue(3)
    assert_shown(window, 0, maps(window, 0).patch_map(0, 2, 3))
    assert_shown(window, 1, maps(window, 1).patch_map(0, 5))
    assert window.bar.head.told == "3 (right: mean)"
    assert told(window) == ["“a” · layer 2 · head 3", "“a” · layer 5 · mean"]


def test_maps_of_the_picture_need_no_word(qtbot: QtBot, window: CompareWindow, models: dict[str, FakeLooker]) -> None:
    choose(qtbot, window, "picture")
    for side, layer in ((0, 2), (1, 5)):
        assert maps(window, side).kind == "image"
        assert_shown(window, side, maps(window, side).patch_map(0, layer))
    choose(qtbot, window, "rollout")
    assert not window.bar.head.slider.isEnabled()
    window.bar.layer.slider.setValue(2)
    for side, layer in ((0, 1), (1, 2)):
        assert_shown(window, side, rollout(maps(window, side)).patch_map(0, layer))
    choose(qtbot, window, "words")
    assert told(window) == [POINT, POINT]
    assert [kind for kind, _ in models["starter-coca"].looked] == ["words", "image"], "each kind is made once"


def test_kind_that_one_model_has_not(qtbot: QtBot, window: CompareWindow) -> None:
    qtbot.mouseClick(window.sides[1].view.words[0], LEFT)
    choose(qtbot, window, "relevance")
    assert_shown(window, 0, None)
    assert_shown(window, 1, maps(window, 1).patch_map(0, 0))
    assert told(window)[0].startswith("starter-coca cannot weigh this attention")
    assert told(window)[1] == "“a” · relevance"
    assert window.sides[0].seen.property("tone") == "danger"
    assert not window.bar.layer.slider.isEnabled()
    choose(qtbot, window, "words")
    assert_shown(window, 0, maps(window, 0).patch_map(0, 2))
    assert window.bar.layer.slider.isEnabled()
    assert window.sides[0].seen.property("tone") == "muted"


def test_colours_are_shared(qtbot: QtBot, window: CompareWindow) -> None:
    qtbot.mouseClick(window.sides[0].view.words[0], LEFT)
    window.bar.style_box._opacity.slider.setValue(90)
    window.bar.style_box._smooth.click()
    for side in window.sides:
        assert (side.canvas.overlay_style.opacity, side.canvas.overlay_style.smooth) == (0.9, False)
        assert side.canvas.map is not None


def test_maps_are_made_and_stopped_while_captions_stay(
    qtbot: QtBot, make_window: MakeWindow, models: dict[str, FakeLooker], picture_file: Path
) -> None:
    go_on = threading.Event()

    def before(kind: AttentionKind) -> None:
        if kind == "image":
            assert go_on.wait(WAIT_MS / 1000)
        if kind == "image" and failing:
            raise InputError("It broke. Choose another picture.")

    failing: list[int] = []
    models["starter-coca"]._before = before
    main = make_window(loader=lambda request: models[request.name])
    open_files(qtbot, main, [picture_file])
    window = compared(qtbot, main)
    window.bar.kind.setCurrentIndex(window.bar.kind.findData("picture"))
    assert window._comparing.is_busy
    assert window.stop.isVisible()
    assert told(window)[0] != POINT
    qtbot.mouseClick(window.stop, LEFT)
    go_on.set()
    assert told(window) == [STOPPED, STOPPED]
    assert window.again.isVisible()
    assert window.sides[0].view.text == "a cat on grass"
    failing.append(1)
    window.again.setFocus()
    qtbot.keyClick(window.again, Qt.Key.Key_Space)
    assert window.stop.hasFocus(), "the keyboard goes along"
    settle(qtbot, window)
    assert told(window)[0] == "It broke. Choose another picture."
    assert_shown(window, 0, None)
    assert_shown(window, 1, maps(window, 1).patch_map(0, 5))
    window.close()


def test_caption_made_anew_lets_its_word_go(qtbot: QtBot, window: CompareWindow) -> None:
    qtbot.mouseClick(window.sides[1].view.words[1], LEFT)
    qtbot.mouseClick(window.again, LEFT)
    settle(qtbot, window)
    assert all(side.canvas.map is None for side in window.sides)
    assert told(window) == [POINT, POINT]


def test_without_a_picture_it_says_what_to_do(window: CompareWindow, qtbot: QtBot) -> None:
    main = window.parent()
    assert isinstance(main, MainWindow)
    assert window._hint.text() != EMPTY
    main.commands.close_picture.trigger()
    assert window._hint.text() == EMPTY
    assert told(window) == ["", ""]
    assert not window.again.isEnabled()
    assert not window.bar.layer.slider.isEnabled()
    assert window._comparing.sides[0].looked is None


def test_every_control_has_a_name(window: CompareWindow) -> None:
    bar = window.bar
    for control in (bar.kind, bar.layer.slider, bar.head.slider, window.sides[0].seen):
        assert control.accessibleName()


@pytest.mark.parametrize(("fewer", "more"), [(1, 12), (4, 12), (6, 24), (12, 12), (3, 7)])
def test_depth_goes_from_first_to_last_on_both_sides(fewer: int, more: int) -> None:
    pairs = [
        (SharedChoice(depth=place / (more - 1)).layer_of(fewer), SharedChoice(depth=place / (more - 1)).layer_of(more))
        for place in range(more)
    ]
    assert [deep for _, deep in pairs] == list(range(more))
    assert sorted(shallow for shallow, _ in pairs) == [shallow for shallow, _ in pairs]
    assert {shallow for shallow, _ in pairs} == set(range(fewer)), "none is left out"
    if fewer > 1:
        assert (pairs[0], pairs[-1]) == ((0, 0), (fewer - 1, more - 1))


def test_depth_stays_when_a_model_is_changed(window: CompareWindow) -> None:
    bar = window.bar
    bar.layer.slider.setValue(4)
    bar.show_extents((Extent(11, 8), None))
    assert bar.layer.value == 8
    assert bar.layer.told == "8 of 0–10"
    bar.show_extents((None, None))
    assert bar.layer.told == ""
    bar.show_extents((Extent(3, 4), Extent(6, 2)))
    assert bar.layer.value == 4


def test_opened_without_a_picture(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    main = make_window(FakeLooker())
    main.commands.compare.trigger()
    window = main.compare.window
    assert window is not None
    assert (window._name.text(), window._hint.text()) == (NO_PICTURE, EMPTY)
    assert window.again.isVisible()
    assert not window.again.isEnabled()
    assert not window.stop.isVisible()
    for side in window.sides:
        assert side._title.text() == "Starter CoCa"
        assert not side._card.isVisible()
    open_files(qtbot, main, [picture_file])
    settle(qtbot, window)
    assert all(side._card.isVisible() and side.view.text == "a cat on grass" for side in window.sides)
    assert window.again.isEnabled()
    window.close()

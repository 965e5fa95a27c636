"""All layers and heads at once; pins; what is copied and saved."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QClipboard, QDrag, QImage
from pytestqt.qtbot import QtBot

from cocadesk.engine.attention import subtract_minimum
from cocadesk.gui.look.scene import Choice, Scene
from cocadesk.gui.look.tiles_view import _coloured
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.overlays.overlay_map import map_from_mime
from cocadesk.media.colour_maps import anchors
from tests.fakes.looker import HEADS, LAYERS, FakeLooker, noise
from tests.gui.conftest import MakeWindow
from tests.gui.looks import LOOKING, assert_shown, click_token, hover, open_one, panel_of


@pytest.fixture
def window(make_window: MakeWindow) -> MainWindow:
    return make_window(FakeLooker(), settings=LOOKING)


def scene_of(window: MainWindow) -> Scene:
    scene = panel_of(window).scene
    assert scene is not None
    return scene


def test_tiles_are_the_maps_of_every_layer_and_head(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    maps = open_one(qtbot, window, picture_file)
    scene = scene_of(window)
    for choice in (
        Choice(2),
        Choice(2, subtract=True),
        Choice(None),
        Choice(1, pooler_head=1),
        Choice(1, pooler_head=0, subtract=True),
    ):
        tiles = scene.tiles(choice)
        assert tiles.shape == (LAYERS, HEADS + 1, 4, 4)
        read = maps if choice.pooler_head == "mean" else maps.through_pooler(choice.pooler_head)
        for layer in range(LAYERS):
            for column in range(HEADS + 1):
                found = read.patch_maps(layer, "mean" if column == HEADS else column)
                found = subtract_minimum(found) if choice.subtract else found
                expected = found.mean(0) if choice.token is None else found[choice.token]
                np.testing.assert_allclose(tiles[layer, column], expected, rtol=1e-5, atol=1e-7)
    whole = scene.tiles(Choice(2), whole=True)
    np.testing.assert_allclose(whole[1, 3], maps.matrix(1, 3), rtol=1e-6)
    np.testing.assert_allclose(whole[1, HEADS], maps.matrix(1), rtol=1e-5)
    blocks = scene.tiles(Choice(2), whole=True, largest=8)[0, 0]
    assert blocks[0, 0] == pytest.approx(maps.weights[0, 0, 0, :3].mean())  # 17 keys in blocks of 3


def test_each_tile_has_its_own_scale_or_all_have_one() -> None:
    values = noise("tiles", 2, 3, 4, 4)
    values[0, 0] *= 0.5
    top = 0xFF000000 | int("".join(f"{int(part):02x}" for part in anchors("viridis")[-1]), 16)
    own, one = (_coloured(values, "viridis", one_scale=one_scale) for one_scale in (False, True))
    assert ((own == top).sum((-2, -1)) >= 1).all()
    assert (one == top).sum() == 1
    assert np.unravel_index((one == top).argmax(), one.shape) == np.unravel_index(values.argmax(), values.shape)


def test_the_window_of_tiles_chooses_and_pins(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    maps = open_one(qtbot, window, picture_file)
    window.commands.all_maps.trigger()
    tiles, controls = window.look.tiles, panel_of(window).controls
    assert tiles.isVisible()
    view = tiles.view
    assert view.current == (2, HEADS)
    assert view.tile_rect((0, 1)).left() > view.tile_rect((0, 0)).right()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.tile_rect((0, 2)).center())
    assert (controls.layer.value, controls.head.value) == (0, 2)
    assert_shown(window, maps.patch_map(1, 0, 2))
    qtbot.keyClick(view, Qt.Key.Key_Down)
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert (controls.layer.value, controls.head.told) == (1, "mean")
    assert view.describe((1, 0)).startswith("Layer 1, head 0: at most")
    qtbot.keyClick(view, Qt.Key.Key_Return)
    [pin] = window.canvas.pins.all
    np.testing.assert_allclose(pin.map.values, maps.patch_map(1, 1), rtol=1e-5)
    click_token(qtbot, controls.strip, 3)  # the tiles follow
    np.testing.assert_allclose(view.values[0, 0], maps.patch_map(3, 0, 0), rtol=1e-6)
    for row in range(3):
        tiles._kind.setCurrentIndex(row)
        assert not view.grab().isNull()


def test_tiles_open_at_the_chosen_one(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    open_one(qtbot, window, picture_file)
    tiles = window.look.tiles
    tiles.resize(560, 330)  # not all layers have room
    tiles.setAttribute(Qt.WidgetAttribute.WA_Moved)  # the user put it there
    window.commands.all_maps.trigger()
    view = tiles.view
    assert view.current == (2, HEADS)
    assert view.verticalScrollBar().maximum() > 0
    assert view.viewport().rect().contains(view.tile_rect((2, HEADS)).adjusted(1, 1, -1, -1))


def test_a_tile_that_is_dragged_away_is_its_map(
    qtbot: QtBot, window: MainWindow, picture_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps = open_one(qtbot, window, picture_file)
    window.commands.all_maps.trigger()
    view = window.look.tiles.view
    dragged: list[object] = []
    monkeypatch.setattr(QDrag, "exec", lambda drag, *_: dragged.append(map_from_mime(drag.mimeData())))
    spot = view.tile_rect((1, 3)).center()
    qtbot.mousePress(view.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    hover(view.viewport(), spot + QPoint(40, 30), Qt.MouseButton.LeftButton)
    [shown] = dragged
    np.testing.assert_allclose(shown.values, maps.patch_map(1, 1, 3), rtol=1e-6)  # type: ignore[attr-defined]
    assert "head 3" in shown.title  # type: ignore[attr-defined]


def test_the_picture_stands_behind_the_tiles(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    """The left edge was cut away before the model saw it: there a tile is the picture as it is."""
    open_one(qtbot, window, picture_file)
    window.commands.all_maps.trigger()
    view = window.look.tiles.view
    qtbot.wait(1)
    box = view.tile_rect((0, 0))
    image = view.viewport().grab().toImage()
    left = image.pixelColor(box.x() + 2, box.y() + box.height() // 4)
    assert (left.red(), left.green(), left.blue()) == pytest.approx((240, 240, 10), abs=12)
    middle = image.pixelColor(box.center())
    assert (middle.red(), middle.green(), middle.blue()) != pytest.approx((240, 240, 10), abs=12)


def test_tiles_are_let_go_while_nobody_sees_them(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    maps = open_one(qtbot, window, picture_file)
    tiles = window.look.tiles
    for _ in range(2):
        window.commands.all_maps.trigger()
        np.testing.assert_allclose(tiles.view.values[0, 0], maps.patch_map(1, 0, 0), rtol=1e-6)
        assert tiles.view.current == (2, HEADS)
        tiles.close()
        assert tiles.view.values.size == 0


def test_nothing_keeps_a_closed_picture_or_its_maps(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    kept: list[weakref.ref[np.ndarray]] = []
    window.session.view_ready.connect(lambda _, pyramid: kept.append(weakref.ref(pyramid.levels[0].pixels)))
    kept.append(weakref.ref(open_one(qtbot, window, picture_file).weights))
    window.commands.all_maps.trigger()
    window.look.tiles.close()
    window.commands.close_picture.trigger()
    gc.collect()
    assert [one() is None for one in kept] == [True, True]


def test_a_pin_stays_and_the_newest_can_follow_the_sliders(
    qtbot: QtBot, window: MainWindow, picture_file: Path
) -> None:
    maps = open_one(qtbot, window, picture_file)
    do, controls = window.commands, panel_of(window).controls
    do.pin_map.trigger()
    controls.layer.slider.setValue(0)
    [pin] = window.canvas.pins.all
    np.testing.assert_allclose(pin.map.values, maps.patch_map(1, 2), rtol=1e-5)
    assert_shown(window, maps.patch_map(1, 0))
    do.live_pin.trigger()
    controls.layer.slider.setValue(1)
    np.testing.assert_allclose(pin.map.values, maps.patch_map(1, 1), rtol=1e-5)
    assert_shown(window, maps.patch_map(1, 0))
    do.live_pin.trigger()
    assert_shown(window, maps.patch_map(1, 1))


def test_the_picture_with_its_map_is_copied(
    qtbot: QtBot, window: MainWindow, picture_file: Path, clipboard: QClipboard
) -> None:
    open_one(qtbot, window, picture_file)
    window.commands.copy.trigger()
    copied = clipboard.image()
    assert (copied.width(), copied.height()) == (80, 60)
    assert copied.pixelColor(40, 30) != QImage(str(picture_file)).pixelColor(40, 30)

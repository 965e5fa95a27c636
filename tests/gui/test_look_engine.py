"""The Look panel through the real engine: the map of a word lies on what the word names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

import cocadesk
from cocadesk.gui.main_window import MainWindow
from cocadesk.paths import resources_dir
from cocadesk.work.model_manager import load_with_engine
from tests.gui.conftest import MakeWindow
from tests.gui.driving import drop, file_urls
from tests.gui.looks import LOOKING, assert_shown, panel_of

PATIENT_MS = 60_000
SAMPLE = resources_dir() / "samples" / "butterfly.jpg"
BUTTERFLY = (296, 314, 720, 735)
"""Left, top, right and bottom edge of the butterfly, in the sample's pixels, as measured on the picture."""


def wait_for(qtbot: QtBot, window: MainWindow, kind: str) -> None:
    panel = panel_of(window)
    qtbot.waitUntil(
        lambda: panel.scene is not None and panel.scene.maps.kind == kind and window.canvas.map is not None,
        timeout=PATIENT_MS,
    )


def test_the_map_of_butterfly_lies_on_the_butterfly(qtbot: QtBot, make_window: MakeWindow) -> None:
    window = make_window(settings=replace(LOOKING), loader=load_with_engine)
    drop(window, file_urls([SAMPLE]))
    wait_for(qtbot, window, "words")
    panel = panel_of(window)
    assert panel.scene is not None
    maps, shown = panel.scene.maps, window.canvas.map
    assert shown is not None
    assert maps.tokens[panel.controls.choice.token or 0] == " butterfly"
    left, top, right, bottom = BUTTERFLY
    x, y = shown.layout.peak(shown.values)
    assert left < x < right
    assert top < y < bottom
    model = cocadesk.load("starter-coca")
    *_, result, expected = model.caption_with_attention(SAMPLE)
    assert maps.text == result.caption
    np.testing.assert_allclose(maps.weights, expected.weights, atol=2e-5)
    panel.choose_kind("image")
    wait_for(qtbot, window, "image")
    assert_shown(window, model.image_attention(SAMPLE).patch_map(0))
    panel.choose_kind("text")
    qtbot.waitUntil(lambda: panel.scene is not None and panel.scene.maps.kind == "text", timeout=PATIENT_MS)
    assert panel.scene is not None
    assert panel.scene.maps.weights == pytest.approx(model.text_attention(result.caption).weights, abs=2e-5)

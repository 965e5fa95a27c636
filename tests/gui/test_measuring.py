"""How faithful the map on the picture is: begun, watched, stopped, drawn and copied."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtGui import QClipboard
from pytestqt.qtbot import QtBot

import cocadesk
from cocadesk.engine import faithfulness as engine
from cocadesk.engine.faithfulness import (
    CaptionTarget,
    Curves,
    Faithfulness,
    FaithfulnessProgress,
    TextTarget,
    WordTarget,
)
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.panels.measuring_section import NO_MAP
from cocadesk.types import CancelToken, ModelRequest
from cocadesk.work.model_manager import load_with_engine
from tests.engine.blip_models import write_tiny
from tests.fakes.looker import FakeLooker
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls
from tests.gui.looks import LOOKING, click_token, open_one, wait_for_maps
from tests.gui.side import Steps

PATIENT_MS = 60_000
SHARES = np.linspace(0, 1, 5)
FOUND = Faithfulness(
    CaptionTarget((1,)),
    Curves(SHARES, 1 - SHARES, SHARES**2),
    Curves(SHARES, np.full(5, 0.5), np.full(5, 0.25)),
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the engine is asked to measure: map, target and fill. It finds `FOUND` after two of four pictures."""
    calls: list[tuple[Any, ...]] = []

    def fake(model: object, *asked: object, fill: str, cancel: CancelToken) -> Iterator[object]:
        _, values, _, target = asked
        calls.append((values, target, fill))
        yield FaithfulnessProgress(2, 4)
        steps = getattr(model, "steps", None)
        if steps is not None:
            steps.wait()
        cancel.check()
        yield FOUND

    monkeypatch.setattr(engine, "faithfulness", fake)
    return calls


@pytest.fixture
def looked(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> MainWindow:
    """The words' maps of a picture are there."""
    window = make_window(FakeLooker(), settings=LOOKING)
    open_one(qtbot, window, picture_file)
    return window


def measure(qtbot: QtBot, window: MainWindow, timeout: int = WAIT_MS) -> None:
    window.tests.do.faithfulness.trigger()
    qtbot.waitUntil(lambda: not window.tests.is_busy, timeout=timeout)


def offered(window: MainWindow) -> list[str]:
    on = window.tests.maps.section.on
    return [on.itemText(at) for at in range(on.count())]


def test_the_word_that_is_looked_at_is_measured(
    qtbot: QtBot, looked: MainWindow, asked: list[tuple[Any, ...]], clipboard: QClipboard
) -> None:
    click_token(qtbot, looked.look.panel.controls.strip, 3)
    section = looked.tests.maps.section
    measure(qtbot, looked)
    assert looked.beside.tab == "test"
    shown = looked.canvas.map
    assert shown is not None
    values, target, fill = asked[0]
    np.testing.assert_array_equal(values, shown.values)
    assert target == WordTarget((100, 101, 102, 103, 1), 3)
    assert fill == "mean"
    assert offered(looked)[:3] == ["the whole caption", "the word “a”", "the word “cat”"]
    assert section.told.text() == f"{shown.title}, measured on the word “grass”"
    deletion, insertion = np.trapezoid(1 - SHARES, SHARES), np.trapezoid(SHARES**2, SHARES)
    assert [label.text() for label in section.areas] == [f"{deletion:.3f}", "0.500", f"{insertion:.3f}", "0.250"]
    drawn = [curve.getData() for curve in section.plot.listDataItems()]
    for wanted in (1 - SHARES, SHARES**2, np.full(5, 0.5), np.full(5, 0.25)):
        assert any(np.array_equal(wanted, values) for _, values in drawn)
    section.copy.click()
    table = list(csv.DictReader(io.StringIO(clipboard.text())))
    assert [float(row["insertion"]) for row in table] == pytest.approx(list(SHARES**2))
    assert [float(row["deletion_random"]) for row in table] == [0.5] * 5


def test_something_else_can_be_watched(qtbot: QtBot, looked: MainWindow, asked: list[tuple[Any, ...]]) -> None:
    looked.beside.rank.field.put("a cat\na dog")
    looked.commands.show_test.trigger()
    on = looked.tests.maps.section.on
    assert offered(looked)[-2:] == ["the text “a cat”", "the text “a dog”"]
    for text in ("the text “a dog”", "the whole caption"):
        on.setCurrentIndex(on.findText(text))
        measure(qtbot, looked)
    assert [target for _, target, _ in asked] == [TextTarget("a dog"), CaptionTarget((100, 101, 102, 103, 1))]


def test_without_a_map_it_says_where_to_get_one(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    window.tests.do.faithfulness.setEnabled(True)
    measure(qtbot, window)
    section = window.tests.maps.section
    assert section.message.text() == section.map_title.text() == NO_MAP
    assert not section.plot.isVisible()


def test_progress_is_shown_and_it_is_stopped(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path, asked: list[tuple[Any, ...]]
) -> None:
    looker = FakeLooker()
    window = make_window(looker, settings=LOOKING)
    open_one(qtbot, window, picture_file)
    looker.steps = steps = Steps()  # type: ignore[attr-defined]
    window.tests.do.faithfulness.trigger()
    section = window.tests.maps.section
    qtbot.waitUntil(section._bar.isVisible, timeout=WAIT_MS)
    assert (section._bar.value(), section._bar.maximum()) == (2, 4)
    assert window.commands.stop.isEnabled()
    window.commands.stop.trigger()
    steps.allow()
    assert not window.tests.is_busy
    assert section.message.text().startswith("Stopped.")
    assert not section.plot.isVisible()


def test_what_is_measured_is_told_beside_its_own_picture(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path], asked: list[tuple[Any, ...]]
) -> None:
    looker = FakeLooker()
    window = make_window(looker, settings=LOOKING)
    drop(window, file_urls(many_files[:2]))
    wait_for_maps(qtbot, window, "words")
    looker.steps = steps = Steps()  # type: ignore[attr-defined]
    window.tests.do.faithfulness.trigger()
    section = window.tests.maps.section
    qtbot.waitUntil(section._bar.isVisible, timeout=WAIT_MS)
    window.commands.next.trigger()
    assert section.map_title.text() == NO_MAP  # what is still on the canvas is the last picture's
    qtbot.waitUntil(lambda: window.canvas.picture_rect.width() == 41, timeout=WAIT_MS)
    assert not section._bar.isVisible()
    assert not section.stop.isVisible()
    window.commands.stop.trigger()
    steps.allow()
    assert not window.tests.is_busy
    assert not section.message.isVisible()
    wait_for_maps(qtbot, window, "words")
    window.commands.previous.trigger()
    qtbot.waitUntil(lambda: window.canvas.picture_rect.width() == 40, timeout=WAIT_MS)
    assert section.message.text().startswith("Stopped.")


def test_a_small_blip_is_measured_by_the_engine(
    qtbot: QtBot, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, picture_file: Path
) -> None:
    write_tiny(monkeypatch, tmp_path / "tiny", "blip-caption")
    request = ModelRequest("tiny-blip-caption")
    window = make_window(settings=replace(LOOKING, model=request, look_model=request), loader=load_with_engine)
    open_one(qtbot, window, picture_file)
    section = window.tests.maps.section
    section.on.setCurrentIndex(section.on.findText("the whole caption"))
    measure(qtbot, window, PATIENT_MS)
    shown, entry = window.canvas.map, window.strip.current
    assert shown is not None
    assert entry is not None
    target = CaptionTarget(tuple(token.id for token in entry.tokens))
    model = cocadesk.load("tiny-blip-caption")
    *_, expected = engine.faithfulness(model, str(picture_file), shown.values, shown.layout, target, fill="mean")
    assert isinstance(expected, Faithfulness)
    table = list(csv.DictReader(io.StringIO(section.as_csv())))
    np.testing.assert_allclose([float(row["deletion"]) for row in table], expected.of_map.deletion, rtol=1e-4)
    np.testing.assert_allclose([float(row["insertion"]) for row in table], expected.of_map.insertion, rtol=1e-4)

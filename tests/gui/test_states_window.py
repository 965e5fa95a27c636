"""The window of a model's states: the cached arrays, what caching saves, and the hidden states on a plane."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QClipboard
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QComboBox, QSlider
from pytestqt.qtbot import QtBot

from cocadesk.engine.hidden_states import project
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.states.cached_page import verdict
from cocadesk.gui.states.hidden_page import NO_TEXT, HiddenPage
from cocadesk.gui.states.states_window import NO_PICTURE, StatesWindow
from cocadesk.gui.theme import theme
from cocadesk.types import CacheComparison, CachedStates, CaptionOptions, ModelRequest, TimedDecoding, Token
from cocadesk.work.states import Projected
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.holder import LAYERS, PATCHES, FakeHolder, flat
from tests.fakes.reader import FakeReader
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS
from tests.gui.looks import hover
from tests.gui.side import Steps, open_files


@pytest.fixture
def captioner() -> FakeCaptioner:
    return FakeHolder()


@pytest.fixture
def main(make_window: MakeWindow, captioner: FakeCaptioner) -> MainWindow:
    return make_window(captioner)


@pytest.fixture
def states(qtbot: QtBot, main: MainWindow, picture_file: Path) -> Iterator[StatesWindow]:
    """About one picture, the cached states there."""
    open_files(qtbot, main, [picture_file])
    window = opened(main)
    qtbot.waitUntil(lambda: window.cached.table.rowCount() == 2, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not window.inquiries.cached.is_busy, timeout=WAIT_MS)
    yield window
    window.close()


def opened(main: MainWindow) -> StatesWindow:
    main.commands.states.trigger()
    window = main.states.window
    assert window is not None
    return window


def rows(window: StatesWindow) -> list[list[str]]:
    table = window.cached.table
    return [[table.item(row, column).text() for column in range(5)] for row in range(table.rowCount())]


def press(qtbot: QtBot, button: QAbstractButton) -> None:
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_arrays_and_their_total(states: StatesWindow) -> None:
    assert rows(states) == [
        [f"decoder.0.{kind}", "Multimodal decoder", "1", "1 × 2 × 25 × 8", "1.60 kB"] for kind in ("keys", "values")
    ]
    assert states.cached.total.text() == "2 arrays · 3.20 kB in all · float32"
    assert states.cached.caption.text() == "“a cat on a green background” · 7 tokens"


def test_the_table_as_csv(qtbot: QtBot, states: StatesWindow, clipboard: QClipboard) -> None:
    press(qtbot, states.cached.copy)
    copied = list(csv.DictReader(io.StringIO(clipboard.text())))
    found = states.inquiries.cached.result
    assert isinstance(found, CachedStates)
    assert [row["name"] for row in copied] == [array.name for array in found.arrays]
    assert sum(int(row["bytes"]) for row in copied) == found.total_bytes
    assert copied[0] | {"name": "", "bytes": ""} == {
        "name": "",
        "part": "decoder",
        "layer": "0",
        "shape": "1x2x25x8",
        "dtype": "float32",
        "bytes": "",
    }


def test_the_ways_are_measured(qtbot: QtBot, states: StatesWindow) -> None:
    plot = states.cached.plot.plot
    before = plot.grab().toImage()
    press(qtbot, states.cached.measure.run)
    qtbot.waitUntil(lambda: states.inquiries.comparison.result is not None, timeout=WAIT_MS)
    # Of seven tokens the uncached ones take 10, 20, … 70 ms: 40 on average.
    assert plot.accessibleDescription() == "Milliseconds per token: Cached 10.0, With guesses 5.00, Uncached 40.0"
    assert states.cached.verdict.text().startswith("All three ways gave the same tokens. 7 tokens, cached 4.0 times")
    image = plot.grab().toImage()
    assert image != before
    for place, height in enumerate((10, 5, 40)):
        for value, filled in ((0.5 * height, True), (height + 6.5, False)):  # above the number of the bar
            spot = plot.mapFromScene(plot.getViewBox().mapViewToScene(QPointF(place - 0.26, value)))
            assert (image.pixelColor(spot) != before.pixelColor(spot)) == filled, (place, value)


def test_what_is_measured_is_as_the_settings_say_now(
    qtbot: QtBot, main: MainWindow, captioner: FakeCaptioner, states: StatesWindow
) -> None:
    main.panel.settings.show_values(ModelRequest(), CaptionOptions(max_tokens=3))
    main.panel.settings.edited.emit()
    press(qtbot, states.cached.measure.run)
    qtbot.waitUntil(lambda: states.inquiries.comparison.result is not None, timeout=WAIT_MS)
    assert captioner.asked[-1].max_tokens == 3
    assert states.cached.verdict.text().startswith("All three ways gave the same tokens. 3 tokens")


def test_measuring_is_stopped(qtbot: QtBot, main: MainWindow, captioner: FakeCaptioner, picture_file: Path) -> None:
    open_files(qtbot, main, [picture_file])
    window = opened(main)
    qtbot.waitUntil(lambda: window.cached.table.rowCount() == 2, timeout=WAIT_MS)
    steps = Steps()
    captioner._before_token = lambda _picture, _position: steps.wait()
    press(qtbot, window.cached.measure.run)
    steps.allow(8)
    qtbot.waitUntil(lambda: "token" in window.cached.measure.text, timeout=WAIT_MS)
    press(qtbot, window.cached.measure.stop)
    steps.allow(100)
    assert window.cached.measure.text.startswith("Stopped.")
    assert window.cached.measure.run.isVisible()
    assert window.inquiries.comparison.result is None
    window.close()


def test_closing_stops_and_what_a_job_still_says_is_dropped(
    qtbot: QtBot, main: MainWindow, captioner: FakeCaptioner, picture_file: Path
) -> None:
    open_files(qtbot, main, [picture_file])
    steps = Steps()
    captioner._before_token = lambda _picture, _position: steps.wait()
    window = opened(main)
    inquiry = window.inquiries.cached
    qtbot.waitUntil(lambda: inquiry._job_id is not None, timeout=WAIT_MS)
    job = inquiry._job_id
    ends: list[object] = []
    main.session._runner.event_arrived.connect(
        lambda event: ends.append(event.payload) if event.job_id == job else None
    )
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()
    assert not inquiry.is_busy
    steps.allow(100)
    qtbot.waitUntil(lambda: any(type(payload).__name__ == "Ended" for payload in ends), timeout=WAIT_MS)
    assert inquiry.result is None
    assert rows(window) == []


def test_it_follows_the_picture_that_is_chosen(
    qtbot: QtBot, main: MainWindow, states: StatesWindow, many_files: list[Path]
) -> None:
    first = states.inquiries.cached.result
    main.opening.open_paths(many_files[:1])
    qtbot.waitUntil(lambda: states._name.text() == "0.png · starter-coca", timeout=WAIT_MS)
    qtbot.waitUntil(lambda: len(rows(states)) == 2, timeout=WAIT_MS)
    assert states.inquiries.cached.result is not first
    main.commands.close_all.trigger()
    assert rows(states) == []
    assert NO_PICTURE in [label.text() for label in states.findChildren(type(states.cached.total))]
    assert not states.cached.measure.run.isEnabled()
    assert not states.cached.copy.isEnabled()


def test_a_model_without_such_states_says_so(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    class Bare(FakeReader):
        name = "starter-coca"
        caption = FakeCaptioner().caption

    main = make_window(loader=lambda _: Bare())
    open_files(qtbot, main, [picture_file])
    window = opened(main)
    qtbot.waitUntil(lambda: "no attention states" in window.cached.line.text, timeout=WAIT_MS)
    assert rows(window) == []
    window.close()


def test_a_model_that_is_not_here_is_not_asked(qtbot: QtBot, main: MainWindow, states: StatesWindow) -> None:
    main.session.choose(ModelRequest("coca-vit-l-14"), main.session.options)
    assert not states.inquiries.cached.is_busy
    assert rows(states) == []
    assert main.session.absence(main.session.model) in [
        label.text() for label in states.findChildren(type(states.cached.total))
    ]


def hidden(qtbot: QtBot, window: StatesWindow, tokens: int) -> HiddenPage:
    """The second page, with so many tokens."""
    window.pages.setCurrentWidget(window.hidden)

    def there() -> None:
        found = window.inquiries.hidden.result
        assert isinstance(found, Projected)
        assert len(found.tokens) == tokens
        assert not window.inquiries.hidden.is_busy

    qtbot.waitUntil(there, timeout=WAIT_MS)
    return window.hidden


def test_the_patches_lie_on_their_plane_in_every_layer(qtbot: QtBot, states: StatesWindow) -> None:
    page = hidden(qtbot, states, len(PATCHES))
    expected = project(flat(len(PATCHES)))
    view = page.plot.plot.getViewBox()
    assert page.layer.value() == LAYERS
    ranges = view.viewRange()
    for layer in (LAYERS, 1, 0):
        page.layer.setValue(layer)
        x, y = page.plot._points.getData()
        np.testing.assert_allclose(np.stack([x, y], -1), expected[layer], rtol=1e-5)
        assert view.viewRange() == ranges  # the same axes for all
    assert page.layer.accessibleDescription() == "Before the first layer"
    image = page.plot.plot.grab().toImage()
    shades = [image.pixelColor(page.plot.spot(token).toPoint()).name() for token in (0, 1)]
    assert shades == [theme().colours.doubt, theme().colours.accent]


def test_what_is_drawn_is_said(qtbot: QtBot, states: StatesWindow) -> None:
    assert states.hidden.plot.plot.accessibleDescription() == "Nothing to show yet"
    page = hidden(qtbot, states, len(PATCHES))
    plot, count = page.plot.plot, f"{len(PATCHES)} tokens"
    assert plot.accessibleDescription() == f"{count} after layer {LAYERS} of {LAYERS}"
    page.layer.setValue(1)
    page.token.setCurrentIndex(3)
    expected = project(flat(len(PATCHES)))[1, 2]
    assert plot.accessibleDescription() == (
        f"{count} after layer 1 of {LAYERS}. {PATCHES[2]} is at {expected[0]:.2f}, {expected[1]:.2f}"
    )
    page.layer.setValue(0)
    page.token.setCurrentIndex(0)
    assert plot.accessibleDescription() == f"{count} before the first layer"
    page.plot.show_states(None)
    assert plot.accessibleDescription() == "Nothing to show yet"


def test_a_point_is_named_and_its_way_drawn(qtbot: QtBot, states: StatesWindow) -> None:
    page = hidden(qtbot, states, len(PATCHES))
    plot = page.plot
    spot = plot.spot(2).toPoint()
    pointed: list[int] = []
    plot.pointed.connect(pointed.append)
    hover(plot.plot.viewport(), spot)
    assert pointed[-1] == 2
    assert plot._name.toPlainText() == PATCHES[2]
    assert plot._name.isVisible()
    qtbot.mouseClick(plot.plot.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    qtbot.waitUntil(lambda: page.token.currentText() == PATCHES[2], timeout=WAIT_MS)
    x, y = plot._way.getData()
    np.testing.assert_allclose(np.stack([x, y], -1), project(flat(len(PATCHES)))[:, 2], rtol=1e-5)
    page.token.setCurrentIndex(0)
    assert plot._way.getData()[0] is None


def test_a_text_is_read(qtbot: QtBot, states: StatesWindow) -> None:
    page = hidden(qtbot, states, len(PATCHES))
    assert page.text.text() == "a cat on a green background"
    assert not page.text.isEnabled()
    page.of_text.click()
    hidden(qtbot, states, 6)
    page.text.clear()
    qtbot.keyClicks(page.text, "two dogs")
    qtbot.keyClick(page.text, Qt.Key.Key_Return)
    hidden(qtbot, states, 2)
    assert [page.token.itemText(place) for place in range(3)] == ["No token", "two", "dogs"]
    assert states.isVisible()


def test_a_model_without_a_text_encoder_offers_the_picture(states: StatesWindow) -> None:
    page = states.hidden
    page.of_text.click()
    page.offer(picture=True, text=False)
    assert page.of_picture.isChecked()
    assert not page.of_text.isEnabled()
    assert page.of_text.toolTip() == NO_TEXT


def test_every_control_has_a_name(states: StatesWindow) -> None:
    controls = [
        one for kind in (QAbstractButton, QAbstractItemView, QComboBox, QSlider) for one in states.findChildren(kind)
    ]
    named = [one for one in controls if one.isVisibleTo(states) and not one.objectName().startswith("qt_")]
    assert len(named) >= 3
    for control in named:
        if isinstance(control, QAbstractItemView) and isinstance(control.parent(), QAbstractItemView):
            continue
        assert control.accessibleName() or (isinstance(control, QAbstractButton) and control.text()), control


def test_other_tokens_are_told() -> None:
    def timed(way: str, *ids: int) -> TimedDecoding:
        tokens = tuple(Token(0, at, number, "x", -1.0) for at, number in enumerate(ids))
        return TimedDecoding(way, tokens, (0.01,) * len(ids))  # type: ignore[arg-type]

    told = verdict(CacheComparison((timed("cached", 1, 2), timed("guesses", 1, 2), timed("uncached", 1, 3)), "m"))
    assert told.startswith("Not the same tokens as cached: uncached.")

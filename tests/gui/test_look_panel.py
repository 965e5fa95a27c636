"""The Look panel: which map lies over the picture, for what is chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from cocadesk.catalog.cards import CARDS
from cocadesk.engine.attention import subtract_minimum
from cocadesk.engine.attention_summary import rollout, summarise
from cocadesk.errors import InputError
from cocadesk.gui import shelf
from cocadesk.gui.entries import EntryState
from cocadesk.gui.looking import STOPPED
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.overlays.style import OverlayStyle
from cocadesk.media.image import open_picture
from cocadesk.store import settings as kept
from cocadesk.types import AttentionKind, ModelRequest, Picture
from cocadesk.work.looking import TOO_LARGE
from tests.fakes.looker import FakeLooker, RelevantLooker
from tests.fakes.pictures import animation
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_states
from tests.gui.looks import (
    LOOKING,
    assert_shown,
    click_token,
    hover,
    open_one,
    panel_of,
    point_at_picture,
    wait_for_maps,
)
from tests.gui.side import Steps, ask, loader, select


@pytest.fixture
def looker() -> FakeLooker:
    return FakeLooker()


@pytest.fixture
def window(make_window: MakeWindow, looker: FakeLooker) -> MainWindow:
    return make_window(looker, settings=LOOKING)


def test_words_show_where_the_model_looked(
    qtbot: QtBot, window: MainWindow, looker: FakeLooker, picture_file: Path
) -> None:
    maps = open_one(qtbot, window, picture_file)
    strip = panel_of(window).controls.strip
    assert maps.tokens == ("a", " cat", " on", " grass", "[end]")
    assert strip.current == 1  # the first word that is no article
    assert_shown(window, maps.patch_map(1, -1))
    click_token(qtbot, strip, 3)
    assert_shown(window, maps.patch_map(3, -1))
    hover(strip, strip.box(0).center())
    assert_shown(window, maps.patch_map(0, -1))
    QApplication.sendEvent(strip, QEvent(QEvent.Type.Leave))
    assert_shown(window, maps.patch_map(3, -1))
    for place in (2, 1, 0):
        hover(strip, strip.box(place).center(), Qt.MouseButton.LeftButton)
        assert_shown(window, maps.patch_map(place, -1))
        assert strip.current == place
    for key, place in ((Qt.Key.Key_Right, 1), (Qt.Key.Key_End, 4), (Qt.Key.Key_Left, 3), (Qt.Key.Key_Home, 0)):
        qtbot.keyClick(strip, key)
        assert_shown(window, maps.patch_map(place, -1))
    assert window.canvas.map is not None
    assert window.canvas.map.title == "“a” · layer 2 · mean"
    assert looker.looked == [("words", "a cat on grass")]  # once, for all of that


def test_sliders_and_the_overview_choose_layer_and_head(
    qtbot: QtBot, window: MainWindow, looker: FakeLooker, picture_file: Path
) -> None:
    maps = open_one(qtbot, window, picture_file)
    controls, do = panel_of(window).controls, window.commands
    assert (controls.layer.told, controls.head.told) == ("2 of 0–2", "mean")
    qtbot.keyClick(controls.layer.slider, Qt.Key.Key_Left)
    qtbot.keyClick(controls.head.slider, Qt.Key.Key_Right)
    qtbot.keyClick(controls.head.slider, Qt.Key.Key_Right)
    assert (controls.layer.told, controls.head.told) == ("1 of 0–2", "1 of 0–3")
    assert_shown(window, maps.patch_map(1, 1, 1))
    assert controls.summary.current == (1, 1)
    qtbot.mouseClick(controls.summary, Qt.MouseButton.LeftButton, pos=controls.summary.cell_rect(0, 3).center())
    assert (controls.layer.value, controls.head.value) == (0, 3)
    assert_shown(window, maps.patch_map(1, 0, 3))
    qtbot.keyClick(controls.summary, Qt.Key.Key_Down)
    assert_shown(window, maps.patch_map(1, 1, 3))
    entropy = summarise(maps).entropy[1, 3]
    assert controls.summary.accessibleDescription() == f"Layer 1, head 3: entropy {entropy:.2f} nats"
    for action, layer, head in (
        (do.layer_down, 2, 3),
        (do.head_back, 2, 2),
        (do.layer_up, 1, 2),
        (do.head_forth, 1, 3),
    ):
        action.trigger()
        assert_shown(window, maps.patch_map(1, layer, head))
    assert len(looker.looked) == 1


def test_the_poolers_heads_lead_from_words_to_patches(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    maps = open_one(qtbot, window, picture_file)
    controls = panel_of(window).controls
    for pooler in (0, 1):
        controls.pooler_head.slider.setValue(pooler)
        for head in (-1, 2):
            controls.head.slider.setValue(head)
            asked = "mean" if head < 0 else head
            assert_shown(window, maps.through_pooler(pooler).patch_map(1, -1, asked))
    controls.subtract.click()
    expected = subtract_minimum(maps.through_pooler(1).patch_maps(-1, 2))[1]
    assert_shown(window, expected)


def test_a_patch_that_is_pointed_at_shows_what_it_attends_to(
    qtbot: QtBot, window: MainWindow, picture_file: Path
) -> None:
    maps = open_one(qtbot, window, picture_file, "image")
    controls = panel_of(window).controls
    assert_shown(window, maps.patch_map(0, -1))
    # The picture is 80 × 60, and the square of 4 × 4 patches lies in its middle: 15 pixels each, from x = 10.
    for x, y, patch in ((12, 2, "patch 0,0"), (36, 20, "patch 1,1"), (69, 59, "patch 3,3")):
        point_at_picture(window, x, y)
        assert_shown(window, maps.patch_map(maps.tokens.index(patch), -1))
        assert patch.replace("patch ", "") in "{},{}".format(*(controls.patches.current or ()))
    point_at_picture(window, 4, 30)  # what was cut away
    assert_shown(window, maps.patch_map(0, -1))
    controls.follow.click()
    point_at_picture(window, 36, 20)
    assert_shown(window, maps.patch_map(0, -1))
    qtbot.mouseClick(controls.patches, Qt.MouseButton.LeftButton, pos=controls.patches.cell_rect(2, 1).center())
    assert_shown(window, maps.patch_map(maps.tokens.index("patch 2,1"), -1))
    qtbot.keyClick(controls.patches, Qt.Key.Key_Right)
    assert_shown(window, maps.patch_map(maps.tokens.index("patch 2,2"), -1))
    click_token(qtbot, controls.strip, 0)
    assert_shown(window, maps.patch_map(0, -1))


def test_rollout_goes_through_the_layers(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    maps = open_one(qtbot, window, picture_file, "image")
    controls = panel_of(window).controls
    controls.rollout.click()
    for layer in (2, 1):
        controls.layer.slider.setValue(layer)
        assert_shown(window, rollout(maps).patch_map(0, layer))
    assert not controls.head.isEnabled()
    controls.summary.chosen.emit(1, 2)  # a head is none of a rollout
    assert_shown(window, maps.patch_map(0, 1, 2))
    assert not controls.rollout.isChecked()


def test_questions_leave_out_what_all_words_look_at(
    qtbot: QtBot, window: MainWindow, looker: FakeLooker, picture_file: Path
) -> None:
    open_one(qtbot, window, picture_file)
    panel = panel_of(window)
    panel.choose_kind("question")
    assert "Type a question" in panel.message.text()
    assert window.canvas.map is None
    panel.field.setFocus()
    qtbot.keyClicks(panel.field, "how many cats")
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    maps = wait_for_maps(qtbot, window, "question")
    token = panel.controls.choice.token
    assert maps.tokens[token or 0] == "how"
    assert_shown(window, subtract_minimum(maps.patch_maps(-1))[1])
    panel.controls.subtract.click()
    assert_shown(window, maps.patch_map(1, -1))
    assert looker.looked[-1] == ("question", "how many cats")
    assert looker.looked.count(looker.looked[-1]) == 1


def test_a_question_begins_in_the_layer_that_looks_at_what_words_name(
    qtbot: QtBot, window: MainWindow, looker: FakeLooker, picture_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CARDS, looker.name, replace(CARDS[looker.name], grounding_layer=1))
    maps = open_one(qtbot, window, picture_file)
    panel = panel_of(window)
    assert panel.controls.choice.layer == maps.layers - 1  # what holds for questions holds for them alone
    panel.choose_kind("question")
    panel.field.setFocus()
    qtbot.keyClicks(panel.field, "how many cats")
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    maps = wait_for_maps(qtbot, window, "question")
    assert panel.controls.choice.layer == 1 != maps.layers - 1
    assert_shown(window, subtract_minimum(maps.patch_maps(1))[1])


def test_the_question_that_was_asked_last_is_looked_at(
    qtbot: QtBot, make_window: MakeWindow, looker: FakeLooker, picture_file: Path
) -> None:
    settings = replace(LOOKING, ask_model=LOOKING.look_ask_model)
    answering = loader()

    class Both:
        """Answers, and shows where it looks."""

        def __init__(self) -> None:
            answerer = answering(ModelRequest("blip-vqa-base"))
            self.ask = answerer.ask  # type: ignore[attr-defined]
            self.caption, self.word_attention = looker.caption, looker.word_attention
            self.question_attention = looker.question_attention
            self.name, self.load_seconds, self.device, self.dtype, self.weight_bytes = "both", 0.1, "cpu", "", 1

    both = Both()
    window = make_window(settings=settings, loader=lambda request: both)
    open_one(qtbot, window, picture_file)
    window.commands.show_ask.trigger()
    ask(qtbot, window, "what colour is it")
    qtbot.waitUntil(lambda: not window.beside.is_busy, timeout=WAIT_MS)
    window.commands.show_look.trigger()
    panel_of(window).choose_kind("question")
    assert wait_for_maps(qtbot, window, "question").text == "what colour is it"


def test_a_text_shows_bars_and_arcs(qtbot: QtBot, window: MainWindow, looker: FakeLooker, picture_file: Path) -> None:
    open_one(qtbot, window, picture_file)
    panel = panel_of(window)
    panel.choose_kind("text")
    maps = wait_for_maps(qtbot, window, "text", "a cat on grass")  # the caption, until something is typed
    assert window.canvas.map is None
    controls = panel.controls
    assert controls.bars.isVisible()
    assert maps.tokens == ("[start]", " a", " cat", " on", " grass", "[end]", "[class]")
    last = maps.matrix(-1)[-1]
    assert controls.bars.shares == pytest.approx((last / last.max()).tolist())
    matrix = maps.matrix(-1)
    expected = {(int(row), int(column)) for row, column in np.argwhere(matrix > 0.02 * matrix.max())}
    assert {(row, column) for row, column, _ in controls.arcs.shown} == expected
    controls.layer.slider.setValue(0)
    controls.head.slider.setValue(1)
    qtbot.mouseClick(controls.arcs, Qt.MouseButton.LeftButton, pos=controls.arcs.row_rect(2).center())
    row = maps.matrix(0, 1)[2]
    assert controls.bars.shares == pytest.approx((row / row.max()).tolist())
    hover(controls.arcs, controls.arcs.row_rect(4).center())
    assert {row for row, _, _ in controls.arcs.shown} == {4}
    for shown in (controls.arcs, controls.bars):
        qtbot.waitUntil(lambda shown=shown: shown.height() >= shown.sizeHint().height(), timeout=WAIT_MS)
        assert not shown.grab().isNull()
    panel.field.setFocus()
    panel.field.selectAll()
    qtbot.keyClicks(panel.field, "two dogs")
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    assert wait_for_maps(qtbot, window, "text", "two dogs").tokens[1:3] == (" two", " dogs")
    assert not window.commands.pin_map.isEnabled()


def test_a_text_needs_no_picture(qtbot: QtBot, window: MainWindow) -> None:
    panel = panel_of(window)
    assert "Open a picture" in panel.message.text()
    panel.choose_kind("text")
    assert "Type a text" in panel.message.text()
    panel.field.setFocus()
    qtbot.keyClicks(panel.field, "cat")
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.scene is not None and panel.scene.maps.text == "cat", timeout=WAIT_MS)


def test_a_model_without_such_attention_says_what_it_can_show(
    qtbot: QtBot, window: MainWindow, picture_file: Path
) -> None:
    open_one(qtbot, window, picture_file)
    panel = panel_of(window)
    panel.box.chooser.show_model(ModelRequest("vit-base-patch32", untrained=True))
    panel.box.chooser.edited.emit()
    assert "has no such attention; it can show Picture." in panel.message.text()
    assert panel.scene is None
    assert window.canvas.map is None
    panel.choose_kind("image")
    wait_for_maps(qtbot, window, "image")
    assert not panel.message.isVisible()


def test_a_model_that_is_not_here_can_be_fetched(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    window = make_window(FakeLooker(), settings=replace(LOOKING, look_model=ModelRequest("coca-vit-b-32")))
    drop(window, file_urls([picture_file]))
    panel = panel_of(window)
    qtbot.waitUntil(panel.notice.isVisible, timeout=WAIT_MS)
    assert "CoCa ViT-B/32 is not on this machine" in panel.notice.text
    assert panel.scene is None
    panel.notice.untrained.click()
    wait_for_maps(qtbot, window, "words")
    assert not panel.notice.isVisible()


def test_looking_can_be_stopped_and_begun_again(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    steps = Steps()
    window = make_window(FakeLooker(before=steps.wait), settings=LOOKING)
    drop(window, file_urls([picture_file]))
    panel = panel_of(window)
    qtbot.waitUntil(lambda: window.look.is_busy and window.session.active is None, timeout=WAIT_MS)
    assert panel.stop.isVisible()
    window.commands.stop.trigger()
    assert panel.message.text() == STOPPED
    assert not window.look.is_busy
    steps.allow(2)  # the first one, which is told to stop only when it looks
    panel.again.click()
    wait_for_maps(qtbot, window, "words")
    assert not panel.again.isVisible()


def test_what_fails_is_told_and_can_be_tried_again(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    refusals = iter([True, False])

    def before(kind: AttentionKind) -> None:
        if next(refusals):
            raise InputError("It is too dark in there.")

    window = make_window(FakeLooker(before=before), settings=LOOKING)
    drop(window, file_urls([picture_file]))
    panel = panel_of(window)
    qtbot.waitUntil(lambda: panel.message.text() == "It is too dark in there.", timeout=WAIT_MS)
    assert panel.scene is None
    panel.again.click()
    wait_for_maps(qtbot, window, "words")


def test_a_picture_that_cannot_be_opened_is_told_beside_no_other(
    qtbot: QtBot, window: MainWindow, many_files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was left, for one whose maps are at hand, before anybody knew."""
    good, bad = many_files[:2]
    steps = Steps()

    def opening(path: Path) -> Picture:
        if path == bad:
            steps.wait()
            raise InputError("1.png is no picture.")
        return open_picture(path)

    monkeypatch.setattr(shelf, "open_picture", opening)
    maps = open_one(qtbot, window, good, "image")
    drop(window, file_urls([bad]))
    qtbot.waitUntil(lambda: window.look.is_busy, timeout=WAIT_MS)
    select(window, [0])
    panel = panel_of(window)
    assert panel.scene is not None
    assert panel.scene.maps is maps
    steps.allow(4)
    wait_for_states(qtbot, window, EntryState.CAPTIONED, EntryState.FAILED)
    assert not panel.message.isVisible()
    assert not panel.again.isVisible()


def test_what_comes_too_late_is_dropped(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    steps = Steps()
    looker = FakeLooker(before=lambda kind: steps.wait() if kind == "words" else None)
    window = make_window(looker, settings=LOOKING)
    drop(window, file_urls([picture_file]))
    qtbot.waitUntil(lambda: window.look.is_busy and window.session.active is None, timeout=WAIT_MS)
    panel_of(window).choose_kind("image")
    steps.allow()
    maps = wait_for_maps(qtbot, window, "image")
    assert_shown(window, maps.patch_map(0, -1))


def test_maps_are_kept_for_each_picture(
    qtbot: QtBot, window: MainWindow, looker: FakeLooker, many_files: list[Path]
) -> None:
    drop(window, file_urls(many_files[:2]))
    panel = panel_of(window)
    first = wait_for_maps(qtbot, window, "words")
    panel.choose_kind("image")
    wait_for_maps(qtbot, window, "image")
    select(window, [1])
    wait_for_maps(qtbot, window, "image")
    select(window, [0])
    panel.choose_kind("words")
    assert panel.scene is not None
    assert panel.scene.maps is first  # at once, without a job
    assert [kind for kind, _ in looker.looked if kind == "image"] == ["image"] * 2
    assert window.canvas.map is not None  # the last picture's, with its own map, until the other one is there
    assert window.canvas.map.layout.geometry.picture == (window.canvas.picture_rect.width(), 30)
    qtbot.waitUntil(lambda: window.canvas.map is not None and window.canvas.map.layout is first.layout, timeout=WAIT_MS)
    assert_shown(window, first.patch_map(1, -1))


def test_the_test_tab_lays_no_other_pictures_map_over_a_picture(
    qtbot: QtBot, window: MainWindow, many_files: list[Path]
) -> None:
    """The map is made for each picture that is walked to there, as in the Look tab."""
    drop(window, file_urls(many_files[:2]))
    wait_for_maps(qtbot, window, "words")
    window.commands.show_test.trigger()
    window.commands.next.trigger()
    assert panel_of(window).scene is None
    qtbot.waitUntil(lambda: window.canvas.picture_rect.width() == 41, timeout=WAIT_MS)
    assert window.canvas.map is None or window.canvas.map.layout.geometry.picture == (41, 30)
    maps = wait_for_maps(qtbot, window, "words")
    assert maps.layout is not None
    assert maps.layout.geometry.picture == (41, 30)
    assert_shown(window, maps.patch_map(1, -1))
    assert window.canvas.map is not None
    assert window.canvas.map.layout is maps.layout


def test_on_other_tabs_maps_are_let_go_with_their_picture(
    qtbot: QtBot, window: MainWindow, looker: FakeLooker, many_files: list[Path]
) -> None:
    drop(window, file_urls(many_files[:2]))
    first = wait_for_maps(qtbot, window, "words")
    window.commands.show_rank.trigger()
    window.commands.next.trigger()
    qtbot.waitUntil(lambda: window.canvas.picture_rect.width() == 41, timeout=WAIT_MS)
    assert panel_of(window).scene is None
    assert not window.look.is_busy  # nobody looks
    assert not window.commands.pin_map.isEnabled()
    assert len(looker.looked) == 1
    window.commands.previous.trigger()
    window.commands.show_look.trigger()
    assert panel_of(window).scene is not None
    assert panel_of(window).scene.maps is first


def test_nothing_is_looked_at_for_the_test_tab_until_somebody_has_looked(
    qtbot: QtBot, make_window: MakeWindow, looker: FakeLooker, picture_file: Path
) -> None:
    window = make_window(looker, settings=replace(LOOKING, tab="test"))
    drop(window, file_urls([picture_file]))
    qtbot.waitUntil(lambda: not window.canvas.is_empty and window.session.active is None, timeout=WAIT_MS)
    assert not window.look.is_busy
    assert looker.looked == []
    window.commands.show_look.trigger()
    wait_for_maps(qtbot, window, "words")
    assert len(looker.looked) == 1


def test_maps_that_are_too_large_are_kept_for_the_class_token(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path
) -> None:
    window = make_window(FakeLooker(too_large=True), settings=replace(LOOKING, look_kind="image"))
    maps = open_one(qtbot, window, picture_file, "image")
    panel = panel_of(window)
    assert maps.tokens == ("[class]",)
    assert panel.message.text() == TOO_LARGE
    assert_shown(window, maps.patch_map(0, -1))
    assert not panel.controls.rollout.isVisible()
    assert not panel.controls.patches.isVisible()


def test_relevance_is_offered_where_there_is_one(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    window = make_window(RelevantLooker(), settings=LOOKING)
    maps = open_one(qtbot, window, picture_file)
    panel = panel_of(window)
    assert panel.way.isVisible()
    panel.way.setCurrentIndex(1)
    panel.way.activated.emit(1)
    qtbot.waitUntil(lambda: panel.scene is not None and panel.scene.maps.layers == 1, timeout=WAIT_MS)
    assert panel.scene is not None
    assert_shown(window, panel.scene.maps.patch_map(1))
    assert window.canvas.map is not None
    assert window.canvas.map.title == "“cat” · relevance"
    assert not window.commands.all_maps.isEnabled()  # there is one layer and one head
    assert not panel.controls.layer.isVisible()
    assert not panel.controls.summary.isVisible()
    action = window.commands.relevance
    assert action.isChecked()
    panel.way.setCurrentIndex(0)
    panel.way.activated.emit(0)
    assert_shown(window, maps.patch_map(1, -1))
    assert not action.isChecked()
    panel.choose_kind("image")
    wait_for_maps(qtbot, window, "image")
    assert not panel.way.isVisible()
    assert not action.isEnabled()


def test_relevance_and_following_are_in_the_menu(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    window = make_window(RelevantLooker(), settings=LOOKING)
    relevance, follow = window.commands.relevance, window.commands.follow
    assert not relevance.isEnabled()
    assert not follow.isEnabled()
    maps = open_one(qtbot, window, picture_file)
    panel = panel_of(window)
    assert relevance.isEnabled()
    relevance.trigger()
    qtbot.waitUntil(lambda: panel.scene is not None and panel.scene.maps.layers == 1, timeout=WAIT_MS)
    assert panel.way.currentText() == "Relevance"
    relevance.trigger()
    assert_shown(window, maps.patch_map(1, -1))
    assert panel.way.currentText() == "Attention"
    window.commands.show_caption.trigger()
    assert not relevance.isEnabled()
    window.commands.show_look.trigger()
    panel.choose_kind("image")
    maps = wait_for_maps(qtbot, window, "image")
    assert follow.isEnabled()
    assert follow.isChecked()
    follow.trigger()
    assert not panel.controls.follow.isChecked()
    point_at_picture(window, 36, 20)
    assert_shown(window, maps.patch_map(0, -1))
    panel.controls.follow.click()
    assert follow.isChecked()
    point_at_picture(window, 37, 20)
    assert_shown(window, maps.patch_map(maps.tokens.index("patch 1,1"), -1))


def test_rollout_and_subtracting_are_in_the_menu(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    words = open_one(qtbot, window, picture_file)
    rolling, subtract, controls = window.commands.rollout, window.commands.subtract, panel_of(window).controls
    assert (rolling.isEnabled(), subtract.isEnabled()) == (False, True)
    subtract.trigger()
    assert_shown(window, subtract_minimum(words.patch_maps(-1))[1])
    controls.subtract.click()
    assert not subtract.isChecked()
    assert_shown(window, words.patch_map(1, -1))
    panel_of(window).choose_kind("image")
    maps = wait_for_maps(qtbot, window, "image")
    assert (rolling.isEnabled(), subtract.isEnabled()) == (True, False)
    rolling.trigger()
    assert_shown(window, rollout(maps).patch_map(0, -1))
    controls.choose(1, 2)  # a head is none of a rollout
    assert not rolling.isChecked()
    assert_shown(window, maps.patch_map(0, 1, 2))


def test_one_word_is_enough_and_many_find_room(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    window = make_window(FakeLooker(["cats"]), settings=LOOKING)
    maps = open_one(qtbot, window, many_files[0])
    assert maps.tokens == ("cats", "[end]")
    assert_shown(window, maps.patch_map(0, -1))
    longer = make_window(FakeLooker([f" word{number}" for number in range(24)]), settings=LOOKING)
    maps = open_one(qtbot, longer, many_files[1])
    strip = panel_of(longer).controls.strip
    qtbot.waitUntil(lambda: all(strip.rect().contains(strip.box(place)) for place in strip.places), timeout=WAIT_MS)
    boxes = [strip.box(place) for place in strip.places]
    assert not any(one.intersects(other) for number, one in enumerate(boxes) for other in boxes[:number])


def test_a_clip_is_looked_at_over_its_first_frame(qtbot: QtBot, make_window: MakeWindow, tmp_path: Path) -> None:
    window = make_window(FakeLooker(), settings=LOOKING)
    maps = open_one(qtbot, window, animation(tmp_path / "clip.gif", 5))
    assert maps.layout is not None
    assert maps.layout.geometry.picture == (24, 16)
    assert_shown(window, maps.patch_map(1, -1))


def test_closing_the_picture_ends_looking_at_it(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    steps = Steps()
    window = make_window(FakeLooker(before=steps.wait), settings=LOOKING)
    drop(window, file_urls([picture_file]))
    qtbot.waitUntil(lambda: window.look.is_busy and window.session.active is None, timeout=WAIT_MS)
    window.commands.close_picture.trigger()
    assert not window.look.is_busy
    assert "Open a picture" in panel_of(window).message.text()
    steps.allow()
    qtbot.wait(50)
    assert panel_of(window).scene is None


def test_the_style_is_the_canvass(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    open_one(qtbot, window, picture_file)
    box = panel_of(window).style_box
    box.set_open(True)
    box._opacity.slider.setValue(80)
    box._threshold.slider.setValue(30)
    box._colours.setCurrentIndex(1)
    box._smooth.click()
    style = window.canvas.overlay_style
    assert (style.colours, style.opacity, style.threshold, style.smooth) == ("viridis", 0.8, 0.3, False)


def test_the_style_is_there_again(qtbot: QtBot, window: MainWindow, make_window: MakeWindow) -> None:
    """A slider's steps are not written one by one, but the last one is, however soon the window closes."""
    box = panel_of(window).style_box
    written = kept.settings_file().stat().st_mtime_ns if kept.settings_file().exists() else 0
    for opacity in range(60, 81):
        box._opacity.slider.setValue(opacity)
    box._threshold.slider.setValue(30)
    box._colours.setCurrentIndex(1)
    box._smooth.click()
    assert (kept.settings_file().stat().st_mtime_ns if kept.settings_file().exists() else 0) == written
    window.close()
    again = make_window(FakeLooker(), settings=kept.load())
    style = OverlayStyle("viridis", 0.8, 0.3, smooth=False)
    assert again.canvas.overlay_style == panel_of(again).style_box.overlay_style == style
    panel_of(again).style_box._opacity.slider.setValue(40)
    qtbot.waitUntil(lambda: kept.load().look_opacity == 0.4, timeout=WAIT_MS)
    assert kept.load().look_threshold == 0.3


def test_colours_that_are_no_longer_known_become_the_usual_ones(make_window: MakeWindow) -> None:
    settings = replace(LOOKING, look_colours="plaid", look_opacity=0.25, look_threshold=1.0)
    window = make_window(FakeLooker(), settings=settings)
    assert window.canvas.overlay_style == OverlayStyle("inferno", 0.25, 0.95)
    assert OverlayStyle.kept(kept.Settings()) == OverlayStyle()


def test_a_choice_survives_another_picture(qtbot: QtBot, window: MainWindow, many_files: list[Path]) -> None:
    drop(window, file_urls(many_files[:2]))
    wait_for_maps(qtbot, window, "words")
    controls = panel_of(window).controls
    controls.layer.slider.setValue(0)
    controls.head.slider.setValue(2)
    select(window, [1])
    qtbot.waitUntil(lambda: window.canvas.map is not None and controls.scene is not None, timeout=WAIT_MS)
    maps = wait_for_maps(qtbot, window, "words")
    assert (controls.layer.value, controls.head.value) == (0, 2)
    qtbot.waitUntil(lambda: window.canvas.map is not None, timeout=WAIT_MS)
    assert_shown(window, maps.patch_map(1, 0, 2))


def test_choices_are_remembered(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    open_one(qtbot, window, picture_file, "image")
    panel_of(window).box.chooser.show_model(ModelRequest("vit-base-patch32", untrained=True))
    panel_of(window).box.chooser.edited.emit()
    window.commands.word_maps.trigger()
    window.close()
    stored = kept.load()
    assert (stored.tab, stored.look_kind, stored.word_maps) == ("look", "image", True)
    assert stored.look_model == ModelRequest("vit-base-patch32", untrained=True)
    assert stored.look_ask_model == LOOKING.look_ask_model


def test_the_window_says_what_a_cell_is(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    open_one(qtbot, window, picture_file, "image")
    controls = panel_of(window).controls
    assert controls.summary.cell_rect(0, 0).contains(QPoint(controls.summary.cell_rect(0, 0).center()))
    measures = [controls._measure.itemText(row) for row in range(controls._measure.count())]
    assert measures == ["Entropy", "Mean distance", "Share to the picture"]
    controls._measure.setCurrentIndex(2)
    assert panel_of(window).scene is not None
    share = summarise(panel_of(window).scene.maps).to_picture
    assert share is not None
    assert f"share to the picture {100 * share[2].mean():.1f} %" in controls.summary.accessibleDescription()

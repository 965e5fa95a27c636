"""From the request to the words on the screen, with all that can go wrong in between."""

from __future__ import annotations

import threading
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QClipboard
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from cocadesk.errors import ModelError
from cocadesk.gui.entries import EntryState
from cocadesk.gui.library import Place
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.model_status import ModelPhase, ModelStatus
from cocadesk.models import Captioner
from cocadesk.store.settings import Settings
from cocadesk.types import CaptionOptions, Clip, ModelRequest, Picture, Token
from cocadesk.work.job import Ended, JobEvent
from tests.fakes.captioner import WORDS, FakeCaptioner
from tests.fakes.pictures import animation
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_entry, wait_for_states

DONE = EntryState.CAPTIONED
STOPPED = EntryState.STOPPED


class Steps:
    """Lets a captioner say one word at a time."""

    def __init__(self) -> None:
        self._allowed = threading.Semaphore(0)

    def wait(self, picture: Picture | Clip, position: int) -> None:
        self.pause()

    def pause(self) -> None:
        assert self._allowed.acquire(timeout=WAIT_MS / 1000)

    def allow(self, count: int = 1) -> None:
        self._allowed.release(count)


def shown_words(window: MainWindow) -> list[str]:
    return [word.text() for word in window.panel.view.words]


def test_words_appear_one_by_one(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    steps = Steps()
    window = make_window(FakeCaptioner(before_token=steps.wait))
    drop(window, file_urls([picture_file]))
    for count in range(1, len(WORDS) + 1):
        steps.allow()
        expected = [word.strip() for word in WORDS[:count]]
        qtbot.waitUntil(lambda expected=expected: shown_words(window) == expected, timeout=WAIT_MS)
        assert all(word.isVisible() for word in window.panel.view.words)
    steps.allow()
    wait_for_states(qtbot, window, DONE)


def test_stop_keeps_the_words_so_far(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    steps = Steps()
    window = make_window(FakeCaptioner(before_token=steps.wait))
    drop(window, file_urls(many_files[:3]))
    steps.allow(2)
    qtbot.waitUntil(lambda: shown_words(window) == ["a", "cat"], timeout=WAIT_MS)
    window.commands.stop.trigger()
    steps.allow()  # the engine looks at its cancel token before the next word
    wait_for_states(qtbot, window, STOPPED, STOPPED, STOPPED)
    assert shown_words(window) == ["a", "cat"]
    assert window.strip.current is not None
    assert window.strip.current.caption == "a cat"
    steps.allow(100)
    window.commands.caption_rest.trigger()
    wait_for_states(qtbot, window, DONE, DONE, DONE)


def test_engine_failure_is_shown_and_the_next_picture_is_captioned(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    def fail_on_the_first(picture: Picture, position: int) -> None:
        if picture.name.endswith("0.png") and position == 1:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied\nstack")

    window = make_window(FakeCaptioner(before_token=fail_on_the_first))
    drop(window, file_urls(many_files[:2]))
    wait_for_states(qtbot, window, EntryState.FAILED, DONE)
    assert window.messages.messages == ["0.png: The model failed: mat1 and mat2 shapes cannot be multiplied"]
    assert shown_words(window) == ["a"]
    assert window.canvas.isVisible()  # the picture itself is fine


def test_model_that_cannot_load_puts_the_pictures_back(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    missing = True

    def loader(request: ModelRequest) -> Captioner:
        if missing:
            raise ModelError("The weights are not on this machine.")
        return FakeCaptioner()

    window = make_window(loader=loader)
    drop(window, file_urls(many_files))
    idle = EntryState.IDLE
    wait_for_states(qtbot, window, EntryState.FAILED, idle, idle, idle, idle)
    assert window.session.status.phase is ModelPhase.FAILED
    missing = False
    window.commands.caption_rest.trigger()
    wait_for_states(qtbot, window, *[DONE] * 5)


def test_what_becomes_of_another_model_is_not_said_of_the_chosen_one(qtbot: QtBot, make_window: MakeWindow) -> None:
    steps = Steps()

    def loader(request: ModelRequest) -> Captioner:
        steps.pause()
        raise ModelError("The weights are damaged.")

    window = make_window(loader=loader)
    wait_for_entry(qtbot, window, "coca-vit-b-32", lambda entry: entry.place is Place.ABSENT)
    runner = window.session._runner
    with qtbot.waitSignal(
        runner.event_arrived, timeout=WAIT_MS, check_params_cb=lambda event: isinstance(event.payload, Ended)
    ):
        window.panel.settings.chooser.choose("coca-vit-b-32")
        steps.allow()
    assert window.session.status == ModelStatus(ModelRequest("coca-vit-b-32"))
    assert window.messages.messages == []


def test_captions_of_an_earlier_model_do_not_change_what_is_said_of_the_chosen_one(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    steps = Steps()
    captioner = FakeCaptioner(before_token=steps.wait)
    window = make_window(captioner)
    drop(window, file_urls(many_files[:2]))
    steps.allow()
    qtbot.waitUntil(lambda: shown_words(window) == ["a"], timeout=WAIT_MS)
    untrained = ModelRequest(untrained=True)
    window.panel.settings.chooser.show_model(untrained)
    window.panel.settings.edited.emit()
    steps.allow(100)
    wait_for_states(qtbot, window, DONE, DONE)
    assert [entry.model for entry in window.session.entries] == [ModelRequest()] * 2
    assert window.session.status.request == untrained
    assert window.session.status.phase is ModelPhase.READY


def test_a_failure_of_an_earlier_model_leaves_its_other_pictures_in_the_queue(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    steps = Steps()

    def fail_on_the_first(picture: Picture | Clip, position: int) -> None:
        steps.wait(picture, position)
        if picture.name.endswith("0.png") and position == 1:
            raise RuntimeError("stack")

    window = make_window(FakeCaptioner(before_token=fail_on_the_first))
    drop(window, file_urls(many_files[:2]))
    steps.allow()
    qtbot.waitUntil(lambda: shown_words(window) == ["a"], timeout=WAIT_MS)
    window.panel.settings.chooser.show_model(ModelRequest(untrained=True))
    window.panel.settings.edited.emit()
    steps.allow(100)
    wait_for_states(qtbot, window, EntryState.FAILED, DONE)


def test_draft_of_a_search_is_replaced_by_the_words(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    steps = Steps()
    window = make_window(FakeCaptioner(before_token=steps.wait, drafts=True))
    drop(window, file_urls([picture_file]))
    qtbot.waitUntil(lambda: window.panel.view.text == "a dog", timeout=WAIT_MS)
    steps.allow(100)
    wait_for_states(qtbot, window, DONE)
    assert window.panel.view.text == "a cat on a green background"


def test_events_of_an_older_job_are_dropped(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, DONE)
    stale = JobEvent(1, Token(0, 0, 5, "late ", -1.0))
    window.session._on_event(stale)
    assert "late" not in window.panel.view.text


def test_options_are_those_of_the_moment_of_asking(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    steps = Steps()
    captioner = FakeCaptioner(before_token=steps.wait)
    asked = CaptionOptions(temperature=0.5, seed=7)
    window = make_window(captioner, Settings(options=asked))
    drop(window, file_urls(many_files[:2]))
    qtbot.waitUntil(lambda: len(captioner.asked) == 1, timeout=WAIT_MS)
    window.panel.settings.show_values(ModelRequest(), CaptionOptions(max_tokens=3))
    window.panel.settings.edited.emit()
    steps.allow(100)
    wait_for_states(qtbot, window, DONE, DONE)
    assert captioner.asked == [asked, asked]
    window.commands.again.trigger()
    wait_for_states(qtbot, window, DONE, DONE)
    assert captioner.asked[-1] == CaptionOptions(max_tokens=3)


def test_selected_picture_jumps_the_queue(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    steps = Steps()
    order: list[str] = []

    def note(picture: Picture, position: int) -> None:
        if position == 0:
            order.append(Path(picture.name).name)
        steps.wait(picture, position)

    window = make_window(FakeCaptioner(before_token=note))
    drop(window, file_urls(many_files))
    qtbot.waitUntil(lambda: len(order) == 1, timeout=WAIT_MS)
    last = window.session.entries.at(4)
    assert last is not None
    window.strip.choose(last)
    steps.allow(1000)
    wait_for_states(qtbot, window, *[DONE] * 5)
    assert order == ["0.png", "4.png", "1.png", "2.png", "3.png"]


def test_buttons_follow_the_work(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path, clipboard: QClipboard
) -> None:
    steps = Steps()
    window = make_window(FakeCaptioner(before_token=steps.wait))
    buttons = {button.text(): button for button in window.panel.findChildren(QPushButton)}
    drop(window, file_urls([picture_file]))
    steps.allow()
    qtbot.waitUntil(lambda: shown_words(window) == ["a"], timeout=WAIT_MS)
    assert buttons["Stop"].isVisible()
    assert not buttons["Caption again"].isVisible()
    steps.allow(100)
    wait_for_states(qtbot, window, DONE)
    assert not buttons["Stop"].isVisible()
    assert buttons["Caption again"].isVisible()
    qtbot.mouseClick(buttons["Copy caption"], Qt.MouseButton.LeftButton)
    assert clipboard.text() == "a cat on a green background"


def test_an_animation_is_captioned_as_a_clip(qtbot: QtBot, make_window: MakeWindow, tmp_path: Path) -> None:
    asked: list[Picture | Clip] = []
    window = make_window(FakeCaptioner(before_token=lambda what, position: asked.append(what)))

    drop(window, file_urls([animation(tmp_path / "clip.gif", 40)]))
    wait_for_states(qtbot, window, DONE)

    assert all(isinstance(what, Clip) and len(what.frames) == 16 for what in asked)
    result = window.session.entries.at(0).result
    assert result is not None
    assert len(result.frames) == 16

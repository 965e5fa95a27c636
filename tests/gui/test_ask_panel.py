"""The chat as a user drives it: typing, Enter, arrow keys, several pictures, stopping, models that are not here."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QClipboard, QFontMetrics
from PySide6.QtWidgets import QMessageBox, QPushButton, QSpinBox
from pytestqt.qtbot import QtBot

from cocadesk.catalog import cards
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.errors import ModelError, OptionError
from cocadesk.gui.entries import EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.panels.exchange_view import TopicView
from cocadesk.media.identity import fingerprint
from cocadesk.paths import data_dir
from cocadesk.store import settings
from cocadesk.types import (
    AnswerEvent,
    AnswerResult,
    AskOptions,
    CancelToken,
    ModelRequest,
    OtherAnswer,
    Picture,
    PictureLike,
    Token,
)
from cocadesk.work.job import JobEvent
from tests.fakes.answerer import FakeAnswerer
from tests.fakes.hub_server import HubServer, running_hub
from tests.fakes.pictures import animation
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_entry, wait_for_states
from tests.gui.side import ASKED, ASKING, Steps, answers, ask, loader, open_files, select, wait_for_answers

ANSWER = "two green dogs"


class TellingOthers(FakeAnswerer):
    """Names two other answers."""

    def ask(
        self,
        picture: PictureLike,
        questions: object,
        options: AskOptions = AskOptions(),  # noqa: B008 — frozen
        cancel: CancelToken | None = None,
    ) -> Iterator[AnswerEvent]:
        for event in super().ask(picture, questions, options, cancel):  # type: ignore[arg-type]
            others = (OtherAnswer("a cat", -1.0), OtherAnswer("", -3.0))
            yield replace(event, others=others) if isinstance(event, AnswerResult) else event


@pytest.fixture
def chat(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> MainWindow:
    """A window with three pictures at its chat."""
    window = make_window(settings=ASKING, loader=loader())
    open_files(qtbot, window, many_files[:3])
    return window


def test_a_question_is_answered_with_its_probability_and_the_next_best(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    answerer = TellingOthers()
    window = make_window(settings=ASKING, loader=loader(answerer))
    open_files(qtbot, window, many_files[:1])
    ask(qtbot, window, "  How many dogs?")
    wait_for_answers(qtbot, window, ANSWER)
    assert answerer.asked == [(str(many_files[0]), "How many dogs?", AskOptions(others=4))]
    [shown] = answers(window)
    assert shown.probability.text() == "14 %"  # four tokens of -0.5
    assert shown.others.accessibleDescription() == "a cat, 37 %; (nothing), 5.0 %"
    assert shown.others.isVisible()
    assert window.beside.ask.field.toPlainText() == ""
    assert not window.beside.ask.notice.isVisible()


def test_words_stream_and_stop_keeps_them(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    steps = Steps()
    window = make_window(settings=ASKING, loader=loader(FakeAnswerer(before_token=steps.wait)))
    open_files(qtbot, window, many_files[:2])
    panel = window.beside.ask
    ask(qtbot, window, "How many?")
    steps.allow()
    qtbot.waitUntil(lambda: answers(window)[0].text.text == "two", timeout=WAIT_MS)
    ask(qtbot, window, "Which?")
    assert panel.stop.isVisible()
    steps.allow()
    qtbot.waitUntil(lambda: answers(window)[0].text.text == "two green", timeout=WAIT_MS)
    qtbot.mouseClick(panel.stop, Qt.MouseButton.LeftButton)
    steps.allow()
    wait_for_answers(qtbot, window, "two green", "")
    assert [answer.note.text for answer in answers(window)] == ["Stopped.", "Stopped."]
    assert not panel.stop.isVisible()
    steps.allow(100)
    ask(qtbot, window, "Again?")
    wait_for_answers(qtbot, window, "two green", "", ANSWER)


def test_the_stop_command_stops_the_answer(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    steps = Steps()
    window = make_window(settings=ASKING, loader=loader(FakeAnswerer(before_token=steps.wait)))
    open_files(qtbot, window, many_files[:1])
    ask(qtbot, window, "How many?")
    qtbot.waitUntil(window.commands.stop.isEnabled, timeout=WAIT_MS)
    window.commands.stop.trigger()
    steps.allow(100)
    wait_for_answers(qtbot, window, "")


def test_arrow_keys_recall_earlier_questions(qtbot: QtBot, chat: MainWindow) -> None:
    for question in ("first?", "second?", "first?", "third?"):
        ask(qtbot, chat, question)
    wait_for_answers(qtbot, chat, *[ANSWER] * 4)
    field = chat.beside.ask.field
    qtbot.keyClicks(field, "begun")
    seen = []
    for key in (*[Qt.Key.Key_Up] * 4, *[Qt.Key.Key_Down] * 4):
        qtbot.keyClick(field, key)
        seen.append(field.toPlainText())
    assert seen == ["third?", "first?", "second?", "second?", "first?", "third?", "begun", "begun"]
    select(chat, [1])
    field.put("")
    qtbot.keyClick(field, Qt.Key.Key_Up)
    assert field.question == "third?"  # asked about another picture
    qtbot.keyClick(field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert field.toPlainText() == "third?\n"


def test_the_same_is_asked_of_several_pictures(qtbot: QtBot, chat: MainWindow) -> None:
    select(chat, [0])
    ask(qtbot, chat, "Alone?")
    wait_for_answers(qtbot, chat, ANSWER)
    select(chat, [0, 2])
    assert chat.beside.ask.field.placeholderText() == "Ask about 2 pictures"
    ask(qtbot, chat, "Together?")
    wait_for_answers(qtbot, chat, ANSWER, ANSWER, ANSWER)
    spoken = [answer.exchange.question for answer in answers(chat)]
    assert spoken == ["Alone?", "Together?", "Together?"]
    select(chat, [2])
    assert [answer.exchange.question for answer in answers(chat)] == ["Together?"]
    select(chat, [1])
    assert answers(chat) == []
    chip = next(chip for chip in chat.beside.ask.chips if chip.isVisible())
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    wait_for_answers(qtbot, chat, ANSWER)
    assert answers(chat)[0].exchange.question == chip.text()
    assert not chip.isVisible()


def test_the_conversation_is_there_again_even_if_the_file_has_moved(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path], tmp_path: Path
) -> None:
    first = make_window(settings=ASKING, loader=loader(TellingOthers()))
    open_files(qtbot, first, many_files[:1])
    ask(qtbot, first, "Wie viele Hunde? 犬 🐶")
    ask(qtbot, first, "Which colour?")
    wait_for_answers(qtbot, first, ANSWER, ANSWER)
    first.close()
    moved = many_files[0].rename(tmp_path / "moved.png")
    second = make_window(settings=settings.load(), loader=loader())
    assert second.beside.tab == "ask"
    open_files(qtbot, second, [moved, many_files[1]])
    wait_for_answers(qtbot, second, ANSWER, ANSWER)
    shown = answers(second)[0]
    assert shown.exchange.question == "Wie viele Hunde? 犬 🐶"
    assert shown.exchange.model == "blip-vqa-base (untrained)"
    assert shown.probability.text() == "14 %"
    assert shown.others.accessibleDescription() == "a cat, 37 %; (nothing), 5.0 %"
    select(second, [1])
    assert answers(second) == []


def test_a_conversation_can_be_cleared(qtbot: QtBot, chat: MainWindow) -> None:
    assert not chat.commands.clear_talk.isEnabled()
    ask(qtbot, chat, "How many?")
    wait_for_answers(qtbot, chat, ANSWER)
    qtbot.waitUntil(lambda: len(list((data_dir() / "conversations").iterdir())) == 1, timeout=WAIT_MS)
    chat.commands.clear_talk.trigger()
    [box] = chat.findChildren(QMessageBox)
    clear = next(button for button in box.findChildren(QPushButton) if button.text() == "Clear")
    qtbot.mouseClick(clear, Qt.MouseButton.LeftButton)
    assert answers(chat) == []
    assert list((data_dir() / "conversations").iterdir()) == []


def test_what_is_cleared_before_the_file_was_read_does_not_come_back(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_window(settings=ASKING, loader=loader())
    open_files(qtbot, first, many_files[:1])
    ask(qtbot, first, "How many?")
    wait_for_answers(qtbot, first, ANSWER)
    first.close()
    [kept] = (data_dir() / "conversations").iterdir()
    going_on = threading.Event()

    def slowly(source: Path | Picture) -> str:
        assert going_on.wait(WAIT_MS / 1000)
        return fingerprint(source)

    monkeypatch.setattr("cocadesk.gui.questions.fingerprint", slowly)
    second = make_window(settings=ASKING, loader=loader())
    open_files(qtbot, second, many_files[:1])
    ask(qtbot, second, "Which colour?")
    wait_for_answers(qtbot, second, ANSWER)
    entry = second.session.entries.at(0)
    assert entry is not None
    second.questions.forget(entry)
    assert kept.exists()
    going_on.set()
    qtbot.waitUntil(lambda: not kept.exists(), timeout=WAIT_MS)
    assert answers(second) == []


@pytest.mark.parametrize("typed", ["", "   ", "\n"])
def test_an_empty_question_is_not_asked(qtbot: QtBot, chat: MainWindow, typed: str) -> None:
    chat.beside.ask.field.put(typed)
    qtbot.keyClick(chat.beside.ask.field, Qt.Key.Key_Return)
    assert chat.beside.ask.hint.text() == "Type a question first."
    assert answers(chat) == []
    qtbot.keyClicks(chat.beside.ask.field, "W")
    assert not chat.beside.ask.hint.isVisible()


class Refusing(FakeAnswerer):
    """Reads up to 500 characters, as its context is."""

    def ask(
        self,
        picture: PictureLike,
        questions: object,
        options: AskOptions = AskOptions(),  # noqa: B008 — frozen
        cancel: CancelToken | None = None,
    ) -> Iterator[AnswerEvent]:
        if len(str(questions)) > 500:
            raise OptionError("The question “aaa…” has 2002 tokens; this model reads at most 512. Ask a shorter one.")
        yield from super().ask(picture, questions, options, cancel)  # type: ignore[arg-type]


def test_a_question_of_ten_thousand_characters_is_told_and_not_lost(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    window = make_window(settings=ASKING, loader=loader(Refusing()))
    open_files(qtbot, window, many_files[:1])
    panel = window.beside.ask
    question = "a" * 9_000 + " dog" * 250
    panel.field.insertPlainText(question)
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    wait_for_answers(qtbot, window, "")
    assert "reads at most 512" in answers(window)[0].note.text
    assert panel.width() < 600  # no text makes the panel wider
    qtbot.keyClick(panel.field, Qt.Key.Key_Up)
    assert panel.field.toPlainText() == question
    panel.field.put("Short?")
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    wait_for_answers(qtbot, window, "", ANSWER)


@pytest.mark.parametrize(
    ("question", "direction"),
    [
        ("כמה כלבים יש?", Qt.LayoutDirection.RightToLeft),
        ("ما لون الكلب؟ 🐶", Qt.LayoutDirection.RightToLeft),
        ("👨‍👩‍👧 or 🐶?", Qt.LayoutDirection.LeftToRight),
    ],
)
def test_every_script_is_shown_as_it_runs(
    qtbot: QtBot, chat: MainWindow, question: str, direction: Qt.LayoutDirection
) -> None:
    ask(qtbot, chat, question)
    wait_for_answers(qtbot, chat, ANSWER)
    topic = answers(chat)[0].parentWidget()
    shown = topic.question  # type: ignore[attr-defined]
    assert shown.text == question
    assert shown.document().firstBlock().textDirection() == direction


def test_a_picture_that_cannot_be_opened_costs_its_own_answer_only(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    window = make_window(settings=ASKING, loader=loader())
    bad = many_files[0].with_name("bad.png")
    bad.write_bytes(many_files[0].read_bytes()[:60])
    drop(window, file_urls([bad, many_files[0]]))
    wait_for_states(qtbot, window, EntryState.FAILED, EntryState.CAPTIONED)
    select(window, [0, 1])
    ask(qtbot, window, "How many?")
    wait_for_answers(qtbot, window, "", ANSWER)
    assert "damaged" in answers(window)[0].note.text


def test_a_model_that_cannot_be_loaded_puts_the_other_questions_back(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    both = loader()

    def fail(request: ModelRequest) -> object:
        if request.name.startswith("blip"):
            raise ModelError("The weights are damaged. Download them again.")
        return both(request)

    window = make_window(settings=ASKING, loader=fail)
    open_files(qtbot, window, many_files[:3])
    select(window, [0, 1, 2])
    ask(qtbot, window, "How many?")
    wait_for_answers(qtbot, window, "", "", "")
    notes = [answer.note.text for answer in answers(window)]
    assert notes == ["The weights are damaged. Download them again.", "Stopped.", "Stopped."]


def test_stale_events_change_nothing_and_a_closed_picture_is_let_go(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    steps = Steps()
    window = make_window(settings=ASKING, loader=loader(FakeAnswerer(before_token=steps.wait)))
    open_files(qtbot, window, many_files[:2])
    ask(qtbot, window, "How many?")
    window.questions._on_event(JobEvent(1, Token(0, 0, 5, "late", -1.0)))
    assert answers(window)[0].text.text == ""
    steps.allow()
    qtbot.waitUntil(lambda: answers(window)[0].text.text == "two", timeout=WAIT_MS)
    window.commands.close_picture.trigger()
    steps.allow(100)
    qtbot.waitUntil(lambda: not window.beside.is_busy, timeout=WAIT_MS)
    assert answers(window) == []
    ask(qtbot, window, "And here?")
    wait_for_answers(qtbot, window, ANSWER)


def test_of_an_animation_as_many_frames_are_averaged_as_are_asked_for(
    qtbot: QtBot, make_window: MakeWindow, tmp_path: Path
) -> None:
    answerer = FakeAnswerer()
    window = make_window(settings=ASKING, loader=loader(answerer))
    open_files(qtbot, window, [animation(tmp_path / "clip.gif", 40)])
    spin = next(spin for spin in window.beside.ask.findChildren(QSpinBox) if spin.accessibleName() == "Frames")
    spin.setValue(5)
    ask(qtbot, window, "What moves?")
    wait_for_answers(qtbot, window, ANSWER)
    assert answerer.asked[0][2].frames == 5
    assert answers(window)[0].exchange.frames == 5
    assert settings.load().ask_frames == 5


def test_tabs_are_reached_by_key_and_kept(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    window = make_window(loader=loader())
    open_files(qtbot, window, [picture_file])
    assert window.panel.isVisible()
    for key, tab in ((Qt.Key.Key_F3, "ask"), (Qt.Key.Key_F4, "rank"), (Qt.Key.Key_F2, "caption")):
        qtbot.keyClick(window, key)
        assert window.beside.tab == tab
        assert settings.load().tab == tab
    window.commands.show_ask.trigger()
    assert window.focusWidget() is window.beside.ask.field
    assert window.commands.copy.text() == "Copy answer"


def test_the_answer_is_copied(qtbot: QtBot, chat: MainWindow, clipboard: QClipboard) -> None:
    assert not chat.commands.copy.isEnabled()
    select(chat, [0, 1])
    ask(qtbot, chat, "How many?")
    wait_for_answers(qtbot, chat, ANSWER, ANSWER)
    chat.commands.copy.trigger()
    assert clipboard.text() == f"{ANSWER}\n{ANSWER}"


def test_a_question_is_as_wide_as_its_words(qtbot: QtBot, chat: MainWindow) -> None:
    """On the right, in one line while it fits; a long one wraps."""
    few, many = "how many dogs?", "is there a very long thing with many words " * 4
    for question in (few, many):
        ask(qtbot, chat, question)
    wait_for_answers(qtbot, chat, ANSWER, ANSWER)
    topics = chat.beside.ask.findChildren(TopicView)
    short, long = (next(topic for topic in topics if topic.question.text == text.strip()) for text in (few, many))
    line = QFontMetrics(short.question.document().defaultFont()).height()
    assert short.question.height() < 1.5 * line
    assert long.question.height() > 1.5 * line
    assert short.question.width() < short.width() / 2 < long.question.width()
    right = [topic.question.mapTo(topic, topic.question.rect().topRight()).x() for topic in (short, long)]
    assert right[0] == right[1]


def test_long_conversations_show_their_end_first(qtbot: QtBot, chat: MainWindow) -> None:
    entry = chat.session.entries.at(0)
    assert entry is not None
    for number in range(60):
        chat.questions.ask([entry], f"question {number}?")
    qtbot.waitUntil(lambda: not chat.beside.is_busy, timeout=4 * WAIT_MS)
    assert len(answers(chat)) == 40
    more = next(button for button in chat.beside.ask.view.findChildren(QPushButton) if "earlier" in button.text())
    assert more.text() == "Show 20 earlier"
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    assert [answer.exchange.question for answer in answers(chat)] == [f"question {number}?" for number in range(60)]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Has a small file in the place of the model's weights."""
    card = cards.CARDS["blip-vqa-base"]
    content = random.Random(0).randbytes(200_000)
    monkeypatch.setitem(cards.CARDS, card.name, replace(card, download_bytes=len(content)))
    with running_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.add(card.hub_repo, card.hub_files[0], content)
        yield server


def test_a_missing_model_is_offered_in_place_and_the_question_waits_in_its_field(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path, hub: HubServer
) -> None:
    both = loader()

    def load(request: ModelRequest) -> object:
        if request.name.startswith("blip") and find_weights(cards.card(request.name)) is None:
            raise ModelError("not here")
        return both(request)

    window = make_window(settings=replace(ASKING, ask_model=ModelRequest("blip-vqa-base")), loader=load)
    open_files(qtbot, window, [picture_file])
    panel = window.beside.ask
    qtbot.waitUntil(panel.notice.isVisible, timeout=WAIT_MS)
    assert "200 kB to download" in panel.notice.text
    assert "1.44 GB of memory" in panel.notice.text
    assert panel.notice.untrained.isVisible()
    ask(qtbot, window, "How many?")
    assert panel.hint.text() == "BLIP VQA base has to be downloaded first."
    assert panel.field.question == "How many?"
    panel.notice.download.begin.click()
    wait_for_entry(qtbot, window, "blip-vqa-base", lambda entry: entry.is_here)
    qtbot.waitUntil(lambda: not panel.notice.isVisible(), timeout=WAIT_MS)
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    wait_for_answers(qtbot, window, ANSWER)


def test_the_panel_can_be_tried_without_training(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path, hub_home: Path
) -> None:
    window = make_window(settings=replace(ASKING, ask_model=ModelRequest("blip-vqa-base")), loader=loader())
    open_files(qtbot, window, [picture_file])
    panel = window.beside.ask
    qtbot.waitUntil(panel.notice.isVisible, timeout=WAIT_MS)
    panel.notice.untrained.click()
    assert not panel.notice.isVisible()
    assert settings.load().ask_model == ASKED
    ask(qtbot, window, "How many?")
    wait_for_answers(qtbot, window, ANSWER)


def test_an_edited_picture_begins_a_new_conversation(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    first = make_window(settings=ASKING, loader=loader())
    open_files(qtbot, first, [picture_file])
    ask(qtbot, first, "How many?")
    wait_for_answers(qtbot, first, ANSWER)
    first.close()
    Image.new("RGB", (30, 30), "red").save(picture_file)
    second = make_window(settings=ASKING, loader=loader())
    open_files(qtbot, second, [picture_file])
    ask(qtbot, second, "And now?")
    wait_for_answers(qtbot, second, ANSWER)

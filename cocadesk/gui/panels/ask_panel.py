"""A chat about the selected pictures."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from cocadesk.gui.entries import Entry
from cocadesk.gui.icons import icon
from cocadesk.gui.library import Library
from cocadesk.gui.panels.conversation_view import ConversationView, topics
from cocadesk.gui.panels.model_chooser import ModelChooser
from cocadesk.gui.panels.model_notice import ModelNotice
from cocadesk.gui.panels.settings_box import SettingsBox
from cocadesk.gui.panels.starter_hint import StarterHint
from cocadesk.gui.panels.subject import Subject, muted
from cocadesk.gui.questions import Exchange, Questions
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.question_field import QuestionField
from cocadesk.gui.widgets.tone import set_tone

MARGIN = 18

SUGGESTIONS = (
    "What is in the picture?",
    "How many are there?",
    "What colour is it?",
    "What is in the background?",
    "Is there a person?",
    "Is it a drawing or a photograph?",
)


class AskPanel(QWidget):
    """Questions in, answers out, about one picture or several.

    Attributes:
        field: Where a question is typed.
        view: The conversation.
        notice: Stands above the field while the model is missing.
        hint: What to do first, or why a question was not asked.
        box: The model and the number of frames.
        starter: Says so while a starter is the model.
    """

    edited = Signal()
    """The model or the number of frames was changed by the user."""

    def __init__(self, questions: Questions, library: Library, stop: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidePanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._questions = questions
        self._entries: list[Entry] = []
        self._absence = ""
        self._subject = Subject()
        self.view = ConversationView()
        self.notice = ModelNotice(library, "Questions need a model of their own")
        self._empty = QWidget()
        self.chips = [_chip(text) for text in SUGGESTIONS]
        self.hint = muted()
        self.field = QuestionField(lambda: questions.asked_before(self._entries))
        self._suggest = named(QToolButton(), "Suggested questions", "Suggested questions")
        self._suggest.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.send = named(QToolButton(), "Ask", "Ask (Enter)")
        self.stop = named(QToolButton(), "Stop", f"Stop ({stop.shortcut().toString()})")
        self.stop.clicked.connect(questions.stop)
        self.box = SettingsBox(ModelChooser(library, "ask"))
        self.starter = StarterHint(library, self.box.chooser, "ask")
        self._menu = QMenu(self)
        for text, chip in zip(SUGGESTIONS, self.chips, strict=True):
            for asked in (self._menu.addAction(text).triggered, chip.clicked):
                asked.connect(lambda _=False, text=text: self._ask(text))
        self._suggest.setMenu(self._menu)
        self._lay_out()
        self.send.clicked.connect(self._on_send)
        self.field.sent.connect(self._on_send)
        self.field.textChanged.connect(self._on_typed)
        self.notice.untrained_asked.connect(self.box.use_untrained)
        self.box.edited.connect(self.edited)
        questions.said.connect(self._on_said)
        questions.reset.connect(self._on_reset)
        questions.busy_changed.connect(self._refresh)
        library.changed.connect(lambda _: self._refresh())
        library.scanned.connect(self._refresh)
        theme().changed.connect(self._dress)
        self._dress()
        self._refresh()

    def _lay_out(self) -> None:
        chips = QVBoxLayout(self._empty)
        chips.setContentsMargins(0, 0, 0, 0)
        chips.setSpacing(6)
        chips.addWidget(muted("Type a question, or begin with one of these:"))
        for chip in self.chips:
            chips.addWidget(chip, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.field, 1)
        for button in (self._suggest, self.send, self.stop):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, 16, MARGIN, 8)
        column.setSpacing(8)
        column.addWidget(self._subject)
        column.addWidget(self.notice)
        column.addWidget(self._empty)
        column.addWidget(self.view, 1)
        column.addWidget(self.hint)
        column.addLayout(row)
        column.addWidget(self.starter)
        column.addWidget(self.box)

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Show the conversation about these pictures."""
        same = list(entries) == self._entries
        self._entries = list(entries)
        self._subject.show_entries(entries)
        if not same:
            self._say("")
            self._show_talk(follow=True)
        self._refresh()

    def show_model(self) -> None:
        """The model that is asked is another one now."""
        self._say("")
        self._refresh()

    def answer_to_copy(self) -> str:
        """The latest answers that are shown; empty if there are none."""
        shown = self.view.answers
        last = [answer for answer in shown if shown and answer.exchange.question == shown[-1].exchange.question]
        return "\n".join(answer.exchange.text for answer in last if answer.exchange.text)

    def _on_send(self) -> None:
        if self._ask(self.field.question):
            self.field.put("")

    def _ask(self, question: str) -> bool:
        """Ask about the selected pictures; where that cannot be, say why and return False."""
        if not self._entries:
            self._say("Open a picture first.", "danger")
        elif not question:
            self._say("Type a question first.", "danger")
        elif self._absence:
            self._say(self._absence, "danger")
        else:
            self._say("")
            self._questions.ask(self._entries, question)
            return True
        return False

    def _on_typed(self) -> None:
        self._say("")
        self._refresh()

    def _on_said(self, _entry: Entry, exchange: Exchange) -> None:
        self.view.refresh(exchange)

    def _on_reset(self, entry: Entry) -> None:
        if entry in self._entries:
            self._show_talk(follow=self._questions.is_busy)
            self._refresh()

    def _show_talk(self, follow: bool) -> None:
        talks = [(entry, self._questions.conversation(entry)) for entry in self._entries]
        self.view.show_topics(topics(talks) if talks else [], follow, with_names=len(talks) > 1)

    def _refresh(self) -> None:
        self._absence = self.notice.show_model(self._questions.model)
        if not self._entries:
            self.notice.hide()
        is_new = not self.view.answers
        self._empty.setVisible(is_new and bool(self._entries) and not self.notice.isVisibleTo(self))
        busy = self._questions.is_busy
        self.send.setVisible(not busy)
        self.stop.setVisible(busy)
        self.send.setEnabled(bool(self._entries))
        self._suggest.setEnabled(bool(self._entries) and not self._absence)
        several = len(self._entries) > 1
        self.field.setPlaceholderText(
            f"Ask about {len(self._entries):,} pictures" if several else "Ask about the picture"
        )

    def _say(self, text: str, tone: str = "muted") -> None:
        self.hint.setText(text)
        self.hint.setVisible(bool(text))
        set_tone(self.hint, tone)

    def _dress(self) -> None:
        self._suggest.setIcon(icon("suggest", "muted"))
        self.send.setIcon(icon("send", "accent"))
        self.stop.setIcon(icon("stop", "accent"))


def _chip(text: str) -> QPushButton:
    button = QPushButton(text)
    button.setProperty("kind", "chip")
    return button

"""A question and its answers, one for each picture it was asked about."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui.questions import Exchange, ExchangeState
from cocadesk.gui.theme import scaled_font
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.other_answers import OtherAnswers
from cocadesk.gui.widgets.plain_text import PlainText
from cocadesk.gui.widgets.tone import set_tone
from cocadesk.gui.wording import probability

QUESTION_LINES = 8
INDENT = 34
BUBBLE_MARGIN = 12
FRAME = 2


class TopicView(QWidget):
    """A question, and below it what each of the pictures was found to say.

    Attributes:
        question: The question.
        more: Shows the rest of a long one.
        answers: What is shown of the exchanges, in their order.
    """

    def __init__(self, asked: Sequence[tuple[str, Exchange]], with_names: bool, parent: QWidget | None = None) -> None:
        """Show a question's exchanges, at least one, each under the name of its picture if `with_names`."""
        super().__init__(parent)
        bubble = QFrame()
        bubble.setObjectName("question")
        self.question = PlainText(most_lines=QUESTION_LINES)
        self.question.setAccessibleName("Question")
        self.more = named(QPushButton("Show all"), "Show the whole question")
        self.more.setProperty("kind", "link")
        self.more.clicked.connect(self.question.show_all)
        self.more.hide()
        self.question.cut_changed.connect(self.more.setVisible)
        self.question.set_text(asked[0][1].question)
        inside = QVBoxLayout(bubble)
        inside.setContentsMargins(BUBBLE_MARGIN, 8, BUBBLE_MARGIN, 8)
        inside.setSpacing(2)
        inside.addWidget(self.question)
        inside.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout()
        row.setContentsMargins(INDENT, 0, 0, 0)
        row.addStretch()
        row.addWidget(bubble, 1)
        bubble.setMaximumWidth(self.question.natural_width() + 2 * BUBBLE_MARGIN + FRAME)
        self.answers = [AnswerView(exchange, name if with_names else "") for name, exchange in asked]
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        for answer in self.answers:
            column.addWidget(answer)


class AnswerView(QFrame):
    """What came of one question about one picture.

    Attributes:
        exchange: What is shown.
        text: The answer, or as much of it as there is.
        probability: Of the whole answer.
        others: What else was nearly answered.
        note: What is being done, or what went wrong.
    """

    def __init__(self, exchange: Exchange, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.exchange = exchange
        self._busy = BusyBar()
        self._name = ElidedLabel()
        self._name.setText(name)
        self._name.setToolTip(name)
        self._name.setFont(scaled_font(0.92))
        self._name.setProperty("tone", "muted")
        self._name.setVisible(bool(name))
        self.text = PlainText(scaled_font(1.3))
        self.text.setAccessibleName("Answer")
        self.probability = QLabel()
        self.probability.setFont(scaled_font(1.0, QFont.Weight.DemiBold))
        self.probability.setToolTip("How probable the model finds the whole answer")
        self.others = OtherAnswers()
        self._heading = QLabel("It nearly answered")
        self._heading.setToolTip("For each of the next likeliest first words, the answer that begins with it")
        self.note = PlainText()
        self._source = ElidedLabel()
        for label in (self._heading, self._source):
            label.setFont(scaled_font(0.88))
            label.setProperty("tone", "muted")
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.text, 1)
        row.addWidget(self.probability)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 8, 14, 10)
        column.setSpacing(6)
        column.addWidget(self._busy)
        column.addWidget(self._name)
        column.addLayout(row)
        for widget in (self.note, self._heading, self.others, self._source):
            column.addWidget(widget)
        self.refresh()

    def refresh(self) -> None:
        """Show the exchange as it is now."""
        exchange = self.exchange
        answered = exchange.state is ExchangeState.ANSWERED
        self._busy.set_busy(exchange.is_under_way and exchange.state is not ExchangeState.WAITING)
        self.text.set_text(exchange.text or ("The model said nothing." if answered else ""))
        self.text.setVisible(bool(self.text.text))
        self.probability.setText("" if exchange.logprob is None else probability(exchange.logprob))
        self.probability.setVisible(exchange.logprob is not None)
        self.others.show_answers(exchange.others)
        self.others.setVisible(bool(exchange.others))
        self._heading.setVisible(bool(exchange.others))
        self._source.setText(_source(exchange))
        self._source.setToolTip(self._source.text())
        self._source.setVisible(answered)
        self.note.set_text(exchange.error or (exchange.state.value if not self._says_enough else ""))
        self.note.setVisible(bool(self.note.text))
        set_tone(self.note, "danger" if exchange.error else "muted")
        self.setAccessibleName(f"Answer: {exchange.text or self.note.text}")

    @property
    def _says_enough(self) -> bool:
        """Whether the words alone show how things stand."""
        return bool(self.exchange.text) and self.exchange.is_under_way


def _source(exchange: Exchange) -> str:
    frames = f" · mean of {exchange.frames} frames" if exchange.frames else ""
    return f"{exchange.model}{frames}"

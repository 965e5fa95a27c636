"""What a model said with and without a region of the picture, side by side."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from cocadesk.gui.panels.subject import muted
from cocadesk.gui.testing import Kind, Trial
from cocadesk.gui.theme import scaled_font
from cocadesk.gui.widgets.caption_view import CaptionView
from cocadesk.gui.widgets.change_table import ChangeRow, ChangeTable
from cocadesk.gui.widgets.change_view import ChangeView, signed
from cocadesk.gui.widgets.plain_text import PlainText
from cocadesk.gui.widgets.word import visible
from cocadesk.gui.wording import percent, probability
from cocadesk.types import Token
from cocadesk.work.testing import AnswersCompared, ClassesCompared, TextsCompared, WordsScored

NARROW = 330
"""Pixels below which the two stand one below the other."""
CLASSES_SHOWN = 10
FULL_COSINE = 0.05
"""A change of the cosine similarity that is coloured like e³ times the probability: rank tables rarely change more."""
WHOLE, MASKED = "Whole picture", "Without the region"


class TrialView(QWidget):
    """Shows one trial.

    Attributes:
        words: CAPTION: the whole picture's words with their changes.
        caption: CAPTION: the masked picture's caption.
        whole, masked: ASK: both answers.
        table: All changes in figures.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.words = ChangeView()
        self.caption = CaptionView()
        self.caption.setAccessibleName("Caption without the region")
        for view in (self.words, self.caption):
            view.setFont(scaled_font(1.15))
        self.whole = PlainText(scaled_font(1.2))
        self.whole.setAccessibleName("Answer with the whole picture")
        self.masked = PlainText(scaled_font(1.2))
        self.masked.setAccessibleName("Answer without the region")
        self.table = ChangeTable()
        self._subject = muted()
        self._whole_note, self._masked_note = muted(), muted()
        self._pair = QWidget()
        self._sides = QBoxLayout(QBoxLayout.Direction.LeftToRight, self._pair)
        self._sides.setContentsMargins(0, 0, 0, 0)
        self._sides.setSpacing(8)
        self._sides.addWidget(_card(WHOLE, self.words, self.whole, self._whole_note), 1)
        self._sides.addWidget(_card(MASKED, self.caption, self.masked, self._masked_note), 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (self._subject, self._pair, self.table):
            column.addWidget(widget)
        self.show_trial(None)

    def show_trial(self, trial: Trial | None) -> None:
        """Show what came of it so far."""
        kind = trial.wish.kind if trial else None
        caption = trial is not None and kind is Kind.CAPTION and (trial.scored is not None or bool(trial.tokens))
        answers = trial.answers if trial else None
        self._pair.setVisible(caption or answers is not None)
        for view in (self.words, self.caption):
            view.setVisible(caption)
        for text in (self.whole, self.masked):
            text.setVisible(answers is not None)
        for note in (self._whole_note, self._masked_note):
            note.setVisible(answers is not None)
        self._subject.setText(_subject(trial) if trial else "")
        self._subject.setVisible(bool(self._subject.text()))
        rows: list[ChangeRow] = []
        headings = ["", "Whole", "Without", "Change"]
        if trial is not None and trial.scored is not None:
            self._show_words(trial.scored, trial.tokens)
            headings[0] = "Word"
            rows = _word_rows(trial.scored)
        elif answers is not None:
            self._show_answers(answers)
            headings[0] = "Answer"
            rows = _answer_rows(answers)
        elif trial is not None and trial.texts is not None:
            headings[0] = "Cosine similarity"
            rows = _text_rows(trial.texts)
        elif trial is not None and trial.classes is not None:
            headings[0] = "Class"
            rows = _class_rows(trial.classes)
        self.table.show_rows(headings, rows)
        self.table.setVisible(bool(rows))

    def text_to_copy(self) -> str:
        """All that is shown, for spreadsheets; empty if nothing is."""
        if not self.table.rows:
            return ""
        said = []
        if self.caption.isVisibleTo(self):
            said = [f"{WHOLE}\t{self.words.text}", f"{MASKED}\t{self.caption.text}", ""]
        elif self.whole.isVisibleTo(self):
            said = [f"{WHOLE}\t{self.whole.text}", f"{MASKED}\t{self.masked.text}", ""]
        return "\n".join([*said, self.table.as_tabs()])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        way = QBoxLayout.Direction
        self._sides.setDirection(way.TopToBottom if self.width() < NARROW else way.LeftToRight)

    def _show_words(self, scored: WordsScored, tokens: list[Token]) -> None:
        if [word.token for word in self.words.words] != [token for token in scored.whole if token.text.strip()] or [
            word.after for word in self.words.changed
        ] != [token for token in scored.masked if token.text.strip()]:
            self.words.show_change(scored.whole, scored.masked)
        self.caption.set_tokens(tokens, "" if tokens else "…")

    def _show_answers(self, answers: AnswersCompared) -> None:
        self.whole.set_text(answers.whole.answer or "(nothing)")
        self.masked.set_text(answers.masked.answer or "(nothing)")
        self._whole_note.setText(probability(answers.whole.logprob))
        self._masked_note.setText(probability(answers.masked.logprob))


def _card(title: str, *content: QWidget) -> QFrame:
    card = QFrame()
    card.setObjectName("card")
    card.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    heading = QLabel(title, wordWrap=True)
    heading.setFont(scaled_font(0.92, QFont.Weight.DemiBold))
    heading.setProperty("tone", "muted")
    column = QVBoxLayout(card)
    column.setContentsMargins(12, 8, 12, 10)
    column.setSpacing(6)
    column.addWidget(heading)
    for widget in content:
        column.addWidget(widget)
    column.addStretch()
    column.setAlignment(Qt.AlignmentFlag.AlignTop)
    return card


def _subject(trial: Trial) -> str:
    made_by = trial.wish.model.name + (" (untrained)" if trial.wish.model.untrained else "")
    asked = f"“{trial.wish.question}” · " if trial.wish.kind is Kind.ASK else ""
    return f"{asked}{made_by}"


def _word_rows(scored: WordsScored) -> list[ChangeRow]:
    rows = []
    for whole, masked in zip(scored.whole, scored.masked, strict=True):
        if whole.text.strip() or whole is scored.whole[-1]:
            change = masked.logprob - whole.logprob
            told = (
                f"Log-probability {whole.logprob:.3f} with the whole picture, {masked.logprob:.3f} without the region"
            )
            rows.append(
                ChangeRow(
                    visible(whole.text),
                    probability(whole.logprob),
                    probability(masked.logprob),
                    signed(change),
                    change,
                    told,
                )
            )
    return rows


def _answer_rows(answers: AnswersCompared) -> list[ChangeRow]:
    pairs = [(answers.whole.answer, answers.whole.logprob, answers.whole_if_masked)]
    if answers.masked.answer != answers.whole.answer:
        pairs.append((answers.masked.answer, answers.masked_if_whole, answers.masked.logprob))
    return [
        ChangeRow(
            answer or "(nothing)",
            probability(whole),
            probability(masked),
            signed(masked - whole),
            masked - whole,
            _told(whole, masked),
        )
        for answer, whole, masked in pairs
    ]


def _text_rows(texts: TextsCompared) -> list[ChangeRow]:
    rows = []
    order = sorted(range(len(texts.texts)), key=lambda at: -texts.similarities[0, at])
    for at in order:
        whole, masked = (float(value) for value in texts.similarities[:, at])
        if math.isnan(whole):
            rows.append(ChangeRow(texts.texts[at], "", "", "", 0.0, "Too long for the model."))
            continue
        shares = " → ".join(percent(float(value)) for value in texts.probabilities[:, at])
        change = masked - whole
        rows.append(
            ChangeRow(
                texts.texts[at],
                f"{whole:.3f}",
                f"{masked:.3f}",
                f"{'+' if change > 0 else '−' if change < 0 else '±'}{abs(change):.3f}",
                3 * change / FULL_COSINE,
                f"{texts.texts[at]}\nProbability among these descriptions: {shares}",
            )
        )
    return rows


def _class_rows(classes: ClassesCompared) -> list[ChangeRow]:
    rows = []
    for label, definition, whole, masked in classes.classes[:CLASSES_SHOWN]:
        change = math.log(max(masked, 1e-12)) - math.log(max(whole, 1e-12))
        told = f"{label}: {definition}" if definition else label
        rows.append(ChangeRow(label, percent(whole), percent(masked), signed(change), change, told))
    return rows


def _told(whole: float, masked: float) -> str:
    return f"Log-probability {whole:.3f} with the whole picture, {masked:.3f} without the region"

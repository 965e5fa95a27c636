"""The conversation about the selected pictures, the latest question at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QVBoxLayout, QWidget

from cocadesk.gui.entries import Entry
from cocadesk.gui.panels.exchange_view import AnswerView, TopicView
from cocadesk.gui.questions import Exchange
from cocadesk.gui.widgets.naming import named

SHOWN = 40
"""How many questions are shown at first: widgets for thousands would take seconds to lay out."""

Topic = tuple[tuple[str, Exchange], ...]
"""What one question brought: names of pictures, and their exchanges."""


def topics(talks: Sequence[tuple[Entry, Sequence[Exchange]]]) -> list[Topic]:
    """What to show for these pictures' conversations.

    Of a single picture, every exchange. Of several, each question once, with the latest exchange that every picture had
    about it, so that their answers can be compared; questions stand in the order in which they came up first.
    """
    if len(talks) == 1:
        entry, exchanges = talks[0]
        return [((entry.name, exchange),) for exchange in exchanges]
    by_question: dict[str, dict[int, tuple[str, Exchange]]] = {}
    for entry, exchanges in talks:
        for exchange in exchanges:
            by_question.setdefault(exchange.question, {})[entry.key] = (entry.name, exchange)
    return [tuple(asked.values()) for asked in by_question.values()]


class ConversationView(QScrollArea):
    """A list of topics that stays at its end while it grows, unless the user has scrolled up."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Conversation")
        self._content = QWidget()
        self._content.setProperty("plain", "true")
        self._column = QVBoxLayout(self._content)
        self._column.setContentsMargins(0, 4, 6, 4)
        self._column.setSpacing(14)
        self._column.addStretch()
        self._earlier = named(QPushButton(), "Show earlier questions")
        self._earlier.setProperty("kind", "link")
        self._earlier.clicked.connect(self._show_all)
        self._column.addWidget(self._earlier)
        self._topics: list[Topic] = []
        self._views: list[TopicView] = []
        self._most = SHOWN
        self._with_names = False
        self._at_end = True
        self.setWidget(self._content)
        self.verticalScrollBar().rangeChanged.connect(self._follow)
        self.verticalScrollBar().valueChanged.connect(self._note_place)

    @property
    def answers(self) -> list[AnswerView]:
        """What is shown of each exchange, from top to bottom."""
        return [answer for view in self._views for answer in view.answers]

    def show_topics(self, shown: Sequence[Topic], follow: bool, with_names: bool) -> None:
        """Show these in place of what is shown; what stays is kept.

        Args:
            follow: Scroll to the end, wherever the user was.
            with_names: Whether to show which picture an answer is about.
        """
        before, self._topics = self._topics, list(shown)
        if with_names != self._with_names:
            self._with_names = with_names
            self._drop(self._views)
        if not before or before[0] not in self._topics[:1]:
            self._most = SHOWN
        self._at_end = follow or self._at_end
        self._build(before)

    def refresh(self, exchange: Exchange) -> bool:
        """Show that exchange as it is now, if it is there. Whether it is."""
        found = [answer for answer in self.answers if answer.exchange is exchange]
        for answer in found:
            answer.refresh()
        return bool(found)

    def _build(self, before: Sequence[Topic]) -> None:
        kept = dict(zip(before[len(before) - len(self._views) :], self._views, strict=True))
        first = max(0, len(self._topics) - self._most)
        wanted = self._topics[first:]
        self._drop([view for topic, view in kept.items() if topic not in wanted])
        views = []
        for place, topic in enumerate(wanted):
            view = kept.get(topic) or TopicView(topic, self._with_names)
            self._column.insertWidget(2 + place, view)
            views.append(view)
        self._views = views
        self._earlier.setText(f"Show {first:,} earlier")
        self._earlier.setVisible(first > 0)

    def _drop(self, views: Sequence[TopicView]) -> None:
        for view in views:
            self._column.removeWidget(view)
            view.hide()
            view.deleteLater()
        self._views = [view for view in self._views if view not in views]

    def _show_all(self) -> None:
        before = list(self._topics)
        self._most = len(before)
        self._at_end = False
        self._build(before)

    def _follow(self, _least: int, most: int) -> None:
        if self._at_end:
            QTimer.singleShot(0, self, lambda: self.verticalScrollBar().setValue(most))

    def _note_place(self, place: int) -> None:
        self._at_end = place >= self.verticalScrollBar().maximum() - 4

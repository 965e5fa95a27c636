"""What the user does in the panels beside the picture: switching between them, asking, ranking, copying."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QMainWindow, QMessageBox, QWidget

from cocadesk.catalog.cards import DEFAULT_ANSWERER, DEFAULT_RANKER
from cocadesk.gui.actions import Actions
from cocadesk.gui.entries import Entry
from cocadesk.gui.library import Library
from cocadesk.gui.look_desk import LookDesk
from cocadesk.gui.panels.ask_panel import AskPanel
from cocadesk.gui.panels.rank_panel import RankPanel
from cocadesk.gui.panels.side import Side
from cocadesk.gui.questions import Questions
from cocadesk.gui.rankings import Rankings
from cocadesk.gui.testing_desk import TestDesk
from cocadesk.store import descriptions
from cocadesk.store.settings import Settings, Tab
from cocadesk.types import ModelRequest

KEEP_AFTER_MS = 1000
"""After the last change of the descriptions, they are written to disk."""

COPIES: dict[Tab, str] = {
    "caption": "Copy caption",
    "ask": "Copy answer",
    "rank": "Copy ranking",
    "look": "Copy picture",
    "test": "Copy comparison",
}


class SideDesk(QObject):
    """Puts the panels together, says what their actions do, and remembers what was chosen in them.

    Args:
        captions: The panel of captions.
        keep: Write what is to be remembered to disk.

    Attributes:
        side: The panels with their tabs.
        ask: Questions.
        rank: Ranking.
        look: Where the model looks.
        tests: What a region of the picture is good for.
    """

    tab_changed = Signal()
    """Another panel is shown."""

    busy_changed = Signal()
    """`is_busy` changed, or what can be copied."""

    remembered = Signal(object)
    """A function from the settings to those that are to be kept."""

    sections_toggled = Signal(bool)
    """The settings below a panel were folded or unfolded."""

    def __init__(
        self,
        questions: Questions,
        rankings: Rankings,
        library: Library,
        *,
        captions: QWidget,
        look: LookDesk,
        tests: TestDesk,
        do: Actions,
        window: QMainWindow,
        keep: bool,
    ) -> None:
        super().__init__(window)
        self._questions = questions
        self._rankings = rankings
        self._window = window
        self._do = do
        self._keep = keep
        self._entries: list[Entry] = []
        self.ask = AskPanel(questions, library, do.stop)
        self.rank = RankPanel(rankings, library)
        self.look = look
        self.tests = tests
        tests.rank_with(self.rank)
        self.side = Side(
            {
                "caption": ("Caption", captions),
                "ask": ("Ask", self.ask),
                "rank": ("Rank", self.rank),
                "look": ("Look", look.panel),
                "test": ("Test", tests.panel),
            }
        )
        self._showing: dict[Tab, QAction] = {
            "caption": do.show_caption,
            "ask": do.show_ask,
            "rank": do.show_rank,
            "look": do.show_look,
            "test": do.show_test,
        }
        self._keep_texts = QTimer(self, singleShot=True, interval=KEEP_AFTER_MS)
        self._keep_texts.timeout.connect(self.save)
        self._connect()

    def _connect(self) -> None:
        do = self._do
        for tab, action in self._showing.items():
            action.triggered.connect(lambda _=False, tab=tab: self.show(tab))
            self.side.set_hint(tab, f"{action.text()} ({action.shortcut().toString()})")
        self.side.tab_changed.connect(self._on_tab)
        self.ask.edited.connect(self._on_ask_edited)
        self.rank.edited.connect(self._on_rank_edited)
        self.rank.texts_changed.connect(self._keep_texts.start)
        self.rank.folder_used.connect(self._on_folder)
        for box in (self.ask.box, self.rank.box, self.look.panel.box):
            box.toggled.connect(self.sections_toggled)
        self.look.busy_changed.connect(self.busy_changed)
        self.tests.busy_changed.connect(self.busy_changed)
        self.tests.tab_asked.connect(self.show)
        self.look.remembered.connect(self.remembered)
        for change in (self._questions.busy_changed, self._questions.reset, self._rankings.changed):
            change.connect(lambda *_: self.busy_changed.emit())
        do.open_texts.triggered.connect(lambda: self._at("rank", self.rank.ask_file))
        do.export_ranking.triggered.connect(self.rank.ask_export)
        do.clear_talk.triggered.connect(self._ask_to_clear)

    @property
    def is_busy(self) -> bool:
        """Whether a question is being answered, or a ranking or maps made."""
        return self._questions.is_busy or self._rankings.is_busy or self.look.is_busy or self.tests.is_busy

    @property
    def tab(self) -> Tab:
        """The panel that is shown."""
        return self.side.tab

    def show(self, tab: Tab) -> None:
        """Show that panel, ready to be typed in."""
        self.side.setVisible(True)
        self.side.show_tab(tab)
        self._on_tab(tab)
        if tab == "ask":
            self.ask.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif tab == "rank":
            self.rank.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif tab == "look":
            self.look.panel.controls.strip.setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif tab == "test":
            self.tests.panel.run.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """These pictures are selected."""
        self._entries = list(entries)
        self.ask.show_entries(entries)
        self.rank.show_entries(entries)
        self.busy_changed.emit()

    def set_sections(self, shown: bool) -> None:
        """Fold or unfold the settings below the panels."""
        for box in (self.ask.box, self.rank.box, self.look.panel.box):
            box.set_open(shown)

    def stop(self) -> bool:
        """Stop what the panel that is shown is doing, or else another one. Whether there was anything to stop."""
        work: dict[str, Questions | Rankings | LookDesk | TestDesk] = {
            "ask": self._questions,
            "rank": self._rankings,
            "look": self.look,
            "test": self.tests,
        }
        for one in sorted(work, key=lambda tab: tab != self.tab):
            if work[one].is_busy:
                work[one].stop()
                return True
        return False

    def refresh_actions(self) -> None:
        """Say which of the panels' actions can be done."""
        do = self._do
        do.copy.setText(COPIES[self.tab])
        if self.tab != "caption":
            able = {
                "ask": bool(self.ask.answer_to_copy()),
                "rank": self.rank.can_copy,
                "look": self.look.can_copy,
                "test": self.tests.can_copy,
            }
            do.copy.setEnabled(able[self.tab])
        do.export_ranking.setEnabled(self._rankings.result is not None)
        do.clear_talk.setEnabled(any(self._questions.has_talk(entry) for entry in self._entries))

    def copy(self) -> str:
        """Put the answer, the ranking or the map on the clipboard; returns what was copied, for the user to read."""
        if self.tab == "look":
            return self.look.copy()
        if self.tab == "test":
            return self.tests.copy()
        text = self._text_to_copy()
        if not text:
            return ""
        QGuiApplication.clipboard().setText(text)
        return "Answer copied" if self.tab == "ask" else "Ranking copied"

    def restore(self, settings: Settings) -> None:
        """Show what was remembered."""
        ask = settings.ask_model or ModelRequest(DEFAULT_ANSWERER)
        self.ask.box.show_values(ask, settings.ask_frames)
        self._questions.model, self._questions.frames = self.ask.box.model, settings.ask_frames
        self.rank.box.show_values(settings.rank_model or ModelRequest(DEFAULT_RANKER), settings.rank_frames)
        self.rank.last_folder = settings.last_folder
        if self._keep:
            self.rank.field.setPlainText(descriptions.load())
        self.look.restore(settings)
        self.side.show_tab(settings.tab)
        self.look.show_tab(settings.tab)
        self.tests.show_tab(settings.tab)
        self._showing[settings.tab].setChecked(True)
        self.ask.show_entries([])

    def save(self) -> None:
        """Write the descriptions to disk."""
        self._keep_texts.stop()
        if self._keep:
            descriptions.save(self.rank.field.toPlainText())

    def _at(self, tab: Tab, then: Callable[[], None]) -> None:
        self.show(tab)
        then()

    def _text_to_copy(self) -> str:
        return self.ask.answer_to_copy() if self.tab == "ask" else self.rank.ranking_to_copy()

    def _on_tab(self, tab: Tab) -> None:
        self._showing[tab].setChecked(True)
        self.look.show_tab(tab)
        self.tests.show_tab(tab)
        self.tab_changed.emit()
        self.remembered.emit(lambda settings: replace(settings, tab=tab))

    def _on_ask_edited(self) -> None:
        model, frames = self.ask.box.model, self.ask.box.frames
        self._questions.model, self._questions.frames = model, frames
        self.ask.show_model()
        self.remembered.emit(lambda settings: replace(settings, ask_model=model, ask_frames=frames))

    def _on_rank_edited(self) -> None:
        model, frames = self.rank.box.model, self.rank.box.frames
        self.remembered.emit(lambda settings: replace(settings, rank_model=model, rank_frames=frames))

    def _on_folder(self, folder: str) -> None:
        self.rank.last_folder = folder
        self.remembered.emit(lambda settings: replace(settings, last_folder=folder))

    def _ask_to_clear(self) -> None:
        entries = [entry for entry in self._entries if self._questions.has_talk(entry)]
        if not entries:
            return
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Clear the conversation")
        what = entries[0].name if len(entries) == 1 else f"{len(entries):,} pictures"
        box.setText(f"Clear the conversation about {what}?")
        box.setInformativeText("Its questions and answers are removed from this machine as well.")
        sure = box.addButton("Clear", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(QMessageBox.StandardButton.Cancel)
        sure.clicked.connect(lambda: self._clear(entries))
        box.finished.connect(box.deleteLater)
        box.open()

    def _clear(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._questions.forget(entry)

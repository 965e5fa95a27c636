"""What the user does with the words of the caption: look at one, choose another, walk between the continuations."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from cocadesk.gui.actions import Actions
from cocadesk.gui.continuations import Branch, Continuations
from cocadesk.gui.entries import Entry
from cocadesk.gui.panels.caption_panel import CaptionPanel
from cocadesk.gui.session import Session
from cocadesk.gui.widgets.alternatives_popup import AlternativesPopup
from cocadesk.gui.widgets.word import Word
from cocadesk.types import Alternative, Token


class Continuing(QObject):
    """Connects the caption's words, the chart of alternatives and the list of continuations.

    Args:
        shown: The picture that is shown, if any.

    Attributes:
        popup: What else was nearly said, beside a word.
        trees: The continuations of the open pictures.
    """

    def __init__(
        self, session: Session, panel: CaptionPanel, shown: Callable[[], Entry | None], do: Actions, window: QWidget
    ) -> None:
        super().__init__(window)
        self.popup = AlternativesPopup(window)
        self.trees = Continuations(session, self)
        self._panel = panel
        self._shown = shown
        self._do = do
        self._focus_at: int | None = None
        view = panel.view
        view.word_noticed.connect(lambda word: self.popup.show_for(word, view))
        view.word_left.connect(self.popup.leave)
        view.word_dropped.connect(self.popup.lose)
        view.word_opened.connect(self._open)
        self.popup.chosen.connect(self._go_on)
        panel.branches.branch_chosen.connect(self._show)
        self.trees.changed.connect(self._on_changed)
        session.entries.changed.connect(self._on_entry)
        session.token_arrived.connect(self._on_token)
        do.branch_back.triggered.connect(lambda: self._walk(self.trees.before))
        do.branch_forth.triggered.connect(lambda: self._walk(self.trees.after))
        self.refresh()

    def refresh(self) -> None:
        """Show how things stand with the picture that is shown."""
        entry = self._shown()
        branches = self.trees.branches(entry) if entry else []
        self._panel.branches.show_branches(
            branches, self.trees.shown(entry) if entry else None, entry.caption if entry else ""
        )
        self._panel.show_continued(len(branches) > 1)
        self._do.branch_back.setEnabled(entry is not None and self.trees.before(entry) is not None)
        self._do.branch_forth.setEnabled(entry is not None and self.trees.after(entry) is not None)

    def _open(self, word: Word, by_keyboard: bool) -> None:
        self.popup.hold(word, self._panel.view, by_keyboard=by_keyboard)

    def _go_on(self, said: Token, chosen: Alternative) -> None:
        entry = self._shown()
        if entry is not None:
            if self.popup.by_keyboard:  # the word that is chosen takes the place of one that had the focus
                self._focus_at = said.position
            self.trees.go_on(entry, said, chosen)
            self._give_focus()

    def _show(self, branch: Branch) -> None:
        entry = self._shown()
        if entry is not None:
            self.trees.show(entry, branch)

    def _walk(self, way: Callable[[Entry], Branch | None]) -> None:
        entry = self._shown()
        branch = way(entry) if entry else None
        if branch is not None:
            self._show(branch)

    def _give_focus(self) -> None:
        if self._focus_at is not None and any(word.token.position == self._focus_at for word in self._panel.view.words):
            self._panel.view.focus_at(self._focus_at)
            self._focus_at = None

    def _on_changed(self, entry: Entry) -> None:
        if entry is self._shown():
            self.refresh()

    def _on_entry(self, key: int) -> None:
        entry = self._shown()
        if entry is not None and entry.key == key:
            self.refresh()

    def _on_token(self, key: int, token: Token) -> None:
        entry = self._shown()
        if entry is not None and entry.key == key:
            self.refresh()
            self._give_focus()

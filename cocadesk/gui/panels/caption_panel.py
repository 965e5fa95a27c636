"""The caption of the selected picture, how it came about, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui.entries import Entry, EntryState
from cocadesk.gui.icons import icon
from cocadesk.gui.library import Library
from cocadesk.gui.panels.settings_panel import SettingsPanel
from cocadesk.gui.panels.starter_hint import StarterHint
from cocadesk.gui.theme import scaled_font, theme
from cocadesk.gui.widgets.branch_list import BranchList
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.caption_view import CaptionView
from cocadesk.gui.widgets.collapsible import Collapsible
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.scrolled import scrolled
from cocadesk.gui.widgets.timings_row import TimingsRow
from cocadesk.gui.widgets.tone import set_tone
from cocadesk.types import Token

MARGIN = 18


class CaptionPanel(QWidget):
    """Shows one entry. Everything it can do is an action of the window, shown again as a button.

    Attributes:
        view: The caption.
        branches: The captions that were continued from it, where there are any.
        starter: Says so while a starter is the model.
    """

    def __init__(
        self, library: Library, again: QAction, stop: QAction, copy: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("captionPanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(290)
        self._name = ElidedLabel()
        self._name.setFont(scaled_font(1.15, QFont.Weight.DemiBold))
        self._details = _muted()
        self.view = CaptionView()
        self._placeholder = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._placeholder.setFont(scaled_font(1.1))
        self._note = QLabel(wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._note.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._timings = TimingsRow()
        self._hint = _muted(
            "Point at a word, or press F7, to see how sure the model was. Click it, or press Enter, and choose what "
            "else it nearly said: the caption goes on from there."
        )
        self._hint.setFont(scaled_font(0.92))
        self.branches = BranchList()
        self._continued = QLabel("Continuations")
        self._continued.setFont(scaled_font(1.0, QFont.Weight.DemiBold))
        self._busy = BusyBar()
        self._buttons = {
            action: _button(action, kind) for action, kind in ((again, "primary"), (stop, "primary"), (copy, ""))
        }
        self._icons = {again: ("again", "on_accent"), stop: ("stop", "on_accent"), copy: ("copy", "text")}
        self._again, self._stop = again, stop
        self.settings = SettingsPanel(library)
        self.starter = StarterHint(library, self.settings.chooser, "caption")
        self.section = Collapsible("Settings", self.settings)
        self._lay_out()
        again.changed.connect(self._swap_buttons)
        stop.changed.connect(self._swap_buttons)
        theme().changed.connect(self._dress)
        self._dress()
        self._swap_buttons()

    def _lay_out(self) -> None:
        card = QFrame()
        card.setObjectName("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(16, 12, 16, 14)
        inside.setSpacing(8)
        inside.addWidget(self._busy)
        for widget in (self.view, self._placeholder, self._note, self._timings):
            inside.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in self._buttons.values():
            buttons.addWidget(button)
        buttons.addStretch()
        self._body = QWidget()
        column = QVBoxLayout(self._body)
        column.setContentsMargins(0, 0, 0, 10)
        column.setSpacing(4)
        column.addWidget(self._name)
        column.addWidget(self._details)
        column.addSpacing(8)
        column.addWidget(card)
        column.addSpacing(8)
        column.addLayout(buttons)
        column.addSpacing(6)
        column.addWidget(self._hint)
        column.addSpacing(8)
        column.addWidget(self._continued)
        column.addWidget(self.branches)
        content = QWidget()
        content.setProperty("plain", "true")
        whole = QVBoxLayout(content)
        whole.setContentsMargins(MARGIN, 16, MARGIN, MARGIN)
        whole.setSpacing(0)
        whole.addWidget(self._body)
        whole.addWidget(self.starter)
        whole.addWidget(self.section)
        whole.addStretch()
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(scrolled(content))

    def show_entry(self, entry: Entry | None, waiting_for: str = "") -> None:
        """Show what is known about that picture.

        Args:
            waiting_for: Why there are no words yet although it is being captioned, such as a model that loads.
        """
        self._body.setVisible(entry is not None)
        if entry is None:
            self.view.set_tokens([])
            return
        self._name.setText(entry.name)
        self._name.setToolTip(entry.location)
        self._details.setText(entry.details or " ")
        self.view.set_tokens(entry.tokens, entry.draft)
        failed = entry.state is EntryState.FAILED
        self._placeholder.setText("" if self.view.text else _placeholder(entry, waiting_for))
        self._placeholder.setProperty("tone", "muted")
        self._note.setText(_note(entry))
        set_tone(self._note, "danger" if failed else "muted")
        if entry.result is not None:
            self._timings.show_timings(entry.result.timings)
        self._timings.setVisible(entry.result is not None)
        self._busy.set_busy(entry.state is EntryState.WORKING)
        self._show_filled()

    def show_continued(self, shown: bool) -> None:
        """Whether there are continuations to show."""
        self._continued.setVisible(shown)
        self.branches.setVisible(shown)

    def append(self, token: Token) -> None:
        """Add one word to the caption."""
        self.view.append(token)
        self._placeholder.setText("")
        self._show_filled()

    def _show_filled(self) -> None:
        for label in (self._placeholder, self._note):
            label.setVisible(bool(label.text()))
        self.view.setVisible(bool(self.view.text))
        self._hint.setVisible(bool(self.view.words))

    def _swap_buttons(self) -> None:
        """Stop stands in the place of Caption again while there is something to stop."""
        for action, button in self._buttons.items():
            button.setEnabled(action.isEnabled())
        self._buttons[self._stop].setVisible(self._stop.isEnabled())
        self._buttons[self._again].setVisible(not self._stop.isEnabled())
        self._buttons[self._again].setText(self._again.text())

    def _dress(self) -> None:
        for action, button in self._buttons.items():
            button.setIcon(icon(*self._icons[action]))


def _muted(text: str = "") -> QLabel:
    label = QLabel(text, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    label.setProperty("tone", "muted")
    return label


def _button(action: QAction, kind: str) -> QPushButton:
    button = QPushButton(action.text())
    button.setProperty("kind", kind)
    button.setToolTip(f"{action.text()} ({action.shortcut().toString()})")
    button.clicked.connect(action.trigger)
    return button


def _is_partial(entry: Entry) -> bool:
    return entry.state is EntryState.STOPPED and bool(entry.tokens)


def _note(entry: Entry) -> str:
    """What there is to say about the caption, or about the next one."""
    if entry.state is EntryState.FAILED:
        return entry.error
    stopped = "Stopped; this is as far as it got." if _is_partial(entry) else ""
    held = entry.held if entry.caption else ""  # without words it stands in their place
    return "\n".join(filter(None, (stopped, held)))


def _placeholder(entry: Entry, waiting_for: str) -> str:
    return {
        EntryState.IDLE: entry.held or "Not captioned yet.",
        EntryState.WAITING: "Waiting for its turn…",
        EntryState.WORKING: waiting_for or "Looking at the picture…",
        EntryState.CAPTIONED: "The model had nothing to say.",
        EntryState.STOPPED: "Stopped before the first word.",
        EntryState.FAILED: "",
    }[entry.state]

"""One half of the window that compares: the picture, what a model says of it, and how it was asked."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFrame, QSplitter, QVBoxLayout, QWidget

from cocadesk.gui.canvas import Canvas
from cocadesk.gui.compare.comparing import SideJob
from cocadesk.gui.compare.marked_view import MarkedView
from cocadesk.gui.library import Library
from cocadesk.gui.panels.model_notice import ModelNotice
from cocadesk.gui.panels.settings_panel import SettingsPanel
from cocadesk.gui.panels.subject import muted
from cocadesk.gui.theme import scaled_font
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.collapsible import Collapsible
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.scrolled import scrolled
from cocadesk.gui.widgets.timings_row import TimingsRow
from cocadesk.gui.widgets.tone import set_tone

MARGIN = 14
HEIGHTS = (430, 260)
"""Of the picture and of what is said about it, in a new window."""


class CompareSide(QWidget):
    """Shows one side.

    Attributes:
        canvas: The picture.
        view: The caption.
        settings: Model and options.
        section: The settings, folded away.
        notice: Stands above the caption while the model is missing.
        message: What is being done, or what went wrong.
        seen: Which map lies over the picture, or why there is none.
    """

    moved = Signal(QRectF, bool)
    """Another part of the picture is seen: that one, in its pixels; and whether it is fitted to the canvas."""

    def __init__(self, name: str, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._following = False
        self.canvas = Canvas()
        self._title = ElidedLabel()
        self._title.setFont(scaled_font(1.05, QFont.Weight.DemiBold))
        self._how = muted()
        self._card = QFrame()
        self._busy = BusyBar()
        self.view = MarkedView()
        self.view.setAccessibleName(f"{name} caption")
        self.message = muted()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.seen = muted()
        self.seen.setTextFormat(Qt.TextFormat.PlainText)
        self.seen.setAccessibleName(f"{name} map")
        self._timings = TimingsRow()
        self.notice = ModelNotice(library, "This side needs a model")
        self.settings = SettingsPanel(library)
        self.section = Collapsible("Model and settings", self.settings)
        self.notice.untrained_asked.connect(self._use_untrained)
        self._library = library
        self._lay_out()
        self.canvas.zoom_changed.connect(lambda _: self._on_moved())

    def _lay_out(self) -> None:
        self._card.setObjectName("card")
        inside = QVBoxLayout(self._card)
        inside.setContentsMargins(14, 10, 14, 10)
        inside.setSpacing(6)
        for widget in (self._busy, self.view, self.message, self.seen, self._timings):
            inside.addWidget(widget)
        content = QWidget()
        content.setProperty("plain", "true")
        column = QVBoxLayout(content)
        column.setContentsMargins(MARGIN, 10, MARGIN, MARGIN)
        column.setSpacing(8)
        for part in (self._title, self._how, self.notice, self._card, self.section):
            column.addWidget(part)
        column.addStretch()
        halves = QSplitter(Qt.Orientation.Vertical, childrenCollapsible=False, handleWidth=1)
        halves.addWidget(self.canvas)
        halves.addWidget(scrolled(content))
        halves.setStretchFactor(0, 1)
        halves.setStretchFactor(1, 0)
        halves.setSizes(HEIGHTS)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(halves)

    def absence(self) -> str:
        """Why the chosen model cannot be used now; empty if it can. Says so above the caption as well."""
        return self.notice.show_model(self.settings.model)

    def show_state(self, state: SideJob, differing: set[int]) -> None:
        """Show what is known about the side."""
        model = self.settings.model
        known = self._library.entry(model.name)
        self._title.setText((known.card.title if known else model.name) + (" (untrained)" if model.untrained else ""))
        self._how.setText(f"{self.settings.method.value} · {self._asked()}")
        self.view.show_marked(state.tokens, differing)
        self.view.setVisible(bool(self.view.text))
        self._busy.set_busy(bool(state.doing or state.looking))
        waiting = state.doing if not state.tokens else ""
        self.message.setText(state.problem or waiting)
        self.message.setVisible(bool(self.message.text()))
        set_tone(self.message, "danger" if state.problem else "muted")
        if state.result is not None:
            self._timings.show_timings(state.result.timings)
        self._timings.setVisible(state.result is not None)
        self._card.setVisible(bool(self.view.text or self.message.text()))

    def show_seen(self, text: str, *, is_problem: bool = False) -> None:
        """Say which map lies over the picture, or why there is none."""
        self.seen.setText(text)
        self.seen.setVisible(bool(text))
        self.seen.setAccessibleDescription(text)
        set_tone(self.seen, "danger" if is_problem else "muted")

    def follow(self, part: QRectF, fitted: bool) -> None:
        """See the same part of the picture as the other side; all of it, in a canvas of any size, if that is fitted."""
        if part != self.canvas.seen or fitted != self.canvas.is_fitted:
            self._following = True
            if fitted:
                self.canvas.fit()
            else:
                self.canvas.see(part)
            self._following = False

    def _asked(self) -> str:
        options = self.settings.options
        return f"at most {options.max_tokens} tokens" + (f", seed {options.seed}" if options.seed is not None else "")

    def _use_untrained(self) -> None:
        self.canvas.view.setFocus()  # before the button is gone: what follows it would be scrolled into view
        self.settings.chooser.show_model(replace(self.settings.model, untrained=True, checkpoint=None))
        self.settings.edited.emit()

    def _on_moved(self) -> None:
        if not self._following:
            self.moved.emit(self.canvas.seen, self.canvas.is_fitted)

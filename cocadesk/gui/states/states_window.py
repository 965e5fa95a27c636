"""A window with what the model that captions keeps of the picture that is chosen."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QFont, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QTabWidget, QVBoxLayout, QWidget

from cocadesk.gui.entries import Entry
from cocadesk.gui.library import Library
from cocadesk.gui.panels.subject import muted
from cocadesk.gui.states.cached_page import CachedPage
from cocadesk.gui.states.hidden_page import HiddenPage
from cocadesk.gui.states.inquiry import Inquiries, Question
from cocadesk.gui.theme import scaled_font
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.tone import set_tone
from cocadesk.types import CaptionOptions, Clip, ModelRequest, Picture
from cocadesk.work.states import CachedRequest, CompareRequest, HiddenRequest

FIRST_SIZE = (1080, 640)
NO_PICTURE = "Open a picture in the main window, and its states are shown here."


class StatesWindow(QDialog):
    """Stays beside the main window and follows the picture and the model that are chosen there.

    Attributes:
        cached: The states that are cached while a caption is decoded.
        hidden: The hidden states of the picture, or of a text.
        pages: Both.
        inquiries: What it asks.
    """

    opened = Signal()
    """The window is shown; it has to be told which picture is chosen."""

    def __init__(self, inquiries: Inquiries, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Attention states")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.setModal(False)
        self.resize(*FIRST_SIZE)
        self.inquiries = inquiries
        self._library = library
        self._entry: Entry | None = None
        self._model = ModelRequest()
        self._options = CaptionOptions()
        self._absence = ""
        self._about: object = None
        self._name = ElidedLabel()
        self._name.setFont(scaled_font(1.15, QFont.Weight.DemiBold))
        self._told = muted()
        self.cached = CachedPage(inquiries.cached, inquiries.comparison)
        self.hidden = HiddenPage(inquiries.hidden)
        self.pages = QTabWidget()
        self.pages.tabBar().setAccessibleName("Pages")
        self.pages.addTab(self.cached, "Cached while captioning")
        self.pages.addTab(self.hidden, "Hidden states")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        column.addWidget(self._name)
        column.addWidget(self._told)
        column.addWidget(self.pages, 1)
        self.cached.line.run_asked.connect(self._ask_cached)
        self.cached.measure.run_asked.connect(self._measure)
        self.hidden.look_asked.connect(self._ask_hidden)
        self.pages.currentChanged.connect(lambda _: self._ask_shown())
        QShortcut(QKeySequence(QKeySequence.StandardKey.Close), self, self.close)
        QShortcut(QKeySequence("Ctrl+."), self, self.stop)

    def show_about(self, entry: Entry | None, model: ModelRequest, options: CaptionOptions, absence: str) -> None:
        """These are chosen: while the window is shown, look at them.

        Args:
            absence: Why the model cannot be used now; empty if it can.
        """
        if not self.isVisible():
            return
        self._options = options
        self.hidden.suggest(entry.caption if entry is not None and entry.result is not None else "")
        span = entry.span if entry is not None else None
        about = (entry.key if entry else None, span, model, options.frames, absence)
        if about == self._about:
            return
        self._about = about
        self._entry, self._model, self._absence = entry, model, absence
        self._name.setText(f"{entry.name} · {model.name}" if entry else model.name)
        told = absence or ("" if entry else NO_PICTURE)
        self._told.setText(told)
        set_tone(self._told, "danger" if absence else "muted")
        self._told.setVisible(bool(told))
        can_ask = entry is not None and not absence
        for line in (self.cached.line, self.cached.measure):
            line.setEnabled(can_ask)
        self._forget()
        known = self._library.entry(model.name)
        reads = known is not None and "text" in known.card.attention
        self.hidden.offer(picture=can_ask, text=reads and not absence)
        self._ask_shown()

    def stop(self) -> None:
        """Stop whatever is being found out."""
        for inquiry in self.inquiries.all:
            inquiry.stop()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.opened.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._leave()
        super().closeEvent(event)

    def reject(self) -> None:
        self._leave()
        super().reject()

    def _leave(self) -> None:
        """Nobody looks any more: stop, and let go of what was found out."""
        self._about = self._entry = None
        self._forget()

    def _forget(self) -> None:
        for inquiry in self.inquiries.all:
            inquiry.ask(None)

    def _ask_shown(self) -> None:
        """Find out what the page that is shown is about, unless that is known."""
        asks = self._ask_cached if self.pages.currentWidget() is self.cached else self._ask_hidden
        inquiry = self.inquiries.cached if self.pages.currentWidget() is self.cached else self.inquiries.hidden
        if inquiry.result is None and not inquiry.is_busy:
            asks()

    def _ask_hidden(self) -> None:
        model, frames, page = self._model, self._options.frames, self.hidden
        if self._absence or self.pages.currentWidget() is not page:
            return
        if page.reads_text:
            text = page.text.text().strip()
            if text:
                self.inquiries.hidden.ask(Question(None, frames, lambda _: HiddenRequest(model, text=text)))
        elif self._entry is not None:
            self.inquiries.hidden.ask(Question(self._entry, frames, lambda what: HiddenRequest(model, _seen(what))))

    def _ask_cached(self) -> None:
        model, frames = self._model, self._options.frames
        if self._entry is not None and not self._absence:
            self.inquiries.cached.ask(Question(self._entry, frames, lambda what: CachedRequest(model, _seen(what))))

    def _measure(self) -> None:
        model, options = self._model, self._options
        if self._entry is not None:
            self.inquiries.comparison.ask(
                Question(self._entry, options.frames, lambda what: CompareRequest(model, _seen(what), options))
            )


def _seen(what: Picture | Clip | None) -> Picture | Clip:
    assert what is not None, "the question has a picture"
    return what

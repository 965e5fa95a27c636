"""A window with the same picture twice: two models, or two settings, side by side."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QFont, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from cocadesk.gui.compare.compare_side import CompareSide
from cocadesk.gui.compare.comparing import SIDES, Comparing
from cocadesk.gui.entries import Entry
from cocadesk.gui.library import Library
from cocadesk.gui.look.scene import Choice, Scene
from cocadesk.gui.panels.subject import muted
from cocadesk.gui.pyramid import Pyramid
from cocadesk.gui.theme import scaled_font
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.word import Word
from cocadesk.types import CaptionOptions, ModelRequest

FIRST_SIZE = (1180, 760)
HINT = "Underlined: words that the other caption has not. Point at a word to see where both models looked for it."


class CompareWindow(QDialog):
    """Stays beside the main window and follows the picture that is chosen there.

    Attributes:
        sides: Left and right.
        again: Captions both anew.
    """

    opened = Signal()
    """The window is shown; it has to be told which picture is chosen."""

    def __init__(self, comparing: Comparing, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Compare two models")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self.setModal(False)
        self.resize(*FIRST_SIZE)
        self._comparing = comparing
        self._entry: Entry | None = None
        self._name = ElidedLabel()
        self._name.setFont(scaled_font(1.15, QFont.Weight.DemiBold))
        self._hint = muted(HINT)
        self.again = QPushButton("Compare again")
        self.again.setProperty("kind", "primary")
        self.again.setToolTip("Caption the picture on both sides (Ctrl+R)")
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Stop both (Ctrl+.)")
        for button in (self.again, self.stop):
            button.setAutoDefault(False)
        self.sides = (CompareSide("Left", library), CompareSide("Right", library))
        self._lay_out()
        self.again.clicked.connect(self.caption_both)
        self.stop.clicked.connect(comparing.stop)
        comparing.changed.connect(self._on_changed)
        comparing.view_ready.connect(self._on_view)
        comparing.problem.connect(self._on_problem)
        library.changed.connect(lambda _: self._refresh())
        for number, side in enumerate(self.sides):
            side.settings.edited.connect(lambda number=number: self._caption(number))
            side.moved.connect(lambda part, number=number: self.sides[1 - number].follow(part))
            side.view.word_noticed.connect(lambda word, number=number: self._show_maps(number, word))
            side.view.word_left.connect(lambda _: self._hide_maps())
        left = self.sides[0].canvas  # which the other one follows
        for keys, what in (
            ("Ctrl+R", self.caption_both),
            ("Ctrl+.", comparing.stop),
            ("Ctrl+0", left.fit),
            ("Ctrl++", left.zoom_in),
            ("Ctrl+-", left.zoom_out),
            (QKeySequence(QKeySequence.StandardKey.Close).toString(), self.close),
        ):
            QShortcut(QKeySequence(keys), self, what)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(14, 10, 14, 10)
        head.setSpacing(12)
        told = QVBoxLayout()
        told.setSpacing(2)
        told.addWidget(self._name)
        told.addWidget(self._hint)
        head.addLayout(told, 1)
        head.addWidget(self.again)
        head.addWidget(self.stop)
        halves = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False, handleWidth=1)
        for side in self.sides:
            halves.addWidget(side)
        halves.setSizes([FIRST_SIZE[0] // 2] * 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(halves, 1)

    def begin_with(self, model: ModelRequest, options: CaptionOptions) -> None:
        """Show these on both sides, for the user to change one of them."""
        for side in self.sides:
            side.settings.show_values(model, options)

    def show_entry(self, entry: Entry | None) -> None:
        """That picture is chosen: while the window is shown, compare on it."""
        if not self.isVisible() or entry is self._entry:
            return
        self._entry = entry
        self._name.setText(entry.name if entry else "No picture yet")
        for side in self.sides:
            side.canvas.show_picture(None)
        self._comparing.show_entry(entry)
        self.caption_both()

    def caption_both(self) -> None:
        """Caption the picture on both sides."""
        for number in SIDES:
            self._caption(number)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.opened.emit()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.leave()
        super().closeEvent(event)

    def reject(self) -> None:
        self.leave()
        super().reject()

    def leave(self) -> None:
        """Nobody looks any more: stop, and let the picture go."""
        self._entry = None
        self._comparing.show_entry(None)
        for side in self.sides:
            side.canvas.show_picture(None)

    def _caption(self, number: int) -> None:
        side = self.sides[number]
        if self._entry is not None and not side.absence():
            self._comparing.caption(number, side.settings.model, side.settings.options)
        else:
            self._refresh()

    def _refresh(self) -> None:
        for number in SIDES:
            self.sides[number].absence()
            self._on_changed(number)

    def _on_changed(self, number: int) -> None:
        comparing = self._comparing
        self.sides[number].show_state(comparing.sides[number], comparing.differing()[number])
        self.again.setVisible(not comparing.is_busy)
        self.again.setEnabled(self._entry is not None)
        self.stop.setVisible(comparing.is_busy)

    def _on_view(self, pyramid: Pyramid, name: str) -> None:
        for side in self.sides:
            side.canvas.show_picture(pyramid, name)

    def _on_problem(self, message: str) -> None:
        self._name.setText(f"{self._entry.name if self._entry else ''}: {message}")

    def _show_maps(self, number: int, word: Word) -> None:
        """Lay over both pictures where the models looked for that word."""
        position = word.token.position
        places: list[tuple[int, int | None]] = [
            (number, position),
            (1 - number, self._comparing.counterpart(number, position)),
        ]
        for at, place in places:
            looked = self._comparing.sides[at].looked
            shown = None
            if looked is not None and place is not None and place < len(looked.maps.tokens):
                shown = Scene(looked).overlay(Choice(place, looked.maps.layers - 1))
            self.sides[at].canvas.show_map(shown)

    def _hide_maps(self) -> None:
        for side in self.sides:
            side.canvas.show_map(None)

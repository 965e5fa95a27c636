"""A window with the same picture twice: two models, or two settings, side by side."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QFont, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from cocadesk.gui.compare.choice_bar import ChoiceBar
from cocadesk.gui.compare.compare_side import CompareSide
from cocadesk.gui.compare.comparing import SIDES, Comparing
from cocadesk.gui.compare.shared_choice import OF_WORDS, Extent, MapKind, attention_of
from cocadesk.gui.entries import Entry
from cocadesk.gui.library import Library
from cocadesk.gui.look.scene import Scene
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.panels.subject import muted
from cocadesk.gui.pyramid import Pyramid
from cocadesk.gui.theme import scaled_font
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.swapped import swap
from cocadesk.gui.widgets.word import Word
from cocadesk.types import CaptionOptions, ModelRequest, Token

FIRST_SIZE = (1180, 760)
HINT = (
    "Underlined: words that the other caption has not. Point at a word to see where both models looked for it; click "
    "it, or press Enter, to keep its maps."
)
POINT = "Point at a word to see where this model looked for it."
NO_PICTURE = "No picture yet"
EMPTY = "Open a picture in the main window: both models say here what they see in it."


class CompareWindow(QDialog):
    """Stays beside the main window and follows the picture that is chosen there.

    Attributes:
        sides: Left and right.
        bar: Which maps are shown on both sides.
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
        self._name.setText(NO_PICTURE)
        self._name.setFont(scaled_font(1.15, QFont.Weight.DemiBold))
        self._hint = muted(EMPTY)
        self.bar = ChoiceBar()
        self._waiting: set[int] = set()
        self._tried: tuple[int, Token] | None = None
        self._kept: tuple[int, Token] | None = None
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
            side.moved.connect(lambda part, fitted, number=number: self.sides[1 - number].follow(part, fitted))
            side.view.word_noticed.connect(lambda word, number=number: self._try((number, word.token)))
            side.view.word_left.connect(lambda word, number=number: self._on_word_left((number, word.token)))
            side.view.word_opened.connect(lambda word, _, number=number: self._keep((number, word.token)))
            side.view.word_dropped.connect(lambda word, number=number: self._on_word_dropped(number, word))
        self.bar.kind_changed.connect(self._on_kind)
        self.bar.changed.connect(self._show_maps)
        self.bar.style_box.edited.connect(self._on_style)
        left = self.sides[0].canvas  # which the other one follows
        for keys, what in (
            ("Ctrl+R", self.caption_both),
            ("Ctrl+.", comparing.stop),
            ("Ctrl+0", left.fit),
            ("Ctrl++", left.zoom_in),
            ("Ctrl+-", left.zoom_out),
            ("Ctrl+Up", lambda: self.bar.step_layer(-1)),
            ("Ctrl+Down", lambda: self.bar.step_layer(1)),
            ("Ctrl+Left", lambda: self.bar.step_head(-1)),
            ("Ctrl+Right", lambda: self.bar.step_head(1)),
            ("F7", self.sides[0].view.focus_words),
            ("Shift+F7", self.sides[1].view.focus_words),
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
        column.addWidget(self.bar)
        column.addWidget(halves, 1)

    def begin_with(self, model: ModelRequest, options: CaptionOptions) -> None:
        """Show these on both sides, for the user to change one of them."""
        for side in self.sides:
            side.settings.show_values(model, options)
        self._refresh()

    def show_entry(self, entry: Entry | None) -> None:
        """That picture is chosen: while the window is shown, compare on it."""
        if not self.isVisible() or entry is self._entry:
            return
        self._entry = entry
        self._name.setText(entry.name if entry else NO_PICTURE)
        self._hint.setText(HINT if entry else EMPTY)
        self._tried = self._kept = None
        self._waiting.clear()
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
        self._waiting.clear()
        self._comparing.show_entry(None)
        for side in self.sides:
            side.canvas.show_picture(None)

    def _caption(self, number: int) -> None:
        side = self.sides[number]
        self._waiting.discard(number)
        if self._entry is None:
            self._refresh()
        elif side.absence():
            self._waiting.add(number)
            self._comparing.clear(number)  # what another model said does not belong below this one's name
        else:
            self._comparing.caption(number, side.settings.model, side.settings.options)

    def _refresh(self) -> None:
        """What is known about the models changed: one that was waited for may be there now."""
        for number in SIDES:
            if not self.sides[number].absence() and number in self._waiting:
                self._caption(number)
            else:
                self._on_changed(number)

    def _on_changed(self, number: int) -> None:
        comparing = self._comparing
        self.sides[number].show_state(comparing.sides[number], comparing.differing()[number])
        self.again.setEnabled(self._entry is not None)
        swap(*((self.stop, self.again) if comparing.is_busy else (self.again, self.stop)))
        self._show_maps()

    def _on_view(self, pyramid: Pyramid, name: str) -> None:
        for side in self.sides:
            side.canvas.show_picture(pyramid, name)

    def _on_problem(self, message: str) -> None:
        self._name.setText(f"{self._entry.name if self._entry else ''}: {message}")

    # Maps

    def _on_kind(self, kind: MapKind) -> None:
        self._comparing.choose_kind(kind)
        self._show_maps()

    def _on_style(self) -> None:
        for side in self.sides:
            side.canvas.set_overlay_style(self.bar.style_box.overlay_style)

    def _try(self, word: tuple[int, Token] | None) -> None:
        """Show that word's maps for as long as it is pointed at; None for those that were kept."""
        self._tried = word
        self._show_maps()

    def _on_word_left(self, word: tuple[int, Token]) -> None:
        if self._tried == word:
            self._try(None)

    def _keep(self, word: tuple[int, Token]) -> None:
        """Keep that word's maps over the pictures, or let them go if they are kept already."""
        self._kept = word if self._kept != word else None
        self._show_maps()

    def _on_word_dropped(self, number: int, word: Word) -> None:
        """It is gone, or Escape was pressed on it."""
        if self._kept is not None and (self._kept == (number, word.token) or word.hasFocus()):
            self._kept = None
            self._show_maps()

    def _show_maps(self) -> None:
        """Lay over both pictures what is chosen, and say what it is."""
        states = self._comparing.sides
        scenes = [Scene(state.looked) if state.looked is not None else None for state in states]
        extents = [Extent(scene.maps.layers, scene.maps.heads) if scene is not None else None for scene in scenes]
        self.bar.show_extents((extents[0], extents[1]))
        for number in SIDES:
            state, scene, side = states[number], scenes[number], self.sides[number]
            shown, told = self._map_on(number, scene) if scene is not None else (None, state.looking)
            side.canvas.show_map(shown)
            side.show_seen(told or state.unseen, is_problem=bool(state.unseen and not told))
            place = self._place(self._kept, number)
            is_there = place is not None and place < len(state.tokens)  # a caption may just be on its way out
            side.view.show_kept(state.tokens[place] if place is not None and is_there else None)

    def _place(self, word: tuple[int, Token] | None, number: int) -> int | None:
        """The position of that word, or of the same word, on that side; None where it is not said."""
        if word is None:
            return None
        at, token = word
        return token.position if at == number else self._comparing.counterpart(at, token.position)

    def _map_on(self, number: int, scene: Scene) -> tuple[OverlayMap | None, str]:
        """What lies over the picture on that side, and what a user reads about it."""
        wanted, word = self.bar.choice, self._tried or self._kept
        kind, relevance = attention_of(wanted.kind)
        if scene.maps.kind != kind or (scene.maps.measure == "relevance") != relevance:
            return None, ""  # maps of the kind that was chosen before
        place = self._place(word, number)
        if wanted.kind in OF_WORDS and place is None:
            return None, f"This caption has no “{word[1].text.strip()}”." if word is not None else POINT
        choice = wanted.on(scene, place)
        if choice is None:
            return None, "" if wanted.kind in OF_WORDS else "This model has no rollout."
        return scene.overlay(choice), scene.title(choice)

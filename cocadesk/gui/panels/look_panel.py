"""Where a model looks: in the picture, for the words of its caption, for a question, within a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QAction, QHideEvent, QImage, QPainter
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cocadesk.catalog.cards import DEFAULT_ANSWERER
from cocadesk.gui.entries import Entry, EntryState
from cocadesk.gui.icons import icon
from cocadesk.gui.library import Library
from cocadesk.gui.look.export_row import ExportRow
from cocadesk.gui.look.exporting import Exporting
from cocadesk.gui.look.scene import Choice, Scene
from cocadesk.gui.look.style_box import StyleBox
from cocadesk.gui.looking import Looking, Wish
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.panels.library_model_field import LibraryModelField
from cocadesk.gui.panels.look_controls import LookControls
from cocadesk.gui.panels.model_chooser import ModelChooser
from cocadesk.gui.panels.model_notice import ModelNotice
from cocadesk.gui.panels.settings_box import SettingsBox
from cocadesk.gui.panels.subject import Subject, muted
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.scrolled import scrolled
from cocadesk.gui.widgets.tone import set_tone
from cocadesk.types import AttentionKind, CaptionResult, ModelRequest

if TYPE_CHECKING:
    from cocadesk.work.looking import Looked

MARGIN = 18

KINDS: dict[AttentionKind, tuple[str, str]] = {
    "image": ("Picture", "What the picture's patches attend to in the image encoder"),
    "words": ("Words", "Where the model looked for each word of the caption"),
    "question": ("Question", "Where the model looks for each word of a question"),
    "text": ("Text", "What the tokens of a text attend to in the text encoder"),
}

WANTED: dict[AttentionKind, str] = {
    "image": "Open a picture to see where the model looks.",
    "words": "Open a picture: the words of its caption are shown here, and where the model looked for each.",
    "question": "Open a picture and ask about it to see where the model looks for each word of the question.",
    "text": "Type a text and press Enter to see what its tokens attend to.",
}

NO_QUESTION = "Type a question about the picture and press Enter, or ask one in the Ask tab."


class LookPanel(QWidget):
    """Has maps made for the picture that is shown, and says which of them is laid over it.

    Args:
        pin, tiles, copy: What its buttons do.
        relevance: Shows relevance in place of attention.
        follow: A patch that is pointed at on the picture is tried out.
        exports: What the menu of its last button offers.
        exporting: Tells what is being written.
        default_model: What made the caption, or is to make it.
        last_question: What was asked about a picture last; empty if nothing was.

    Attributes:
        box: The model and the number of frames.
        controls: Token, layer, head and the like.
        style_box: How maps are laid over the picture.
        notice: Stands in the maps' place while the model is missing.
    """

    map_changed = Signal()
    """`map` or what it was chosen from changed."""

    edited = Signal()
    """The kind, the model or the number of frames was changed by the user."""

    def __init__(
        self,
        looking: Looking,
        library: Library,
        *,
        pin: QAction,
        tiles: QAction,
        copy: QAction,
        relevance: QAction,
        follow: QAction,
        exports: Sequence[QAction],
        exporting: Exporting,
        default_model: Callable[[], ModelRequest],
        last_question: Callable[[Entry], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("sidePanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._looking = looking
        self._library = library
        self._default_model = default_model
        self._last_question = last_question
        self._entry: Entry | None = None
        self._is_wanted = False
        self._shown: Looked | None = None
        self._models: dict[str, ModelRequest | None] = {"picture": None, "question": None}
        self._texts: dict[AttentionKind, str] = {}
        self._able: dict[tuple[AttentionKind, str], bool] = {}
        self._made: tuple[Scene, Choice, OverlayMap | None] | None = None
        self._actions = (pin, tiles, copy)
        self._exports = tuple(exports)
        self._relevance, self._follow = relevance, follow
        self._subject = Subject()
        self._kinds = QButtonGroup(self)
        self._kind_buttons = {kind: self._kind_button(*told) for kind, told in KINDS.items()}
        self.field = named(QLineEdit(), "Text")
        self.way = _ways(relevance)
        self.notice = ModelNotice(library, "Looking inside needs a model")
        self._busy = BusyBar()
        self._doing = muted()
        self.stop = named(QToolButton(), "Stop looking", "Stop")
        self._progress = QWidget()
        self.message = muted()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.again = QPushButton("Look again")
        self.controls = LookControls()
        self.style_box = StyleBox()
        self._buttons = [_button(action, kind) for action, kind in zip(self._actions, ("primary", "", ""), strict=True)]
        self.export = _menu_button("Export…", self._exports)
        self._writing = ExportRow(exporting)
        self._library_field = LibraryModelField(library, "attend")
        self.box = SettingsBox(ModelChooser(library, "attend"), self._library_field)
        self._kind_buttons["image"].setChecked(True)
        self._lay_out()
        self._connect(library)
        self._dress()
        self._on_looked()
        self.refresh()

    def _kind_button(self, title: str, tip: str) -> QPushButton:
        button: QPushButton = named(QPushButton(title), title, tip)
        button.setCheckable(True)
        button.setProperty("kind", "chip")
        self._kinds.addButton(button)
        return button

    def _lay_out(self) -> None:
        kinds = QHBoxLayout()
        kinds.setSpacing(6)
        for button in self._kind_buttons.values():
            kinds.addWidget(button)
        kinds.addStretch()
        ask = QHBoxLayout()
        ask.setSpacing(6)
        ask.addWidget(self.field, 100)
        ask.addWidget(self.way)
        ask.addStretch()
        progress = QHBoxLayout(self._progress)
        progress.setContentsMargins(0, 0, 0, 0)
        progress.addWidget(self._doing, 1)
        progress.addWidget(self.stop)
        content = QWidget()
        content.setProperty("plain", "true")
        inside = QVBoxLayout(content)
        inside.setContentsMargins(0, 0, 8, 0)
        inside.setSpacing(10)
        inside.addWidget(self.controls)
        inside.addWidget(self.style_box)
        inside.addStretch()
        buttons = QGridLayout()
        buttons.setSpacing(8)
        for number, button in enumerate((*self._buttons, self.export)):
            buttons.addWidget(button, number // 2, number % 2)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(MARGIN, 16, MARGIN, 8)
        whole.setSpacing(8)
        whole.addWidget(self._subject)
        whole.addLayout(kinds)
        whole.addLayout(ask)
        for widget in (self.notice, self._busy, self._progress, self.message):
            whole.addWidget(widget)
        whole.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeft)
        whole.addWidget(scrolled(content), 1)
        whole.addWidget(self._writing)
        whole.addLayout(buttons)
        whole.addWidget(self.box)

    def _connect(self, library: Library) -> None:
        self._kinds.buttonClicked.connect(lambda _: self._on_kind())
        self.field.editingFinished.connect(self._on_text)
        self.way.activated.connect(lambda _: self._relevance.setChecked(bool(self.way.currentData())))
        self._relevance.toggled.connect(self._on_way)
        self._follow.setChecked(self.controls.follow.isChecked())
        self._follow.toggled.connect(self.controls.follow.setChecked)
        self.controls.follow.toggled.connect(self._follow.setChecked)
        self.stop.clicked.connect(self._looking.stop)
        self.again.clicked.connect(lambda: self._look(again=True))
        self.controls.changed.connect(self.map_changed)
        self.style_box.edited.connect(self.map_changed)
        self.box.edited.connect(self._on_model)
        self.notice.untrained_asked.connect(self.box.use_untrained)
        self._library_field.found.connect(self.box.chooser.choose)
        self._looking.changed.connect(self._on_looked)
        library.changed.connect(lambda _: self._look())
        library.scanned.connect(self._look)
        for action in (*self._actions, *self._exports):
            action.changed.connect(self._enable_buttons)
        theme().changed.connect(self._dress)

    # What is asked for

    @property
    def kind(self) -> AttentionKind:
        """What attends to what."""
        return next(kind for kind, button in self._kind_buttons.items() if button.isChecked())

    @property
    def models(self) -> tuple[ModelRequest | None, ModelRequest | None]:
        """The models that were chosen for pictures, words and texts, and for questions; None for the default one."""
        return self._models["picture"], self._models["question"]

    @property
    def has_relevance(self) -> bool:
        """Whether the chosen model is known to have relevance of the chosen kind."""
        return self._able.get((self.kind, self.box.model.name), False)

    @property
    def scene(self) -> Scene | None:
        """The maps that are there."""
        return self.controls.scene

    @property
    def map(self) -> OverlayMap | None:
        """What is to be laid over the picture; the same object for as long as nothing else is chosen."""
        scene, choice = self.scene, self.controls.choice
        if scene is None:
            return None
        if self._made is None or self._made[:2] != (scene, choice):
            self._made = (scene, choice, scene.overlay(choice))
        return self._made[2]

    def show_values(
        self,
        kind: AttentionKind,
        models: tuple[ModelRequest | None, ModelRequest | None],
        frames: int,
    ) -> None:
        """Show what was remembered, without telling that anything was edited."""
        self._models = dict(zip(self._models, models, strict=True))
        self._kind_buttons[kind].setChecked(True)
        self.box.show_values(self._model(), frames)
        self.refresh()

    def set_wanted(self, wanted: bool) -> None:
        """Whether maps are to be made of what is chosen: wherever they are seen, in this panel or over the picture."""
        self._is_wanted = wanted
        if wanted:
            self.refresh()

    def show_entry(self, entry: Entry | None) -> None:
        """This picture is shown; what it is asked for anew if its caption or its part changed."""
        if entry is not self._entry:
            self._texts.clear()
            if not self._is_wanted:
                self._looking.look(None)  # the last picture's maps mean nothing on this one
        self._entry = entry
        self._subject.show_entries([entry] if entry else [])
        self.refresh()

    def refresh(self) -> None:
        """Look at what is chosen now, while maps are wanted."""
        self._fill_field()
        if not self.box.chooser.hasFocus() and self._model() != self.box.model:
            self.box.show_values(self._model(), self.box.frames)
        self._look()

    def choose_kind(self, kind: AttentionKind) -> None:
        """Look at another kind of attention, as the user would."""
        self._kind_buttons[kind].click()

    def point_at(self, spot: QPointF | None) -> None:
        """The pointer is there on the picture, in its pixels; None if it left."""
        if self.scene is not None and self.scene.first_patch is not None and self.controls.follow.isChecked():
            self.controls.try_out(self.scene.token_at(spot.x(), spot.y()) if spot is not None else None)

    def text_image(self) -> QImage:
        """The bars and arcs of a text as a picture, for copying and export."""
        charts = (self.controls.bars, self.controls.arcs)
        width, gap = max(chart.width() for chart in charts), 16
        image = QImage(width, sum(chart.height() + gap for chart in charts), QImage.Format.Format_RGB32)
        image.fill(self.palette().color(self.backgroundRole()))
        with QPainter(image) as painter:
            top = gap // 2
            for chart in charts:
                painter.drawPixmap(0, top, chart.grab())
                top += chart.height() + gap
        return image

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.controls.try_out(None)

    def _look(self, *, again: bool = False) -> None:
        absence = "" if self._cannot() else self.notice.show_model(self.box.model)
        if self._cannot():
            self.notice.hide()
        if not self._is_wanted:
            return
        wish, why = self._wish()
        self._looking.look(None if absence else wish, again=again)
        if wish is None or absence:
            self._say(why or ("" if self.notice.isVisibleTo(self) else absence))

    def _wish(self) -> tuple[Wish | None, str]:
        """What is to be looked at, or why there is nothing."""
        kind, model, entry, text = self.kind, self.box.model, self._entry, self.field.text().strip()
        relevance = bool(self.way.currentData()) and self.has_relevance
        of_text = kind == "text" and not relevance
        why = self._cannot() or self._wanting(kind, None if of_text else entry, text, of_text=of_text)
        if why:
            return None, why
        if of_text:
            return Wish(kind, model, text=text), ""
        caption = _caption(entry, model) if kind == "words" and entry is not None else None
        said = text if kind in ("question", "text") else ""
        return Wish(kind, model, entry, said, caption, self.box.frames, relevance), ""

    @staticmethod
    def _wanting(kind: AttentionKind, entry: Entry | None, text: str, *, of_text: bool) -> str:
        """What has to be there first; empty if all is."""
        if entry is None and not of_text:
            return WANTED[kind]
        if entry is not None and entry.state is EntryState.FAILED and not entry.details:
            return entry.error
        if kind in ("question", "text") and not text:
            return NO_QUESTION if kind == "question" else WANTED[kind]
        if kind == "words" and entry is not None and entry.state in (EntryState.WORKING, EntryState.WAITING):
            return "The caption is being made; its words follow."
        return ""

    def _cannot(self) -> str:
        """Why the chosen model has no such attention; empty if it has."""
        entry = self._library.entry(self.box.model.name)
        if entry is None or self.kind in entry.card.attention:
            return ""
        able = [KINDS[kind][0] for kind in entry.card.attention]
        listed = " and ".join(filter(None, (", ".join(able[:-1]), able[-1])))
        return f"{entry.card.title} has no such attention; it can show {listed}. Choose another model below."

    def _model(self) -> ModelRequest:
        """The model for what is looked at."""
        if self.kind == "question":
            return self._models["question"] or ModelRequest(DEFAULT_ANSWERER)
        return self._models["picture"] or self._default_model()

    def _fill_field(self) -> None:
        """Show the question or text that belongs to the picture, unless the user has typed one."""
        kind = self.kind
        self.field.setVisible(kind in ("question", "text"))
        self.field.setPlaceholderText("Question about the picture" if kind == "question" else "Text")
        named(self.field, KINDS[kind][0], "Enter shows where the model looks")
        if self.field.hasFocus() and self.field.isModified():
            return
        entry = self._entry
        text = self._texts.get(kind)
        if text is None:
            text = "" if entry is None else self._last_question(entry) if kind == "question" else entry.caption
        if text != self.field.text():
            self.field.setText(text)
            self.field.setCursorPosition(0)

    # What comes of it

    def _on_looked(self) -> None:
        looking = self._looking
        result = looking.result
        if result is not None:
            self._able[self.kind, self.box.model.name] = result.has_relevance
        if result is not self._shown:
            self._shown, self._made = result, None
            self.controls.show_scene(Scene(result) if result is not None else None)
        self._busy.set_busy(looking.is_busy)
        self._doing.setText(looking.progress.what if looking.progress else "")
        self._progress.setVisible(looking.is_busy)
        self.again.setVisible(bool(looking.problem))
        self._say(
            looking.problem or (result.note if result is not None else ""), "danger" if looking.problem else "muted"
        )
        self.way.setVisible(self.has_relevance)
        self.style_box.setVisible(self.scene is not None and self.scene.over_picture)
        if result is not None and self.way.currentData() and not looking.is_busy:
            self._look()  # now it is known whether the model can show relevance

    def _on_kind(self) -> None:
        blocked = self.box.blockSignals(True)
        self.box.show_values(self._model(), self.box.frames)
        self.box.blockSignals(blocked)
        self.field.setModified(False)
        self.refresh()
        self.edited.emit()

    def _on_way(self, relevance: bool) -> None:
        self.way.setCurrentIndex(self.way.findData(relevance))
        self._look()

    def _on_text(self) -> None:
        if self.field.isModified():
            self._texts[self.kind] = self.field.text()
            self.field.setModified(False)
            self._look()

    def _on_model(self) -> None:
        self._models["question" if self.kind == "question" else "picture"] = self.box.model
        self._look()
        self.edited.emit()

    def _say(self, text: str, tone: str = "muted") -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))
        set_tone(self.message, tone)

    def _enable_buttons(self) -> None:
        for button, action in zip(self._buttons, self._actions, strict=True):
            button.setEnabled(action.isEnabled())
        self.export.setEnabled(any(action.isEnabled() for action in self._exports))

    def _dress(self) -> None:
        self.stop.setIcon(icon("stop", "accent"))


def _caption(entry: Entry, model: ModelRequest) -> CaptionResult | str | None:
    """The caption that is shown, in the model's own tokens if it made them; None if there is none."""
    if entry.result is not None and entry.result.model == model.name:
        return entry.result if entry.result.tokens else None
    return entry.caption or None


def _ways(relevance: QAction) -> QComboBox:
    """Attention as it is, or relevance."""
    made = fields.combo("How attention is shown")
    made.addItem("Attention", False)
    made.addItem("Relevance", True)
    made.setMinimumContentsLength(9)
    made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    key = relevance.shortcut().toString()
    made.setToolTip(f"Relevance: attention weighed with gradients of what the model said ({key})")
    return made


def _menu_button(text: str, actions: Sequence[QAction]) -> QPushButton:
    """A button that offers these actions."""
    made = QPushButton(text)
    made.setToolTip("Write maps to a file: as a picture, a drawing, a film or numbers")
    menu = QMenu(made)
    menu.addActions(actions)
    made.setMenu(menu)
    return made


def _button(action: QAction, kind: str) -> QPushButton:
    button = QPushButton(action.text())
    button.setProperty("kind", kind)
    shortcut = action.shortcut().toString()
    button.setToolTip(f"{action.text()} ({shortcut})" if shortcut else action.text())
    button.clicked.connect(action.trigger)
    return button

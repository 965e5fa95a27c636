"""What the user does in the Test tab: marking a region, asking with and without it, reading what came of it."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from cocadesk.catalog.cards import DEFAULT_CLASSIFIER
from cocadesk.gui.canvas import Canvas
from cocadesk.gui.entries import Entry, EntryState
from cocadesk.gui.library import Library
from cocadesk.gui.masking.drawn_region import DrawnRegion
from cocadesk.gui.masking.mask_actions import MaskActions
from cocadesk.gui.masking.mask_layer import MaskLayer
from cocadesk.gui.masking.tools import Tool
from cocadesk.gui.measuring import Measuring
from cocadesk.gui.measuring_desk import MeasuringDesk
from cocadesk.gui.panels.look_panel import LookPanel
from cocadesk.gui.panels.rank_panel import RankPanel
from cocadesk.gui.panels.testing_panel import TestingPanel
from cocadesk.gui.questions import Questions
from cocadesk.gui.session import Session
from cocadesk.gui.testing import Kind, Testing, Wish
from cocadesk.store.settings import Tab
from cocadesk.types import ModelRequest

DRAW_FIRST = "Mark a region first: choose a tool and drag over the picture."
HINT = "Choose a tool and drag over the picture to mark what is to be hidden. Escape puts the tool away."
BRUSH_STEP = 1.25


class TestDesk(QObject):
    """Connects the tools on the canvas, the panel and the jobs.

    Args:
        look: The panel that lays maps over the picture.

    Attributes:
        panel: The Test tab.
        maps: How faithful the map on the picture is.
        do: The actions of the Test menu.
        layer: The region over the picture.
    """

    __test__ = False  # its name looks like a test's

    busy_changed = Signal()
    """`is_busy` changed, or what can be copied."""

    tab_asked = Signal(str)
    """The `Tab` that has to be shown for what the user wants."""

    def __init__(
        self,
        testing: Testing,
        measuring: Measuring,
        library: Library,
        session: Session,
        *,
        questions: Questions,
        canvas: Canvas,
        look: LookPanel,
        window: QMainWindow,
    ) -> None:
        super().__init__(window)
        self._testing = testing
        self._library = library
        self._session = session
        self._questions = questions
        self._canvas = canvas
        self._rank: RankPanel | None = None
        self._entry: Entry | None = None
        self._viewed: int | None = None
        self._regions: dict[int, DrawnRegion] = {}
        self._shown = False
        self.do = MaskActions(window)
        self.panel = TestingPanel(self.do, library)
        self.panel.box.show_values(ModelRequest(DEFAULT_CLASSIFIER), questions.frames)
        self.layer = MaskLayer(canvas)
        self.maps = MeasuringDesk(
            measuring,
            library,
            canvas,
            look,
            shown=lambda: self._entry if self._is_viewed else None,
            texts=lambda: self._texts,
            fill=lambda: self.panel.chosen_fill,
            run=self.do.faithfulness,
            parent=self,
        )
        self.panel.add_section(self.maps.folded)
        self._connect()
        self._refresh()
        self._refresh_panel()
        self.panel.show_entry(None)

    def _connect(self) -> None:
        do, panel = self.do, self.panel
        for tool, action in do.tools.items():
            action.triggered.connect(lambda _=False, tool=tool: self._take(tool))
        do.larger.triggered.connect(lambda: self._resize_brush(BRUSH_STEP))
        do.smaller.triggered.connect(lambda: self._resize_brush(1 / BRUSH_STEP))
        do.undo.triggered.connect(self.layer.undo)
        do.clear.triggered.connect(self.layer.clear)
        do.run.triggered.connect(self.run)
        do.faithfulness.triggered.connect(self._measure)
        do.listen(self._canvas, panel)
        self.maps.busy_changed.connect(self.busy_changed)
        panel.stop.clicked.connect(self._testing.stop)
        panel.kind_changed.connect(self._on_kind)
        panel.brush_moved.connect(self.layer.set_brush)
        panel.question.sent.connect(self.run)
        panel.question.textChanged.connect(lambda: panel.say(""))
        panel.labels.returnPressed.connect(self.run)
        panel.texts_asked.connect(lambda: self.tab_asked.emit("rank"))
        panel.box.edited.connect(self._refresh)
        for kind, notice in panel.notices.items():
            notice.untrained_asked.connect(lambda kind=kind: self._use_untrained(kind))
        self.layer.changed.connect(self._on_region)
        self.layer.tool_changed.connect(self._refresh)
        self._testing.changed.connect(self._on_testing)
        self._library.changed.connect(lambda _: self._refresh())
        self._library.scanned.connect(self._refresh)
        self._session.entries.rowsRemoved.connect(self._drop_closed)

    def rank_with(self, rank: RankPanel) -> None:
        """Rank the descriptions of that panel with its model."""
        self._rank = rank
        rank.texts_changed.connect(self._refresh)
        rank.edited.connect(self._refresh)

    @property
    def is_busy(self) -> bool:
        """Whether a model is being asked, or a map measured."""
        return self._testing.is_busy or self.maps.is_busy

    @property
    def can_copy(self) -> bool:
        """Whether there is a result to copy."""
        return bool(self.panel.result.text_to_copy())

    def copy(self) -> str:
        """Put the result on the clipboard; returns what was copied, for the user to read."""
        text = self.panel.result.text_to_copy()
        if text:
            QGuiApplication.clipboard().setText(text)
        return "Comparison copied" if text else ""

    def stop(self) -> None:
        """Stop what is being asked, or else the measurement."""
        if self._testing.is_busy:
            self._testing.stop()
        else:
            self.maps.stop()

    def show_tab(self, tab: Tab) -> None:
        """That tab is shown now: the region is visible with its own one only."""
        self._shown = tab == "test"
        if not self._shown:
            self.layer.take(None)
        self._show_region()
        self._refresh()

    def show_entry(self, entry: Entry | None) -> None:
        """That picture is shown, or what is known about it changed."""
        if entry is not self._entry:
            self._viewed = None  # it is on its way
            self.panel.say("")
        self._entry = entry
        self.panel.show_entry(entry)
        self._show_region()
        self._refresh()

    def show_view(self, key: int) -> None:
        """The picture of that key is on the canvas now."""
        self._viewed = key
        self._show_region()
        self._refresh()

    def run(self) -> None:
        """Ask the model about the picture with and without the region; where that cannot be, say why."""
        wish = self._wish()
        if isinstance(wish, str):
            self.panel.say(wish)
        else:
            self.panel.say("")
            self._testing.begin(wish)

    def _wish(self) -> Wish | str:
        """What is to be asked, or why it cannot be."""
        entry, kind = self._entry, self.panel.kind
        drawn = self._regions.get(entry.key) if entry else None
        if entry is None:
            return "Open a picture first."
        if drawn is None or drawn.is_empty:
            return DRAW_FIRST
        missing = self._library_absence(kind) or self._missing(kind)
        if missing:
            return missing
        captioned = entry.state is EntryState.CAPTIONED and kind is Kind.CAPTION
        model, frames = self._model(kind)
        return Wish(
            kind,
            entry,
            drawn.region,
            self.panel.chosen_fill,
            model,
            frames,
            tokens=tuple(token.id for token in entry.tokens) if captioned else (),
            options=(entry.options if captioned and entry.options else self._session.options),
            question=self.panel.question.question,
            texts=self._texts,
            labels=self._labels if self._reads_text else None,
        )

    def _missing(self, kind: Kind) -> str:
        """What has to be typed first; empty if nothing has."""
        if kind is Kind.ASK and not self.panel.question.question:
            return "Type a question first."
        if kind is Kind.RANK and not self._texts:
            return "Type what the picture may show into the Rank tab first."
        if kind is Kind.CLASSIFY and self._reads_text and not self._labels:
            return f"{self.panel.box.model.name} has no classes of its own: type some, separated by commas."
        return ""

    @property
    def _texts(self) -> tuple[str, ...]:
        return tuple(self._rank.texts.texts) if self._rank else ()

    @property
    def _labels(self) -> tuple[str, ...]:
        """The classes that were typed, each once."""
        typed = (label.strip() for label in self.panel.labels.text().split(","))
        return tuple(dict.fromkeys(label for label in typed if label))

    def _model(self, kind: Kind) -> tuple[ModelRequest, int]:
        """The model that is asked, and how many frames of a clip it averages."""
        entry, session = self._entry, self._session
        match kind:
            case Kind.CAPTION:
                captioned = entry is not None and entry.state is EntryState.CAPTIONED and entry.model is not None
                model = entry.model if captioned and entry and entry.model else session.model
                return model, session.options.frames
            case Kind.ASK:
                return self._questions.model, self._questions.frames
            case Kind.RANK if self._rank is not None:
                return self._rank.box.model, self._rank.box.frames
            case _:
                return self.panel.box.model, self.panel.box.frames

    @property
    def _reads_text(self) -> bool:
        """Whether the model for classes has none of its own."""
        known = self._library.entry(self.panel.box.model.name)
        return known is not None and "rank" in known.card.abilities

    def _library_absence(self, kind: Kind) -> str:
        return self.panel.notices[kind].show_model(self._model(kind)[0])

    def _use_untrained(self, kind: Kind) -> None:
        if kind is Kind.CLASSIFY:
            self.panel.box.use_untrained()
        else:
            self.tab_asked.emit({Kind.CAPTION: "caption", Kind.ASK: "ask", Kind.RANK: "rank"}[kind])

    # The region

    def _take(self, tool: Tool) -> None:
        """Take up that tool, or put it away if it was taken up."""
        if not self._shown:
            self.tab_asked.emit("test")
        self._show_region()
        self.layer.take(None if self.layer.tool is tool else tool)

    def _measure(self) -> None:
        if not self._shown:
            self.tab_asked.emit("test")
        self.maps.run()

    def _resize_brush(self, factor: float) -> None:
        self.layer.set_brush(self.layer.brush * factor)

    def _show_region(self) -> None:
        """Have the region of the picture on the canvas on show, and made if there is none."""
        whole, entry = self._canvas.picture_rect, self._entry
        size = round(whole.width()), round(whole.height())
        drawn = None
        if entry is not None and self._is_viewed and not whole.isEmpty() and self._shown:
            drawn = self._regions.get(entry.key)
            if drawn is None or drawn.size != size:
                drawn = self._regions[entry.key] = DrawnRegion(size)
        self.layer.show_region(drawn)
        self.layer.setVisible(self._shown and entry is not None)  # it keeps the keyboard from picture to picture

    @property
    def _is_viewed(self) -> bool:
        """Whether the picture has come to the canvas: until then, the last one is there."""
        return self._entry is not None and self._entry.key == self._viewed

    def _on_region(self) -> None:
        self.panel.say("")
        if self._is_about_this:
            self._testing.clear_problem()
        self._refresh()

    def _drop_closed(self, *_: object) -> None:
        for key in [key for key in self._regions if self._session.entries.get(key) is None]:
            del self._regions[key]

    # What is shown

    @property
    def _is_about_this(self) -> bool:
        """Whether what is being asked, or went wrong, is about the picture that is shown."""
        return self._testing.entry is self._entry

    def _on_kind(self) -> None:
        self.panel.say("")
        self._refresh()

    def _on_testing(self) -> None:
        self._refresh()
        self.busy_changed.emit()

    def _refresh(self) -> None:
        """Say what can be done; the panel follows while it is seen."""
        do, drawn = self.do, self.layer.region
        has_picture = self._entry is not None and not self._canvas.is_empty
        for tool, action in do.tools.items():
            action.setEnabled(has_picture)
            action.setChecked(self.layer.tool is tool)
        for action in (do.larger, do.smaller):
            action.setEnabled(self.layer.tool in (Tool.BRUSH, Tool.ERASER))
        do.undo.setEnabled(drawn is not None and drawn.can_undo)
        do.clear.setEnabled(drawn is not None and not drawn.is_empty)
        do.run.setEnabled(has_picture and not (self._testing.is_busy and self._is_about_this))
        do.faithfulness.setEnabled(has_picture)
        if self._shown:
            self._refresh_panel(has_picture)

    def _refresh_panel(self, has_picture: bool = False) -> None:
        panel, entry, drawn = self.panel, self._entry, self.layer.region
        testing, kind = self._testing, panel.kind
        progress, problem = (testing.progress, testing.problem) if self._is_about_this else (None, "")
        absent = {each: self._library_absence(each) if each is kind else "" for each in Kind}
        panel.show_inputs(absent, len(self._texts), reads_text=self._reads_text)
        panel.show_tool(self.layer.tool, self.layer.brush)
        panel.show_busy(progress.what if progress else "")
        if problem:
            panel.say(problem)
        trial = testing.trial(entry, kind) if entry else None
        panel.result.show_trial(trial)
        for button in (*panel.tools.values(), panel.run):
            button.setEnabled(has_picture)
        stale = trial is not None and drawn is not None and trial.wish.region != drawn.region
        panel.told.setText("The region has changed since; what stands below is about the old one." if stale else HINT)
        self.maps.refresh()

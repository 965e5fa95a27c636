"""A region of the picture hidden, and the model asked again."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cocadesk.gui.entries import Entry
from cocadesk.gui.icons import icon
from cocadesk.gui.library import Library
from cocadesk.gui.masking.mask_actions import MaskActions
from cocadesk.gui.masking.mask_layer import LARGEST_BRUSH, SMALLEST_BRUSH
from cocadesk.gui.masking.tools import Tool
from cocadesk.gui.panels.download_box import DownloadBox
from cocadesk.gui.panels.model_chooser import ModelChooser
from cocadesk.gui.panels.model_notice import ModelNotice
from cocadesk.gui.panels.settings_box import SettingsBox
from cocadesk.gui.panels.subject import Subject, muted
from cocadesk.gui.panels.trial_view import TrialView
from cocadesk.gui.testing import Kind
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.question_field import QuestionField
from cocadesk.gui.widgets.scrolled import scrolled
from cocadesk.gui.widgets.swapped import swap
from cocadesk.gui.widgets.tone import set_tone
from cocadesk.media.masking import Fill

MARGIN = 18
STEPS = 100
"""Of the brush's slider, which counts in powers: a brush twice as large is as far from one as that from one half."""

FILLS: dict[Fill, str] = {"mean": "Mean colour", "blur": "Blur", "grey": "Grey"}
RUN: dict[Kind, str] = {
    Kind.CAPTION: "Caption again without it",
    Kind.ASK: "Ask with and without it",
    Kind.RANK: "Rank again without it",
    Kind.CLASSIFY: "Classify again without it",
}
NEEDS: dict[Kind, str] = {
    Kind.CAPTION: "Captions need a model",
    Kind.ASK: "Questions need a model of their own",
    Kind.RANK: "Ranking needs a model",
    Kind.CLASSIFY: "Classes need a model",
}
_ICONS = {Tool.RECTANGLE: "rectangle", Tool.LASSO: "lasso", Tool.BRUSH: "brush", Tool.ERASER: "eraser"}


class TestingPanel(QWidget):
    """Tools, what is asked, and what came of it. Everything it can do is an action of the window, too.

    Attributes:
        tools: A button for each tool.
        brush: How large brush and eraser are.
        fill: What is put in the region's place.
        kinds: What is asked.
        question: For questions.
        labels: Classes, for a model that reads text.
        box: The model for classes.
        run: Begins.
        message: What went wrong, or what to do first.
        result: What came of it.
        notices: For each kind, stands above the results while its model is missing.
    """

    __test__ = False  # its name looks like a test's

    kind_changed = Signal()
    """Another `kind` was chosen."""

    brush_moved = Signal(float)
    """The brush's radius, of the picture's longer side, was changed by the user."""

    texts_asked = Signal()
    """The user wants to edit the descriptions that are ranked."""

    def __init__(self, do: MaskActions, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidePanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._do = do
        self._subject = Subject()
        self.tools = {tool: _button(tool.value) for tool in Tool}
        for tool, button in self.tools.items():
            button.setCheckable(True)
            button.setToolTip(f"{tool.value} ({do.tools[tool].shortcut().toString()})")
            button.clicked.connect(lambda _=False, tool=tool: do.tools[tool].trigger())
        self._undo, self._clear = _button("Undo the last stroke"), _button("Clear the region")
        for button, action in ((self._undo, do.undo), (self._clear, do.clear)):
            button.setToolTip(f"{action.text()} ({action.shortcut().toString()})")
            button.clicked.connect(action.trigger)
            action.changed.connect(lambda button=button, action=action: button.setEnabled(action.isEnabled()))
        self.brush = named(QSlider(Qt.Orientation.Horizontal), "Size of the brush", "Size of the brush")
        self.brush.setRange(0, STEPS)
        self.brush.valueChanged.connect(lambda step: self.brush_moved.emit(_share(step)))
        self.fill = named(QComboBox(), "Filled with", "What is put in the region’s place")
        for fill, title in FILLS.items():
            self.fill.addItem(title, fill)
        self.told = muted()
        self.kinds = {kind: QPushButton(kind.value) for kind in Kind}
        group = QButtonGroup(self)
        for kind, chip in self.kinds.items():
            chip.setProperty("kind", "chip")
            chip.setCheckable(True)
            chip.setAccessibleName(RUN[kind])
            group.addButton(chip)
            chip.toggled.connect(lambda on, kind=kind: self._on_kind(kind) if on else None)
        self.question = QuestionField(lambda: [])
        self.texts = muted()
        self.edit_texts = QPushButton("Edit the descriptions")
        self.edit_texts.setProperty("kind", "link")
        self.edit_texts.clicked.connect(self.texts_asked)
        self.labels = named(QLineEdit(placeholderText="cat, dog, bird"), "Classes", "Separated by commas")
        self.box = SettingsBox(ModelChooser(library, "classify"))
        self.notices = {kind: ModelNotice(library, NEEDS[kind]) for kind in Kind}
        self.run = QPushButton()
        self.run.setProperty("kind", "primary")
        self.run.clicked.connect(do.run.trigger)
        self.stop = QPushButton("Stop")
        self._busy = BusyBar()
        self._doing = muted()
        self.message = muted()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.result = TrialView()
        self._below = QVBoxLayout()
        self._lay_out()
        theme().changed.connect(self._dress)
        self._dress()
        self._kind = Kind.CAPTION
        self.kinds[Kind.CAPTION].setChecked(True)

    def _lay_out(self) -> None:
        tools = QHBoxLayout()
        tools.setSpacing(2)
        for button in self.tools.values():
            tools.addWidget(button)
        tools.addSpacing(6)
        tools.addWidget(self.brush, 1)
        tools.addSpacing(6)
        for button in (self._undo, self._clear):
            tools.addWidget(button)
        filled = QHBoxLayout()
        filled.addWidget(fields.label(self.fill))
        filled.addWidget(self.fill, 1)
        kinds = QHBoxLayout()
        kinds.setSpacing(6)
        for chip in self.kinds.values():
            kinds.addWidget(chip)
        kinds.addStretch()
        texts = QHBoxLayout()
        texts.addWidget(self.texts, 1)
        texts.addWidget(self.edit_texts)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run)
        buttons.addWidget(self.stop)
        buttons.addWidget(self._doing, 1)
        self._stack((tools, filled, kinds, texts, buttons))

    def _stack(self, rows: tuple[QHBoxLayout, ...]) -> None:
        """Put everything below each other, in something that scrolls."""
        tools, filled, kinds, texts, buttons = rows
        content = QWidget()
        content.setProperty("plain", "true")
        column = QVBoxLayout(content)
        column.setContentsMargins(MARGIN, 16, MARGIN, MARGIN)
        column.setSpacing(8)
        column.addWidget(self._subject)
        column.addSpacing(4)
        column.addLayout(tools)
        column.addWidget(self.told)
        column.addLayout(filled)
        column.addSpacing(4)
        column.addLayout(kinds)
        for notice in self.notices.values():
            column.addWidget(notice)
        column.addWidget(self.question)
        column.addLayout(texts)
        column.addWidget(self.labels)
        column.addWidget(self.box)
        column.addLayout(buttons)
        column.addWidget(self._busy)
        column.addWidget(self.message)
        column.addWidget(self.result)
        column.addLayout(self._below)
        column.addStretch()
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(scrolled(content))

    @property
    def kind(self) -> Kind:
        """What is asked."""
        return self._kind

    @property
    def chosen_fill(self) -> Fill:
        """What is put in the region's place."""
        fill: Fill = self.fill.currentData()
        return fill

    @property
    def downloads(self) -> list[DownloadBox]:
        """Where models that are missing can be downloaded."""
        return [*(notice.download for notice in self.notices.values()), self.box.chooser.download]

    def add_section(self, section: QWidget) -> None:
        """Put something below all that."""
        self._below.addWidget(section)

    def show_entry(self, entry: Entry | None) -> None:
        """Show what the panel is about."""
        self._subject.show_entries([entry] if entry else [])

    def show_tool(self, tool: Tool | None, brush: float) -> None:
        """Show which tool is taken up, and how large the brush is."""
        for each, button in self.tools.items():
            button.setChecked(each is tool)
        blocked = self.brush.blockSignals(True)
        self.brush.setValue(_step(brush))
        self.brush.blockSignals(blocked)
        self.brush.setEnabled(tool in (Tool.BRUSH, Tool.ERASER))

    def show_busy(self, doing: str) -> None:
        """Show what is being done; empty for nothing."""
        self._busy.set_busy(bool(doing))
        self._doing.setText(doing)
        swap(*((self.stop, self.run) if doing else (self.run, self.stop)))

    def say(self, text: str, tone: str = "danger") -> None:
        """Show a sentence above the results; empty for none."""
        self.message.setText(text)
        self.message.setVisible(bool(text))
        set_tone(self.message, tone)

    def show_inputs(self, absent: dict[Kind, str], texts: int, *, reads_text: bool) -> None:
        """Show what is needed for the chosen kind.

        Args:
            absent: Why each kind's model cannot be used; empty if it can.
            texts: How many descriptions there are to rank.
            reads_text: Whether the model for classes has none of its own.
        """
        kind = self._kind
        for each, notice in self.notices.items():
            if each is not kind or not absent[each]:
                notice.hide()
        self.question.setVisible(kind is Kind.ASK)
        for widget in (self.texts, self.edit_texts):
            widget.setVisible(kind is Kind.RANK)
        self.texts.setText(f"{texts:,} description{'' if texts == 1 else 's'} of the Rank tab")
        self.labels.setVisible(kind is Kind.CLASSIFY and reads_text)
        self.box.setVisible(kind is Kind.CLASSIFY)
        self.run.setText(RUN[kind])
        self._do.run.setText(RUN[kind])
        self.run.setToolTip(f"{RUN[kind]} ({self._do.run.shortcut().toString()})")

    def _on_kind(self, kind: Kind) -> None:
        self._kind = kind
        self.kind_changed.emit()

    def _dress(self) -> None:
        for tool, button in self.tools.items():
            button.setIcon(icon(_ICONS[tool]))
        self._undo.setIcon(icon("undo"))
        self._clear.setIcon(icon("remove"))
        self.stop.setIcon(icon("stop"))


def _button(name: str) -> QToolButton:
    return named(QToolButton(), name, name)


def _share(step: int) -> float:
    return float(SMALLEST_BRUSH * (LARGEST_BRUSH / SMALLEST_BRUSH) ** (step / STEPS))


def _step(share: float) -> int:
    return round(STEPS * math.log(share / SMALLEST_BRUSH) / math.log(LARGEST_BRUSH / SMALLEST_BRUSH))

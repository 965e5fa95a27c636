"""Descriptions held against the selected pictures, ranked anew as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cocadesk.errors import InputError
from cocadesk.gui import ranking_export
from cocadesk.gui.entries import Entry
from cocadesk.gui.icons import icon
from cocadesk.gui.library import Library
from cocadesk.gui.panels.library_model_field import LibraryModelField
from cocadesk.gui.panels.model_chooser import ModelChooser
from cocadesk.gui.panels.model_notice import ModelNotice
from cocadesk.gui.panels.rank_matrix import Measure, RankMatrix
from cocadesk.gui.panels.rank_table import RankTable
from cocadesk.gui.panels.settings_box import SettingsBox
from cocadesk.gui.panels.starter_hint import StarterHint
from cocadesk.gui.panels.subject import Subject, muted
from cocadesk.gui.rankings import Ranking, Rankings
from cocadesk.gui.saving import TextKind, ask_where
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.heat import HeatLegend
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.text_list_field import TextListField, text_files
from cocadesk.gui.widgets.tone import set_tone
from cocadesk.media.clips import Span
from cocadesk.media.texts import TextList, tidy
from cocadesk.work.exporting import write_bytes

MARGIN = 18
PAUSE_MS = 25
"""After a key is pressed, so that a burst of them (a word pasted by a keyboard, a key held) ranks once."""

PATIENCE_MS = 300
"""Before progress is shown: rows that come and go with every key would only flicker."""

TEXT_FILES = "Lists of texts (*.txt *.text *.csv *.tsv *.md *.list);;All files (*)"
EXPORTS = [TextKind("Table", ".csv", ranking_export.as_csv), TextKind("JSON", ".json", ranking_export.as_json)]


class RankPanel(QWidget):
    """A list of descriptions, and what came of it: a table for one picture, a matrix for several.

    Attributes:
        field: The descriptions.
        told: How many descriptions there are, and what was left out.
        message: What went wrong.
        table: The ranking of one picture.
        matrix: The ranking of several.
        box: The model and the number of frames.
        starter: Says so while a starter is the model.
        notice: Stands above the results while the model is missing.
    """

    edited = Signal()
    """The model or the number of frames was changed by the user."""

    texts_changed = Signal()
    """The descriptions were changed."""

    folder_used = Signal(str)
    """The folder of a file that was opened or saved."""

    def __init__(self, rankings: Rankings, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidePanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAcceptDrops(True)
        self.last_folder = ""
        self._rankings = rankings
        self._entries: list[Entry] = []
        self._spans: list[tuple[Entry, Span | None]] = []
        self._texts = TextList(())
        self._shown: Ranking | None = None
        self._absence = ""
        self._subject = Subject()
        self.field = TextListField()
        self._open = named(QToolButton(), "Open a list of texts", "Open a list of texts")
        self._clear = named(QToolButton(), "Clear the descriptions", "Clear the descriptions")
        self.told = muted()
        self.message = muted()
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._again = QPushButton("Rank again")
        self.notice = ModelNotice(library, "Ranking needs a model")
        self._doing = muted()
        self._bar = named(QProgressBar(textVisible=False), "Progress")
        self._bar.setFixedHeight(6)
        self.stop = named(QToolButton(), "Stop ranking", "Stop")
        self._progress = QWidget()
        self._progress.hide()
        self._results = QStackedWidget()
        self._hint = muted()
        self.table = RankTable()
        self.matrix = RankMatrix()
        self._measure = named(QComboBox(), "What the cells show")
        for measure in Measure:
            self._measure.addItem(measure.value, measure)
        self._legend = HeatLegend()
        self._scale = QWidget()
        self._copy = QPushButton("Copy")
        self._export = QPushButton("Export…")
        self._library_field = LibraryModelField(library, "rank")
        self.box = SettingsBox(ModelChooser(library, "rank"), self._library_field)
        self.starter = StarterHint(library, self.box.chooser, "rank")
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE_MS)
        self._lay_out()
        self._connect(library)
        self._dress()
        self._refresh()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(2)
        heading = QLabel("Descriptions")
        heading.setBuddy(self.field)
        head.addWidget(heading, 1)
        head.addWidget(self._open)
        head.addWidget(self._clear)
        above = QVBoxLayout()
        above.setContentsMargins(0, 0, 0, 6)
        above.setSpacing(4)
        above.addLayout(head)
        above.addWidget(self.field, 1)
        above.addWidget(self.told)
        scale = QHBoxLayout(self._scale)
        scale.setContentsMargins(0, 0, 0, 0)
        scale.setSpacing(10)
        scale.addWidget(self._measure)
        scale.addWidget(self._legend, 1)
        progress = QHBoxLayout(self._progress)
        progress.setContentsMargins(0, 0, 0, 0)
        progress.setSpacing(8)
        progress.addWidget(self._doing, 1)
        progress.addWidget(self._bar, 1)
        progress.addWidget(self.stop)
        self._hint.setAlignment(Qt.AlignmentFlag.AlignTop)
        for result in (self._hint, self.table, self.matrix):
            self._results.addWidget(result)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self._copy, self._export):
            buttons.addWidget(button)
        buttons.addStretch()
        buttons.addWidget(self._again)
        below = QVBoxLayout()
        below.setContentsMargins(0, 6, 0, 0)
        below.setSpacing(8)
        for widget in (self.notice, self._progress, self.message, self._scale):
            below.addWidget(widget)
        below.addWidget(self._results, 1)
        below.addLayout(buttons)
        self._halves = QSplitter(Qt.Orientation.Vertical, childrenCollapsible=False, handleWidth=1)
        for column in (above, below):
            half = QWidget()
            half.setLayout(column)
            self._halves.addWidget(half)
        self._halves.setStretchFactor(1, 3)
        self._halves.setSizes([180, 420])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(MARGIN, 16, MARGIN, 8)
        whole.setSpacing(8)
        whole.addWidget(self._subject)
        whole.addWidget(self._halves, 1)
        whole.addWidget(self.starter)
        whole.addWidget(self.box)

    def _connect(self, library: Library) -> None:
        self.field.textChanged.connect(self._on_typed)
        self.field.refused.connect(lambda message: self._say(message, "danger"))
        self._timer.timeout.connect(self._rank)
        self._patience.timeout.connect(self._progress.show)
        self._open.clicked.connect(self.ask_file)
        self._clear.clicked.connect(lambda: self.field.put(""))
        self._again.clicked.connect(self._rank)
        self.stop.clicked.connect(self._rankings.stop)
        self._copy.clicked.connect(self.copy)
        self._export.clicked.connect(self.ask_export)
        self._measure.currentIndexChanged.connect(self._on_measure)
        self._library_field.found.connect(self.box.chooser.choose)
        self.notice.untrained_asked.connect(self.box.use_untrained)
        self.box.edited.connect(self._on_edited)
        self._rankings.changed.connect(self._on_changed)
        library.changed.connect(self._on_library)
        library.scanned.connect(self._on_library)
        theme().changed.connect(self._dress)

    @property
    def texts(self) -> TextList:
        """The descriptions, tidied up."""
        return self._texts

    @property
    def can_copy(self) -> bool:
        """Whether there is a ranking."""
        return self._rankings.result is not None

    def show_entries(self, entries: Sequence[Entry]) -> None:
        """Rank the descriptions against these pictures."""
        spans = [(entry, entry.span) for entry in entries]
        changed = spans != self._spans
        self._entries, self._spans = list(entries), spans
        self._subject.show_entries(entries)
        if changed:
            self._rank()
        self._refresh()

    def ranking_to_copy(self) -> str:
        """The ranking as a table for spreadsheets; empty if there is none."""
        result = self._rankings.result
        return ranking_export.as_tabs(result) if result else ""

    def copy(self) -> None:
        """Put the ranking on the clipboard."""
        if self._rankings.result is not None:
            QGuiApplication.clipboard().setText(self.ranking_to_copy())

    def ask_file(self) -> None:
        """Let the user choose lists of texts to add."""
        files, _ = QFileDialog.getOpenFileNames(self, "Open a list of texts", self._start(), TEXT_FILES)
        if files:
            self.folder_used.emit(str(Path(files[0]).parent))
            self._add([Path(file) for file in files])

    def ask_export(self) -> None:
        """Let the user choose where to write the ranking, as CSV or JSON."""
        result = self._rankings.result
        if result is None:
            return
        start = Path(self._start()) / f"{Path(result.names[0]).stem} ranking.csv"
        where = ask_where(self, "Export the ranking", start, EXPORTS)
        if where is None:
            return
        path, kind = where
        self.folder_used.emit(str(path.parent))
        try:
            write_bytes(path, kind.write(result).encode())
        except InputError as error:
            self._say(f"{path.name}: {error}", "danger")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._rank()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if text_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self._add(text_files(event.mimeData()))
        event.acceptProposedAction()

    def _add(self, files: list[Path]) -> None:
        self._say("")
        self.field.add_files(files)

    def _start(self) -> str:
        return self.last_folder or str(Path.home())

    def _on_typed(self) -> None:
        lines = self.field.lines
        # The empty line that is just being begun at the end is none that is left out.
        self._texts = tidy(lines[:-1] if lines and not lines[-1].strip() else lines)
        self._say("")
        self._refresh()
        self._timer.start()
        self.texts_changed.emit()

    def _on_edited(self) -> None:
        self.edited.emit()
        self._rank()
        self._refresh()

    def _on_library(self, *_: object) -> None:
        was_absent = bool(self._absence)
        self._refresh()
        if was_absent and not self._absence:
            self._rank()

    def _rank(self) -> None:
        """Rank what is there now, while anybody can see it: no model is loaded for a panel that is not shown."""
        self._timer.stop()
        self._absence = self.notice.show_model(self.box.model)
        if not self.isVisible():
            return
        if self._absence:
            self._rankings.clear()
        else:
            self._rankings.rank(self._entries, self.texts.texts, self.box.model, self.box.frames)

    def _on_changed(self) -> None:
        result, progress = self._rankings.result, self._rankings.progress
        if progress is not None:
            self._doing.setText(progress.what)
            self._bar.setVisible(progress.total > 0)
            self._bar.setRange(0, max(progress.total, 1))
            self._bar.setValue(progress.done)
            self._say("")
            if not self._patience.isActive() and not self._progress.isVisibleTo(self):
                self._patience.start()
            return
        self._patience.stop()
        self._progress.hide()
        self._say(self._rankings.problem, "danger")
        if result is not self._shown:
            self._show(result)
        self._refresh()

    def _show(self, result: Ranking | None) -> None:
        self._shown = result
        one = result if result is not None and len(result.names) == 1 else None
        several = result if result is not None and len(result.names) > 1 else None
        self.table.show_ranking(one)
        self.matrix.show_ranking(several)
        self._legend.show_range(*self.matrix.matrix.shown_range())

    def _on_measure(self) -> None:
        self.matrix.matrix.show_measure(self._measure.currentData())
        self._legend.show_range(*self.matrix.matrix.shown_range())

    def _refresh(self) -> None:
        self._absence = self.notice.show_model(self.box.model)
        texts, result = self.texts, self._rankings.result
        count = len(texts.texts)
        parts = [f"{count:,} description{'' if count == 1 else 's'}" if self.field.lines else ""]
        parts.append(f"left out: {texts.left_out}" if texts.left_out else "")
        if result is not None and result.comparison.refused:
            parts.append(f"too long for the model: {len(result.comparison.refused):,}")
        self.told.setText(" · ".join(filter(None, parts)))
        self.told.setVisible(bool(self.told.text()))
        several = result is not None and len(result.names) > 1
        self._results.setCurrentWidget(self._hint if result is None else self.matrix if several else self.table)
        self._scale.setVisible(several)
        self._hint.setText(self._what_to_do(count))
        self._clear.setEnabled(bool(self.field.lines))
        for button in (self._copy, self._export):
            button.setEnabled(result is not None)
        self._again.setVisible(bool(self._rankings.problem) and not self._rankings.is_busy)

    def _what_to_do(self, count: int) -> str:
        if not self._entries or self._absence or self._rankings.is_busy or count:
            return ""
        return (
            "Type what the picture may show, one description per line, paste a list or drop a text file. The nearest "
            "comes first, and the ranking follows as you type."
        )

    def _say(self, text: str, tone: str = "muted") -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))
        set_tone(self.message, tone)

    def _dress(self) -> None:
        self._open.setIcon(icon("text_file", "muted"))
        self._clear.setIcon(icon("remove", "muted"))
        self.stop.setIcon(icon("stop", "accent"))
        self._copy.setIcon(icon("copy"))
        self._export.setIcon(icon("save"))
        self._again.setIcon(icon("again"))

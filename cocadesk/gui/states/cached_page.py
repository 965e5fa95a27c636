"""What is cached while a caption is decoded: a table of the arrays, and what caching saves."""

from __future__ import annotations

import csv
import io

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from cocadesk.gui import wording
from cocadesk.gui.icons import icon
from cocadesk.gui.net_info.item_models import NUMBERS, TEXTS
from cocadesk.gui.panels.subject import muted
from cocadesk.gui.states.inquiry import WAYS, Inquiry
from cocadesk.gui.states.state_line import StateLine
from cocadesk.gui.states.ways_plot import WaysPlot
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.naming import named
from cocadesk.types import CacheComparison, CachedStates, PartName, StateArray

ROW_HEIGHT = 28

PARTS: dict[PartName, str] = {"image": "Picture", "text": "Text decoder", "decoder": "Multimodal decoder"}

HEADINGS = ("Array", "Of", "Layer", "Shape", "Memory")

HINT = (
    "The attention keys and values that the decoder keeps, so that a token need not compute them anew for all before "
    "it. Shapes are captions × heads × tokens × head width."
)

MEASURE_HINT = "Decode the caption with cached states, with guesses at the next tokens as well, and without either"


class CachedPage(QWidget):
    """The table and its total on the left, the plot on the right.

    Attributes:
        table: A row per array.
        line: Looks again, or stops.
        measure: Measures, or stops.
        copy: Puts the table on the clipboard.
        verdict: Whether the ways gave the same tokens.
    """

    def __init__(self, cached: Inquiry, comparison: Inquiry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cached = cached
        self._comparison = comparison
        self.line = StateLine(cached, "Look again", "Caption the picture again, and see what is cached")
        self.measure = StateLine(comparison, "Measure", MEASURE_HINT)
        self.measure.run.setProperty("kind", "primary")
        self.table = named(QTableWidget(0, len(HEADINGS)), "Cached arrays")
        self._dress_table()
        self.total = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.caption = muted()
        self.caption.setTextFormat(Qt.TextFormat.PlainText)
        self.verdict = QLabel(textFormat=Qt.TextFormat.PlainText, wordWrap=True)
        self.plot = WaysPlot()
        self.copy = named(QPushButton("Copy as CSV"), "Copy as CSV", "Put the table on the clipboard")
        self.copy.setAutoDefault(False)
        self._lay_out()
        self.copy.clicked.connect(self.copy_csv)
        cached.changed.connect(self._show_cached)
        comparison.changed.connect(self._show_comparison)
        theme().changed.connect(self._dress)
        self._dress()
        self._show_cached()
        self._show_comparison()

    def _lay_out(self) -> None:
        left = QWidget()
        about = QVBoxLayout(left)
        about.setContentsMargins(0, 0, 0, 0)
        about.setSpacing(8)
        foot = QHBoxLayout()
        foot.addWidget(self.total, 1)
        foot.addWidget(self.copy)
        about.addWidget(muted(HINT))
        about.addWidget(self.caption)
        about.addWidget(self.line)
        about.addWidget(self.table, 1)
        about.addLayout(foot)
        right = QWidget()
        timed = QVBoxLayout(right)
        timed.setContentsMargins(0, 0, 0, 0)
        timed.setSpacing(8)
        timed.addWidget(muted("What it saves, on this picture and this machine."))
        timed.addWidget(self.measure)
        timed.addWidget(self.plot, 1)
        timed.addWidget(self.verdict)
        halves = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False, handleWidth=16)
        halves.setStyleSheet("QSplitter::handle { background: transparent; }")
        halves.addWidget(left)
        halves.addWidget(right)
        halves.setStretchFactor(0, 3)
        halves.setStretchFactor(1, 2)
        halves.setSizes([600, 400])
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.addWidget(halves)

    def _dress_table(self) -> None:
        table = self.table
        for column, title in enumerate(HEADINGS):
            heading = QTableWidgetItem(title)
            heading.setTextAlignment(TEXTS if column in (0, 1, 3) else NUMBERS)
            table.setHorizontalHeaderItem(column, heading)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)

    def as_csv(self) -> str:
        """The table, a line per array below a heading; shapes as "1x8x25x64", layers from 0; empty without arrays."""
        states = self._cached.result
        if not isinstance(states, CachedStates):
            return ""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("name", "part", "layer", "shape", "dtype", "bytes"))
        for array in states.arrays:
            shape = "x".join(map(str, array.shape))
            writer.writerow((array.name, array.part, array.layer, shape, states.dtype, array.bytes))
        return text.getvalue()

    def copy_csv(self) -> None:
        """Put the table on the clipboard."""
        if self.copy.isEnabled():
            QGuiApplication.clipboard().setText(self.as_csv())

    def _show_cached(self) -> None:
        found = self._cached.result
        states = found if isinstance(found, CachedStates) else None
        arrays = states.arrays if states is not None else ()
        self.table.setRowCount(len(arrays))
        for row, array in enumerate(arrays):
            for column, text in enumerate(_cells(array)):
                item = QTableWidgetItem(text)
                item.setTextAlignment(TEXTS if column in (0, 1, 3) else NUMBERS)
                self.table.setItem(row, column, item)
        self.copy.setEnabled(bool(arrays))
        self.caption.setVisible(states is not None)
        if states is None:
            self.total.setText("")
            return
        self.caption.setText(f"“{states.caption}” · {_count(states.tokens, 'token')}")
        per_token = f" · {states.dtype}" if states.dtype else ""
        self.total.setText(
            f"{_count(len(arrays), 'array')} · {wording.size(states.total_bytes)} in all{per_token}"
            if arrays
            else "Nothing is cached: this model computes everything anew for each token."
        )

    def _show_comparison(self) -> None:
        found = self._comparison.result
        comparison = found if isinstance(found, CacheComparison) else None
        self.plot.show_comparison(comparison)
        self.verdict.setText(verdict(comparison) if comparison is not None else "")
        self.verdict.setVisible(comparison is not None)

    def _dress(self) -> None:
        self.copy.setIcon(icon("copy"))


def verdict(comparison: CacheComparison) -> str:
    """How much faster the cache makes it, and whether the tokens are the same."""
    seconds = {timed.way: timed.seconds_per_token for timed in comparison.timed}
    first = comparison.timed[0]
    faster = seconds["uncached"] / seconds["cached"] if seconds["cached"] else 0.0
    counted = f"{_count(len(first.tokens), 'token')}, cached {faster:.1f} times as fast as uncached."
    if comparison.same_tokens:
        return f"All three ways gave the same tokens. {counted}"
    ids = [token.id for token in first.tokens]
    others = [WAYS[t.way].lower() for t in comparison.timed[1:] if [token.id for token in t.tokens] != ids]
    return f"Not the same tokens as cached: {' and '.join(others)}. {counted}"


def _cells(array: StateArray) -> tuple[str, ...]:
    shape = " × ".join(map(str, array.shape))
    return array.name, PARTS[array.part], str(array.layer + 1), shape, wording.size(array.bytes)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"

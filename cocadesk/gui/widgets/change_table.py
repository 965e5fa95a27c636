"""What was said about the whole picture and without a region, a row each, with the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QBrush
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from cocadesk.gui.theme import colour, theme
from cocadesk.gui.widgets.change_view import tone_of

MOST_ROWS = 12
FIGURES = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One row as it is shown.

    Attributes:
        whole, masked, change: Figures, as text.
        strength: What the colour of the change stands for: a difference of natural log-probabilities, or as much.
        told: More about it, on hover.
    """

    label: str
    whole: str
    masked: str
    change: str
    strength: float
    told: str = ""


class ChangeTable(QTableWidget):
    """As high as its rows, up to a limit; changes are coloured by their sign and size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self.setAccessibleName("With and without the region")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._rows: tuple[ChangeRow, ...] = ()
        self._headings: tuple[str, ...] = ()
        theme().changed.connect(self._dress)

    @property
    def rows(self) -> Sequence[ChangeRow]:
        """What is shown."""
        return self._rows

    def show_rows(self, headings: Sequence[str], rows: Sequence[ChangeRow]) -> None:
        """Show these under four headings."""
        if (tuple(headings), tuple(rows)) == (self._headings, self._rows):
            return
        self._headings, self._rows = tuple(headings), tuple(rows)
        for column, heading in enumerate(headings):
            item = QTableWidgetItem(heading)
            item.setTextAlignment(FIGURES if column else Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            self.setHorizontalHeaderItem(column, item)
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate((row.label, row.whole, row.masked, row.change)):
                item = QTableWidgetItem(text)
                item.setToolTip(row.told or row.label)
                if column:
                    item.setTextAlignment(FIGURES)
                self.setItem(number, column, item)
        self._dress()
        self.updateGeometry()

    def as_tabs(self) -> str:
        """The table for spreadsheets."""
        lines = [self._headings, *((row.label, row.whole, row.masked, row.change) for row in self._rows)]
        return "\n".join("\t".join(line) for line in lines)

    def sizeHint(self) -> QSize:
        shown = min(self.rowCount(), MOST_ROWS)
        rows = sum(self.rowHeight(row) for row in range(shown))
        return QSize(260, self.horizontalHeader().sizeHint().height() + rows + 2 * self.frameWidth() + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(200, self.sizeHint().height())

    def _dress(self) -> None:
        for number, row in enumerate(self._rows):
            item = self.item(number, 3)
            if item is not None:
                item.setForeground(QBrush(colour(tone_of(row.strength))))

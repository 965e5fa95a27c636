"""Several pictures against several descriptions: a table whose cells are coloured by their value."""

from __future__ import annotations

from enum import Enum

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from cocadesk.gui.entries import ROOT, AnyIndex
from cocadesk.gui.rankings import Ranking
from cocadesk.gui.theme import colour, scaled_font, theme
from cocadesk.gui.widgets.heat import legible, mixed
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.wording import percent

HEAT_ROLE = Qt.ItemDataRole.UserRole
"""Where a value lies between the least (0) and the greatest (1) of the table; None for none."""

COLUMN_WIDTHS = (72, 200)
"""The least and the greatest: names of files are long, but a figure is short."""
ROW_HEIGHT = 34
NAME_SHARE = 0.4


class Measure(Enum):
    """What the cells show; the value is what a user reads."""

    SIMILARITY = "Similarity"
    DISTANCE = "Distance"
    PROBABILITY = "Probability"


class MatrixModel(QAbstractTableModel):
    """A row per description, a column per picture; sorted by any picture."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ranking: Ranking | None = None
        self._measure = Measure.SIMILARITY
        self._values: npt.NDArray[np.float64] = np.empty((0, 0))
        self._refused: dict[int, str] = {}
        self._rows: npt.NDArray[np.intp] = np.empty(0, np.intp)
        self._sorted = (-1, Qt.SortOrder.DescendingOrder)
        self.range = (0.0, 1.0)

    def show_ranking(self, ranking: Ranking | None) -> None:
        """Show that."""
        self.beginResetModel()
        if ranking is None or self._ranking is None or ranking.locations != self._ranking.locations:
            self._sorted = (-1, Qt.SortOrder.DescendingOrder)
        self._ranking = ranking
        self._refused = dict(ranking.comparison.refused) if ranking else {}
        self._measured()
        self.endResetModel()

    def show_measure(self, measure: Measure) -> None:
        """Show another figure of the same ranking."""
        self.beginResetModel()
        self._measure = measure
        self._measured()
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = ROOT) -> int:
        return 0 if parent.isValid() else self._values.shape[0]

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        ranking = self._ranking
        if ranking is None or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if orientation == Qt.Orientation.Horizontal:
            names = ranking.names if role == Qt.ItemDataRole.DisplayRole else ranking.locations
            return names[section] if section < len(names) else None
        at = int(self._rows[section])
        why = self._refused.get(at) if role == Qt.ItemDataRole.ToolTipRole else None
        return why or ranking.texts[at]

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid() or self._ranking is None:
            return None
        at, picture = int(self._rows[index.row()]), index.column()
        value, why = float(self._values[picture, at]), self._refused.get(at)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return "too long" if why else self._shown(value)
            case Qt.ItemDataRole.ToolTipRole:
                return why or f"{self._ranking.names[picture]}\n{self._ranking.texts[at]}\n{self._shown(value)}"
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{self._ranking.names[picture]}, {self._ranking.texts[at]}: {why or self._shown(value)}"
            case Qt.ItemDataRole.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignCenter
            case _:
                least, most = self.range
                heat = 0.5 if most <= least else (value - least) / (most - least)
                return heat if role == HEAT_ROLE and not why else None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sorted = (column, order)
        self.layoutAboutToBeChanged.emit()
        self._order()
        self.layoutChanged.emit()

    @property
    def is_sorted(self) -> bool:
        """Whether the rows are sorted by a picture; else they stand as they were typed."""
        return self._sorted[0] >= 0

    @property
    def measure(self) -> Measure:
        """What the cells show."""
        return self._measure

    def shown_range(self) -> tuple[str, str]:
        """The least and the greatest value, as a user reads them."""
        least, most = self.range
        return self._shown(least), self._shown(most)

    def _measured(self) -> None:
        if self._ranking is None:
            self._values, self._rows = np.empty((0, 0)), np.empty(0, np.intp)
            return
        comparison = self._ranking.comparison
        self._values = {
            Measure.SIMILARITY: comparison.similarities,
            Measure.DISTANCE: 1 - comparison.similarities,
            Measure.PROBABILITY: comparison.probabilities,
        }[self._measure]
        known = self._values[~np.isnan(self._values)]
        self.range = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        self._order()

    def _order(self) -> None:
        column, order = self._sorted
        count = self._values.shape[1] if self._values.size else 0
        if not 0 <= column < self._values.shape[0]:
            self._rows = np.arange(count)
            return
        keys = self._values[column]
        self._rows = np.lexsort((keys if order == Qt.SortOrder.AscendingOrder else -keys, np.isnan(keys)))

    def _shown(self, value: float) -> str:
        return percent(value) if self._measure is Measure.PROBABILITY else f"{value:.4f}"


class RankMatrix(QTableView):
    """The matrix; a click on a picture's name sorts by it.

    Attributes:
        matrix: What is shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "Descriptions against pictures")
        self.matrix = MatrixModel(self)
        self.setModel(self.matrix)
        self.setItemDelegate(_HeatDelegate(self))
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        across, down = self.horizontalHeader(), self.verticalHeader()
        for header in (across, down):
            header.setTextElideMode(Qt.TextElideMode.ElideMiddle)
            header.setHighlightSections(True)
            header.setFont(scaled_font(0.9))
        across.setDefaultSectionSize(COLUMN_WIDTHS[0])
        across.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        across.setSortIndicatorClearable(True)
        down.setTextElideMode(Qt.TextElideMode.ElideRight)
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultSectionSize(ROW_HEIGHT)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        across.setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)
        theme().changed.connect(self.viewport().update)

    def show_ranking(self, ranking: Ranking | None) -> None:
        """Show that; the selected cell stays selected."""
        here = self.currentIndex()
        row, column = here.row(), here.column()
        self.matrix.show_ranking(ranking)
        if not self.matrix.is_sorted:  # other pictures than before: no arrow may say otherwise
            self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.DescendingOrder)
        if row >= 0 and ranking is not None:
            self.setCurrentIndex(self.matrix.index(row, column))
        self._narrow()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._narrow()

    def _narrow(self) -> None:
        """Long descriptions must leave room for the figures, and the figures share what there is."""
        wanted = self.verticalHeader().sizeHint().width() + 12
        names = int(min(wanted, NAME_SHARE * self.width()))
        self.verticalHeader().setFixedWidth(names)
        least, most = COLUMN_WIDTHS
        room = self.width() - names - self.verticalScrollBar().sizeHint().width()
        width = min(max(room // max(self.matrix.columnCount(), 1), least), most)
        if width != self.horizontalHeader().defaultSectionSize():  # it would undo what the user has resized
            self.horizontalHeader().setDefaultSectionSize(width)


class _HeatDelegate(QStyledItemDelegate):
    """Paints a cell in the accent's colour, the stronger the greater its value, with the value on it."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        area: QRect = option.rect
        heat = index.data(HEAT_ROLE)
        painter.save()
        if isinstance(heat, float):
            back = mixed(heat)
            painter.fillRect(area.adjusted(1, 1, -1, -1), back)
            painter.setPen(legible(back))
        else:
            painter.setPen(colour("danger"))
        painter.setFont(scaled_font(0.92))
        painter.drawText(area, int(Qt.AlignmentFlag.AlignCenter), str(index.data(Qt.ItemDataRole.DisplayRole)))
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(colour("text"), 2))
            painter.drawRect(area.adjusted(2, 2, -3, -3))
        painter.restore()

"""One picture's ranking: a row per description, with its figures and a bar."""

from __future__ import annotations

import unicodedata

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QTextLayout, QTextOption
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
from cocadesk.gui.theme import colour, scaled_font
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.wording import percent

TEXT, DISTANCE, SIMILARITY, PROBABILITY = range(4)
HEADINGS = ("Description", "Distance", "Similarity", "Prob.")
HINTS = (
    "What was held against the picture",
    "Cosine distance of the embeddings, 0 to 2: 1 - similarity",
    "Cosine similarity of the embeddings, -1 to 1",
    "Probability: the softmax over all descriptions at the model's own temperature",
)
REFUSED_ROLE = Qt.ItemDataRole.UserRole
BAR_ROLE = Qt.ItemDataRole.UserRole + 1

ROW_HEIGHT = 50
MOST_PAINTED = 400
WIDEST = ("-0.0000", "< 0.1 %")
AROUND = 10
"""What Qt leaves free on both sides of a cell's text."""
ARROW = 14
BAR = 3
FIGURES = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class RankModel(QAbstractTableModel):
    """The rows, sorted by any column; what the model could not read stays at the end."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._texts: tuple[str, ...] = ()
        self._similarities: npt.NDArray[np.float64] = np.empty(0)
        self._probabilities: npt.NDArray[np.float64] = np.empty(0)
        self._refused: dict[int, str] = {}
        self._rows: npt.NDArray[np.intp] = np.empty(0, np.intp)
        self._sorted = (DISTANCE, Qt.SortOrder.AscendingOrder)

    def show_ranking(self, ranking: Ranking | None) -> None:
        """Show the only picture's ranking, in the order chosen before."""
        self.beginResetModel()
        self._texts = ranking.texts if ranking else ()
        self._similarities = ranking.comparison.similarities[0] if ranking else np.empty(0)
        self._probabilities = ranking.comparison.probabilities[0] if ranking else np.empty(0)
        self._refused = dict(ranking.comparison.refused) if ranking else {}
        self._order()
        self.endResetModel()

    def text_at(self, row: int) -> str:
        """The description in that row; empty if there is no such row."""
        return self._texts[self._rows[row]] if 0 <= row < len(self._rows) else ""

    def row_of(self, text: str) -> int:
        """The row of that description; -1 for none."""
        return next((row for row, at in enumerate(self._rows) if self._texts[at] == text), -1)

    def rowCount(self, parent: AnyIndex = ROOT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = ROOT) -> int:
        return len(HEADINGS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADINGS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return HINTS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section != TEXT:
            return FIGURES
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        at, column = int(self._rows[index.row()]), index.column()
        text, why = self._texts[at], self._refused.get(at)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text if column == TEXT else "" if why else self._figure(at, column)
            case Qt.ItemDataRole.ToolTipRole:
                told = why or (text if column == TEXT else None)
            case Qt.ItemDataRole.AccessibleTextRole:
                told = f"{text}: {why}" if why and column == TEXT else None
            case Qt.ItemDataRole.TextAlignmentRole:
                return FIGURES if column != TEXT else None
            case _:
                told = why if role == REFUSED_ROLE else None
        return told if role != BAR_ROLE or why else float(self._probabilities[at])

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._sorted = (column, order)
        self.layoutAboutToBeChanged.emit()
        self._order()
        self.layoutChanged.emit()

    def _order(self) -> None:
        column, order = self._sorted
        if column == TEXT:
            folded = np.asarray([text.casefold() for text in self._texts], dtype=object)
            keys = np.argsort(np.argsort(folded, kind="stable"), kind="stable").astype(np.float64)
        else:
            keys = {
                DISTANCE: -self._similarities,
                SIMILARITY: self._similarities,
                PROBABILITY: self._probabilities,
            }[column]
        rising = keys if order == Qt.SortOrder.AscendingOrder else -keys
        last = np.isnan(self._similarities)
        self._rows = np.lexsort((rising, last)) if len(self._texts) else np.empty(0, np.intp)

    def _figure(self, at: int, column: int) -> str:
        similarity = float(self._similarities[at])
        match column:
            case 1:
                return f"{1 - similarity:.4f}"
            case 2:
                return f"{similarity:.4f}"
            case _:
                return percent(float(self._probabilities[at]))


class RankTable(QTableView):
    """The ranking of one picture.

    Attributes:
        ranking: What is shown, row by row.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "Descriptions, the nearest first")
        self.ranking = RankModel(self)
        self.setModel(self.ranking)
        self.setItemDelegateForColumn(TEXT, _TextDelegate(self))
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(TEXT, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)
        header.setFont(scaled_font(0.85))
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column in (DISTANCE, SIMILARITY, PROBABILITY):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            room = header.fontMetrics().horizontalAdvance(HEADINGS[column]) + ARROW
            widest = max(self.fontMetrics().horizontalAdvance(text) for text in WIDEST)
            self.setColumnWidth(column, max(room, widest + AROUND) + 14)
        header.setSortIndicator(DISTANCE, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)

    def show_ranking(self, ranking: Ranking | None) -> None:
        """Show that; the selected description stays selected, and the view where it is."""
        selected = self.ranking.text_at(self.currentIndex().row())
        place = self.verticalScrollBar().value()
        self.ranking.show_ranking(ranking)
        row = self.ranking.row_of(selected) if selected else -1
        if row >= 0:
            self.setCurrentIndex(self.ranking.index(row, TEXT))
        self.verticalScrollBar().setValue(place)


class _TextDelegate(QStyledItemDelegate):
    """Paints the description with a bar for its probability, or with the reason why it could not be read."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(80, ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        area: QRect = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, colour("accent_soft"))
        inside = area.adjusted(8, 4, -6, -6)
        text = str(index.data(Qt.ItemDataRole.DisplayRole))
        why = index.data(REFUSED_ROLE)
        if why:
            line = QRect(inside.x(), inside.y(), inside.width(), inside.height() // 2)
            paint_text(painter, line, text, "text")
            painter.setFont(scaled_font(0.85))
            paint_text(painter, line.translated(0, inside.height() // 2), str(why), "danger")
        else:
            paint_text(painter, inside.adjusted(0, 0, 0, -BAR - 3), text, "text")
            share = index.data(BAR_ROLE)
            groove = QRectF(inside.x(), inside.bottom() - BAR, inside.width(), BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("border", 0.6))
            painter.drawRoundedRect(groove, BAR / 2, BAR / 2)
            groove.setWidth(max(BAR, groove.width() * float(share or 0.0)))
            painter.setBrush(colour("accent"))
            painter.drawRoundedRect(groove, BAR / 2, BAR / 2)
        painter.restore()


def paint_text(painter: QPainter, area: QRect, text: str, tone: str) -> None:
    """As many lines of a text as fit the area, in the middle of it; the last one is shortened."""
    metrics = painter.fontMetrics()
    most = max(1, area.height() // metrics.lineSpacing())
    layout = QTextLayout(text[:MOST_PAINTED], painter.font())
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    lines: list[str] = []
    while len(lines) < most and (line := layout.createLine()).isValid():
        line.setLineWidth(area.width())
        rest = text[line.textStart() : MOST_PAINTED]
        cut = metrics.elidedText(rest, Qt.TextElideMode.ElideRight, area.width())
        lines.append(cut if len(lines) == most - 1 else rest[: line.textLength()].rstrip())
    layout.endLayout()
    side = Qt.AlignmentFlag.AlignRight if is_right_to_left(text) else Qt.AlignmentFlag.AlignLeft
    top = area.y() + (area.height() - metrics.lineSpacing() * len(lines)) // 2
    painter.setPen(colour(tone))
    for number, shown in enumerate(lines):
        box = QRect(area.x(), top + number * metrics.lineSpacing(), area.width(), metrics.lineSpacing())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | side), shown)


def is_right_to_left(text: str) -> bool:
    """Whether a paragraph of that text runs from right to left: its first letter that has a direction does."""
    for sign in text[:MOST_PAINTED]:
        kind = unicodedata.bidirectional(sign)
        if kind in {"L", "R", "AL"}:
            return kind != "L"
    return False

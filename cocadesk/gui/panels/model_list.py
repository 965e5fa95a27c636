"""The models in a list that can be searched and filtered."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QRect, QRectF, QSize, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QAction, QFont, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QPushButton,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from cocadesk.catalog.card import Ability
from cocadesk.gui import wording
from cocadesk.gui.entries import AnyIndex
from cocadesk.gui.icons import icon
from cocadesk.gui.library import MODEL_ROLE, Library, ModelEntry, badge
from cocadesk.gui.theme import colour, scaled_font, theme
from cocadesk.gui.widgets.cards import paint_card
from cocadesk.gui.widgets.naming import named
from cocadesk.work.downloads import DownloadPhase

ROW_HEIGHT = 68
MARGIN = 8
BAR = 3


class ModelList(QWidget):
    """Search field, filters and rows.

    Attributes:
        search: Finds models by name, title, family or data set.
        view: The rows.
    """

    chosen = Signal(object)
    """The `ModelEntry` that is selected now, or None."""

    def __init__(self, library: Library, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._filter = _Filter(library, self)
        self.search = named(QLineEdit(placeholderText="Search models", clearButtonEnabled=True), "Search models")
        self._glass = QAction(self)
        self.search.addAction(self._glass, QLineEdit.ActionPosition.LeadingPosition)
        self._chips = {ability: _chip(text) for ability, text in wording.SUBJECTS.items()}
        self._family = named(QComboBox(), "Family")
        self._place = named(QComboBox(), "Where")
        self._place.addItems(["All models", "On this machine"])
        self.view = named(QListView(), "Models")
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        self.view.setItemDelegate(_Delegate(self.view))
        self.view.setModel(self._filter)
        self._fill_families()
        self._lay_out()
        self.search.textChanged.connect(self._narrow)
        self._family.currentIndexChanged.connect(self._narrow)
        self._place.currentIndexChanged.connect(self._narrow)
        for chip in self._chips.values():
            chip.toggled.connect(self._narrow)
        self.view.selectionModel().currentChanged.connect(self._on_current)
        library.modelReset.connect(self._fill_families)
        library.changed.connect(self._on_changed)
        theme().changed.connect(self._dress)
        self._dress()

    def _lay_out(self) -> None:
        chips = QHBoxLayout()
        chips.setSpacing(6)
        for chip in self._chips.values():
            chips.addWidget(chip)
        chips.addStretch()
        combos = QHBoxLayout()
        combos.setSpacing(8)
        combos.addWidget(self._family, 1)
        combos.addWidget(self._place, 1)
        nothing = QWidget()
        said = QLabel("No model is like that.", alignment=Qt.AlignmentFlag.AlignCenter)
        said.setProperty("tone", "muted")
        clear = QPushButton("Clear the filters")
        clear.clicked.connect(self.clear_filters)
        middle = QVBoxLayout(nothing)
        middle.addStretch(1)
        middle.addWidget(said)
        middle.addWidget(clear, 0, Qt.AlignmentFlag.AlignHCenter)
        middle.addStretch(2)
        self._rows_or_nothing = QStackedLayout()
        self._rows_or_nothing.addWidget(self.view)
        self._rows_or_nothing.addWidget(nothing)
        head = QVBoxLayout()
        head.setContentsMargins(14, 14, 14, 6)
        head.setSpacing(10)
        head.addWidget(self.search)
        head.addLayout(chips)
        head.addLayout(combos)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addLayout(self._rows_or_nothing, 1)

    @property
    def current(self) -> ModelEntry | None:
        """The selected model."""
        entry = self.view.currentIndex().data(MODEL_ROLE)
        return entry if isinstance(entry, ModelEntry) else None

    @property
    def shown(self) -> list[str]:
        """Names of the models that pass the filters, in order."""
        indexes = (self._filter.index(row, 0) for row in range(self._filter.rowCount()))
        return [index.data(MODEL_ROLE).card.name for index in indexes]

    def choose(self, name: str) -> None:
        """Select that model; filters that hide it are cleared."""
        if name not in self.shown:
            self.clear_filters()
        if name in self.shown:
            index = self._filter.index(self.shown.index(name), 0)
            self.view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.view.scrollTo(index)

    def clear_filters(self) -> None:
        """Show every model."""
        self.search.clear()
        self._family.setCurrentIndex(0)
        self._place.setCurrentIndex(0)
        for chip in self._chips.values():
            chip.setChecked(False)

    def _narrow(self, *_: object) -> None:
        kept = self.current
        self._filter.narrow(
            self.search.text(),
            {ability for ability, chip in self._chips.items() if chip.isChecked()},
            self._family.currentData() or "",
            self._place.currentIndex() == 1,
        )
        shown = self.shown
        self._rows_or_nothing.setCurrentIndex(0 if shown else 1)
        if shown:
            self.choose(kept.card.name if kept and kept.card.name in shown else shown[0])

    def _fill_families(self) -> None:
        chosen = self._family.currentData()
        self._family.blockSignals(True)
        self._family.clear()
        self._family.addItem("Any family", "")
        for family in dict.fromkeys(entry.card.family for entry in self._library):
            self._family.addItem(wording.FAMILIES[family], family)
        self._family.setCurrentIndex(max(0, self._family.findData(chosen)))
        self._family.blockSignals(False)

    def _on_current(self, index: QModelIndex) -> None:
        self.chosen.emit(self.current)

    def _on_changed(self, name: str) -> None:
        self.view.viewport().update()
        if self.current is not None and self.current.card.name == name:
            self.chosen.emit(self.current)

    def _dress(self) -> None:
        self._glass.setIcon(icon("search", "muted"))
        self.view.viewport().update()


class _Filter(QSortFilterProxyModel):
    """Lets those models through that have what was asked for."""

    def __init__(self, library: Library, parent: QWidget) -> None:
        super().__init__(parent)
        self._words: list[str] = []
        self._abilities: set[Ability] = set()
        self._family = ""
        self._only_here = False
        self.setSourceModel(library)

    def narrow(self, text: str, abilities: set[Ability], family: str, only_here: bool) -> None:
        """Show what has all these words and abilities, is of that family (if one is named), and, if asked, is here."""
        self._words = text.lower().split()
        self._abilities, self._family, self._only_here = abilities, family, only_here
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: AnyIndex) -> bool:
        entry = self.sourceModel().index(row, 0, parent).data(MODEL_ROLE)
        card = entry.card
        text = f"{card.name} {card.title} {card.architecture} {card.trained_on} {card.finetuned_on} {badge(entry)}"
        return (
            (entry.is_here or not self._only_here)
            and self._family in ("", card.family)
            and self._abilities <= card.abilities
            and all(word in text.lower() for word in self._words)
        )


class _Delegate(QStyledItemDelegate):
    """Paints one row: title and badge, what it does and its size, and how far its download is."""

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        return QSize(200, ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        entry = index.data(MODEL_ROLE)
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = QRectF(area).adjusted(MARGIN, 3, -MARGIN, -3)
        paint_card(painter, card.adjusted(1, 1, -1, -1), state)
        inside = card.adjusted(12, 9, -12, -10)
        upper = QRectF(inside.x(), inside.y(), inside.width(), inside.height() / 2)
        lower = upper.translated(0, inside.height() / 2)
        bytes_shown = entry.bytes_here or entry.card.download_bytes
        if bytes_shown:
            text = wording.size(bytes_shown)
            painter.setFont(scaled_font(0.92))
            painter.setPen(colour("muted"))
            painter.drawText(upper, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
            upper.setRight(upper.right() - painter.fontMetrics().horizontalAdvance(text) - 12)
        _write(painter, upper, entry.card.title, scaled_font(1.02, QFont.Weight.DemiBold), "text")
        lower.setRight(lower.right() - paint_badge(painter, lower, entry) - 10)
        _write(painter, lower, wording.summary(entry.card), scaled_font(0.92), "muted")
        download = entry.download
        if download is not None and not entry.is_here and download.bytes_total:
            groove = QRectF(inside.x(), card.bottom() - BAR - 3, inside.width(), BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("border"))
            painter.drawRoundedRect(groove, BAR / 2, BAR / 2)
            groove.setWidth(groove.width() * min(1.0, download.bytes_done / download.bytes_total))
            painter.setBrush(colour("accent" if download.is_under_way else "muted"))
            painter.drawRoundedRect(groove, BAR / 2, BAR / 2)
        painter.restore()


def paint_badge(painter: QPainter, where: QRectF, entry: ModelEntry) -> float:
    """Paint the model's state as a pill at the right end; the width it takes."""
    text = badge(entry)
    if not text:
        return 0.0
    ink, fill = _badge_tones(entry)
    painter.setFont(scaled_font(0.82, QFont.Weight.Medium))
    metrics = painter.fontMetrics()
    pill = QRectF(0, 0, metrics.horizontalAdvance(text) + 16, metrics.height() + 4)
    pill.moveRight(where.right())
    pill.moveTop(where.center().y() - pill.height() / 2)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour(*fill))
    painter.drawRoundedRect(pill, pill.height() / 2, pill.height() / 2)
    painter.setPen(colour(ink))
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
    return pill.width()


def _badge_tones(entry: ModelEntry) -> tuple[str, tuple[str, float]]:
    state = entry.download
    if entry.is_loaded:
        return "on_accent", ("accent", 1.0)
    if entry.is_here or (state is not None and state.is_under_way):
        return "accent", ("accent", 0.13)
    if state is not None and state.phase is DownloadPhase.FAILED:
        return "danger", ("danger", 0.13)
    if state is not None:
        return "text", ("doubt", 0.3)
    return "muted", ("faint", 0.2)


def _write(painter: QPainter, where: QRectF, text: str, font: QFont, tone: str) -> None:
    painter.setFont(font)
    painter.setPen(colour(tone))
    cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(where.width()))
    painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, cut)


def _chip(text: str) -> QPushButton:
    chip = QPushButton(text)
    chip.setCheckable(True)
    chip.setProperty("kind", "chip")
    chip.setToolTip(f"Only models for {text.lower()}")
    return chip

"""The open pictures as thumbnails, with what has become of each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import (
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QAction, QPainter, QPainterPath
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from cocadesk.gui.entries import ENTRY_ROLE, Entries, Entry, EntryState
from cocadesk.gui.icons import icon
from cocadesk.gui.theme import colour, scaled_font, theme
from cocadesk.gui.thumbnails import Thumbnails
from cocadesk.gui.widgets.cards import paint_card
from cocadesk.gui.widgets.film_mark import paint_film_mark
from cocadesk.gui.widgets.naming import named

ROW_HEIGHT = 136
MARGIN = 8
BADGE = 20

BADGES = {
    EntryState.WAITING: ("waiting", "muted"),
    EntryState.WORKING: ("working", "accent"),
    EntryState.CAPTIONED: ("captioned", "accent"),
    EntryState.STOPPED: ("stopped", "muted"),
    EntryState.FAILED: ("error", "danger"),
}


class Strip(QWidget):
    """The list, its heading and a button to open more.

    Attributes:
        list: The list itself.
    """

    entry_chosen = Signal(object)
    """The `Entry` that is shown now, or None."""

    selection_changed = Signal()
    """`selected` changed."""

    def __init__(self, entries: Entries, thumbnails: Thumbnails, add: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidebar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(140)
        self._entries = entries
        self._count = QLabel()
        self._count.setFont(scaled_font(1.0, self._count.font().Weight.DemiBold))
        self._add = named(QToolButton(), "Open more pictures", "Open more pictures")
        self._add.clicked.connect(add.trigger)
        self.list = named(QListView(), "Open pictures")
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.setItemDelegate(_Delegate(thumbnails, self.list))
        self.list.setModel(entries)
        self.list.setAcceptDrops(False)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.list.selectionModel().selectionChanged.connect(lambda *_: self.selection_changed.emit())
        self.list.customContextMenuRequested.connect(self._show_menu)
        self._menu_actions: Sequence[QAction] = ()
        thumbnails.arrived.connect(self._repaint)
        for change in (entries.rowsInserted, entries.rowsRemoved):
            change.connect(self._recount)
        head = QHBoxLayout()
        head.setContentsMargins(16, 10, 8, 4)
        head.addWidget(self._count, 1)
        head.addWidget(self._add)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.list, 1)
        theme().changed.connect(self._dress)
        self._dress()
        self._recount()

    @property
    def current(self) -> Entry | None:
        """The picture that is shown."""
        return self._entries.at(self.list.currentIndex().row())

    @property
    def selected(self) -> list[Entry]:
        """The selected pictures in the order of the list, which questions and rankings are about."""
        rows = sorted(index.row() for index in self.list.selectionModel().selectedIndexes())
        selected = [entry for row in rows if (entry := self._entries.at(row)) is not None]
        return selected or ([self.current] if self.current is not None else [])

    def choose(self, entry: Entry) -> None:
        """Select that picture and scroll to it."""
        index = self._entries.index(self._entries.row_of(entry))
        self.list.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.list.scrollTo(index)

    def step(self, by: int) -> None:
        """Select the picture so many rows further down, staying inside the list."""
        row = min(max(self.list.currentIndex().row() + by, 0), len(self._entries) - 1)
        entry = self._entries.at(row)
        if entry is not None:
            self.choose(entry)

    def set_menu(self, actions: Sequence[QAction]) -> None:
        """What a right click offers."""
        self._menu_actions = actions

    def _on_current(self, index: QModelIndex) -> None:
        self.entry_chosen.emit(self._entries.at(index.row()))

    def _show_menu(self, where: QPoint) -> None:
        if self.list.indexAt(where).isValid():
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.addActions(list(self._menu_actions))
            menu.popup(self.list.viewport().mapToGlobal(where))

    def _recount(self, *_: object) -> None:
        count = len(self._entries)
        self._count.setText("1 picture" if count == 1 else f"{count} pictures")

    def _repaint(self, *_: object) -> None:
        self.list.viewport().update()

    def _dress(self) -> None:
        self._add.setIcon(icon("plus"))
        self._repaint()


class _Delegate(QStyledItemDelegate):
    """Paints one row: the thumbnail, the name, and a badge for the state."""

    def __init__(self, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(120, ROW_HEIGHT)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        entry = index.data(ENTRY_ROLE)
        if not isinstance(entry, Entry):
            return
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = QRectF(area).adjusted(MARGIN, 3, -MARGIN, -3)
        paint_card(painter, card, state)
        frame = card.adjusted(6, 6, -6, -28)
        self._paint_picture(painter, entry, frame)
        name = QRectF(card.x() + 8, frame.bottom() + 4, card.width() - 16, 20)
        painter.setFont(scaled_font(0.9))
        painter.setPen(colour("danger" if entry.state is EntryState.FAILED else "text"))
        text = painter.fontMetrics().elidedText(entry.name, Qt.TextElideMode.ElideMiddle, int(name.width()))
        painter.drawText(name, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
        self._paint_badge(painter, entry, frame)
        self._paint_length(painter, entry, frame)
        painter.restore()

    def _paint_picture(self, painter: QPainter, entry: Entry, frame: QRectF) -> None:
        outline = QPainterPath()
        image = self._thumbnails.get(entry.source)
        if image is None:
            outline.addRoundedRect(frame, 6, 6)
            painter.fillPath(outline, colour("sunken"))
            if entry.state is EntryState.FAILED and not entry.details:
                mark = QRect(0, 0, 30, 30)
                mark.moveCenter(frame.center().toPoint())
                icon("error", "danger").paint(painter, mark)
            return
        scale = min(frame.width() / image.width(), frame.height() / image.height())
        whole = QRectF(0, 0, image.width() * scale, max(2.0, image.height() * scale))
        whole.moveCenter(frame.center())
        outline.addRoundedRect(whole, 5, 5)
        painter.save()
        painter.setClipPath(outline)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(whole, image)
        painter.restore()

    def _paint_length(self, painter: QPainter, entry: Entry, frame: QRectF) -> None:
        """Mark a clip by a film and how long it lasts."""
        told = self._thumbnails.seconds(entry.source)
        seconds = entry.seconds if entry.seconds is not None else told
        if seconds is not None:
            paint_film_mark(painter, frame, seconds)

    @staticmethod
    def _paint_badge(painter: QPainter, entry: Entry, frame: QRectF) -> None:
        if entry.state not in BADGES or (entry.state is EntryState.FAILED and not entry.details):
            return
        name, tone = BADGES[entry.state]
        spot = QRectF(frame.right() - BADGE - 4, frame.bottom() - BADGE - 4, BADGE, BADGE)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("surface"))
        painter.drawEllipse(spot)
        icon(name, tone).paint(painter, spot.toRect().adjusted(2, 2, -2, -2))

"""Arrays and modules as Qt's views want them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QObject, Qt

from cocadesk.gui.entries import ROOT, AnyIndex
from cocadesk.gui.net_info.tree import Node, format_shape
from cocadesk.types import ArrayInfo

SORT_ROLE = Qt.ItemDataRole.UserRole
SHARE_ROLE = Qt.ItemDataRole.UserRole + 1
PATH_ROLE = Qt.ItemDataRole.UserRole + 2

NAME, SHAPE, PARAMETERS, SHARE = range(4)
TEXTS = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
NUMBERS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def share_text(share: float) -> str:
    """A share as a user reads it."""
    percent = 100 * share
    if percent < 0.01:
        return "< 0.01 %" if percent else "0 %"
    return f"{percent:.2f} %" if percent < 9.995 else f"{percent:.1f} %"


Row = tuple[str, str, int, float]
"""Name, shape, parameters and share of all."""


def _cell(row: Row, column: int, role: int) -> object:
    """What both models say about one row, in the columns `NAME` to `SHARE`."""
    name, shape, parameters, share = row
    if role == Qt.ItemDataRole.DisplayRole:
        return (name, shape, f"{parameters:,}", share_text(share))[column]
    if role == SORT_ROLE:
        return row[column]
    if role == SHARE_ROLE and column == SHARE:
        return share
    if role == Qt.ItemDataRole.TextAlignmentRole and column >= PARAMETERS:
        return NUMBERS
    return None


def _header(section: int, orientation: Qt.Orientation, role: int, first: str) -> object:
    if orientation != Qt.Orientation.Horizontal:
        return None
    if role == Qt.ItemDataRole.DisplayRole:
        return (first, "Shape", "Parameters", "Share")[section]
    if role == Qt.ItemDataRole.TextAlignmentRole:
        return NUMBERS if section >= PARAMETERS else TEXTS
    return None


class ArrayTable(QAbstractTableModel):
    """All arrays, a row each."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._arrays: Sequence[ArrayInfo] = ()
        self._total = 1

    def show_arrays(self, arrays: Sequence[ArrayInfo], total: int) -> None:
        """Hold these, which have so many parameters in all."""
        self.beginResetModel()
        self._arrays, self._total = arrays, max(total, 1)
        self.endResetModel()

    def row_of(self, path: str) -> int:
        """The row of the array of that name; -1 for none."""
        return next((row for row, array in enumerate(self._arrays) if array.name == path), -1)

    def rowCount(self, parent: AnyIndex = ROOT) -> int:
        return 0 if parent.isValid() else len(self._arrays)

    def columnCount(self, parent: AnyIndex = ROOT) -> int:
        return 4

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        return _header(section, orientation, role, "Array")

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        array = self._arrays[index.row()]
        if role == PATH_ROLE:
            return array.name
        if role == SORT_ROLE and index.column() == SHAPE:
            return len(array.shape) * 10**12 + array.parameters
        share = array.parameters / self._total
        return _cell((array.name, format_shape(array), array.parameters, share), index.column(), role)


class ModuleTree(QAbstractItemModel):
    """The modules, with totals, and their arrays at the ends."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._root = Node("", "")

    def show_tree(self, root: Node) -> None:
        """Hold that model."""
        self.beginResetModel()
        self._root = root
        self.endResetModel()

    def index_of(self, node: Node) -> QModelIndex:
        """Where that node is."""
        return self.createIndex(node.row, 0, node) if node.parent else QModelIndex()

    def index(self, row: int, column: int, parent: AnyIndex = ROOT) -> QModelIndex:
        children = self._node(parent).children
        return self.createIndex(row, column, children[row]) if 0 <= row < len(children) else QModelIndex()

    def parent(self, index: AnyIndex = ROOT) -> QModelIndex:  # type: ignore[override]  # QObject.parent() beside it
        above = self._node(index).parent
        return self.index_of(above) if above is not None else QModelIndex()

    def rowCount(self, parent: AnyIndex = ROOT) -> int:
        return len(self._node(parent).children) if parent.column() <= 0 else 0

    def columnCount(self, parent: AnyIndex = ROOT) -> int:
        return 4

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        return _header(section, orientation, role, "Module")

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        node = self._node(index)
        if role == PATH_ROLE:
            return node.path
        if role == Qt.ItemDataRole.ToolTipRole:
            return node.path
        if role == SORT_ROLE and index.column() == NAME:
            return node.row
        shape = node.shape or (f"{node.arrays:,} arrays" if node.arrays > 1 else "1 array")
        share = node.parameters / max(self._root.parameters, 1)
        return _cell((node.name, shape, node.parameters, share), index.column(), role)

    def _node(self, index: AnyIndex) -> Node:
        node = index.internalPointer() if index.isValid() else None
        return node if isinstance(node, Node) else self._root

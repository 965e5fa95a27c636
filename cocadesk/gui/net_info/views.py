"""The same arrays as a tree of modules, as a table, and the layers by type; all of them searched by one text."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableView,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QTreeView,
    QWidget,
)

from cocadesk.gui.net_info.bars import ShareBars
from cocadesk.gui.net_info.item_models import (
    NAME,
    NUMBERS,
    PARAMETERS,
    PATH_ROLE,
    SHAPE,
    SHARE,
    SHARE_ROLE,
    SORT_ROLE,
    TEXTS,
    ArrayTable,
    ModuleTree,
    share_text,
)
from cocadesk.gui.net_info.tree import Node
from cocadesk.gui.widgets.naming import named
from cocadesk.types import NetInfo

WIDTHS = {SHAPE: 132, PARAMETERS: 108, SHARE: 96}
ROW_HEIGHT = 28
SELECT = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows


class NetViews(QTabWidget):
    """Three tabs; what is selected in one is selected in the others.

    Attributes:
        tree: The modules with their totals.
        table: All arrays.
        layers: How many layers there are of each type.
    """

    node_chosen = Signal(object)
    """The `Node` that the user selected."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._by_path: dict[str, Node] = {}
        self._is_following = False
        self._modules = ModuleTree(self)
        self._arrays = ArrayTable(self)
        self._found_modules = _proxy(self._modules, self)
        self._found_modules.setRecursiveFilteringEnabled(True)
        self._found_modules.setAutoAcceptChildRows(True)
        self._found_arrays = _proxy(self._arrays, self)
        self.tree = named(QTreeView(uniformRowHeights=True), "Modules")
        self.table = named(QTableView(), "Arrays")
        self.layers = named(QTableWidget(0, 3), "Layers by type")
        self.tree.setModel(self._found_modules)
        self.table.setModel(self._found_arrays)
        self.tree.setSortingEnabled(True)
        self.table.setSortingEnabled(True)
        self.tree.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        self.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        for view, header in ((self.tree, self.tree.header()), (self.table, self.table.horizontalHeader())):
            view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
            view.setAlternatingRowColors(True)
            view.setItemDelegateForColumn(SHARE, ShareBars(view))
            header.setStretchLastSection(False)
            header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
            header.setMinimumSectionSize(60)
            for column, width in WIDTHS.items():
                header.resizeSection(column, width)
            view.selectionModel().currentChanged.connect(self._on_current)
        self.table.setTextElideMode(Qt.TextElideMode.ElideLeft)  # names differ at their ends
        _plain(self.table)
        _plain(self.layers)
        for column, title in enumerate(("Layer", "Count", "Share")):
            heading = QTableWidgetItem(title)
            heading.setTextAlignment(NUMBERS if column else TEXTS)
            self.layers.setHorizontalHeaderItem(column, heading)
        self.layers.setItemDelegateForColumn(2, ShareBars(self.layers))
        self.layers.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.layers.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.layers.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.addTab(self.tree, "Modules")
        self.addTab(self.table, "Arrays")
        self.addTab(self.layers, "Layers")
        self.tabBar().setAccessibleName("Views")

    def show_info(self, info: NetInfo, root: Node) -> None:
        """Show that model."""
        self._by_path = {node.path: node for node in root.walk()}
        self._modules.show_tree(root)
        self._arrays.show_arrays(info.arrays, info.parameters)
        self.tree.expandToDepth(0)
        self.setTabText(1, f"Arrays ({len(info.arrays):,})")
        total = sum(count for _, count in info.layers)
        self.setTabText(2, f"Layers ({total:,})")
        self.layers.setRowCount(len(info.layers))
        for row, (kind, count) in enumerate(info.layers):
            share = QTableWidgetItem(share_text(count / max(total, 1)))
            share.setData(SHARE_ROLE, count / max(total, 1))
            share.setTextAlignment(NUMBERS)
            number = QTableWidgetItem(f"{count:,}")
            number.setTextAlignment(NUMBERS)
            for column, item in enumerate((QTableWidgetItem(kind), number, share)):
                self.layers.setItem(row, column, item)

    def search(self, text: str) -> None:
        """Show only arrays whose name has that text in it, and the modules that lead to them."""
        for proxy in (self._found_modules, self._found_arrays):
            proxy.setFilterFixedString(text.strip())
        if text.strip():
            self.tree.expandAll()
        else:
            self.tree.collapseAll()
            self.tree.expandToDepth(0)

    @property
    def arrays_found(self) -> int:
        """How many arrays pass the search."""
        return self._found_arrays.rowCount()

    def select(self, node: Node) -> None:
        """Select that node where it is shown; nothing is told."""
        self._is_following = True
        module = self._found_modules.mapFromSource(self._modules.index_of(node))
        if module.isValid():
            self.tree.selectionModel().setCurrentIndex(module, SELECT)
            self.tree.scrollTo(module)
        row = self._arrays.row_of(node.path)
        array = self._found_arrays.mapFromSource(self._arrays.index(row, 0)) if row >= 0 else QModelIndex()
        if array.isValid():
            self.table.selectionModel().setCurrentIndex(array, SELECT)
            self.table.scrollTo(array)
        else:
            self.table.clearSelection()
        self._is_following = False

    def _on_current(self, index: QModelIndex) -> None:
        node = self._by_path.get(index.data(PATH_ROLE) or "")
        if node is not None and node.path and not self._is_following:
            self.select(node)
            self.node_chosen.emit(node)


def _proxy(source: ModuleTree | ArrayTable, parent: QWidget) -> QSortFilterProxyModel:
    proxy = QSortFilterProxyModel(parent)
    proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    proxy.setFilterRole(PATH_ROLE)
    proxy.setSortRole(SORT_ROLE)
    proxy.setSourceModel(source)
    return proxy


def _plain(table: QTableView) -> None:
    table.setShowGrid(False)
    table.setAlternatingRowColors(True)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.horizontalHeader().setHighlightSections(False)

"""The net information of one model: figures, searchable views and a treemap, and all of it as CSV or JSON."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from cocadesk.errors import InputError
from cocadesk.gui import wording
from cocadesk.gui.library import Library
from cocadesk.gui.net_info.export import as_csv, as_json
from cocadesk.gui.net_info.tree import Node, build_tree
from cocadesk.gui.net_info.treemap import Treemap, describe
from cocadesk.gui.net_info.views import NetViews
from cocadesk.gui.saving import TextKind, ask_where
from cocadesk.gui.theme import scaled_font
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.in_front import bring_to_front
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.tone import set_tone
from cocadesk.types import NetInfo
from cocadesk.work.exporting import write_bytes
from cocadesk.work.io_pool import Ticket

FIRST_SIZE = (1160, 740)
CSV, JSON = TextKind("CSV", ".csv", as_csv), TextKind("JSON", ".json", as_json)
HINT = "Point at an area, or select a row, to see what it is."


class NetInfoDialog(QDialog):
    """Looks into any model of the catalog, on this machine or not; the looking runs on the I/O pool.

    Attributes:
        model: Which model.
        search: Finds arrays by name.
        views: Tree, table and layers.
        treemap: The same as areas.
    """

    folder_used = Signal(str)
    """Where something was saved."""

    def __init__(self, library: Library, folder: Callable[[], str], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Net information")
        self.setWindowFlag(Qt.WindowType.WindowMaximizeButtonHint)
        self._library = library
        self._folder = folder
        self._ticket: Ticket | None = None
        self._info: NetInfo | None = None
        self._root = Node("", "")
        self.model = named(QComboBox(), "Model")
        self.search = named(QLineEdit(placeholderText="Search arrays", clearButtonEnabled=True), "Search arrays")
        self.views = NetViews()
        self.treemap = Treemap()
        self._total = QLabel()
        self._total.setFont(scaled_font(1.5, QFont.Weight.DemiBold))
        self._memory = QLabel(wordWrap=True)
        self._memory.setProperty("tone", "muted")
        self._line = ElidedLabel()
        self._line.setProperty("tone", "muted")
        self._busy = BusyBar()
        self.copy = _button("Copy as CSV", self._copy)
        self.save_csv = _button("Save CSV…", lambda: self._save(CSV))
        self.save_json = _button("Save JSON…", lambda: self._save(JSON))
        self._lay_out()
        self._fill_models()
        library.modelReset.connect(self._fill_models)
        self.model.activated.connect(lambda _: self.look_into(self.model.currentData()))
        self.search.textChanged.connect(self._on_search)
        self.views.node_chosen.connect(self._on_view_chose)
        self.treemap.node_chosen.connect(self._on_map_chose)
        QShortcut(QKeySequence.StandardKey.Find, self, self.search.setFocus)
        QShortcut(QKeySequence.StandardKey.Save, self, self.save_csv.click)
        self.resize(*FIRST_SIZE)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(10)
        self.model.setMinimumWidth(290)
        head.addWidget(self.model)
        head.addStretch()
        self.search.setFixedWidth(320)
        head.addWidget(self.search)
        figures = QHBoxLayout()
        figures.setSpacing(16)
        figures.addWidget(self._total)
        figures.addWidget(self._memory, 1)
        halves = QSplitter(Qt.Orientation.Horizontal, childrenCollapsible=False, handleWidth=12)
        halves.setStyleSheet("QSplitter::handle { background: transparent; }")
        halves.addWidget(self.views)
        halves.addWidget(self.treemap)
        halves.setStretchFactor(0, 3)
        halves.setStretchFactor(1, 2)
        halves.setSizes([640, 480])
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self._line, 1)
        for button in (self.copy, self.save_csv, self.save_json):
            foot.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.setSpacing(10)
        column.addLayout(head)
        column.addLayout(figures)
        column.addWidget(self._busy)
        column.addWidget(halves, 1)
        column.addLayout(foot)

    def open_at(self, name: str) -> None:
        """Show the window with that model."""
        bring_to_front(self)
        if self._info is None or self._info.model != name:
            self.look_into(name)

    def look_into(self, name: str) -> None:
        """Find out what that model is made of, and show it."""
        if self._ticket is not None:
            self._ticket.drop()
        self._show(None)
        self.model.setCurrentIndex(self.model.findData(name))
        self._say("Building the model without its weights…")
        self._busy.set_busy(True)
        self._ticket = self._library.look_into(name, self._on_info, self._on_failed)

    def _on_info(self, info: NetInfo) -> None:
        self._busy.set_busy(False)
        self._show(info)
        self._say(HINT)

    def _on_failed(self, message: str) -> None:
        self._busy.set_busy(False)
        self._say(message, "danger")

    def _show(self, info: NetInfo | None) -> None:
        self._info = info
        shown = info or NetInfo("", (), (), ())
        self._root = build_tree(shown.arrays)
        self.views.show_info(shown, self._root)
        self.treemap.show_tree(self._root)
        self._total.setText(f"{info.parameters:,} parameters" if info else " ")
        self._memory.setText(wording.memory(info) if info else "")
        for button in (self.copy, self.save_csv, self.save_json):
            button.setEnabled(info is not None)
        if self.search.text():
            self.views.search(self.search.text())

    def _on_search(self, text: str) -> None:
        self.views.search(text)
        if not text.strip():
            self._say(HINT)
        else:
            found = self.views.arrays_found
            self._say("1 array has that in its name." if found == 1 else f"{found:,} arrays have that in their names.")

    def _on_view_chose(self, node: Node) -> None:
        self.treemap.select(node)
        self._say(describe(node, self._root))

    def _on_map_chose(self, node: Node) -> None:
        self.views.select(node)
        self._say(describe(node, self._root))

    def _copy(self) -> None:
        if self._info is not None:
            QGuiApplication.clipboard().setText(as_csv(self._info))
            self._say(f"{len(self._info.arrays):,} arrays are on the clipboard as CSV.")

    def _save(self, kind: TextKind[NetInfo]) -> None:
        if self._info is None:
            return
        info = self._info
        start = Path(self._folder()) / f"{info.model.replace(':', '-').replace('/', '-')}{kind.suffix}"
        where = ask_where(self, f"Save as {kind.label}", start, [kind])
        if where is None:
            return
        path = where[0]
        try:
            write_bytes(path, kind.write(info).encode())
        except InputError as error:
            self._say(f"{path.name}: {error}", "danger")
        else:
            self._say(f"Saved to {path}")
            self.folder_used.emit(os.fspath(path.parent))

    def _fill_models(self) -> None:
        shown = self.model.currentData()
        self.model.clear()
        for entry in self._library:
            self.model.addItem(entry.card.title, entry.card.name)
        self.model.setCurrentIndex(self.model.findData(shown))

    def _say(self, text: str, tone: str = "muted") -> None:
        self._line.setText(text)
        self._line.setToolTip(text)
        set_tone(self._line, tone)


def _button(text: str, clicked: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.clicked.connect(clicked)
    return button

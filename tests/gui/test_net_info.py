"""Net information in the window: figures, tree, table, treemap, and what can be taken out of it."""

from __future__ import annotations

import csv
import io
import json
import random
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QClipboard, QHelpEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QLabel, QMessageBox, QToolTip
from pytestqt.qtbot import QtBot

from cocadesk.errors import ModelError
from cocadesk.gui.engine_calls import EngineCalls
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.net_info.dialog import NetInfoDialog
from cocadesk.gui.net_info.squarify import Box, squarify
from cocadesk.gui.net_info.tree import build_tree
from cocadesk.types import ArrayInfo, NetInfo
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS

SHAPES = {
    "scale": (),
    "visual.conv.weight": (64, 3, 16, 16),
    "visual.blocks.0.attn.weight": (192, 64),
    "visual.blocks.0.mlp.weight": (256, 64),
    "visual.blocks.1.attn.weight": (192, 64),
    "visual.blocks.1.mlp.weight": (256, 64),
    "text.embedding.weight": (1000, 64),
    "text.out": (64, 1000),
}


def count(shape: tuple[int, ...]) -> int:
    total = 1
    for side in shape:
        total *= side
    return total


ARRAYS = tuple(ArrayInfo(name, shape, "float32", count(shape)) for name, shape in SHAPES.items())
TOTAL = sum(count(shape) for shape in SHAPES.values())
LAYERS = (("Linear", 12), ("LayerNorm", 8), ("Conv2d", 1))


def info(name: str) -> NetInfo:
    return NetInfo(name, ARRAYS, LAYERS, (("float32", 4 * TOTAL), ("bfloat16", 2 * TOTAL)))


class Looking:
    """Looks into models of which one is damaged; notes the threads it is called on."""

    def __init__(self) -> None:
        self.threads: set[threading.Thread] = set()

    def __call__(self, name: str) -> NetInfo:
        self.threads.add(threading.current_thread())
        if name == "coca-vit-l-14":
            raise ModelError("Its configuration is damaged.")
        return info(name)


@pytest.fixture
def looking() -> Looking:
    return Looking()


@pytest.fixture
def dialog(qtbot: QtBot, make_window: MakeWindow, looking: Looking) -> NetInfoDialog:
    window: MainWindow = make_window(engine=EngineCalls(net_info=looking))
    window.commands.net_info.trigger()
    found = window.desk.net
    assert found is not None
    qtbot.waitUntil(found.copy.isEnabled, timeout=WAIT_MS)
    return found


def texts(dialog: NetInfoDialog) -> list[str]:
    return [label.text() for label in dialog.findChildren(QLabel) if label.isVisible()]


def names_in_table(dialog: NetInfoDialog) -> list[str]:
    model = dialog.views.table.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_figures_of_the_model_in_use_come_from_another_thread(dialog: NetInfoDialog, looking: Looking) -> None:
    assert dialog.model.currentText() == "Starter CoCa"
    assert f"{TOTAL:,} parameters" in texts(dialog)
    assert any("in float32" in text and "in bfloat16" in text for text in texts(dialog))
    assert threading.main_thread() not in looking.threads
    layers = dialog.views.layers
    assert [layers.item(row, 0).text() for row in range(3)] == ["Linear", "LayerNorm", "Conv2d"]
    assert [layers.item(row, 1).text() for row in range(3)] == ["12", "8", "1"]


def test_another_model_and_a_damaged_one(qtbot: QtBot, dialog: NetInfoDialog) -> None:
    dialog.look_into("coca-vit-l-14")
    qtbot.waitUntil(lambda: "Its configuration is damaged." in texts(dialog), timeout=WAIT_MS)
    assert not dialog.copy.isEnabled()
    assert names_in_table(dialog) == []
    dialog.model.setCurrentIndex(dialog.model.findData("coca-vit-b-32"))
    dialog.model.activated.emit(dialog.model.currentIndex())
    qtbot.waitUntil(lambda: len(names_in_table(dialog)) == len(SHAPES), timeout=WAIT_MS)


def test_the_table_is_sorted_and_searched(qtbot: QtBot, dialog: NetInfoDialog) -> None:
    table = dialog.views.table
    assert names_in_table(dialog) == list(SHAPES)
    table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    by_size = sorted(SHAPES.values(), key=count, reverse=True)
    model = table.model()
    assert [model.index(row, 2).data() for row in range(8)] == [f"{count(shape):,}" for shape in by_size]
    qtbot.keyClicks(dialog.search, "MLP")
    assert sorted(names_in_table(dialog)) == ["visual.blocks.0.mlp.weight", "visual.blocks.1.mlp.weight"]
    assert "2 arrays have that in their names." in texts(dialog)
    tree = dialog.views.tree.model()
    assert [tree.index(row, 0).data() for row in range(tree.rowCount())] == ["visual"]
    dialog.search.clear()
    assert len(names_in_table(dialog)) == 8


def test_the_tree_has_totals_for_each_branch(dialog: NetInfoDialog) -> None:
    model = dialog.views.tree.model()
    rows = {model.index(row, 0).data(): row for row in range(model.rowCount())}
    assert list(rows) == ["scale", "visual", "text"]
    visual = sum(count(shape) for name, shape in SHAPES.items() if name.startswith("visual."))
    cells = [model.index(rows["visual"], column).data() for column in range(4)]
    assert cells == ["visual", "5 arrays", f"{visual:,}", f"{100 * visual / TOTAL:.1f} %"]


def test_map_tree_and_table_are_linked(qtbot: QtBot, dialog: NetInfoDialog) -> None:
    treemap = dialog.treemap
    cell = next(cell for cell in treemap.cells if cell.node.path == "text.out")
    qtbot.mouseClick(treemap, Qt.MouseButton.LeftButton, pos=cell.box.center().toPoint())
    assert treemap.selected is cell.node
    assert dialog.views.tree.currentIndex().data() == "out"
    assert dialog.views.table.currentIndex().data() == "text.out"
    line = f"text.out · 64 × 1000 · 64,000 parameters · {100 * 64_000 / TOTAL:.1f} %"
    assert line in texts(dialog)
    assert treemap.accessibleDescription() == line
    dialog.views.table.selectRow(1)
    assert treemap.selected is not None
    assert treemap.selected.path == "visual.conv.weight"
    qtbot.keyClick(treemap, Qt.Key.Key_Up)
    assert treemap.selected.path == "visual.conv"
    qtbot.keyClick(treemap, Qt.Key.Key_Up)
    qtbot.keyClick(treemap, Qt.Key.Key_Left)
    assert treemap.selected.path == "text"
    assert dialog.views.tree.currentIndex().data() == "text"
    qtbot.keyClick(treemap, Qt.Key.Key_Down)
    assert treemap.selected.path in {"text.embedding", "text.out"}


def test_hovering_tells_what_is_there(qtbot: QtBot, dialog: NetInfoDialog) -> None:
    treemap = dialog.treemap
    cell = next(cell for cell in treemap.cells if cell.node.path == "text.out")
    spot = cell.box.center().toPoint()
    before = treemap.grab().toImage()
    where = treemap.mapToGlobal(spot)
    move = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(spot),
        QPointF(where),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(treemap, move)
    assert treemap.grab().toImage() != before
    QApplication.sendEvent(treemap, QHelpEvent(QEvent.Type.ToolTip, spot, where))
    assert QToolTip.text().startswith("text.out · 64 × 1000")
    QToolTip.hideText()


def test_areas_are_shares_of_the_parameters(dialog: NetInfoDialog) -> None:
    cells = {cell.node.path: cell for cell in dialog.treemap.cells}
    whole = dialog.treemap.width() * dialog.treemap.height()
    for path in ("visual", "text"):
        box = cells[path].box
        assert box.width() * box.height() / whole == pytest.approx(cells[path].node.parameters / TOTAL, rel=1e-6)
    assert set(cells) == {node.path for node in build_tree(ARRAYS).walk() if node.path}
    colours = {path: cells[path].fill[0] for path in ("visual.conv.weight", "visual.blocks.0.mlp.weight", "text.out")}
    assert colours["visual.conv.weight"] == colours["visual.blocks.0.mlp.weight"] != colours["text.out"]


def test_csv_and_json(
    qtbot: QtBot, dialog: NetInfoDialog, clipboard: QClipboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    rows = list(csv.DictReader(io.StringIO(clipboard.text())))
    assert [row["name"] for row in rows] == list(SHAPES)
    assert rows[1]["shape"] == "64x3x16x16"
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1, abs=1e-6)
    asked: list[str] = []

    def choose(parent: object, title: str, proposed: str, kinds: str) -> tuple[str, str]:
        asked.append(Path(proposed).name)
        return str(tmp_path / Path(proposed).name), kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    qtbot.mouseClick(dialog.save_csv, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(dialog.save_json, Qt.MouseButton.LeftButton)
    assert asked == ["starter-coca.csv", "starter-coca.json"]
    assert (tmp_path / "starter-coca.csv").read_text(encoding="utf-8") == clipboard.text()
    told = json.loads((tmp_path / "starter-coca.json").read_text(encoding="utf-8"))
    assert told["parameters"] == TOTAL
    assert told["layers"] == dict(LAYERS)
    assert told["arrays"][1] == {
        "name": "visual.conv.weight",
        "shape": [64, 3, 16, 16],
        "dtype": "float32",
        "parameters": 49_152,
    }
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "none" / "a.csv"), ""))
    qtbot.mouseClick(dialog.save_csv, Qt.MouseButton.LeftButton)
    assert "a.csv: It cannot be written: No such file or directory." in texts(dialog)


def test_a_file_that_the_dialog_did_not_ask_about_is_not_replaced_unasked(
    qtbot: QtBot, dialog: NetInfoDialog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "net 1.5.csv"
    mine.write_text("mine", encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "net 1.5"), ""))
    asked: list[str] = []
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *told: asked.append(told[2]) or next(answers))
    qtbot.mouseClick(dialog.save_csv, Qt.MouseButton.LeftButton)
    assert mine.read_text(encoding="utf-8") == "mine"
    qtbot.mouseClick(dialog.save_csv, Qt.MouseButton.LeftButton)
    assert mine.read_text(encoding="utf-8").startswith("name,")
    assert asked == ["net 1.5.csv is there already. Replace it?"] * 2
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["net 1.5.csv"]


def test_squares_fill_the_box_without_overlap() -> None:
    random_values = random.Random(0)
    for number in (1, 2, 7, 60):
        values = sorted((random_values.lognormvariate(0, 1.5) for _ in range(number)), reverse=True)
        box = Box(3, 5, 320, 200)
        parts = squarify(values, box)
        for value, part in zip(values, parts, strict=True):
            assert part.width * part.height == pytest.approx(box.width * box.height * value / sum(values))
            assert part.x >= box.x - 1e-6
            assert part.y >= box.y - 1e-6
            assert part.x + part.width <= box.x + box.width + 1e-6
            assert part.y + part.height <= box.y + box.height + 1e-6
        for place, one in enumerate(parts):
            for other in parts[place + 1 :]:
                across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
                down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
                assert min(across, down) <= 1e-6


def test_squares_of_the_paper() -> None:
    """The example of Bruls et al. (2000), section 3.1: 6, 6, 4, 3, 2, 2, 1 in a rectangle of 6 by 4."""
    parts = squarify([6, 6, 4, 3, 2, 2, 1], Box(0, 0, 6, 4))
    expected = [
        (0, 0, 3, 2),
        (0, 2, 3, 2),
        (3, 0, 12 / 7, 7 / 3),
        (3 + 12 / 7, 0, 9 / 7, 7 / 3),
    ]
    for part, (x, y, width, height) in zip(parts, expected, strict=False):
        assert (part.x, part.y, part.width, part.height) == pytest.approx((x, y, width, height))


def test_squares_of_nothing() -> None:
    assert squarify([], Box(0, 0, 10, 10)) == []
    assert [(box.width, box.height) for box in squarify([2, 1], Box(0, 0, 0, 10))] == [(0, 0), (0, 0)]


def test_a_press_outside_selects_nothing(qtbot: QtBot, dialog: NetInfoDialog) -> None:
    dialog.treemap.select(None)
    qtbot.mouseClick(dialog.treemap, Qt.MouseButton.LeftButton, pos=QPoint(-5, -5))
    assert dialog.treemap.selected is None

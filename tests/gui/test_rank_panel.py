"""Ranking as a user drives it: typing, dropping lists, sorting, several pictures, exporting, models by name."""

from __future__ import annotations

import csv
import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QClipboard, QColor
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from cocadesk.catalog import cards
from cocadesk.catalog.card import ModelCard
from cocadesk.errors import ModelError
from cocadesk.gui.engine_calls import EngineCalls
from cocadesk.gui.entries import EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.panels.rank_table import DISTANCE, PROBABILITY, SIMILARITY, TEXT
from cocadesk.media.clips import open_clip
from cocadesk.store import settings
from cocadesk.store.settings import Settings
from cocadesk.types import CaptionOptions, ModelRequest
from cocadesk.work.job import Ended, JobEvent, JobState
from tests.fakes.reader import LONGEST, FakeReader
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_states
from tests.gui.side import (
    RANKING,
    ReadingCaptioner,
    Steps,
    loader,
    open_files,
    rank,
    select,
    wait_for_ranking,
)

TEXTS = ["a dog on a beach", "two cats", "an empty street", "noon"]


class Wheel:
    """A window for ranking with three pictures, and its model."""

    def __init__(self, window: MainWindow, reader: ReadingCaptioner, files: list[Path]) -> None:
        self.window, self.reader, self.files = window, reader, files
        self.panel = window.beside.rank


@pytest.fixture
def ranking(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> Wheel:
    reader = ReadingCaptioner()
    window = make_window(settings=RANKING, loader=loader(reader=reader))
    open_files(qtbot, window, many_files[:3])
    return Wheel(window, reader, many_files[:3])


def column(panel_table: object, number: int) -> list[str]:
    model = panel_table.model()  # type: ignore[attr-defined]
    return [str(model.index(row, number).data()) for row in range(model.rowCount())]


def test_descriptions_are_ranked_while_they_are_typed(qtbot: QtBot, ranking: Wheel) -> None:
    panel = ranking.panel
    qtbot.keyClicks(panel.field, TEXTS[0])
    qtbot.keyClick(panel.field, Qt.Key.Key_Return)
    qtbot.keyClicks(panel.field, TEXTS[1])
    wait_for_ranking(qtbot, ranking.window)
    expected = FakeReader().rank(str(ranking.files[0]), TEXTS[:2])
    assert column(panel.table, TEXT) == [ranked.text for ranked in expected]
    assert column(panel.table, DISTANCE) == [f"{ranked.cosine_distance:.4f}" for ranked in expected]
    assert column(panel.table, SIMILARITY) == [f"{1 - ranked.cosine_distance:.4f}" for ranked in expected]
    shares = [float(shown.strip("< %")) for shown in column(panel.table, PROBABILITY)]
    assert shares == pytest.approx([100 * ranked.probability for ranked in expected], abs=0.6)
    assert panel.told.text() == "2 descriptions"

    ranking.reader.read.clear()
    ranking.reader.seen.clear()
    qtbot.keyClicks(panel.field, "!")
    wait_for_ranking(qtbot, ranking.window)
    assert ranking.reader.read == ["two cats!"]  # all else was embedded before
    assert ranking.reader.seen == []


def test_a_click_on_a_heading_sorts(qtbot: QtBot, ranking: Wheel) -> None:
    rank(qtbot, ranking.window, "\n".join(TEXTS))
    table = ranking.panel.table
    header = table.horizontalHeader()
    nearest = column(table, TEXT)

    def click(section: int) -> None:
        spot = QPoint(header.sectionViewportPosition(section) + 5, header.height() // 2)
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=spot)

    click(TEXT)
    assert column(table, TEXT) == sorted(TEXTS)
    table.setCurrentIndex(table.model().index(1, TEXT))
    ranking.panel.field.put("\n".join([*TEXTS, "a new one"]))
    wait_for_ranking(qtbot, ranking.window)
    assert column(table, TEXT) == sorted([*TEXTS, "a new one"])  # it stays as it was chosen
    assert table.ranking.text_at(table.currentIndex().row()) == sorted(TEXTS)[1]
    click(DISTANCE)
    assert [text for text in column(table, TEXT) if text in TEXTS] == nearest
    click(DISTANCE)
    assert [text for text in column(table, TEXT) if text in TEXTS] == nearest[::-1]


def test_a_text_file_is_dropped_and_pictures_still_open(
    qtbot: QtBot, ranking: Wheel, many_files: list[Path], tmp_path: Path
) -> None:
    window, panel = ranking.window, ranking.panel
    texts = tmp_path / "texts.txt"
    texts.write_text("\ufefftwo cats\r\nnoon 🌞\r\nכלב על החוף\r\n", encoding="utf-8")
    panel.field.put("a dog")
    where = panel.field.mapTo(window, panel.field.rect().center())
    assert drop(window, file_urls([texts]), where)
    wait_for_ranking(qtbot, window)
    assert panel.field.lines == ["a dog", "two cats", "noon 🌞", "כלב על החוף"]
    on_table = panel.table.mapTo(window, panel.table.rect().center())
    assert drop(window, file_urls([texts]), on_table)
    wait_for_ranking(qtbot, window)
    assert panel.told.text() == "4 descriptions · left out: 3 duplicates"
    assert drop(window, file_urls([many_files[4]]), where)
    wait_for_states(qtbot, window, *[EntryState.CAPTIONED] * 4)
    assert len(panel.field.lines) == 7


@pytest.mark.parametrize(
    ("content", "told"), [(b"\xff\xfe\x00x", "not text in UTF-8"), (b"x" * 4_000_001, "larger than 4 MB")]
)
def test_a_file_that_is_no_list_is_told(ranking: Wheel, tmp_path: Path, content: bytes, told: str) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(content)
    ranking.panel.field.put("kept")
    ranking.panel.field.add_files([bad, tmp_path / "gone.txt"])
    assert "gone.txt: There is no such file" in ranking.panel.message.text()
    ranking.panel.field.add_files([bad])
    assert ranking.panel.message.text().startswith("bad.txt: It is")
    assert told in ranking.panel.message.text()
    assert ranking.panel.field.lines == ["kept"]


def test_five_thousand_lines_with_duplicates_and_empty_ones(qtbot: QtBot, ranking: Wheel) -> None:
    lines = [f"text {number % 4_000}" if number % 10 else "  " for number in range(5_000)]
    rank(qtbot, ranking.window, "\n".join(lines))
    kept = {line for line in lines if line.strip()}
    assert set(column(ranking.panel.table, TEXT)) == kept
    duplicates = sum(1 for line in lines if line.strip()) - len(kept)
    told = ranking.panel.told.text()
    assert told == f"{len(kept):,} descriptions · left out: {duplicates:,} duplicates, 500 empty texts"
    expected = FakeReader().rank(str(ranking.files[0]), sorted(kept, key=lines.index))
    assert column(ranking.panel.table, DISTANCE)[:50] == [f"{ranked.cosine_distance:.4f}" for ranked in expected[:50]]


def test_a_text_that_is_too_long_is_marked_and_the_others_ranked(qtbot: QtBot, ranking: Wheel) -> None:
    long = "word " * (LONGEST // 4)
    rank(qtbot, ranking.window, "\n".join([TEXTS[0], long, TEXTS[1]]))
    table = ranking.panel.table
    assert column(table, TEXT)[2] == long.strip()
    assert column(table, DISTANCE)[2] == ""
    index = table.model().index(2, TEXT)
    assert "too many tokens" in index.data(Qt.ItemDataRole.AccessibleTextRole)
    assert "too many tokens" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert ranking.panel.told.text() == "3 descriptions · too long for the model: 1"
    for number in (TEXT, DISTANCE):  # it stays at the end whatever the order
        for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
            table.sortByColumn(number, order)
            assert column(table, TEXT)[2] == long.strip()


def test_several_pictures_make_a_matrix(qtbot: QtBot, make_window: MakeWindow, tmp_path: Path) -> None:
    files = [tmp_path / f"{name}.png" for name in ("red", "green", "blue")]
    for file in files:
        Image.new("RGB", (20, 20), file.stem).save(file)
    window = make_window(settings=RANKING, loader=loader())
    open_files(qtbot, window, files)
    panel = window.beside.rank
    rank(qtbot, window, "\n".join(TEXTS))
    assert panel.table.isVisible()
    select(window, [0, 1, 2])
    wait_for_ranking(qtbot, window)
    assert panel.matrix.isVisible()
    model = panel.matrix.model()
    across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
    assert [model.headerData(at, across) for at in range(3)] == ["red.png", "green.png", "blue.png"]
    assert [model.headerData(at, down) for at in range(4)] == TEXTS
    reader = FakeReader()
    images, texts = reader.embed_image([str(file) for file in files]), reader.embed_text(TEXTS)
    for row in range(4):
        for picture in range(3):
            assert float(model.index(row, picture).data()) == pytest.approx(images[picture] @ texts[row], abs=6e-5)
    panel._measure.setCurrentIndex(1)
    assert float(model.index(0, 0).data()) == pytest.approx(1 - images[0] @ texts[0], abs=6e-5)
    panel.matrix.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    order = np.argsort(1 - texts @ images[1])
    assert [model.headerData(at, down) for at in range(4)] == [TEXTS[at] for at in order]
    panel.matrix.setFocus()
    panel.matrix.setCurrentIndex(model.index(0, 0))
    qtbot.keyClick(panel.matrix, Qt.Key.Key_Right)
    assert (panel.matrix.currentIndex().row(), panel.matrix.currentIndex().column()) == (0, 1)
    spoken = model.index(0, 1).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == f"green.png, {TEXTS[order[0]]}: {model.index(0, 1).data()}"
    header = panel.matrix.horizontalHeader()
    assert header.length() <= panel.matrix.viewport().width()
    header.resizeSection(0, 130)
    panel.field.put("\n".join(TEXTS[:3]))
    wait_for_ranking(qtbot, window)
    assert header.sectionSize(0) == 130
    panel.field.put("\n".join(TEXTS))
    select(window, [0, 2])
    wait_for_ranking(qtbot, window)
    assert [model.headerData(at, down) for at in range(4)] == TEXTS
    assert panel.matrix.horizontalHeader().sortIndicatorSection() == -1


def test_nothing_is_kept_of_closed_pictures(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    read = ReadingCaptioner()
    window = make_window(settings=RANKING, loader=loader(reader=read))
    open_files(qtbot, window, many_files[:3])
    select(window, [0, 1, 2])
    rank(qtbot, window, "\n".join(TEXTS))
    first, *others = window.session.entries
    assert len(read.seen) == 3
    window.session.close(first)
    assert {key[1] for key in window.rankings._embeddings} == {entry.key for entry in others}
    wait_for_ranking(qtbot, window)
    assert len(read.seen) == 3
    window.commands.close_all.trigger()
    assert not window.rankings._embeddings


def test_the_greatest_cell_is_painted_strongest(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    window = make_window(settings=replace(RANKING, appearance="light"), loader=loader())
    open_files(qtbot, window, many_files[:2])
    select(window, [0, 1])
    rank(qtbot, window, "\n".join(TEXTS))
    matrix = window.beside.rank.matrix
    model = matrix.model()
    image = matrix.viewport().grab().toImage()

    def shade(row: int) -> int:
        area = matrix.visualRect(model.index(row, 0))
        scale = image.devicePixelRatio()
        return QColor(image.pixel(int((area.left() + 4) * scale), int((area.top() + 4) * scale))).lightness()

    values = [float(model.index(row, 0).data()) for row in range(4)]
    assert [shade(row) for row in np.argsort(values)] == sorted((shade(row) for row in range(4)), reverse=True)
    assert len({shade(row) for row in range(4)}) == 4


def test_a_ranking_is_copied_and_exported(
    qtbot: QtBot, ranking: Wheel, clipboard: QClipboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = ranking.window
    assert not window.commands.export_ranking.isEnabled()
    select(window, [0, 1])
    rank(qtbot, window, "\n".join(['say "hi", twice', "two cats", "x " * LONGEST]))
    window.commands.copy.trigger()
    rows = [line.split("\t") for line in clipboard.text().splitlines()]
    assert rows[0] == ["picture", "text", "cosine_distance", "similarity", "probability"]
    assert [row[0] for row in rows[1:]] == [str(ranking.files[0])] * 2 + [str(ranking.files[1])] * 2

    def save(path: Path, kind: str) -> str:
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), kind))
        window.commands.export_ranking.trigger()
        written = path if path.suffix else path.with_suffix(".json")
        return written.read_text(encoding="utf-8")

    table = list(csv.DictReader(save(tmp_path / "out.csv", "Table (*.csv)").splitlines()))
    expected = FakeReader().rank(str(ranking.files[1]), ['say "hi", twice', "two cats"])
    assert [row["text"] for row in table[2:]] == [ranked.text for ranked in expected]
    assert float(table[2]["cosine_distance"]) == pytest.approx(expected[0].cosine_distance, abs=1e-6)
    told = json.loads(save(tmp_path / "ohne Endung", "JSON (*.json)"))
    assert [entry["file"] for entry in told] == [str(file) for file in ranking.files[:2]]
    assert told[1]["ranking"][0].keys() == {"text", "cosine_distance", "probability"}
    assert "too many tokens" in told[0]["refused"][0]["reason"]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "no folder" / "x.csv"), ""))
    window.commands.export_ranking.trigger()
    assert "x.csv: It cannot be written" in ranking.panel.message.text()


def test_an_exported_ranking_replaces_nothing_unasked_and_is_whole(
    qtbot: QtBot, ranking: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    select(ranking.window, [0])
    rank(qtbot, ranking.window, "two cats")
    mine = tmp_path / "ranking v1.2.csv"
    mine.write_text("mine", encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "ranking v1.2"), ""))
    asked: list[str] = []
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *told: asked.append(told[2]) or next(answers))
    export = ranking.window.commands.export_ranking
    export.trigger()
    assert mine.read_text(encoding="utf-8") == "mine"
    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", fill_up)
        full.setattr(Path, "write_text", fill_up)
        export.trigger()
    assert mine.read_text(encoding="utf-8") == "mine", "a full disk spoils nothing"
    assert ranking.panel.message.text() == "ranking v1.2.csv: It cannot be written: No space left on device."
    export.trigger()
    assert mine.read_text(encoding="utf-8").startswith("picture,text,")
    assert asked == ["ranking v1.2.csv is there already. Replace it?"] * 3


def fill_up(path: Path, data: bytes | str, *_: object, **__: object) -> None:
    """Write half of it; then the disk is full."""
    with path.open("wb") as file:
        file.write(bytes(len(data) // 2))
    raise OSError(errno.ENOSPC, "No space left on device")


class SlowReader(ReadingCaptioner):
    """Embeds texts one batch at a time, when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = Steps()

    def embed_text(self, texts: object) -> np.ndarray:
        self.steps.wait()
        return super().embed_text(texts)  # type: ignore[arg-type]


def test_a_long_ranking_shows_its_progress_and_is_stopped(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    reader = SlowReader()
    window = make_window(settings=RANKING, loader=loader(reader=reader))
    open_files(qtbot, window, many_files[:1])
    panel = window.beside.rank
    panel.field.put("\n".join(f"text {number}" for number in range(64)))
    reader.steps.allow()
    qtbot.waitUntil(lambda: panel._bar.value() == 16 and panel._bar.isVisible(), timeout=WAIT_MS)
    assert panel._bar.maximum() == 64
    qtbot.mouseClick(panel.stop, Qt.MouseButton.LeftButton)
    reader.steps.allow(100)
    qtbot.waitUntil(lambda: not window.rankings.is_busy, timeout=WAIT_MS)
    assert panel.message.text().startswith("Stopped.")
    again = next(button for button in panel.findChildren(QPushButton) if button.text() == "Rank again")
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    wait_for_ranking(qtbot, window)
    assert len(reader.read) == 64  # nothing was embedded twice
    assert panel.message.text() == ""


def test_only_what_was_typed_last_counts(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    reader = SlowReader()
    window = make_window(settings=RANKING, loader=loader(reader=reader))
    open_files(qtbot, window, many_files[:1])
    panel = window.beside.rank
    panel.field.put("old")
    qtbot.waitUntil(lambda: window.rankings.is_busy and window.rankings._job_id is not None, timeout=WAIT_MS)
    stale = window.rankings._job_id
    panel.field.put("new")
    reader.steps.allow(100)
    wait_for_ranking(qtbot, window)
    assert column(panel.table, TEXT) == ["new"]
    window.rankings._on_event(JobEvent(stale or 0, Ended(JobState.FAILED, "late")))
    assert panel.message.text() == ""


def test_a_picture_that_cannot_be_opened_is_told_and_the_others_ranked(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    window = make_window(settings=RANKING, loader=loader())
    bad = many_files[0].with_name("bad.png")
    bad.write_bytes(many_files[0].read_bytes()[:60])
    drop(window, file_urls([bad, *many_files[:2]]))
    wait_for_states(qtbot, window, EntryState.FAILED, EntryState.CAPTIONED, EntryState.CAPTIONED)
    select(window, [0, 1, 2])
    window.beside.rank.field.put("a\nb")
    qtbot.waitUntil(lambda: window.rankings.result is not None, timeout=WAIT_MS)
    assert window.rankings.result is not None
    assert window.rankings.result.names == ("0.png", "1.png")
    assert window.beside.rank.message.text().startswith("bad.png: It is damaged")


def test_a_model_that_fails_is_told_and_tried_again(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    reader = ReadingCaptioner()
    works = False

    def compare(*args: object) -> object:
        if not works:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        return FakeReader.compare(reader, *args)  # type: ignore[arg-type]

    reader.compare = compare  # type: ignore[method-assign, assignment]
    window = make_window(settings=RANKING, loader=loader(reader=reader))
    open_files(qtbot, window, many_files[:1])
    panel = window.beside.rank
    panel.field.put("a")
    qtbot.waitUntil(lambda: "mat1" in panel.message.text(), timeout=WAIT_MS)
    works = True
    again = next(button for button in panel.findChildren(QPushButton) if button.text() == "Rank again")
    assert again.isVisible()
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    wait_for_ranking(qtbot, window)


def test_of_an_animation_the_frames_chosen_are_averaged(qtbot: QtBot, make_window: MakeWindow, tmp_path: Path) -> None:
    window = make_window(settings=replace(RANKING, rank_frames=4), loader=loader())
    path = tmp_path / "clip.gif"
    colours = [Image.new("RGB", (8, 8), (9 * step, 255 - 9 * step, (step * step) % 256)) for step in range(27)]
    colours[0].save(path, save_all=True, append_images=colours[1:], duration=40)
    open_files(qtbot, window, [path])
    rank(qtbot, window, "a\nb")
    four, sixteen = (FakeReader().rank(open_clip(path, count), ["a", "b"]) for count in (4, 16))
    shown = column(window.beside.rank.table, DISTANCE)
    assert shown == [f"{ranked.cosine_distance:.4f}" for ranked in four]
    assert shown != [f"{ranked.cosine_distance:.4f}" for ranked in sixteen]

    entry = window.session.entries.at(0)
    assert entry is not None
    entry.span = (0.0, 0.2)  # another part of it is another picture
    window.session.entries.notify(entry)
    part = FakeReader().rank(open_clip(path, 4, (0.0, 0.2)), ["a", "b"])
    expected = [f"{ranked.cosine_distance:.4f}" for ranked in part]
    qtbot.waitUntil(lambda: column(window.beside.rank.table, DISTANCE) == expected, timeout=WAIT_MS)
    assert expected != shown


def test_a_panel_that_is_not_shown_loads_no_model(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    asked: list[ModelRequest] = []
    both = loader()

    def note(request: ModelRequest) -> object:
        asked.append(request)
        return both(request)

    chosen = Settings(rank_model=ModelRequest("coca-vit-b-32", untrained=True), options=CaptionOptions())
    window = make_window(settings=chosen, loader=note)
    window.beside.rank.field.put("a\nb")
    open_files(qtbot, window, many_files[:1])
    assert [request.name for request in asked] == ["starter-coca"]
    window.commands.show_rank.trigger()
    wait_for_ranking(qtbot, window)
    assert [request.name for request in asked] == ["starter-coca", "coca-vit-b-32"]


def find_card(name: str) -> ModelCard:
    if "nonsense" in name:
        raise ModelError("open_clip has no architecture named “nonsense”.")
    return replace(
        cards.CARDS["coca-vit-b-32"], name=name, title=f"{name} title", family="clip", hub_repo="someone/something"
    )


def test_a_library_s_model_is_chosen_by_its_name(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    window = make_window(settings=RANKING, loader=loader(), engine=EngineCalls(find_card=find_card))
    open_files(qtbot, window, many_files[:1])
    rank(qtbot, window, "a\nb")
    window.commands.settings.trigger()
    panel = window.beside.rank
    field = panel._library_field
    for typed, said in (("ViT-B-32", "open_clip:ARCHITECTURE/TAG"), ("open_clip:nonsense/x", "no architecture")):
        field.name.setText(typed)
        qtbot.keyClick(field.name, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda said=said: said in field.said.text(), timeout=WAIT_MS)
    field.name.setText("open_clip:ViT-B-16/openai")
    qtbot.keyClick(field.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.box.model.name == "open_clip:ViT-B-16/openai", timeout=WAIT_MS)
    qtbot.waitUntil(panel.notice.isVisible, timeout=WAIT_MS)  # it is not on this machine
    assert window.rankings.result is None
    panel.notice.untrained.click()
    wait_for_ranking(qtbot, window)
    kept = settings.load().rank_model
    assert kept == ModelRequest("open_clip:ViT-B-16/openai", untrained=True)


def test_descriptions_are_there_again(qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]) -> None:
    first = make_window(settings=RANKING, loader=loader())
    first.beside.rank.field.put("zwei Katzen\n犬 🐶\n")
    first.close()
    second = make_window(settings=settings.load(), loader=loader())
    assert second.beside.rank.field.toPlainText() == "zwei Katzen\n犬 🐶\n"
    open_files(qtbot, second, many_files[:1])
    wait_for_ranking(qtbot, second)

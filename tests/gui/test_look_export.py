"""Taking maps along: pictures, drawings, films and numbers, from the menus and the Look tab's button."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from cocadesk.engine.attention_export import Drawing, Outputs, export_maps
from cocadesk.engine.attention_pictures import MapStyle
from cocadesk.gui.look import exporting
from cocadesk.gui.look.export_kinds import Kind
from cocadesk.gui.look.export_row import ExportRow
from cocadesk.gui.main_window import MainWindow
from cocadesk.gui.saving import chosen
from cocadesk.media.image import open_picture
from cocadesk.store import settings as kept
from cocadesk.types import CancelToken
from cocadesk.work.exporting import ExportRequest
from tests.fakes.looker import FakeLooker, RelevantLooker
from tests.fakes.pictures import animation
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS
from tests.gui.looks import LOOKING, click_token, open_one, panel_of, wait_for_maps


@pytest.fixture
def window(make_window: MakeWindow) -> MainWindow:
    return make_window(FakeLooker(), settings=LOOKING)


class Dialog:
    """Answers the file dialog.

    Attributes:
        folder: Where files are written.
        answer: The file and the filter that are chosen next.
        asked: Of each dialog, its title, the name that it offers, and its filters.
    """

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.folder = folder
        self.answer = ("", "")
        self.asked: list[tuple[str, str, list[str]]] = []
        self._qtbot = qtbot

    def choose(self, parent: object, title: str, start: str, kinds: str) -> tuple[str, str]:
        self.asked.append((title, Path(start).name, kinds.split(";;")))
        return self.answer

    def begin(self, action: QAction, name: str, kind: str = "") -> None:
        """Have that written under that name."""
        self.answer = (str(self.folder / name), kind)
        action.trigger()

    def write(self, window: MainWindow, action: QAction, name: str, kind: str = "") -> Path:
        """The same, and wait for it."""
        self.begin(action, name, kind)
        self._qtbot.waitUntil(lambda: not window.look.is_busy, timeout=WAIT_MS)
        assert window.statusBar().currentMessage() == f"{name} saved"
        assert list(self.folder.glob("*.part*")) == []
        return self.folder / name


@pytest.fixture
def dialog(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dialog:
    folder = tmp_path / "out"
    folder.mkdir()
    made = Dialog(qtbot, folder)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", made.choose)
    return made


def test_the_picture_as_shown_and_the_numbers(
    qtbot: QtBot, window: MainWindow, picture_file: Path, dialog: Dialog
) -> None:
    maps = open_one(qtbot, window, picture_file)
    export = window.commands.export_map
    export.trigger()
    assert not window.look.is_busy, "nothing was chosen"
    title, name, kinds = dialog.asked[0]
    assert (title, name) == ("Export the map", f"{picture_file.stem} cat layer 2 mean.png")
    assert kinds == ["Picture with the map (*.png)", "Drawing of the map (*.svg)", "All maps as numbers (*.npz)"]
    window.commands.pin_map.trigger()
    dialog.begin(export, "map", kinds[0])
    qtbot.waitUntil(lambda: not window.look.is_busy, timeout=WAIT_MS)
    saved = QImage(str(dialog.folder / "map.png"))
    assert saved == window.canvas.composed().convertToFormat(saved.format())
    with np.load(dialog.write(window, export, "all.npz", kinds[0])) as stored:
        np.testing.assert_array_equal(stored["weights"], maps.weights)
    window.close()
    assert kept.load().last_folder == str(dialog.folder)


def test_what_is_written_is_what_was_shown_when_it_was_asked_for(
    qtbot: QtBot, window: MainWindow, picture_file: Path, dialog: Dialog
) -> None:
    open_one(qtbot, window, picture_file)
    window.commands.pin_map.trigger()
    before = window.canvas.composed()
    paint = window.canvas.composer()
    dialog.begin(window.commands.export_map, "map.png")
    panel_of(window).controls.choose(0, 3)
    panel_of(window).style_box._opacity.slider.setValue(90)
    window.canvas.pins.all[0].remove()
    assert window.canvas.composed() != before
    assert paint() == before
    qtbot.waitUntil(lambda: not window.look.is_busy, timeout=WAIT_MS)
    saved = QImage(str(dialog.folder / "map.png"))
    assert saved == before.convertToFormat(saved.format())


def test_the_window_writes_what_the_engine_writes(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path, tmp_path: Path, dialog: Dialog
) -> None:
    """The same maps, layer, head and style give the same bytes as `export_maps`, which `cocadesk attend` calls."""
    window = make_window(FakeLooker(("a", " cat")), settings=LOOKING)
    maps = open_one(qtbot, window, picture_file)
    panel, do = panel_of(window), window.commands
    click_token(qtbot, panel.controls.strip, 0)
    panel.controls.choose(1, 2)
    panel.style_box._opacity.slider.setValue(70)
    panel.style_box._threshold.slider.setValue(20)
    panel.style_box._colours.setCurrentIndex(1)
    panel.style_box._smooth.click()
    drawing = Drawing(1, 2, smooth=False, style=MapStyle("viridis", 0.7, 0.2))
    expected: dict[str, bytes] = {}
    for outputs in (Outputs(strip=True, animate="words"), Outputs("svg")):
        files = export_maps(maps, tmp_path, drawing, open_picture(picture_file), outputs)
        expected |= {file.name: file.read_bytes() for file in files}

    for action, name, kind in (
        (do.export_map, "00_a_layer01_head02.svg", "Drawing of the map (*.svg)"),
        (do.export_grid, "grid.png", ""),
        (do.export_grid, "grid.svg", "All layers and heads (*.svg)"),
        (do.export_strip, "strip.png", ""),
        (do.export_film, "words.gif", ""),
    ):
        assert dialog.write(window, action, name, kind).read_bytes() == expected[name], name


def test_a_texts_charts(qtbot: QtBot, window: MainWindow, picture_file: Path, dialog: Dialog) -> None:
    open_one(qtbot, window, picture_file)
    panel_of(window).choose_kind("text")
    wait_for_maps(qtbot, window, "text", "a cat on grass")
    do = window.commands
    assert [action.isEnabled() for action in do.exports] == [True] * 4
    arcs_drawn = panel_of(window).controls.arcs
    qtbot.waitUntil(lambda: arcs_drawn.height() >= arcs_drawn.sizeHint().height(), timeout=WAIT_MS)
    shown = dialog.write(window, do.export_map, "shown.png")
    assert dialog.asked[0] == (
        "Export the charts",
        "text class layer 2 mean.png",
        [
            "Charts as shown (*.png)",
            *(f"{what} (*.{suffix})" for what in ("Arcs", "Matrix", "Bars") for suffix in ("png", "svg")),
            "All maps as numbers (*.npz)",
        ],
    )
    assert QImage(str(shown)).size() == panel_of(window).text_image().size()
    arcs = dialog.write(window, do.export_map, "arcs.svg", "Arcs (*.svg)")
    assert "arcs from each" in arcs.read_text()
    pixels = dialog.write(window, do.export_map, "arcs.png", "Arcs (*.png)")
    with Image.open(pixels) as found:
        assert found.size == (420, 8 * 24 + 8)
    film = dialog.write(window, do.export_film, "heads.gif", "Film over the heads (*.gif)")
    with Image.open(film) as found:
        assert found.n_frames == 4  # type: ignore[attr-defined]


def test_what_is_offered_goes_by_the_maps(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path, dialog: Dialog
) -> None:
    window = make_window(RelevantLooker(), settings=LOOKING)
    do, panel = window.commands, panel_of(window)
    assert [action.isEnabled() for action in do.exports] == [False] * 4
    assert not panel.export.isEnabled()
    open_one(qtbot, window, picture_file)
    assert do.export_strip.text() == "Export all words…"
    assert panel.export.isEnabled()
    do.export_film.trigger()
    films = ["Film over the words", "Film over the layers", "Film over the heads"]
    assert dialog.asked[-1][2] == [f"{film} (*.{suffix})" for film in films for suffix in ("gif", "mp4")]
    panel.choose_kind("image")
    wait_for_maps(qtbot, window, "image")
    assert do.export_strip.text() == "Export all heads…"
    do.export_film.trigger()
    assert dialog.asked[-1][2][0] == "Film over the layers (*.gif)"
    panel.choose_kind("words")
    do.relevance.trigger()
    qtbot.waitUntil(lambda: panel.scene is not None and panel.scene.maps.measure == "relevance", timeout=WAIT_MS)
    qtbot.waitUntil(do.export_film.isEnabled, timeout=WAIT_MS)
    assert [action.isEnabled() for action in do.exports] == [True, False, True, True]
    do.export_film.trigger()
    assert dialog.asked[-1][2] == ["Film over the words (*.gif)", "Film over the words (*.mp4)"]


def test_a_clips_film_lies_over_its_first_frame(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, dialog: Dialog
) -> None:
    clip = animation(tmp_path / "clip.gif", 3)
    open_one(qtbot, window, clip)
    file = dialog.write(window, window.commands.export_film, "film.gif")
    with Image.open(file) as found:
        assert found.n_frames == 5  # type: ignore[attr-defined]


def test_the_button_offers_the_same_with_the_keyboard(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    open_one(qtbot, window, picture_file)
    button = panel_of(window).export
    assert tuple(button.menu().actions()) == window.commands.exports
    assert all(action.shortcuts() for action in window.commands.exports)
    assert button.focusPolicy() & Qt.FocusPolicy.TabFocus


class Slow:
    """Stands for the writer: takes a step when it is told to."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.ended = threading.Event()

    def __call__(self, request: ExportRequest, seen: object, step: exporting.Step, cancel: CancelToken) -> None:
        try:
            for done in range(1, 4):
                assert self.go.acquire(timeout=WAIT_MS / 1000)
                step(done, 3)
            request.path.write_text("done")
        finally:
            self.ended.set()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    made = Slow()
    monkeypatch.setattr(exporting, "export", made)
    yield made
    made.go.release(9)
    assert made.ended.wait(WAIT_MS / 1000)


def test_a_film_shows_progress_and_can_be_stopped(
    qtbot: QtBot, window: MainWindow, picture_file: Path, dialog: Dialog, slow: Slow
) -> None:
    open_one(qtbot, window, picture_file)
    do, row = window.commands, panel_of(window).findChild(ExportRow)
    dialog.begin(do.export_film, "film.gif")
    assert not row.isVisible(), "most are there sooner"
    assert do.stop.isEnabled()
    dialog.begin(do.export_grid, "grid.png")  # waits for the film
    qtbot.waitUntil(row.isVisible, timeout=WAIT_MS)
    assert row._doing.text() == "Writing film.gif…"
    slow.go.release(2)
    qtbot.waitUntil(lambda: row._bar.value() == 2, timeout=WAIT_MS)
    assert (row._bar.maximum(), row._bar.accessibleDescription()) == (3, "2 of 3")
    do.stop.trigger()
    assert not row.isVisible()
    assert not do.stop.isEnabled()
    slow.go.release()
    qtbot.waitUntil(slow.ended.is_set, timeout=WAIT_MS)
    assert not window.look.is_busy
    assert not list(dialog.folder.iterdir()), "neither the film nor what waited"
    assert "film.gif" not in window.statusBar().currentMessage()
    assert not window.messages.isVisible()


def test_one_file_is_written_after_the_other(
    qtbot: QtBot, window: MainWindow, picture_file: Path, dialog: Dialog, slow: Slow
) -> None:
    open_one(qtbot, window, picture_file)
    said: list[str] = []
    window.look.told.connect(said.append)
    for name in ("one.gif", "two.gif"):
        dialog.begin(window.commands.export_film, name)
    slow.go.release(3)
    qtbot.waitUntil((dialog.folder / "one.gif").exists, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: said == ["one.gif saved"], timeout=WAIT_MS)
    assert window.look.is_busy
    slow.go.release(3)
    qtbot.waitUntil(lambda: said == ["one.gif saved", "two.gif saved"], timeout=WAIT_MS)
    assert (dialog.folder / "two.gif").read_text() == "done"
    assert not window.look.is_busy


def test_closing_the_window_asks_before_it_stops_a_film(
    qtbot: QtBot, window: MainWindow, picture_file: Path, dialog: Dialog, slow: Slow
) -> None:
    open_one(qtbot, window, picture_file)
    dialog.begin(window.commands.export_film, "film.gif")
    slow.go.release()
    bar = panel_of(window).findChild(ExportRow)._bar
    qtbot.waitUntil(lambda: bar.value() == 1, timeout=WAIT_MS)
    for _ in range(2):  # asked again, it asks once
        assert not window.close()
    [box] = window.findChildren(QMessageBox)
    assert box is window.closing.box
    assert box.text() == "Writing film.gif…"
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert window.isVisible()
    assert window.look.is_busy
    assert not window.close()
    box = window.closing.box
    assert box is not None
    threading.Timer(0.05, slow.go.release).start()
    qtbot.mouseClick(
        next(button for button in box.buttons() if button.text() == "Close and lose it"), Qt.MouseButton.LeftButton
    )
    assert not window.isVisible()
    assert slow.ended.is_set()
    assert not (dialog.folder / "film.gif").exists()


def test_what_cannot_be_saved_is_told_once(
    qtbot: QtBot, window: MainWindow, picture_file: Path, dialog: Dialog
) -> None:
    open_one(qtbot, window, picture_file)
    said: list[tuple[str, str]] = []
    window.look.problem.connect(lambda name, what: said.append((name, what)))
    do = window.commands
    for action, name in (
        (do.export_map, "map.png"),
        (do.export_map, "map.svg"),
        (do.export_map, "maps.npz"),
        (do.export_grid, "grid.png"),
        (do.export_film, "film.mp4"),
    ):
        dialog.begin(action, f"gone/{name}")
        qtbot.waitUntil(lambda: not window.look.is_busy, timeout=WAIT_MS)
        assert said == [(name, "It cannot be written: No such file or directory.")]
        said.clear()
    assert window.messages.isVisible()


PNG, SVG, FILM = Kind("Arcs", "arcs", ".png"), Kind("Arcs", "arcs", ".svg"), Kind("Bars", "bars", ".svg")


@pytest.mark.parametrize(
    ("file", "named", "path", "kind"),
    [
        ("a.png", PNG.filter, "a.png", PNG),
        ("a", PNG.filter, "a.png", PNG),
        ("a", FILM.filter, "a.svg", FILM),
        ("a.SVG", PNG.filter, "a.SVG", SVG),
        ("a.svg", "", "a.svg", SVG),
        ("a.png", FILM.filter, "a.svg", FILM),
        ("a.svg", FILM.filter, "a.svg", FILM),
        ("St. Ives 1.5", PNG.filter, "St. Ives 1.5.png", PNG),
    ],
)
def test_name_and_filter_say_what_is_written(file: str, named: str, path: str, kind: Kind) -> None:
    assert chosen(file, named, [PNG, SVG, FILM]) == (Path(path), kind)


def test_a_file_that_the_dialog_did_not_ask_about_is_not_replaced_unasked(
    qtbot: QtBot, window: MainWindow, picture_file: Path, dialog: Dialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_one(qtbot, window, picture_file)
    mine = dialog.folder / "mine.svg"
    mine.write_text("mine")
    asked: list[str] = []
    answers = iter([QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes])
    monkeypatch.setattr(QMessageBox, "question", lambda *told: asked.append(told[2]) or next(answers))
    dialog.begin(window.commands.export_map, "mine.png", "Drawing of the map (*.svg)")
    assert not window.look.is_busy
    assert mine.read_text() == "mine"
    window.commands.export_map.trigger()
    qtbot.waitUntil(lambda: not window.look.is_busy, timeout=WAIT_MS)
    assert mine.read_text().startswith("<?xml")
    assert asked == ["mine.svg is there already. Replace it?"] * 2


def test_a_picture_that_is_stopped_while_it_is_painted_is_not_written(
    qtbot: QtBot, window: MainWindow, picture_file: Path, dialog: Dialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_one(qtbot, window, picture_file)
    begun, go, ended = (threading.Event() for _ in range(3))
    image = window.canvas.composed()
    write = exporting.write_bytes

    def paint() -> QImage:
        begun.set()
        assert go.wait(WAIT_MS / 1000)
        return image

    def watched(path: Path, data: bytes, cancel: CancelToken) -> None:
        try:
            write(path, data, cancel)
        finally:
            ended.set()

    monkeypatch.setattr(exporting, "write_bytes", watched)
    monkeypatch.setattr(window.canvas, "composer", lambda: paint)
    dialog.begin(window.commands.export_map, "map.png")
    assert begun.wait(WAIT_MS / 1000)
    window.commands.stop.trigger()
    go.set()
    assert ended.wait(WAIT_MS / 1000)
    assert not list(dialog.folder.iterdir())


def test_the_picture_with_a_lens_is_written_like_any_export(
    qtbot: QtBot, window: MainWindow, picture_file: Path, dialog: Dialog, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_one(qtbot, window, picture_file)
    window.commands.pin_map.trigger()
    (pin,) = window.canvas.pins.all
    dialog.answer = (str(dialog.folder / "v1.2"), "")
    qtbot.keyClick(pin, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: not window.look.is_busy, timeout=WAIT_MS)
    assert dialog.asked[-1][1].endswith(".png")
    saved = QImage(str(dialog.folder / "v1.2.png"))
    assert saved == window.canvas.pins.image_of(pin).convertToFormat(saved.format())
    assert saved != window.canvas.composed().convertToFormat(saved.format()), "that lens alone"
    assert window.statusBar().currentMessage() == "v1.2.png saved"
    asked: list[str] = []
    no = QMessageBox.StandardButton.No
    monkeypatch.setattr(QMessageBox, "question", lambda *told: asked.append(told[2]) or no)
    qtbot.keyClick(pin, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    assert asked == ["v1.2.png is there already. Replace it?"]
    assert not window.look.is_busy
    dialog.answer = (str(dialog.folder / "gone" / "lens.png"), "")
    qtbot.keyClick(pin, Qt.Key.Key_S, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(window.messages.isVisible, timeout=WAIT_MS)
    window.close()
    assert kept.load().last_folder == str(dialog.folder / "gone")

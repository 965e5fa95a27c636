"""All the ways a picture comes in."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QClipboard, QColor, QImage
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from cocadesk.gui import app
from cocadesk.gui.entries import EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.store import settings
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.pictures import png_claiming, quadrants
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, drop, file_urls, wait_for_states

DONE = EntryState.CAPTIONED
FAILED = EntryState.FAILED
CAPTION = "a cat on a green background"


def test_dropped_picture_is_captioned_without_a_click(qtbot: QtBot, window: MainWindow, picture_file: Path) -> None:
    assert drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, DONE)
    assert window.panel.view.text == CAPTION
    assert window.strip.current is not None
    assert window.strip.current.name == picture_file.name
    assert not window.messages.isVisible()


def test_drop_is_taken_wherever_it_lands(qtbot: QtBot, window: MainWindow, many_files: list[Path]) -> None:
    drop(window, file_urls(many_files[:1]))
    wait_for_states(qtbot, window, DONE)
    spots = [QPoint(60, 200), QPoint(500, 400), QPoint(1200, 120), QPoint(1200, 700)]
    for spot, path in zip(spots, many_files[1:], strict=True):
        assert drop(window, file_urls([path]), spot), spot
    wait_for_states(qtbot, window, *[DONE] * 5)


def test_folder_brings_its_pictures(qtbot: QtBot, window: MainWindow, many_files: list[Path]) -> None:
    drop(window, file_urls([many_files[0].parent]))
    wait_for_states(qtbot, window, *[DONE] * 5)
    assert [entry.name for entry in window.session.entries] == [path.name for path in many_files]


def test_same_file_again_is_not_listed_twice(qtbot: QtBot, window: MainWindow, many_files: list[Path]) -> None:
    for _ in range(2):
        drop(window, file_urls(many_files[:2]))
        wait_for_states(qtbot, window, DONE, DONE)


def test_a_long_name_does_not_widen_the_window(
    qtbot: QtBot, make_window: MakeWindow, picture_file: Path, tmp_path: Path
) -> None:
    path = picture_file.rename(tmp_path / f"{'a very long name ' * 12}.png")
    going_on = threading.Event()

    def wait(*_: object) -> None:
        assert going_on.wait(WAIT_MS / 1000)

    window = make_window(FakeCaptioner(before_token=wait))
    drop(window, file_urls([path]))
    qtbot.waitUntil(lambda: window.session.active is not None, timeout=WAIT_MS)
    QApplication.processEvents()
    assert window.minimumSizeHint().width() <= 1024
    assert window.width() == 1280
    going_on.set()
    wait_for_states(qtbot, window, EntryState.CAPTIONED)


def test_web_link_gets_one_message(window: MainWindow) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/cat.jpg")])
    mime.setText("https://example.org/cat.jpg")
    assert drop(window, mime)
    assert len(window.messages.messages) == 1
    assert "Save the picture first" in window.messages.messages[0]
    assert len(window.session.entries) == 0


def test_image_that_comes_with_a_link_is_used(qtbot: QtBot, window: MainWindow) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/cat.jpg")])
    image = QImage(20, 10, QImage.Format.Format_ARGB32)
    image.fill(QColor(0, 0, 0, 0))
    mime.setImageData(image)
    drop(window, mime)
    wait_for_states(qtbot, window, DONE)
    assert window.messages.messages == []
    assert window.strip.current is not None
    assert window.strip.current.details.startswith("20 × 10")


def test_text_without_a_picture_is_explained(window: MainWindow) -> None:
    mime = QMimeData()
    mime.setText("just words")
    drop(window, mime)
    assert "no picture" in window.messages.messages[0]


@pytest.mark.parametrize("kind", ["image", "file"])
def test_paste(qtbot: QtBot, window: MainWindow, clipboard: QClipboard, picture_file: Path, kind: str) -> None:
    if kind == "image":
        clipboard.setImage(QImage(str(picture_file)))
    else:
        clipboard.setMimeData(file_urls([picture_file]))
    qtbot.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    wait_for_states(qtbot, window, DONE)
    assert window.strip.current is not None
    assert window.strip.current.name == ("Pasted picture" if kind == "image" else picture_file.name)


def test_dialogs_open_and_remember_the_folder(
    qtbot: QtBot, window: MainWindow, many_files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = many_files[0].parent
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(many_files[0])], ""))
    window.commands.open_files.trigger()
    wait_for_states(qtbot, window, DONE)
    assert settings.load().last_folder == str(folder)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    window.commands.open_folder.trigger()
    wait_for_states(qtbot, window, *[DONE] * 5)


def test_recent_files_are_listed_and_open(qtbot: QtBot, make_window: MakeWindow, picture_file: Path) -> None:
    first = make_window()
    drop(first, file_urls([picture_file]))
    wait_for_states(qtbot, first, DONE)
    first.close()
    second = make_window(settings=settings.load())
    entries = [action for action in second.commands.recent.actions() if action.text() == picture_file.name]
    assert len(entries) == 1
    entries[0].trigger()
    wait_for_states(qtbot, second, DONE)
    second.commands.clear_recent.trigger()
    assert settings.load().recent == ()


def test_samples_are_one_click_away(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "_samples", lambda: many_files)
    window = make_window()
    samples = [button for button in window.welcome.findChildren(QPushButton) if "sample “" in button.accessibleName()]
    assert len(samples) == 5
    qtbot.mouseClick(samples[2], Qt.MouseButton.LeftButton)
    wait_for_states(qtbot, window, DONE)
    assert window.strip.current is not None
    assert window.strip.current.source == many_files[2]


def test_bad_files_are_named_and_the_rest_goes_on(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    good, text, empty, cut, bomb, flat, dot, gone = (
        tmp_path / name
        for name in ("good.png", "text.jpg", "empty.png", "cut.jpg", "bomb.png", "flat.png", "dot.png", "gone.png")
    )
    quadrants().save(good)
    text.write_text("not a picture")
    empty.touch()
    quadrants(400, 300).save(cut)
    cut.write_bytes(cut.read_bytes()[:700])
    bomb.write_bytes(png_claiming(100_000, 100_000))
    quadrants(30_000, 20).save(flat)
    quadrants(2, 2).crop((0, 0, 1, 1)).save(dot)
    drop(window, file_urls([text, good, empty, cut, gone, bomb, flat, dot]))
    wait_for_states(qtbot, window, FAILED, DONE, FAILED, FAILED, FAILED, FAILED, DONE, DONE)
    complaints = window.messages.messages
    assert [line.split(":")[0] for line in complaints] == ["text.jpg", "empty.png", "cut.jpg", "gone.png", "bomb.png"]
    assert window.messages.isVisible()
    assert all("Traceback" not in line and "\n" not in line for line in complaints)


def test_folder_without_pictures_is_named(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "nothing here"
    folder.mkdir()
    drop(window, file_urls([folder]))
    qtbot.waitUntil(lambda: len(window.messages.messages) == 1, timeout=WAIT_MS)
    assert window.messages.messages[0].startswith("nothing here: ")


def test_deleted_file_shows_what_is_wrong_and_can_be_tried_again(
    qtbot: QtBot, window: MainWindow, picture_file: Path
) -> None:
    saved = picture_file.read_bytes()
    picture_file.unlink()
    drop(window, file_urls([picture_file]))
    wait_for_states(qtbot, window, FAILED)
    assert window.trouble.isVisible()
    assert "no such file" in window.trouble.message
    picture_file.write_bytes(saved)
    again = next(button for button in window.trouble.findChildren(QPushButton) if button.text() == "Try again")
    qtbot.mouseClick(again, Qt.MouseButton.LeftButton)
    wait_for_states(qtbot, window, DONE)
    qtbot.waitUntil(lambda: window.canvas.isVisible() and not window.canvas.is_empty, timeout=WAIT_MS)


def test_a_captioned_picture_whose_file_is_gone_keeps_its_caption(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    captioner = FakeCaptioner()
    window = make_window(captioner)
    drop(window, file_urls(many_files[:2]))
    wait_for_states(qtbot, window, DONE, DONE)
    first, second = window.session.entries
    window.strip.choose(second)
    saved = many_files[0].read_bytes()
    many_files[0].unlink()
    window.session._shelf.forget(first.key)  # as if many pictures had been opened since

    for _ in range(2):
        window.strip.choose(first)
        qtbot.waitUntil(window.trouble.isVisible, timeout=WAIT_MS)
        assert "no such file" in window.trouble.message
        assert window.panel.view.text == CAPTION
        assert window.messages.messages == [f"0.png: {window.trouble.message}"]
        assert not window.commands.caption_rest.isEnabled()
        window.strip.choose(second)
        qtbot.waitUntil(lambda: window.canvas.isVisible() and not window.canvas.is_empty, timeout=WAIT_MS)

    with qtbot.waitSignal(window.session.entries.changed, timeout=WAIT_MS):
        window.strip.choose(first)
    many_files[0].write_bytes(saved)
    window.commands.again.trigger()
    qtbot.waitUntil(lambda: window.canvas.isVisible() and not window.canvas.is_empty, timeout=WAIT_MS)
    wait_for_states(qtbot, window, DONE, DONE)
    assert len(captioner.asked) == 2  # it was opened again, not captioned again


def test_a_file_that_is_back_is_shown_once_it_is_captioned(
    qtbot: QtBot, window: MainWindow, many_files: list[Path]
) -> None:
    saved = many_files[0].read_bytes()
    many_files[0].unlink()
    drop(window, file_urls(many_files[:1]))
    wait_for_states(qtbot, window, FAILED)
    many_files[0].write_bytes(saved)
    window.commands.caption_rest.trigger()
    wait_for_states(qtbot, window, DONE)
    qtbot.waitUntil(lambda: window.canvas.isVisible() and not window.canvas.is_empty, timeout=WAIT_MS)


def test_removing_pictures_leads_back_to_the_welcome(qtbot: QtBot, window: MainWindow, many_files: list[Path]) -> None:
    drop(window, file_urls(many_files[:2]))
    wait_for_states(qtbot, window, DONE, DONE)
    window.commands.close_picture.trigger()
    assert [entry.source for entry in window.session.entries] == [many_files[1]]
    window.commands.close_all.trigger()
    assert window.welcome.isVisible()


def test_all_are_removed_without_a_look_at_any_other(
    qtbot: QtBot, make_window: MakeWindow, many_files: list[Path]
) -> None:
    going_on = threading.Event()

    def wait(*_: object) -> None:
        assert going_on.wait(WAIT_MS / 1000)

    captioner = FakeCaptioner(before_token=wait)
    window = make_window(captioner)
    drop(window, file_urls(many_files))
    qtbot.waitUntil(lambda: len(captioner.asked) == 1 and not window.canvas.is_empty, timeout=WAIT_MS)
    chosen: list[object] = []
    window.strip.entry_chosen.connect(chosen.append)
    window.commands.close_all.trigger()
    assert chosen == [None]
    assert window.welcome.isVisible()
    assert window.session.waiting == 0
    assert not window.session._shelf._kept
    going_on.set()
    qtbot.waitUntil(lambda: window.session.active is None, timeout=WAIT_MS)
    assert len(captioner.asked) == 1
    drop(window, file_urls(many_files[:1]))
    wait_for_states(qtbot, window, DONE)

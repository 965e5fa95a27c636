"""The timeline, driven as a user would: dropped clips, keys, the mouse on the bar and the film."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QSpinBox, QToolButton
from pytestqt.qtbot import QtBot

from cocadesk.errors import InputError
from cocadesk.gui.entries import EntryState
from cocadesk.gui.main_window import MainWindow
from cocadesk.media.clips import even_times, spaced
from cocadesk.types import CancelToken, Clip, Picture
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.pictures import quadrants
from tests.fakes.videos import RATE, number_of, video
from tests.gui.conftest import MakeWindow
from tests.gui.driving import WAIT_MS, Paints, drop, file_urls, wait_for_states

COUNT = 80
LENGTH = COUNT / RATE
LEFT = Qt.MouseButton.LeftButton
DONE = EntryState.CAPTIONED


class Watching:
    """Remembers which frames of which clips were captioned."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []
        self.captioner = FakeCaptioner(before_token=self._note)

    def _note(self, item: Picture | Clip, position: int) -> None:
        if position == 0:
            self.seen.append(item.indices if isinstance(item, Clip) else ())


@pytest.fixture
def watching() -> Watching:
    return Watching()


@pytest.fixture
def clip_file(tmp_path: Path) -> Path:
    return video(tmp_path / "ein Film – 映画.mp4", COUNT, options={"g": "12"})


@pytest.fixture
def opened(qtbot: QtBot, make_window: MakeWindow, watching: Watching, clip_file: Path) -> MainWindow:
    """A window with a clip that was dropped on it and captioned, and the focus on the list."""
    window = make_window(watching.captioner)
    drop(window, file_urls([clip_file]))
    wait_for_states(qtbot, window, DONE)
    qtbot.waitUntil(lambda: len(window.timeline.film.firsts) == 5 and not window.canvas.is_empty, timeout=WAIT_MS)
    return window


def shown(window: MainWindow) -> int:
    """Which frame is on the canvas, read off its pixels."""
    QApplication.processEvents()
    image: QImage = window.canvas.viewport.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
    seen = window.canvas.seen
    across, down = image.width() / seen.width(), image.height() / seen.height()
    left, top = round(-seen.x() * across), round(-seen.y() * down)
    return number_of(pixels[top : top + round(48 * down), left : left + round(64 * across)])


def wait_for_frame(qtbot: QtBot, window: MainWindow, expected: Callable[[int], bool]) -> int:
    found = [0]

    def there() -> bool:
        found[0] = shown(window)
        return expected(found[0])

    qtbot.waitUntil(there, timeout=WAIT_MS)
    return found[0]


def spot(window: MainWindow, seconds: float, dx: float = 0.0) -> QPoint:
    bar = window.timeline.bar
    return QPoint(round(bar.x_of(seconds) + dx), bar.height() // 2)


def drag(qtbot: QtBot, window: MainWindow, start: QPoint, end: QPoint) -> None:
    bar = window.timeline.bar
    qtbot.mousePress(bar, LEFT, pos=start)
    for part in (0.3, 0.7, 1.0):
        qtbot.mouseMove(bar, start + (end - start) * part)
    qtbot.mouseRelease(bar, LEFT, pos=end)


def test_a_dropped_clip_is_captioned_and_has_a_timeline(opened: MainWindow, watching: Watching) -> None:
    expected = spaced(even_times(COUNT, LENGTH), 16)
    assert watching.seen == [expected]
    assert opened.timeline.isVisible()
    assert opened.panel.view.text == "a cat on a green background"
    np.testing.assert_allclose(opened.timeline.bar.marks, [index / RATE for index in expected], atol=1e-6)
    assert [round(thumb.seconds * RATE) for thumb in opened.timeline.film.firsts] == [0, 1, 2, 3, 4]
    assert [round(thumb.seconds * RATE) for thumb in opened.timeline.film.sampled] == list(expected)
    assert shown(opened) == 0
    assert opened.strip.current is not None
    assert "MP4" in opened.strip.current.details
    assert "0:03" in opened.strip.current.details


def test_a_picture_has_no_timeline(qtbot: QtBot, opened: MainWindow, picture_file: Path) -> None:
    drop(opened, file_urls([picture_file]))
    wait_for_states(qtbot, opened, DONE, DONE)
    assert not opened.timeline.isVisible()
    assert not opened.commands.play.isEnabled()
    opened.commands.previous.trigger()
    qtbot.waitUntil(opened.timeline.isVisible, timeout=WAIT_MS)
    assert len(opened.timeline.film.sampled) == 16


def test_space_plays_in_real_time_and_stops_again(qtbot: QtBot, opened: MainWindow) -> None:
    qtbot.keyClick(opened.strip.list, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: opened.timeline.is_playing, timeout=WAIT_MS)
    wait_for_frame(qtbot, opened, lambda number: number > 8)
    qtbot.keyClick(opened.strip.list, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not opened.timeline.is_playing, timeout=WAIT_MS)
    qtbot.wait(100)
    stopped = shown(opened)
    assert stopped == round(opened.timeline.bar.seconds * RATE)
    qtbot.wait(150)
    assert shown(opened) == stopped


def test_at_the_end_it_stops_and_begins_anew(qtbot: QtBot, opened: MainWindow) -> None:
    bar = opened.timeline.bar
    qtbot.mouseClick(bar, LEFT, pos=spot(opened, 0.95 * LENGTH))
    wait_for_frame(qtbot, opened, lambda number: number == 76)
    opened.commands.play.trigger()
    qtbot.waitUntil(lambda: opened.timeline.is_playing, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not opened.timeline.is_playing, timeout=WAIT_MS)
    wait_for_frame(qtbot, opened, lambda number: number == COUNT - 1)
    opened.commands.play.trigger()
    wait_for_frame(qtbot, opened, lambda number: number < 40)
    opened.commands.play.trigger()


def test_full_stop_and_comma_step_by_frames(qtbot: QtBot, opened: MainWindow) -> None:
    for key, expected in ((Qt.Key.Key_Period, 1), (Qt.Key.Key_Period, 2), (Qt.Key.Key_Comma, 1), (Qt.Key.Key_Comma, 0)):
        qtbot.keyClick(opened.strip.list, key)
        wait_for_frame(qtbot, opened, lambda number, expected=expected: number == expected)
    qtbot.keyClick(opened.strip.list, Qt.Key.Key_Comma)
    assert shown(opened) == 0


def test_the_space_bar_belongs_to_a_button_that_has_the_focus(qtbot: QtBot, opened: MainWindow) -> None:
    forward = next(b for b in opened.timeline.findChildren(QToolButton) if b.accessibleName() == "Next frame")
    forward.setFocus()
    qtbot.keyClick(forward, Qt.Key.Key_Space)
    wait_for_frame(qtbot, opened, lambda number: number == 1)
    assert not opened.timeline.is_playing


def test_scrubbing_with_the_mouse_shows_the_frame_under_it(qtbot: QtBot, opened: MainWindow) -> None:
    for share, expected in ((0.505, 40), (0.255, 20), (1.0, COUNT - 1)):
        drag(qtbot, opened, spot(opened, 0.1), spot(opened, share * LENGTH))
        wait_for_frame(qtbot, opened, lambda number, expected=expected: abs(number - expected) <= 1)
        assert shown(opened) == min(int(opened.timeline.bar.seconds * RATE + 1e-6), COUNT - 1)


def test_a_click_on_the_film_shows_that_frame(qtbot: QtBot, opened: MainWindow) -> None:
    row = opened.timeline.film.widget()
    qtbot.mouseClick(row, LEFT, pos=QPoint(3 * 76 + 20, row.height() // 2))
    wait_for_frame(qtbot, opened, lambda number: number == 3)


def test_the_film_outlines_the_frame_on_show_and_is_drawn_anew_only_then(qtbot: QtBot, opened: MainWindow) -> None:
    row = opened.timeline.film.widget()
    first, after = 8, 10
    assert not {*range(first, after + 1)} & {round(thumb.seconds * RATE) for thumb in opened.timeline.film.sampled}
    outlined = row.grab().toImage()
    paints = Paints(row)
    for number in range(1, after + 1):
        opened.commands.frame_forward.trigger()
        wait_for_frame(qtbot, opened, lambda seen, number=number: seen == number)
        if number == first:
            assert row.grab().toImage() != outlined
            paints.count = 0
    assert paints.count == 0
    qtbot.keyClick(opened.timeline.bar, Qt.Key.Key_Home)
    wait_for_frame(qtbot, opened, lambda number: number == 0)
    assert paints.count > 0
    assert row.grab().toImage() == outlined


def test_dragging_a_grip_samples_that_part_and_captions_it(
    qtbot: QtBot, opened: MainWindow, watching: Watching
) -> None:
    drag(qtbot, opened, spot(opened, 0, dx=-4), spot(opened, LENGTH / 2))
    qtbot.waitUntil(lambda: len(watching.seen) == 2, timeout=WAIT_MS)
    wait_for_states(qtbot, opened, DONE)

    assert min(watching.seen[1]) >= COUNT // 2 - 1
    assert max(watching.seen[1]) >= COUNT - 4
    assert min(opened.timeline.bar.marks) >= LENGTH / 2 - 0.05
    opened.commands.whole_clip.trigger()
    qtbot.waitUntil(lambda: len(watching.seen) == 3, timeout=WAIT_MS)
    assert watching.seen[2] == watching.seen[0]
    wait_for_states(qtbot, opened, DONE)


def test_the_keyboard_chooses_a_part_too(qtbot: QtBot, opened: MainWindow, watching: Watching) -> None:
    bar = opened.timeline.bar
    bar.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_I, Qt.Key.Key_Right, Qt.Key.Key_O):
        qtbot.keyClick(bar, key, Qt.KeyboardModifier.ShiftModifier)
    assert bar.span == pytest.approx((0.2 * LENGTH, 0.3 * LENGTH))
    qtbot.waitUntil(lambda: len(watching.seen) == 2, timeout=WAIT_MS)
    assert watching.seen[1] == tuple(range(16, 24))
    wait_for_states(qtbot, opened, DONE)


def test_another_number_of_frames_captions_once_the_user_has_settled(
    qtbot: QtBot, opened: MainWindow, watching: Watching
) -> None:
    for _ in range(6):
        opened.timeline.count.stepDown()
    qtbot.waitUntil(lambda: len(watching.seen) == 2, timeout=WAIT_MS)
    wait_for_states(qtbot, opened, DONE)
    qtbot.wait(200)

    assert [len(seen) for seen in watching.seen] == [16, 10]
    assert opened.session.options.frames == 10
    field = next(f for f in opened.panel.settings.findChildren(QSpinBox) if f.accessibleName() == "Frames")
    assert field.value() == 10
    assert len(opened.timeline.film.sampled) == 10


def test_a_clip_that_is_closed_at_once_is_not_captioned_with_what_was_chosen_last(
    qtbot: QtBot, opened: MainWindow, watching: Watching, picture_file: Path
) -> None:
    asked: list[object] = []
    opened.session.begun_anew.connect(asked.append)
    opened.timeline.count.stepDown()
    opened.commands.close_picture.trigger()
    assert opened.session.active is None
    assert opened.session.waiting == 0
    assert asked == []
    drop(opened, file_urls([picture_file]))
    wait_for_states(qtbot, opened, DONE)
    assert [len(seen) for seen in watching.seen] == [16, 0]


def test_a_clip_that_is_being_captioned_is_captioned_anew(
    qtbot: QtBot, make_window: MakeWindow, clip_file: Path
) -> None:
    lengths: list[int] = []

    def slow(item: Picture | Clip, position: int) -> None:
        assert isinstance(item, Clip)
        if position == 0:
            lengths.append(len(item.frames))
        time.sleep(0.15)

    window = make_window(FakeCaptioner(before_token=slow))
    drop(window, file_urls([clip_file]))
    qtbot.waitUntil(lambda: lengths == [16] and window.timeline.isVisible(), timeout=WAIT_MS)
    window.timeline.count.setValue(4)
    qtbot.waitUntil(lambda: lengths == [16, 4], timeout=WAIT_MS)
    wait_for_states(qtbot, window, DONE)
    assert window.session.entries.at(0).result.frames == (10, 30, 50, 70)  # type: ignore[union-attr]


def test_an_animation_has_the_same_timeline(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    levels = [Image.new("RGB", (64, 48), (6 * i,) * 3) for i in range(40)]
    levels[0].save(tmp_path / "clip.webp", save_all=True, append_images=levels[1:], duration=50, lossless=True)
    drop(window, file_urls([tmp_path / "clip.webp"]))
    wait_for_states(qtbot, window, DONE)
    qtbot.waitUntil(lambda: len(window.timeline.film.firsts) == 5, timeout=WAIT_MS)
    assert len(window.timeline.bar.marks) == 16
    assert window.strip.current is not None
    assert window.strip.current.seconds == pytest.approx(2.0)
    window.commands.frame_forward.trigger()
    qtbot.waitUntil(lambda: window.timeline.bar.seconds == pytest.approx(0.05), timeout=WAIT_MS)


def test_a_folder_brings_its_clips(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    quadrants().save(folder / "a.png")
    video(folder / "b.webm", 10, "libvpx")
    (folder / "c.mp4").write_text("not a film")
    drop(window, file_urls([folder]))
    wait_for_states(qtbot, window, DONE, DONE, EntryState.FAILED)
    assert len(window.messages.messages) == 1
    assert window.messages.messages[0].startswith("c.mp4: ")


def test_what_is_wrong_with_a_clip_is_told_once(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    path = video(tmp_path / "cut.mkv", 90, size=(128, 96))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.55)])
    drop(window, file_urls([path]))
    wait_for_states(qtbot, window, DONE)
    window.commands.again.trigger()
    wait_for_states(qtbot, window, DONE)
    assert len(window.messages.messages) == 1
    assert "cut off" in window.messages.messages[0]


def test_stopping_while_a_clip_is_read(qtbot: QtBot, opened: MainWindow, tmp_path: Path) -> None:
    other = video(tmp_path / "other.mp4", COUNT)
    drop(opened, file_urls([other]))
    qtbot.waitUntil(lambda: len(opened.session.entries) == 2, timeout=WAIT_MS)
    opened.session.stop()
    entry = opened.session.entries.at(1)
    assert entry is not None
    qtbot.waitUntil(lambda: opened.session.active is None, timeout=WAIT_MS)
    assert entry.state in (EntryState.STOPPED, DONE)
    opened.session.caption([entry])
    wait_for_states(qtbot, opened, DONE, DONE)


def test_closing_the_window_does_not_wait_for_a_clip_that_is_read(
    qtbot: QtBot, window: MainWindow, clip_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def endless(_path: Path, _count: int, _span: object, cancel: CancelToken) -> Clip:
        begun.set()
        cancel.wait(60)
        raise InputError("It was not cancelled.")

    monkeypatch.setattr("cocadesk.gui.timeline_samples.open_clip", endless)
    drop(window, file_urls([clip_file]))
    qtbot.waitUntil(begun.is_set, timeout=WAIT_MS)
    started = time.monotonic()
    window.close()
    assert time.monotonic() - started < 10

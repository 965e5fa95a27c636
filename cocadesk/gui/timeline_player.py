"""Decodes the clip on the canvas, on a thread of its own: plays in real time, seeks, steps, makes thumbnails."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from cocadesk.errors import CocaDeskError
from cocadesk.gui import pyramid
from cocadesk.gui.pyramid import Level, Pyramid
from cocadesk.gui.timeline_thumbs import THUMBNAIL_SIZE, Thumb, small
from cocadesk.media.clips import ClipFile, Shot, open_clip_file
from cocadesk.types import Picture
from cocadesk.work.priority import lower_own_priority

log = logging.getLogger(__name__)

FIRST_FRAMES = 5

LATE_S = 0.04
"""A frame that is later than this is dropped."""
LATEST_S = 0.25
"""So long a frame may stay on the screen before a late one is shown after all."""
BEHIND_S = 1.0
"""So far behind, decoding jumps ahead."""
JUST_BEFORE_S = 1e-4


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame for the canvas.

    Attributes:
        key: Of the entry.
        seconds: When it is shown, from the first frame.
    """

    key: int
    seconds: float
    pyramid: Pyramid


class Player(QObject):
    """Plays one clip at a time. Its methods are called on the window's thread, and its signals arrive there.

    The newest wish counts: of seeks that follow each other faster than frames are decoded, only the last is answered.
    At most one frame is on its way to the window; what comes before the window has taken it is dropped.
    """

    opened = Signal(int, float)
    """A key and how long that clip lasts, in seconds."""

    shown = Signal(object)
    """A `Shown`; `release` has to be called once it was taken."""

    playing_changed = Signal(bool)
    """Whether it plays now."""

    firsts_ready = Signal(int, object)
    """A key and the first frames, a list of `Thumb`."""

    thumbs_ready = Signal(int, object)
    """A key and the frames that were asked for, a list of `Thumb`."""

    failed = Signal(int, str)
    """A key and why its clip cannot be shown."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.scale = 1.0
        self._wishes: deque[tuple[str, Callable[[], None]]] = deque()
        self._wake = threading.Condition()
        self._free = threading.Event()
        self._free.set()
        self._closing = False
        self._key = 0
        self._stage = _Stage()
        self._thread: threading.Thread | None = None

    def open(self, key: int, path: Path) -> None:
        """Show that clip from now on, paused at its first frame, which the window has already."""
        self._key = key
        if self._thread is None:  # most sessions show no clip
            self._thread = threading.Thread(target=self._work_off, name="io-video", daemon=True)
            self._thread.start()
        self._wish("open", lambda: self._open(key, path))

    def close(self) -> None:
        """Show nothing."""
        self._key = 0
        if self._thread is not None:
            self._wish("open", self._leave)

    def play(self) -> None:
        """Play on from here; from the beginning, if the end was reached."""
        self._wish("move", self._play)

    def pause(self) -> None:
        """Stop at the frame that is shown."""
        self._wish("move", self._pause)

    def seek(self, seconds: float, *, final: bool = True) -> None:
        """Show the frame of that time; not `final` while others will follow, which need not be sharp."""
        self._wish("move", lambda: self._seek(seconds, final))

    def step(self, by: int) -> None:
        """Show the next frame (1) or the one before (-1)."""
        self._wish("step", lambda: self._step(by))

    def want_thumbs(self, times: Sequence[float]) -> None:
        """Make small copies of the frames at these times; `thumbs_ready` follows."""
        key = self._key
        self._wish("thumbs", lambda: self._make_thumbs(key, times))

    def release(self) -> None:
        """The frame that was shown last has been taken."""
        self._free.set()

    def shutdown(self, timeout_s: float = 10.0) -> bool:
        """End the thread. Whether it did in time."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def _wish(self, kind: str, what: Callable[[], None]) -> None:
        """Queue a wish; it takes the place of earlier ones that it makes pointless."""
        moot = {"open": {"open", "move", "step", "thumbs"}, "move": {"move", "step"}, "thumbs": {"thumbs"}}
        with self._wake:
            self._wishes = deque(wish for wish in self._wishes if wish[0] not in moot.get(kind, ()))
            self._wishes.append((kind, what))
            self._wake.notify()

    # On the player's thread

    def _work_off(self) -> None:
        lower_own_priority()
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._wishes or self._closing or self._stage.is_playing)
                if self._closing:
                    break
                wish = self._wishes.popleft()[1] if self._wishes else self._play_on
            try:
                wish()
            except CocaDeskError as error:
                self._fail(str(error))
            except Exception as error:  # a damaged file can raise anything; the user is told
                log.warning("The player failed", exc_info=True)
                self._fail(f"{type(error).__name__}: {error}")
        self._stage.clear()

    def _fail(self, message: str) -> None:
        key = self._stage.key
        self._set_playing(False)
        self._stage.clear()
        self._tell(lambda: self.failed.emit(key, message))

    def _tell(self, emit: Callable[[], None]) -> None:
        try:
            emit()
        except RuntimeError:  # the window is gone and its Qt half with it
            log.debug("A frame came after the window had closed")

    def _leave(self) -> None:
        self._set_playing(False)
        self._stage.clear()

    def _open(self, key: int, path: Path) -> None:
        self._leave()
        stage = self._stage
        stage.key, stage.path = key, path
        file = stage.file = open_clip_file(path)
        length = file.info.seconds or file.times().length
        self._tell(lambda: self.opened.emit(key, length))
        with open_clip_file(path) as other:
            firsts = [_thumb(shot, other) for shot in itertools.islice(other.play(), FIRST_FRAMES)]
        self._tell(lambda: self.firsts_ready.emit(key, firsts))

    def _make_thumbs(self, key: int, times: Sequence[float]) -> None:
        stage = self._stage
        if stage.path is None or stage.key != key:
            return
        with open_clip_file(stage.path) as file:
            thumbs: list[Thumb] = []
            for seconds in times:
                if self._wishes or stage.is_playing:  # what moves the picture goes first; these are made again later
                    self._wish_again(key, times)
                    return
                thumbs += [_thumb(shot, file) for shot in itertools.islice(file.play(seconds), 1)]
        self._tell(lambda: self.thumbs_ready.emit(key, thumbs))

    def _wish_again(self, key: int, times: Sequence[float]) -> None:
        with self._wake:
            if not any(kind in ("open", "thumbs") for kind, _ in self._wishes):
                self._wishes.append(("thumbs", lambda: self._make_thumbs(key, times)))

    def _seek(self, seconds: float, final: bool) -> None:
        stage = self._stage
        if stage.file is None:
            return
        self._set_playing(False)
        stage.shots = stage.file.play(seconds)
        shot = next(stage.shots, None)
        if shot is not None:
            self._show(shot, sharp=final)

    def _step(self, by: int) -> None:
        stage = self._stage
        if stage.file is None:
            return
        self._set_playing(False)
        if by > 0:
            shot = next(self._shots(), None)
            if shot is not None:
                self._show(shot, sharp=True)
        elif stage.seconds > 0:
            self._seek(max(stage.seconds - JUST_BEFORE_S, 0.0), final=True)

    def _play(self) -> None:
        stage = self._stage
        if stage.file is None:
            return
        if stage.has_ended:
            stage.shots = stage.file.play()
        stage.anchor = None
        self._set_playing(True)

    def _pause(self) -> None:
        self._set_playing(False)
        if self._stage.shot is not None:
            self._show(self._stage.shot, sharp=True)

    def _shots(self) -> Iterator[Shot]:
        """The frames behind the one that is shown."""
        stage = self._stage
        if stage.shots is None and stage.file is not None:
            stage.shots = itertools.islice(stage.file.play(stage.seconds), 1, None)
        return stage.shots or iter(())

    def _play_on(self) -> None:
        """Show the next frame when its time has come, unless it has passed already."""
        stage = self._stage
        shot = next(self._shots(), None)
        if shot is None:
            self._pause()
            stage.has_ended = True
            return
        now = time.monotonic()
        if stage.anchor is None:
            stage.anchor = now - shot.seconds
        ahead = stage.anchor + shot.seconds - now
        if ahead > 0:
            with self._wake:
                interrupted = self._wake.wait_for(lambda: self._wishes or self._closing, ahead)
            if interrupted:
                stage.shots = itertools.chain([shot], self._shots())
                return
        elif -ahead > BEHIND_S and stage.file is not None and not stage.has_jumped:
            stage.shots = stage.file.play(now - stage.anchor)
            stage.has_jumped = True
            return
        elif -ahead > BEHIND_S:
            stage.anchor = now - shot.seconds  # this machine is too slow for this clip: play slower
        stage.has_jumped = False
        stage.shot = shot
        is_due = -ahead < LATE_S or now - stage.shown_at > LATEST_S
        if is_due and self._free.is_set():
            self._show(shot, sharp=False)

    def _show(self, shot: Shot, *, sharp: bool) -> None:
        """Send a frame to the window: all its pixels and smaller copies, or just as many as the window shows."""
        stage = self._stage
        if stage.file is None:
            return
        info = stage.file.info
        if sharp:
            made = pyramid.build(Picture(info.name, shot.pixels()))
        else:
            pixels = shot.pixels(min(self.scale, 1.0))
            made = Pyramid(info.width, info.height, (Level(pixels, 1),))
        stage.shot, stage.seconds, stage.shown_at = shot, shot.seconds, time.monotonic()
        stage.has_ended = False
        self._free.clear()
        self._tell(lambda: self.shown.emit(Shown(stage.key, shot.seconds, made)))

    def _set_playing(self, playing: bool) -> None:
        if playing != self._stage.is_playing:
            self._stage.is_playing = playing
            self._tell(lambda: self.playing_changed.emit(playing))


class _Stage:
    """What the player's thread holds.

    Attributes:
        shots: The frames behind the one that is shown, once they were asked for.
        anchor: The clock's time at which the clip's first frame would have been shown.
        has_ended: Whether it was played to the end and not moved since.
        has_jumped: Whether the last frame was skipped by jumping ahead.
    """

    def __init__(self) -> None:
        self.file: ClipFile | None = None
        self.clear()

    def clear(self) -> None:
        if self.file is not None:
            self.file.close()
        self.key = 0
        self.path: Path | None = None
        self.file = None
        self.shots: Iterator[Shot] | None = None
        self.shot: Shot | None = None
        self.seconds = 0.0
        self.shown_at = 0.0
        self.anchor: float | None = None
        self.is_playing = False
        self.has_ended = False
        self.has_jumped = False


def _thumb(shot: Shot, file: ClipFile) -> Thumb:
    scale = min(THUMBNAIL_SIZE.height() / file.info.height, THUMBNAIL_SIZE.width() / file.info.width, 1.0)
    return Thumb(shot.seconds, small(shot.pixels(min(2 * scale, 1.0))))

"""Animations in picture formats, and pages of documents, as clips."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from PIL import Image

from cocadesk.errors import InputError
from cocadesk.media.clips import ClipInfo, FrameTimes, Pixels, even_times
from cocadesk.media.image import decoded_pixels, explained, frame_count, opened, title
from cocadesk.types import CancelToken

_HASTE_MS = 10
_UNHURRIED_MS = 100
_MILLISECOND = 0.001


@dataclass(frozen=True, slots=True)
class Drawn:
    """A frame of an animation, decoded already: the next one is drawn on top of it."""

    seconds: float
    image: Pixels

    def pixels(self, scale: float = 1.0) -> Pixels:
        """uint8, sRGB, (height, width, 3); scaled down by `scale` < 1."""
        if scale >= 1:
            return self.image
        height, width = (max(1, round(side * scale)) for side in self.image.shape[:2])
        return np.asarray(Image.fromarray(self.image).resize((width, height), Image.Resampling.BILINEAR))


class AnimationFile:
    """An open animation; implements `clips.ClipFile`, whose methods are told about there.

    Raises:
        InputError: as `image.open_picture`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = path
        self.notes: list[str] = []
        self._times: FrameTimes | None = None
        with ExitStack() as stack:
            self._image = stack.enter_context(opened(path))
            height, width = self._draw(0).shape[:2]
            self._closing = stack.pop_all()
        self.info = ClipInfo(os.fspath(path), width, height, title(self._image), "", frame_count(self._image), 0.0, 0.0)

    def times(self, cancel: CancelToken | None = None) -> FrameTimes:
        if self._times is None:
            durations = self._durations(cancel or CancelToken())
            ends = np.cumsum(np.array(durations, np.int64))
            starts = np.append(0, ends[:-1])
            length = int(ends[-1])
            is_even = len(set(durations)) == 1
            self._times = (
                even_times(len(starts), length * _MILLISECOND) if is_even else FrameTimes(starts, length, _MILLISECOND)
            )
        return self._times

    def frames_at(self, indices: Sequence[int], cancel: CancelToken | None = None) -> Iterator[tuple[int, Drawn]]:
        times = self.times(cancel)
        for index in indices:
            if cancel is not None:
                cancel.check()
            yield index, Drawn(times.seconds(index), self._draw(index))

    def play(self, seconds: float = 0.0) -> Iterator[Drawn]:
        times = self.times()
        yield from (shot for _, shot in self.frames_at(range(times.index_at(seconds), len(times))))

    def close(self) -> None:
        self._closing.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _durations(self, cancel: CancelToken) -> list[int]:
        """Milliseconds of each frame that can be decoded: they are known once it was."""
        durations: list[int] = []
        for index in range(self.info.frames):
            cancel.check()
            try:
                with explained():
                    self._image.seek(index)
                    self._image.load()
            except InputError:
                if not durations:
                    raise
                self.notes.append(f"It ends after {index} of {self.info.frames} frames: it seems to be cut off.")
                break
            durations.append(_duration(self._image))
        return durations

    def _draw(self, index: int) -> Pixels:
        with explained():
            self._image.seek(index)
            return decoded_pixels(self._image)


def _duration(image: Image.Image) -> int:
    """Milliseconds of the current frame; what asks for haste plays in a tenth of a second, as in browsers."""
    milliseconds = round(float(image.info.get("duration") or 0))
    return milliseconds if milliseconds > _HASTE_MS else _UNHURRIED_MS

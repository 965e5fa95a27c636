"""Videos and animations through one interface, and which of their frames a model looks at.

One thread uses a clip file at a time; different ones may be used at once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from cocadesk.errors import InputError
from cocadesk.media.files import MEGAPIXEL, is_video
from cocadesk.media.image import MAX_PIXELS
from cocadesk.types import FRAMES, CancelToken, Clip, Picture

Pixels = npt.NDArray[np.uint8]
Span = tuple[float, float]
"""Where a part of a clip begins and ends, in seconds from its first frame."""


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What a file tells about itself before its frames are counted.

    Attributes:
        name: The path as it was given.
        width, height: Of a frame as it is shown: upright, with square pixels.
        format: Such as "MP4".
        codec: How the pictures are coded, such as "h264".
        frames: How many there are as far as the header tells; at least 1.
        seconds: How long it lasts as far as the header tells; 0 where it does not.
        rate: Frames per second, on average; 0 where the header does not tell.
    """

    name: str
    width: int
    height: int
    format: str
    codec: str
    frames: int
    seconds: float
    rate: float


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """When each frame is shown, as counted.

    Attributes:
        starts: In ticks from the first frame, ascending, int64, (frames).
        end: When the last frame ends, in ticks.
        tick: Seconds.
    """

    starts: npt.NDArray[np.int64]
    end: int
    tick: float

    def __len__(self) -> int:
        return len(self.starts)

    def seconds(self, index: int) -> float:
        """When that frame begins."""
        return float(self.starts[index]) * self.tick

    def index_at(self, seconds: float) -> int:
        """Which frame is shown at that time: the first before the clip begins, the last past its end."""
        return max(int(np.searchsorted(self.starts * self.tick, seconds, side="right")) - 1, 0)

    @property
    def length(self) -> float:
        """Seconds from the first frame to the end of the last."""
        return self.end * self.tick


class Shot(Protocol):
    """One decoded frame; turning it into pixels is left to whoever needs them."""

    @property
    def seconds(self) -> float:
        """When it is shown, counted from the first frame."""

    def pixels(self, scale: float = 1.0) -> Pixels:
        """uint8, sRGB, upright, with square pixels, (height, width, 3); scaled down by `scale` < 1."""


class ClipFile(Protocol):
    """An open video or animation.

    Attributes:
        info: What its header tells.
        notes: What went wrong without ending it, each as a sentence to show.
    """

    info: ClipInfo
    notes: list[str]

    def times(self, cancel: CancelToken | None = None) -> FrameTimes:
        """Count the frames; takes as long as reading the file, the first time.

        Raises:
            Cancelled: at the first check after `cancel` was set.
            InputError: if there are none.
        """

    def frames_at(self, indices: Sequence[int], cancel: CancelToken | None = None) -> Iterator[tuple[int, Shot]]:
        """Decode the frames with these indices, which ascend; what cannot be decoded is noted and left out.

        Raises:
            Cancelled: at the first check after `cancel` was set.
        """

    def play(self, seconds: float = 0.0) -> Iterator[Shot]:
        """All frames in order, beginning with the one that is shown at that time; the last one past the end."""

    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def even_times(count: int, length: float) -> FrameTimes:
    """Times of frames that last equally long, exactly even whatever their file rounds to."""
    return FrameTimes(np.arange(count, dtype=np.int64), count, length / count)


def spaced(times: FrameTimes, count: int, span: Span | None = None) -> tuple[int, ...]:
    """Which frames stand for the clip, or for a span of it: at most `count`, uniformly spaced in time.

    The span from a to b is cut into `count` equal parts, and the frame that is shown at the middle of each is taken:
    at a + (2i + 1)·(b - a) / (2·count), i = 0 … count - 1. A frame that is held over several of these instants is taken
    once; a span that shows no more than `count` frames is taken whole. Where all n frames last equally long, these are
    the frames ⌊(2i + 1)·n / (2·count)⌋. The arithmetic is exact, so the same call gives the same frames.
    """
    begin, end = 0, times.end
    if span is not None:
        begin, end = (min(max(round(edge / times.tick), 0), times.end) for edge in span)
    first = int(np.searchsorted(times.starts, begin, side="right")) - 1
    past = max(int(np.searchsorted(times.starts, end, side="left")), first + 1)
    if past - first <= count:
        return tuple(range(first, past))
    instants = [2 * count * begin + (2 * i + 1) * (end - begin) for i in range(count)]  # in ticks · 2 · count
    found = [int(np.searchsorted(times.starts, instant // (2 * count), side="right")) - 1 for instant in instants]
    return tuple(dict.fromkeys(found))


def open_clip_file(path: str | os.PathLike[str]) -> ClipFile:
    """Open a video, an animation, or the pages of a document; a still picture is a clip of one frame.

    Only the header and the first frame are read.

    Raises:
        InputError: if the file is missing, unreadable, damaged, too large or neither.
    """
    if is_video(path):
        from cocadesk.media.video import VideoFile  # noqa: PLC0415 — loads a library that pictures do without

        return VideoFile(path)
    from cocadesk.media.animation import AnimationFile  # noqa: PLC0415 — only one of the two is needed

    return AnimationFile(path)


def open_clip(
    path: str | os.PathLike[str], count: int = FRAMES, span: Span | None = None, cancel: CancelToken | None = None
) -> Clip:
    """Open a file and take uniformly spaced frames of it, as `spaced` says.

    Raises:
        Cancelled: at the first check after `cancel` was set.
        InputError: as for `open_clip_file`, if no frame can be decoded, and if the frames together have more than
            `MAX_PIXELS` pixels.
    """
    with open_clip_file(path) as file:
        return sample(file, count, span, cancel)


def sample(file: ClipFile, count: int, span: Span | None = None, cancel: CancelToken | None = None) -> Clip:
    """Uniformly spaced frames of an open file; raises as `open_clip` does."""
    times = file.times(cancel)
    indices = spaced(times, count, span)
    info = file.info
    if len(indices) * info.width * info.height > MAX_PIXELS:
        raise InputError(
            f"{len(indices)} frames of {info.width} × {info.height} pixels are more than the limit of "
            f"{MAX_PIXELS // MEGAPIXEL} megapixels. Take fewer frames."
        )
    frames = {
        index: Picture(info.name, shot.pixels(), info.format, len(times), times.length)
        for index, shot in file.frames_at(indices, cancel)
    }
    if not frames:
        raise InputError("None of its frames can be decoded. Copy or download it again.")
    taken = tuple(frames)
    return Clip(
        info.name, tuple(frames.values()), taken, tuple(times.seconds(index) for index in taken), tuple(file.notes)
    )

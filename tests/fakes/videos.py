"""Videos made on the spot: every frame tells its index, so that what was sampled can be read off the pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

RATE = 25
STEP = 24
REORDERED = {"bf": "2", "g": "12"}
"""Options of MPEG-4: frames between two others, which are stored in another order than they are shown in."""


def numbered(index: int, size: tuple[int, int] = (64, 48)) -> npt.NDArray[np.uint8]:
    """A frame whose left half stands for the tens of its index and whose right half for the ones."""
    width, height = size
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, : width // 2] = STEP * (index // 10)
    pixels[:, width // 2 :] = STEP * (index % 10)
    return pixels


def number_of(pixels: npt.NDArray[np.uint8]) -> int:
    """The index that `numbered` wrote into a frame."""
    height, width = pixels.shape[:2]
    tens, ones = (round(float(pixels[height // 2, x].mean()) / STEP) for x in (width // 4, 3 * width // 4))
    return 10 * tens + ones


def video(
    path: Path,
    count: int = 40,
    codec: str = "mpeg4",
    *,
    size: tuple[int, int] = (64, 48),
    frames: Iterable[npt.NDArray[np.uint8]] | None = None,
    times: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    rotation: int = 0,
    aspect: Fraction | None = None,
    sound: bool = False,
    faststart: bool = False,
    **context: Any,
) -> Path:
    """Write numbered frames, or these, at 25 a second, or at these times in 25ths of a second."""
    drawn = iter(frames if frames is not None else (numbered(index, size) for index in range(count)))
    first = next(drawn)
    layout = {"movflags": "faststart"} if faststart else {}
    with av.open(str(path), "w", options=layout) as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.options = {"qmin": "1", "qmax": "2", **(options or {})} if codec in ("mpeg4", "mjpeg") else options or {}
        if rotation:
            stream.set_display_rotation(rotation)
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        for name, value in context.items():
            setattr(stream.codec_context, name, value)
        speech = container.add_stream("mp3", rate=44100) if sound else None
        for number, pixels in enumerate(chain([first], drawn)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if "colorspace" in context:
                frame = frame.reformat(format="yuv420p", dst_colorspace=context["colorspace"])
            frame.pts = times[number] if times else number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if speech is not None:
            _say_nothing(container, speech)
    return path


def sound_only(path: Path) -> Path:
    """A file like a video's, with a second of silence and no pictures."""
    with av.open(str(path), "w") as container:
        _say_nothing(container, container.add_stream("mp3", rate=44100))
    return path


def claim_frames(path: Path, count: int) -> None:
    """Have an AVI's headers claim another number of frames."""
    data = bytearray(path.read_bytes())
    main, stream = data.index(b"avih") + 8, data.index(b"strh") + 8
    struct.pack_into("<I", data, main + 16, count)
    struct.pack_into("<I", data, stream + 32, count)
    path.write_bytes(bytes(data))


def spoil_frame(path: Path, index: int) -> None:
    """Overwrite the bytes of one packet."""
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][index]
        at, size = packet.pos, packet.size
    assert at is not None
    data = bytearray(path.read_bytes())
    found = data.index(bytes(packet)[:64], at)
    data[found : found + size] = bytes(size)
    path.write_bytes(bytes(data))


def _say_nothing(container: Any, stream: Any) -> None:
    samples = np.zeros((1, 44100), np.float32)
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
    frame.rate = 44100
    resampler = av.AudioResampler(stream.format.name, stream.layout.name, stream.rate, stream.frame_size or 1152)
    for part in resampler.resample(frame):
        container.mux(stream.encode(part))
    container.mux(stream.encode())

"""Writing animations: pictures of one size, one after the other, as a GIF or as a video."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

logger = logging.getLogger(__name__)

_RATE = 10
"""Frames a second of a video. Pictures are held by repeating them, which some players need and which costs nothing."""

# The encoders that may be there, the best first. PyAV's wheels bring x264 and x265 as well, which are GPL and are not
# used. VP9 (libvpx, BSD) plays in browsers and in all current players; MPEG-4 part 2 is FFmpeg's own, in every build.
_ENCODERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("libvpx-vp9", {"crf": "24", "b": "0", "row-mt": "1", "cpu-used": "4"}),
    ("mpeg4", {"qmin": "2", "qmax": "4"}),
)


def write_gif(path: Path, pictures: Iterable[Image.Image], seconds: float = 0.8) -> None:
    """Write an animation that begins again when it is over; each picture is shown for so many seconds.

    Args:
        pictures: RGB, at least one, all of one size, asked for one by one. Each gets the 256 colours that suit it,
            mixed for those between.

    Raises:
        OSError: if it cannot be written.
    """
    # The octree is twenty times as fast as the median cut, and mixes to colours that are nearer to the picture's.
    palettes = Image.Quantize.FASTOCTREE
    quantized = (picture.quantize(palette=picture.quantize(256, palettes)) for picture in pictures)
    first = next(quantized)
    first.save(path, "GIF", save_all=True, append_images=quantized, duration=round(seconds * 1000), loop=0)


def write_mp4(path: Path, pictures: Iterable[Image.Image], seconds: float = 0.8) -> None:
    """Write a video of them, coded as VP9 or, where FFmpeg was built without it, as MPEG-4 part 2.

    Args:
        pictures: RGB, at least one, all of one size; a last row or column is repeated where the size is odd.

    Raises:
        OSError: if it cannot be written, or FFmpeg has neither encoder.
    """
    import av  # noqa: PLC0415 — loads FFmpeg's libraries, which most calls do without

    name, options = _encoder()
    coming = iter(pictures)
    first = next(coming)
    width, height = (side + side % 2 for side in first.size)  # colours are kept for 2 × 2 pixels together
    try:
        with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream(name, _RATE, options)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.time_base = Fraction(1, _RATE)
            stamp = 0
            for picture in chain([first], coming):
                frame = av.VideoFrame.from_ndarray(_padded(picture, (width, height)), format="rgb24")
                for _ in range(max(1, round(seconds * _RATE))):
                    frame.pts, frame.time_base = stamp, Fraction(1, _RATE)
                    container.mux(stream.encode(frame))
                    stamp += 1
            container.mux(stream.encode(None))
    except av.error.FFmpegError as error:
        raise OSError(error.errno, error.strerror) from error


def _encoder() -> tuple[str, dict[str, str]]:
    import av  # noqa: PLC0415 — as above

    for name, options in _ENCODERS:
        try:
            av.Codec(name, "w")
        except av.codec.codec.UnknownCodecError:
            logger.info("FFmpeg was built without %s", name)
        else:
            return name, options
    raise OSError(0, "FFmpeg was built without VP9 and MPEG-4. Choose a GIF")


def _padded(picture: Image.Image, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    pixels = np.asarray(picture.convert("RGB"))
    return np.pad(pixels, ((0, size[1] - picture.height), (0, size[0] - picture.width), (0, 0)), mode="edge")

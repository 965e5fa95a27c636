"""Decoded frames of videos, and how they become pixels: colours, square pixels, upright."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from cocadesk.media.clips import Pixels

_HD_HEIGHT = 720
"""From here on, pictures that do not name their colour matrix have BT.709's, as players take it."""
_UNSPECIFIED = 2


class Frame:
    """A decoded frame, which remains in the codec's own layout until its pixels are asked for.

    Attributes:
        seconds: When it is shown, counted from the first frame.
    """

    def __init__(self, frame: VideoFrame, seconds: float, size: tuple[int, int]) -> None:
        self._frame = frame
        self._size = size
        self.seconds = seconds

    def pixels(self, scale: float = 1.0) -> Pixels:
        """uint8, sRGB, upright, with square pixels, (height, width, 3); scaled down by `scale` < 1."""
        matrix = _display_matrix(self._frame)
        across, down = self._size if matrix is None or not _turns(matrix) else self._size[::-1]
        width, height = max(1, round(across * scale)), max(1, round(down * scale))
        smaller = width < self._frame.width
        plain = self._frame.format.name in ("rgb24", "gray", "gray8")
        unnamed = self._frame.colorspace == _UNSPECIFIED and self._frame.height >= _HD_HEIGHT
        has_alpha = any(component.is_alpha for component in self._frame.format.components)
        converted = self._frame.reformat(
            width,
            height,
            "rgba" if has_alpha else "rgb24",
            src_colorspace=Colorspace.ITU709 if unnamed and not plain else None,
            dst_color_range=ColorRange.JPEG,
            interpolation=Interpolation.AREA if smaller else Interpolation.BICUBIC,
        )
        found: Pixels = np.asarray(converted.to_ndarray(), np.uint8)
        opaque = _over_white(found) if has_alpha else found
        upright = np.ascontiguousarray(opaque if matrix is None else _turned(opaque, matrix))
        upright.setflags(write=False)
        return upright


def shown_size(frame: VideoFrame, pixel_aspect: float) -> tuple[int, int]:
    """Width and height upright and with square pixels; `pixel_aspect` is the width of a pixel over its height."""
    # The shorter side of a pixel is filled up, so that no line is lost.
    size = round(frame.width * max(pixel_aspect, 1.0)), round(frame.height * max(1 / pixel_aspect, 1.0))
    matrix = _display_matrix(frame)
    return size[::-1] if matrix is not None and _turns(matrix) else size


def _display_matrix(frame: VideoFrame) -> npt.NDArray[np.int32] | None:
    """How the frame is turned and mirrored for display: x' = a·x + c·y, y' = b·x + d·y, as ((a, b), (c, d))."""
    data = frame.side_data.get("DISPLAYMATRIX")
    return np.frombuffer(bytes(data), np.int32).reshape(3, 3)[:2, :2] if isinstance(data, SideData) else None


def _turns(matrix: npt.NDArray[np.int32]) -> bool:
    """Whether width and height change places; what is askew goes the nearest right angle."""
    (a, b), _ = np.abs(matrix.astype(np.int64))
    return bool(b > a)


def _turned(pixels: Pixels, matrix: npt.NDArray[np.int32]) -> Pixels:
    (a, b), (c, d) = matrix
    across, down = (c, b) if _turns(matrix) else (a, d)
    upright = pixels.swapaxes(0, 1) if _turns(matrix) else pixels
    return upright[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]


def _over_white(pixels: Pixels) -> Pixels:
    """RGB of RGBA laid over white, as for pictures."""
    alpha = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)

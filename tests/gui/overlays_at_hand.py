"""Maps over pictures of known geometry, for the tests of what is laid over the canvas."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.preprocess import Preprocessing, ResizeMode, geometry
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.types import Picture

GREY = (120, 120, 120)


def layout(width: int, height: int, grid: int = 4, mode: ResizeMode = "shortest", crop: float = 1.0) -> PatchLayout:
    """Where a model with that many patches a side, 8 pixels each, looks at a picture."""
    wanted = Preprocessing(8 * grid, resize_mode=mode, crop=crop)
    return PatchLayout(geometry(width, height, wanted), (grid, grid), (8, 8), 1)


def plain(width: int, height: int) -> Picture:
    """An even grey picture."""
    return Picture("grey", np.full((height, width, 3), GREY[0], np.uint8))


def peak(width: int, height: int, at: tuple[int, int], grid: int = 4, mode: ResizeMode = "shortest") -> OverlayMap:
    """One in one patch (row, column), nothing elsewhere."""
    values = np.zeros((grid, grid), np.float32)
    values[at] = 1
    return OverlayMap(values, layout(width, height, grid, mode), "“cat” · layer 3 · mean")


def noise(width: int, height: int, grid: int = 4, mode: ResizeMode = "shortest", seed: int = 0) -> OverlayMap:
    """Values between 0 and 1."""
    values = np.random.default_rng(seed).random((grid, grid)).astype(np.float32)
    return OverlayMap(values, layout(width, height, grid, mode), f"noise {seed}")


def pixels(image: QImage) -> npt.NDArray[np.uint8]:
    """(height, width, 3)."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()

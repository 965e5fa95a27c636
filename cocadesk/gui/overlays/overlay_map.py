"""A map to lay over the picture, and how it travels in a drag."""

from __future__ import annotations

import os
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QMimeData

from cocadesk.gui.overlays.style import OverlayStyle

if TYPE_CHECKING:
    from cocadesk.engine.attention_geometry import PatchLayout

MAP_MIME = "application/x-cocadesk-map"
"""Type of a dragged map's data: a key into a table of this process, since no other could draw it."""

_KEPT = 16
_dragged: OrderedDict[bytes, tuple[OverlayMap, OverlayStyle | None]] = OrderedDict()
_numbers = count(1)


@dataclass(frozen=True, slots=True, eq=False)
class OverlayMap:
    """A value for each patch of a picture; two maps are the same only if they are one object.

    Attributes:
        values: Float32, (rows, columns), read-only; where a value is not finite nothing is laid over. A copy, so that a
            map that is kept does not keep those of all layers and heads, which it may be a part of.
        layout: Where the patches lie on the picture.
        title: What the map shows, such as “cat” · layer 3 · mean.

    Raises:
        ValueError: The shape is not the grid of the layout.
    """

    values: npt.NDArray[np.float32] = field(repr=False)
    layout: PatchLayout = field(repr=False)
    title: str = ""

    def __post_init__(self) -> None:
        values = np.array(self.values, np.float32, order="C")
        if values.shape != tuple(self.layout.grid):
            raise ValueError(f"A map of {self.layout.grid} patches has no values of shape {values.shape}.")
        values.flags.writeable = False
        object.__setattr__(self, "values", values)


def map_mime(shown: OverlayMap, style: OverlayStyle | None = None) -> QMimeData:
    """The map as the data of a drag, with how to show it; the newest maps are kept until they are dropped."""
    key = f"{os.getpid()}-{next(_numbers)}".encode()
    _dragged[key] = shown, style
    while len(_dragged) > _KEPT:
        _dragged.popitem(last=False)
    mime = QMimeData()
    mime.setData(MAP_MIME, key)
    return mime


def map_from_mime(mime: QMimeData) -> OverlayMap | None:
    """The map that is dragged; None if it is something else, or a map of another process."""
    return _carried(mime)[0]


def style_from_mime(mime: QMimeData) -> OverlayStyle | None:
    """How the map that is dragged was shown; None if that was left open."""
    return _carried(mime)[1]


def _carried(mime: QMimeData) -> tuple[OverlayMap | None, OverlayStyle | None]:
    key = bytes(mime.data(MAP_MIME).data()) if mime.hasFormat(MAP_MIME) else b""
    return _dragged.get(key, (None, None))

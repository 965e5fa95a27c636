"""The lenses of pictures that are open but not shown."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF

from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.overlays.style import OverlayStyle

BUDGET_BYTES = 8 * 1024 * 1024
"""Enough for 2,900 lenses of 14 × 14 patches."""
OVERHEAD_BYTES = 2048
"""What a lens takes besides the values of its map, rounded up: its title, its style, where its patches lie."""


@dataclass(frozen=True, slots=True)
class PinState:
    """A lens as it was left.

    Attributes:
        rect: Where it lies, in the picture's pixels.
        age: Its place in the order in which lenses were pinned, in which Tab goes through them.
    """

    map: OverlayMap
    style: OverlayStyle
    rect: QRectF
    age: int = 0

    @property
    def nbytes(self) -> int:
        """Memory that is taken, in bytes."""
        return self.map.values.nbytes + OVERHEAD_BYTES


class KeptPins:
    """Lenses by the key of their picture, the topmost last, within a budget of memory.

    Those of the picture that was left last stay whatever they take.
    """

    def __init__(self, budget_bytes: int = BUDGET_BYTES) -> None:
        self._budget = budget_bytes
        self._kept: OrderedDict[int, tuple[PinState, ...]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    @property
    def nbytes(self) -> int:
        """Memory that is taken, in bytes."""
        return sum(pin.nbytes for pins in self._kept.values() for pin in pins)

    def put(self, key: int, pins: tuple[PinState, ...]) -> None:
        """Keep a picture's lenses, and let go those of pictures that were not looked at for longest."""
        self._kept.pop(key, None)
        if pins:
            self._kept[key] = pins
        while self.nbytes > self._budget and len(self._kept) > 1:
            self._kept.popitem(last=False)

    def take(self, key: int) -> tuple[PinState, ...]:
        """A picture's lenses, which are no longer kept then."""
        return self._kept.pop(key, ())

    def keep_only(self, is_open: Callable[[int], bool]) -> None:
        """Forget those of pictures that were closed."""
        for key in [key for key in self._kept if not is_open(key)]:
            del self._kept[key]

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()

"""Colour maps, from low to high; defined once for the window and for exported pictures."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

# Every sixteenth colour of matplotlib's maps: inferno and viridis by Nathaniel Smith and Stéfan van der Walt (CC0).
_COLOURS = {
    "inferno": (
        "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 "
        "d04545 e35933 f1711f f98c0a fcaa0f f9c932 f2e865 fcffa4"
    ),
    "viridis": (
        "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c "
        "1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725"
    ),
    "greys": "000000 ffffff",
}

NAMES = tuple(_COLOURS)


@cache
def anchors(name: str = "inferno") -> npt.NDArray[np.float32]:
    """The colours of a map at equal distances, (N, 3), from 0 to 255; between two of them it is linear.

    Raises:
        KeyError: There is no map of that name.
    """
    colours = np.array([list(bytes.fromhex(colour)) for colour in _COLOURS[name].split()], np.float32)
    colours.flags.writeable = False
    return colours


def colours_at(shares: npt.NDArray[np.floating], name: str = "inferno") -> npt.NDArray[np.uint8]:
    """The colours of places along a map, 0 its first and 1 its last, (…) to (…, 3); those beyond are brought inside."""
    steps = anchors(name)
    at = shares.clip(0, 1) * (len(steps) - 1)
    below = np.minimum(at.astype(int), len(steps) - 2)
    part = (at - below)[..., None]
    return np.asarray(np.rint(steps[below] * (1 - part) + steps[below + 1] * part), np.uint8)

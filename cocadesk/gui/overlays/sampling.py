"""Values between and within patches: what `PatchLayout.on_picture` does, for any part of the grid at any fineness.

Places are in patches: 0 is the first patch's outer edge, 0.5 its centre.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Edges = tuple[float, float]

FINEST, LARGEST = 15, 512


def fineness(patches: int) -> int:
    """Samples along a patch of an image of the whole grid: odd, so that one lies on the patch's centre, where the slope
    changes; then linear interpolation between the samples gives what is interpolated between the patches. The image's
    side is bounded."""
    most = min(FINEST, LARGEST // patches)
    return max(1, most - (most + 1) % 2)


def sampled(values: Floats, rows: Edges, columns: Edges, size: tuple[int, int]) -> Floats:
    """Linear interpolation between the patches' centres; the outermost patch's value goes on to the edge.

    Args:
        values: (rows, columns); where one is not finite, neither is what lies between it and its neighbours.
        rows, columns: First and last edge of the part to sample.
        size: Samples down and across, each at the centre of its share.

    Returns:
        Float32 of shape `size`.
    """
    down = _shares(values.shape[0], *rows, size[0])
    across = _shares(values.shape[1], *columns, size[1])
    finite = np.isfinite(values)
    if finite.all():
        return np.asarray(down @ values @ across.T)
    drawn = down @ np.where(finite, values, np.float32(0)) @ across.T
    drawn[down @ (~finite).astype(np.float32) @ across.T > 0] = np.nan
    return np.asarray(drawn)


def between(values: Floats, row: float, column: float) -> float:
    """The interpolated value at one place."""
    return float(sampled(values, (row, row), (column, column), (1, 1))[0, 0])


@lru_cache(maxsize=64)
def _shares(patches: int, first: float, last: float, count: int) -> Floats:
    """How much of each patch is in each sample, (count, patches)."""
    places = first + (np.arange(count) + 0.5) * ((last - first) / count)
    distance = np.abs(places.clip(0.5, patches - 0.5)[:, None] - (np.arange(patches) + 0.5))
    return np.asarray(np.clip(1 - distance, 0, None), np.float32)

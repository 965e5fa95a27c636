"""Values between and within patches: what `PatchLayout.on_picture` does, for any part of the grid at any fineness.

Places are in patches: 0 is the first patch's outer edge, 0.5 its centre.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    down = _neighbours(values.shape[0], *rows, size[0])
    across = _neighbours(values.shape[1], *columns, size[1])
    finite = np.isfinite(values)
    if finite.all():
        return _mixed(values, down, across)
    drawn = _mixed(np.where(finite, values, np.float32(0)), down, across)
    drawn[_mixed((~finite).astype(np.float32), down, across) > 0] = np.nan
    return drawn


def between(values: Floats, row: float, column: float) -> float:
    """The interpolated value at one place."""
    return float(sampled(values, (row, row), (column, column), (1, 1))[0, 0])


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """The patches before and behind each sample, and the share of the latter, as (samples,)."""

    before: npt.NDArray[np.intp]
    behind: npt.NDArray[np.intp]
    share: Floats


@lru_cache(maxsize=64)
def _neighbours(patches: int, first: float, last: float, count: int) -> _Neighbours:
    places = first + (np.arange(count) + 0.5) * ((last - first) / count)
    inside = places.clip(0.5, patches - 0.5) - 0.5
    before = np.minimum(inside.astype(np.intp), max(patches - 2, 0))
    return _Neighbours(before, np.minimum(before + 1, patches - 1), (inside - before).astype(np.float32))


def _mixed(values: Floats, down: _Neighbours, across: _Neighbours) -> Floats:
    """Not as products of matrices: threads that multiply small ones wait longer for each other than it takes."""
    rows = values[down.before] + (values[down.behind] - values[down.before]) * down.share[:, None]
    before, behind = rows.take(across.before, axis=1), rows.take(across.behind, axis=1)
    return np.asarray(before + (behind - before) * across.share)

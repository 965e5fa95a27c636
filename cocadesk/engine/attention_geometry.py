"""Where patches lie on the picture they were cut from: resizing, cropping and padding undone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cocadesk.engine.preprocess import Geometry

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PatchLayout:
    """Where the patches of the model's square lie on a picture.

    Attributes:
        geometry: Where the square lies on the picture.
        grid: Rows and columns of patches, from the square's top left corner.
        patch: Width and height of a patch, in pixels of the square; a rest at the right and the bottom that is smaller
            than a patch is not looked at.
        first: How many keys, such as a class token, stand before the patches.
    """

    geometry: Geometry
    grid: tuple[int, int]
    patch: tuple[int, int]
    first: int

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom edge of all patches in the picture's pixels; beyond its edges where the square is
        padded."""
        left, top, right, bottom = self.geometry.box
        rows, columns = self.grid
        share_x = columns * self.patch[0] / self.geometry.side
        share_y = rows * self.patch[1] / self.geometry.side
        return left, top, left + (right - left) * share_x, top + (bottom - top) * share_y

    def boxes(self) -> npt.NDArray[np.float64]:
        """Left, top, right and bottom edge of each patch in the picture's pixels, (rows, columns, 4)."""
        left, top, right, bottom = self.box
        rows, columns = self.grid
        x = np.linspace(left, right, columns + 1)
        y = np.linspace(top, bottom, rows + 1)
        edges = (x[None, :-1], y[:-1, None], x[None, 1:], y[1:, None])
        return np.stack([np.broadcast_to(edge, self.grid) for edge in edges], axis=-1)

    def cut(self, weights: Floats) -> Floats:
        """Weights over the keys (…, K) as (…, rows, columns): those of the patches alone."""
        rows, columns = self.grid
        patches = weights[..., self.first : self.first + rows * columns]
        return np.asarray(patches.reshape(*weights.shape[:-1], rows, columns))

    def on_picture(self, values: Floats, size: tuple[int, int] | None = None, *, smooth: bool = True) -> Floats:
        """A value for each pixel of the picture from one for each patch; NaN where the model did not look.

        Args:
            values: (rows, columns).
            size: Width and height to draw the picture at; None for its own.
            smooth: Interpolate linearly between the patches' centres; otherwise all pixels of a patch are alike. A
                pixel is where its centre is.

        Returns:
            Float32, (height, width).
        """
        picture_width, picture_height = self.geometry.picture
        width, height = size or self.geometry.picture
        left, top, right, bottom = self.box
        across = _places(width, picture_width, left, right)
        down = _places(height, picture_height, top, bottom)
        drawn = _sampling(down, self.grid[0], smooth) @ values.astype(np.float32)
        return np.asarray(drawn @ _sampling(across, self.grid[1], smooth).T)

    def peak(self, values: Floats) -> tuple[float, float]:
        """Where on the picture the highest value (of rows, columns) lies: the middle of what the picture has of that
        patch, in pixels from its top left corner. Patches beyond the picture's edges do not count.
        """
        width, height = self.geometry.picture
        boxes = self.boxes()
        x = boxes[..., [0, 2]].clip(0, width)
        y = boxes[..., [1, 3]].clip(0, height)
        on_it = (x[..., 1] > x[..., 0]) & (y[..., 1] > y[..., 0])
        row, column = np.unravel_index(np.where(on_it, values, -np.inf).argmax(), self.grid)
        return float(x[row, column].mean()), float(y[row, column].mean())


def _places(count: int, extent: int, first: float, last: float) -> npt.NDArray[np.float64]:
    """Where `count` pixels that show `extent` lie between two edges: 0 at the first, 1 at the last."""
    centres = (np.arange(count) + 0.5) * (extent / count)
    return np.asarray((centres - first) / (last - first))


def _sampling(places: npt.NDArray[np.float64], patches: int, smooth: bool) -> Floats:
    """How much of each patch is in each pixel, (pixels, patches); a row of NaN for a pixel outside."""
    at = places * patches
    nearest = np.arange(patches) + 0.5
    if smooth:
        # Beyond the centre of the outermost patch its value goes on.
        distance = np.abs(np.clip(at, 0.5, patches - 0.5)[:, None] - nearest)
        shares = np.clip(1 - distance, 0, None)
    else:
        shares = (np.floor(at)[:, None] == nearest - 0.5).astype(float)
    shares[(at < 0) | (at >= patches)] = np.nan
    return np.asarray(shares, np.float32)

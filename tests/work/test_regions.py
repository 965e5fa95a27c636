"""What shapes cover, drawn one over the other, and the picture without it."""

from __future__ import annotations

import numpy as np
import pytest

from cocadesk.errors import InputError
from cocadesk.media.masking import Fill
from cocadesk.types import Clip, Picture
from cocadesk.work.regions import Region, Shape, covered, without
from tests.fakes.pictures import quadrants

SIZE = (80, 60)
LEFT_HALF = Shape("rectangle", ((40, 60), (0, 0)))
DOT = Shape("brush", ((20, 30),), 10.0, erases=True)


def picture(width: int = 80, height: int = 60) -> Picture:
    return Picture("quarters", np.asarray(quadrants(width, height)))


def disc(size: tuple[int, int], x: float, y: float, radius: float) -> np.ndarray:
    """The pixels whose centres lie within the circle."""
    down, across = np.mgrid[: size[1], : size[0]] + 0.5
    return (across - x) ** 2 + (down - y) ** 2 <= radius**2


def test_what_erases_takes_away_and_what_follows_adds_again() -> None:
    half = np.zeros((60, 80), bool)
    half[:, :40] = True
    hole = disc(SIZE, 20, 30, 10)
    np.testing.assert_array_equal(covered(Region(SIZE, (LEFT_HALF,)), SIZE), half)
    np.testing.assert_array_equal(covered(Region(SIZE, (LEFT_HALF, DOT)), SIZE), half & ~hole)
    again = Shape("rectangle", ((15, 25), (25, 35)))
    expected = half & ~hole
    expected[25:35, 15:25] = True
    np.testing.assert_array_equal(covered(Region(SIZE, (LEFT_HALF, DOT, again)), SIZE), expected)


def test_a_smaller_copy_is_covered_alike() -> None:
    region = Region(SIZE, (LEFT_HALF, DOT))
    small = covered(region, (40, 30))
    np.testing.assert_array_equal(small[:, 20:], False)
    hole = disc((40, 30), 10, 15, 5)
    np.testing.assert_array_equal(small[:, :20], ~hole[:, :20])


def test_shapes_beside_the_picture_cover_nothing() -> None:
    beside = Shape("lasso", ((-30, -30), (-10, -30), (-10, -5)))
    np.testing.assert_array_equal(
        covered(Region(SIZE, (beside, LEFT_HALF)), SIZE), covered(Region(SIZE, (LEFT_HALF,)), SIZE)
    )


@pytest.mark.parametrize("fill", ["mean", "grey", "blur"])
def test_only_what_is_covered_is_filled_in_every_frame(fill: Fill) -> None:
    clip = Clip("clip", (picture(), Picture("dark", picture().pixels // 2)), (0, 5))
    masked = without(clip, Region(SIZE, (LEFT_HALF,)), fill)
    assert isinstance(masked, Clip)
    assert masked.indices == (0, 5)
    for before, after in zip(clip.frames, masked.frames, strict=True):
        np.testing.assert_array_equal(after.pixels[:, 40:], before.pixels[:, 40:])
        assert (after.pixels[:, :40] != before.pixels[:, :40]).any(-1).mean() > 0.95


@pytest.mark.parametrize(
    ("shapes", "sentence"),
    [
        ((), "covers nothing"),
        ((Shape("rectangle", ((-9, -9), (-1, -1))),), "covers nothing"),
        ((Shape("brush", ((20, 30),), 5), Shape("brush", ((20, 30),), 9, erases=True)), "covers nothing"),
        ((Shape("rectangle", ((-1, -1), (90, 90))),), "covers the whole picture"),
    ],
)
def test_bad_regions_are_refused(shapes: tuple[Shape, ...], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        without(picture(), Region(SIZE, shapes), "grey")

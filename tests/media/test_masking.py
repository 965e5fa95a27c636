"""Regions of pictures: which pixels are covered, and what takes their place, by pixels known beforehand."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageFilter

from cocadesk.errors import InputError, OptionError
from cocadesk.media.masking import FILLS, Region, masked, polygon, rectangle, stroke
from cocadesk.types import Clip, Picture

SIZE = (9, 6)


def drawn(*rows: str) -> Region:
    return np.array([[sign == "#" for sign in row] for row in rows])


def picture(pixels: npt.ArrayLike) -> Picture:
    return Picture("picture.png", np.asarray(pixels, np.uint8), "PNG")


def noise(width: int, height: int, seed: int = 0) -> Picture:
    return picture(np.random.default_rng(seed).integers(0, 256, (height, width, 3)))


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((2, 1, 5, 3), (1, 3), (2, 5)),
        ((2.9, 1.2, 3.1, 1.3), (1, 2), (2, 4)),
        ((-4, -9, 2, 2), (0, 2), (0, 2)),
        ((7.5, 4.5, 100, 100), (4, 6), (7, 9)),
        ((-5, 3, 50, 4), (3, 4), (0, 9)),
        ((-1, -1, 10, 10), (0, 6), (0, 9)),
    ],
    ids=["inside", "small", "upper left", "lower right", "across", "all"],
)
def test_a_rectangle_covers_what_it_touches(
    box: tuple[float, float, float, float], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    expected = np.zeros((6, 9), bool)
    expected[slice(*rows), slice(*columns)] = True

    assert np.array_equal(rectangle(SIZE, box), expected)


@pytest.mark.parametrize(
    "box", [(9, 0, 12, 6), (-3, 0, 0, 6), (0, 6, 9, 8), (0, -2, 9, 0), (4, 3, 2, 5), (math.nan, 0, 3, 3)]
)
def test_a_rectangle_beside_the_picture_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(InputError, match="region"):
        rectangle(SIZE, box)


def test_a_polygon_covers_the_centres_it_encloses() -> None:
    assert np.array_equal(
        polygon(SIZE, [(0, 0), (6, 0), (0, 6)]),
        drawn("######...", "#####....", "####.....", "###......", "##.......", "#........")
        & ~drawn(".....#...", "....#....", "...#.....", "..#......", ".#.......", "#........"),
    )
    assert np.array_equal(
        polygon(SIZE, [(2.4, -3), (20, -3), (20, 3.6), (2.4, 3.6)]),
        drawn("..#######", "..#######", "..#######", "..#######", ".........", "........."),
    )


def test_a_lasso_that_crosses_itself_hides_all_that_it_goes_around() -> None:
    star = [(50 + 45 * math.sin(0.8 * math.pi * k), 50 - 45 * math.cos(0.8 * math.pi * k)) for k in range(5)]

    region = polygon((100, 100), star)

    assert region[50, 50], "the middle of the star is enclosed twice"
    assert region[10, 49]
    assert not region[2, 2]
    assert not region[90, 50]


@pytest.mark.parametrize("turn", [1, -1])
def test_polygons_agree_with_a_test_of_every_centre(turn: int) -> None:
    """Against the winding number by the angles under which the corners are seen from each centre."""
    random = np.random.default_rng(3)
    for _ in range(10):
        points = random.uniform(-5, 30, (random.integers(3, 9), 2))[::turn]
        centres = np.stack(np.meshgrid(np.arange(24) + 0.5, np.arange(18) + 0.5), -1)
        seen = np.angle(np.array([complex(*point) for point in points]) - (centres @ [1, 1j])[..., None])
        turned = np.diff(np.concatenate((seen, seen[..., :1]), -1))
        winding = np.rint(((turned + np.pi) % (2 * np.pi) - np.pi).sum(-1) / (2 * np.pi))

        assert np.array_equal(polygon((24, 18), [(x, y) for x, y in points]), winding != 0)


def test_a_stroke_agrees_with_the_distance_of_every_centre() -> None:
    random = np.random.default_rng(4)
    x, y = np.meshgrid(np.arange(60) + 0.5, np.arange(40) + 0.5)
    for radius in (1.5, 4.0, 11.0):
        points = random.uniform(-10, 60, (6, 2))
        near = np.hypot(x - points[0, 0], y - points[0, 1]) <= radius
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
            t = np.clip(along, 0, 1)
            near |= np.hypot(x - x0 - t * (x1 - x0), y - y0 - t * (y1 - y0)) <= radius

        assert np.array_equal(stroke((60, 40), [(a, b) for a, b in points], radius), near)


def test_the_thinnest_brush_covers_the_pixel_under_it() -> None:
    for point in ((3.0, 2.0), (3.5, 2.5), (3.99, 2.01)):
        region = stroke(SIZE, [point], 0.0)
        assert region[int(point[1]), int(point[0])]
        assert region.sum() <= 4


def test_a_stroke_with_very_many_points_is_one_region() -> None:
    region = stroke((40, 20), [(10.0, 10.0)] * 40_000, 5.0)

    assert np.array_equal(region, stroke((40, 20), [(10.0, 10.0)], 5.0))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: polygon(SIZE, [(20, 0), (30, 0), (30, 9)]),
        lambda: polygon(SIZE, [(1, 1), (4, 4)]),
        lambda: polygon(SIZE, []),
        lambda: polygon(SIZE, [(1.6, 1.6), (2.4, 1.6), (2.4, 2.4), (1.6, 2.4)]),
        lambda: polygon(SIZE, [(0, 0), (math.inf, 0), (3, 3)]),
        lambda: stroke(SIZE, [(-20, 3), (-20, 5)], 5),
        lambda: stroke(SIZE, [], 5),
        lambda: stroke(SIZE, [(3, 3)], math.nan),
    ],
)
def test_what_covers_no_pixel_is_refused(draw: Callable[[], Region]) -> None:
    with pytest.raises(InputError, match="draw it over"):
        draw()


@pytest.mark.parametrize("fill", FILLS)
def test_only_the_region_changes(fill: str) -> None:
    given = noise(40, 30)
    before = given.pixels.copy()
    region = rectangle((40, 30), (10, 5, 25, 20)) | stroke((40, 30), [(30, 25), (36, 25)], 2)

    found = masked(given, region, fill)  # type: ignore[arg-type]

    assert np.array_equal(found.pixels[~region], before[~region])
    assert (found.pixels[region] != before[region]).any(-1).mean() > 0.9
    assert (found.name, found.format, found.pixels.dtype) == (given.name, given.format, np.uint8)
    assert not found.pixels.flags.writeable
    assert np.array_equal(given.pixels, before)


def test_mean_is_the_colour_of_what_stays() -> None:
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:, 3:] = (200, 100, 31)
    pixels[1:3, 1:3] = (9, 250, 77)  # what is hidden has no part in it
    region = rectangle((6, 4), (1, 1, 3, 3))

    found = masked(picture(pixels), region, "mean")

    assert (found.pixels[region] == [round(200 * 12 / 20), round(100 * 12 / 20), round(31 * 12 / 20)]).all()


def test_grey_is_half_of_white() -> None:
    region = polygon((40, 30), [(3, 3), (30, 5), (12, 28)])

    assert (masked(noise(40, 30), region, "grey").pixels[region] == 128).all()


def written(size: tuple[int, int], box: tuple[int, int, int, int]) -> Picture:
    """Black on white: a letter in the box, with strokes of a fifth of its width."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = box
    fifth = (right - left) // 5
    for beam in (
        (left, top, left + fifth, bottom),
        (right - fifth, top, right, bottom),
        (left, (top + bottom - fifth) // 2, right, (top + bottom + fifth) // 2),
    ):
        draw.rectangle(beam, "black")
    return picture(np.asarray(image))


@pytest.mark.parametrize(("scale", "far"), [(1, 0), (4, 0), (12, 0), (4, 60)])
def test_a_blurred_letter_cannot_be_told(scale: int, far: int) -> None:
    """At any size: within the region, the letter's strokes and what is between them come to nearly the same grey."""
    size = (100 * scale, 80 * scale)
    box = (30 * scale - far, 20 * scale, 70 * scale - far, 60 * scale)
    letter = written(size, box)
    region = rectangle(size, (box[0] - scale, box[1] - scale, box[2] + scale + 1, box[3] + scale + 1))
    black = region & (letter.pixels[..., 0] < 128)
    centre_x, y = (box[0] + box[2]) // 2, box[1] + (box[3] - box[1]) // 4
    stroke_x = box[0] + 4 * scale

    found = masked(letter, region, "blur").pixels[..., 0].astype(float)

    assert letter.pixels[y, stroke_x, 0] == 0
    assert letter.pixels[y, centre_x, 0] == 255
    assert abs(found[y, stroke_x] - found[y, centre_x]) < 30
    assert found[black].mean() - found[region & ~black].mean() < 15


def test_a_blur_is_the_gaussian_of_its_rule() -> None:
    """Against Pillow's blur of the whole picture; the smaller copies differ by little."""
    given = picture(np.asarray(Image.fromarray(noise(30, 20).pixels).resize((600, 400), Image.Resampling.BICUBIC)))
    region = rectangle((600, 400), (150, 100, 450, 260))

    found = masked(given, region, "blur").pixels[region].astype(float)

    blurred = Image.fromarray(given.pixels).filter(ImageFilter.GaussianBlur(300 / 4))
    assert np.abs(found - np.asarray(blurred)[region]).max() <= 4
    assert np.abs(found - given.pixels[region]).mean() > 20


def test_a_blur_at_the_picture_s_edge_keeps_a_plain_colour() -> None:
    plain = picture(np.full((37, 501, 3), (10, 200, 90)))

    found = masked(plain, rectangle((501, 37), (300, 10, 501, 37)), "blur")

    assert np.array_equal(found.pixels, plain.pixels)


def test_all_frames_of_a_clip_are_masked_alike() -> None:
    frames = (noise(20, 10, 1), noise(20, 10, 2))
    clip = Clip("clip.gif", frames, (0, 4), (0.0, 0.5), ("a note",))
    region = rectangle((20, 10), (3, 3, 9, 9))

    found = masked(clip, region, "mean")

    assert (found.name, found.indices, found.times, found.notes) == ("clip.gif", (0, 4), (0.0, 0.5), ("a note",))
    for before, after in zip(frames, found.frames, strict=True):
        assert np.array_equal(after.pixels, masked(before, region, "mean").pixels)


def test_what_cannot_be_hidden_is_refused() -> None:
    given = noise(9, 6)
    for region, message in (
        (np.zeros((6, 9), bool), "covers nothing"),
        (np.ones((6, 9), bool), "covers the whole picture"),
        (np.ones((9, 6), bool), "drawn on 6 × 9 pixels, but picture.png has 9 × 6"),
    ):
        with pytest.raises(InputError, match=message):
            masked(given, region, "mean")
    with pytest.raises(OptionError, match="“pink”"):
        masked(given, rectangle(SIZE, (1, 1, 3, 3)), "pink")  # type: ignore[arg-type]

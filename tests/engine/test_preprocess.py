"""The square a model sees is the one open_clip's own transform makes."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from open_clip.transform import image_transform
from PIL import Image

from cocadesk.engine.preprocess import OPENAI_MEAN, OPENAI_STD, Interpolation, Preprocessing, ResizeMode, preprocess

SIZES = [(224, 224), (225, 224), (500, 333), (333, 501), (1, 1), (3, 2), (1000, 17), (41, 640), (223, 900), (97, 96)]


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(width * 10_000 + height).integers(0, 256, (height, width, 3), dtype=np.uint8)


def expected(pixels: np.ndarray, wanted: Preprocessing) -> np.ndarray:
    transform = image_transform(
        wanted.pixels,
        is_train=False,
        mean=wanted.mean,
        std=wanted.std,
        resize_mode=wanted.resize_mode,
        interpolation=wanted.interpolation,
    )
    square = transform(Image.fromarray(pixels))
    assert isinstance(square, torch.Tensor)
    return square.numpy()


@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_equals_open_clips_transform(size: tuple[int, int], mode: ResizeMode) -> None:
    wanted = Preprocessing(224, resize_mode=mode)
    pixels = noise(*size)

    square, _ = preprocess(pixels, wanted)

    assert square.dtype == np.float32
    assert np.array_equal(square, expected(pixels, wanted))


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_other_numbers_than_clips(interpolation: Interpolation) -> None:
    wanted = Preprocessing(96, mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4), interpolation=interpolation)
    pixels = noise(150, 100)

    assert np.array_equal(preprocess(pixels, wanted)[0], expected(pixels, wanted))


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(3000, 20), (25, 4000), (9000, 23)], ids=str)
def test_a_strip_is_resampled_only_where_the_crop_looks(size: tuple[int, int], interpolation: Interpolation) -> None:
    """Resized whole, these are above the limit; one grey level may differ from resizing the whole."""
    wanted = Preprocessing(224, interpolation=interpolation)
    pixels = noise(*size)

    square, place = preprocess(pixels, wanted)

    assert place.resized[0] * place.resized[1] > 4_000_000
    grey_level = 1 / 255 / min(wanted.std)
    difference = np.abs(square - expected(pixels, wanted))
    assert difference.max() <= 1.01 * grey_level
    assert (difference > 0).mean() < 0.01


@pytest.mark.parametrize("size", [(30_000, 20), (20, 30_000), (1_000_000, 1), (1, 200_000)], ids=str)
def test_extreme_strips_are_quick(size: tuple[int, int]) -> None:
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[size[1] // 2, size[0] // 2] = 255
    started = time.process_time()

    square, _ = preprocess(pixels, Preprocessing(224))

    assert square.shape == (3, 224, 224)
    assert square.max() > 1, "the bright pixel in the middle should be seen"
    assert time.process_time() - started < 1


@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("size", [(640, 480), (480, 641), (5000, 30)], ids=str)
def test_the_box_says_where_the_square_lies(size: tuple[int, int], mode: ResizeMode) -> None:
    """Half the picture is white: the edge lies at the same place in the square as in the box."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2 + 3] = 255

    square, place = preprocess(pixels, Preprocessing(96, OPENAI_MEAN, OPENAI_STD, resize_mode=mode))

    left, top, right, bottom = place.box
    row = int((height / 2 - top) / (bottom - top) * 96)
    bright = square[0, row] > 0
    edge = left + (right - left) * np.flatnonzero(bright)[-1] / 96
    assert edge == pytest.approx(width // 2 + 3, abs=1.5 * (right - left) / 96)
    if mode == "squash":
        assert place.box == (0, 0, width, height)

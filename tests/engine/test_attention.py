"""Attention maps as results: choosing from them, rollout, summaries, and where patches lie on the picture."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from cocadesk.engine.attention import AttentionMaps, subtract_minimum
from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.attention_summary import entropy, rollout, summarise
from cocadesk.engine.preprocess import Preprocessing, ResizeMode, geometry, preprocess
from cocadesk.errors import OptionError

GRID = (3, 4)
NAMES = ("[class]", *(f"patch {row},{column}" for row in range(3) for column in range(4)))


def layout(width: int = 40, height: int = 30, grid: tuple[int, int] = GRID, patch: int = 10) -> PatchLayout:
    return PatchLayout(geometry(width, height, Preprocessing(40, resize_mode="squash")), grid, (patch, patch), first=1)


def random_maps(layers: int = 2, heads: int = 3) -> AttentionMaps:
    weights = np.random.default_rng(3).random((layers, heads, 13, 13)).astype(np.float32)
    return AttentionMaps("image", "tiny", weights / weights.sum(-1, keepdims=True), NAMES, NAMES, 0, layout=layout())


def text_maps(weights: np.ndarray) -> AttentionMaps:
    names = tuple("abcdefgh"[: weights.shape[-1]])
    return AttentionMaps("text", "tiny", weights.astype(np.float32), names, names, feature=len(names) - 1)


def test_layers_and_heads_are_counted_from_both_ends() -> None:
    maps = random_maps()

    assert np.array_equal(maps.matrix(-1, 0), maps.weights[1, 0])
    assert np.array_equal(maps.matrix(0, -1), maps.weights[0, 2])
    assert np.allclose(maps.matrix(1), maps.weights[1].mean(0))
    assert (maps.layers, maps.heads, maps.grid) == (2, 3, GRID)


def test_the_class_token_is_left_out_of_maps() -> None:
    maps = random_maps()

    assert np.array_equal(maps.patch_map(layer=0, head=1), maps.weights[0, 1, 0, 1:].reshape(GRID))
    assert np.array_equal(maps.patch_map(5, 0, 1), maps.weights[0, 1, 5, 1:].reshape(GRID))
    assert maps.patch_maps(0, 1).shape == (13, 3, 4)
    assert np.array_equal(maps.patch_map(-1, 0, 1), maps.patch_maps(0, 1)[12])


@pytest.mark.parametrize(
    ("layer", "head", "token", "part"),
    [
        (2, "mean", 0, "no layer 2: it must lie between 0 and 1, or -2 and -1"),
        (-3, "mean", 0, "no layer -3"),
        (0, 3, 0, "no head 3: it must lie between 0 and 2"),
        (0, 0, 13, "no token 13: it must lie between 0 and 12"),
    ],
)
def test_what_is_not_there_is_told_with_the_range(layer: int, head: object, token: int, part: str) -> None:
    with pytest.raises(OptionError, match=part):
        random_maps().patch_map(token, layer, head)  # type: ignore[arg-type]


def test_a_text_lies_over_no_picture() -> None:
    with pytest.raises(OptionError, match="over no picture"):
        text_maps(np.full((1, 1, 2, 2), 0.5)).patch_map()


def test_results_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        random_maps().weights[0] = 0


def test_the_minimum_over_the_tokens_is_subtracted() -> None:
    maps = np.array([[[3, 1], [4, 4]], [[2, 5], [6, 4]]], np.float32)

    assert np.array_equal(subtract_minimum(maps), [[[1, 0], [0, 0]], [[0, 4], [2, 0]]])


def test_rollout_is_the_product_over_the_layers() -> None:
    maps = random_maps(layers=3)

    rolled = rollout(maps)

    product = np.eye(13)
    for layer in range(3):
        product = (0.5 * maps.weights[layer].astype(float).mean(0) + 0.5 * np.eye(13)) @ product
        assert np.abs(rolled.weights[layer, 0] - product).max() < 1e-6
    assert rolled.weights.shape == (3, 1, 13, 13)
    assert np.abs(rolled.weights.sum(-1) - 1).max() < 1e-6
    assert (rolled.tokens, rolled.feature) == (maps.tokens, 0)


def test_rollout_needs_all_rows() -> None:
    with pytest.raises(OptionError, match="Rollout needs"):
        rollout(random_maps().only(["[class]"]))


def test_entropy_of_known_rows() -> None:
    rows = np.array([[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]], np.float32)

    assert np.allclose(entropy(rows), [0, math.log(4), math.log(2)])


def test_distance_in_a_text_is_in_tokens() -> None:
    before = np.eye(4, k=-1)
    before[0, 0] = 1
    weights = np.stack([np.eye(4), before])[None]

    found = summarise(text_maps(weights))

    assert found.distance is not None
    assert np.allclose(found.distance, [[0, 0.75]])
    assert np.allclose(found.entropy, [[0, 0]])
    assert found.to_picture is None


def test_distance_in_a_picture_is_in_patches_and_the_class_token_has_none() -> None:
    weights = np.zeros((1, 1, 13, 13), np.float32)
    weights[..., 0] = 0.75
    weights[..., 12] = 0.25  # every patch looks at the last one, in row 2 and column 3

    found = summarise(AttentionMaps("image", "tiny", weights, NAMES, NAMES, 0, layout=layout()))

    expected = np.mean([math.hypot(2 - row, 3 - column) for row in range(3) for column in range(4)])
    assert found.distance is not None
    assert found.to_picture is not None
    assert np.allclose(found.distance, expected)
    assert np.allclose(found.to_picture, 0.25)


def test_words_are_at_no_distance_from_patches() -> None:
    maps = random_maps().only(["patch 0,0", "patch 2,3"])

    found = summarise(maps)

    assert found.distance is None
    assert found.to_picture is not None
    assert np.allclose(found.to_picture, maps.weights[..., 1:].sum(-1).mean(-1))
    assert found.entropy.shape == (2, 3)


def test_the_archive_holds_what_was_promised(tmp_path: Path) -> None:
    maps = random_maps()

    maps.save(tmp_path / "maps.npz")

    with np.load(tmp_path / "maps.npz") as found:
        assert np.array_equal(found["weights"], maps.weights)
        assert found["axes"].tolist() == ["layer", "head", "token", "key"]
        assert tuple(found["tokens"]) == tuple(found["keys"]) == NAMES
        assert (found["grid"].tolist(), found["first_patch"].item(), str(found["kind"])) == ([3, 4], 1, "image")
        assert np.allclose(found["patch_boxes"][2, 3], maps.layout.boxes()[2, 3])  # type: ignore[union-attr]


SIZES = [(80, 60), (60, 90), (48, 48), (7, 5), (2400, 30), (640, 481), (30, 1000)]


@pytest.mark.parametrize("mode", ["shortest", "squash", "longest"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("place", [(0, 0), (1, 2), (2, 0)], ids=str)
def test_a_marked_patch_lies_where_the_model_saw_it(
    size: tuple[int, int], mode: ResizeMode, place: tuple[int, int]
) -> None:
    """Paint the patch's rectangle white on a black picture: that patch of the model's square is white, others black."""
    wanted = Preprocessing(48, mean=(0,) * 3, std=(1,) * 3, interpolation="bilinear", resize_mode=mode, crop=0.9)
    where = PatchLayout(geometry(*size, wanted), (3, 3), (16, 16), first=0)
    left, top, right, bottom = where.boxes()[place]
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside = ((across > left) & (across < right)) & ((down > top) & (down < bottom))[:, None]
    pixels[inside] = 255
    values = np.zeros((3, 3), np.float32)
    values[place] = 1

    assert np.array_equal(where.on_picture(values, smooth=False) == 1, inside)
    x, y = where.peak(values)
    assert 0 <= x <= width
    assert 0 <= y <= height
    if not inside.any():
        return  # The patch lies in the padding, or between the middles of two pixels.
    assert left <= x <= right
    assert top <= y <= bottom
    if max(where.geometry.resized[0] / width, where.geometry.resized[1] / height) < 3:  # else edges fall within a pixel
        square = preprocess(pixels, wanted)[0][0].reshape(3, 16, 3, 16).mean((1, 3))
        assert np.unravel_index(square.argmax(), (3, 3)) == place


def test_what_was_cropped_away_is_unseen() -> None:
    landscape = PatchLayout(geometry(90, 60, Preprocessing(60)), (3, 3), (20, 20), first=1)

    drawn = landscape.on_picture(np.arange(9, dtype=np.float32).reshape(3, 3), smooth=False)

    assert np.isnan(drawn[:, :15]).all()
    assert np.isnan(drawn[:, 75:]).all()
    assert np.array_equal(drawn[::20, 15:75:20], np.arange(9).reshape(3, 3))
    assert not np.isnan(drawn[:, 15:75]).any()


def test_smooth_maps_go_straight_from_middle_to_middle() -> None:
    where = PatchLayout(geometry(40, 40, Preprocessing(40)), (2, 2), (20, 20), first=0)

    drawn = where.on_picture(np.array([[0, 1], [0, 1]], np.float32))

    assert np.allclose(drawn[7], np.clip((np.arange(40) + 0.5 - 10) / 20, 0, 1), atol=1e-6)


def test_a_rest_smaller_than_a_patch_is_unseen() -> None:
    where = PatchLayout(geometry(44, 44, Preprocessing(44)), (2, 2), (20, 20), first=0)

    drawn = where.on_picture(np.ones((2, 2), np.float32))

    assert not np.isnan(drawn[:40, :40]).any()
    assert np.isnan(drawn[40:]).all()
    assert np.isnan(drawn[:, 40:]).all()


def test_drawn_at_another_size() -> None:
    where = PatchLayout(geometry(3000, 2000, Preprocessing(64)), (4, 4), (16, 16), first=0)
    values = np.zeros((4, 4), np.float32)
    values[1, 3] = 1

    drawn = where.on_picture(values, (300, 200), smooth=False)

    rows, columns = np.nonzero(drawn == 1)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (50, 99, 200, 249)


def test_a_peak_in_the_padding_does_not_count() -> None:
    where = PatchLayout(geometry(80, 40, Preprocessing(40, resize_mode="longest")), (4, 4), (10, 10), first=0)
    values = np.zeros((4, 4), np.float32)
    values[0], values[2, 1] = 5, 1

    assert where.peak(values) == (30, 30)

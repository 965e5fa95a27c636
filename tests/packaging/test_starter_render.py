"""Drawing scenes: what is planned is drawn where it is planned, labelled as such, and the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import artists
import data_sets
import numpy as np
import photos
import pytest
import style
import torch
from augment import augment
from photos import CIFAR, FASHION, Photos
from render import BACKGROUND, Renderer
from scenes import Group, Scene, Sprite, sample_scene
from style import PLAIN, Style
from torch.nn import functional as F  # noqa: N812 — its usual name

from tests.packaging.conftest import SPRITE, sprite

SIDE, GRID = 96, 6
NOUN = 130
STYLE = Style()


def renderer(*sets: artists.Artist) -> Renderer:
    return Renderer(artists.numbers(sets or (artists.SEEN[0],)), SIDE, GRID)


def one(x: float, y: float, size: float, *, mirrored: bool = False, rotation: float = 0.0) -> Scene:
    return Scene((Group(NOUN, (Sprite(x, y, size, rotation, mirrored),)),), "", "plain", "white")


def expected(side: int) -> torch.Tensor:
    """(4, side, side): the sprite, resized independently."""
    pixels = torch.from_numpy(sprite(NOUN)).float()[None] / 255
    return F.interpolate(pixels, size=side, mode="bilinear", align_corners=False)[0]


def test_an_object_stands_where_it_is_planned(world: Path) -> None:
    drawn = renderer()
    planned = drawn.plan([one(0.75, 0.25, 0.5)], np.random.default_rng(0))
    planned["style_colour"][:] = np.eye(3)
    picture = drawn.draw(planned).pictures[0]
    elsewhere = np.tile(np.array([0, 0, 9], np.float32), (1, 2, 1))
    ground = drawn.draw(planned | {"theta": elsewhere}).pictures[0]
    half = SIDE // 2
    wanted = expected(half)
    tile = ground[:, :half, half:] * (1 - wanted[3:]) + wanted[:3]
    assert torch.allclose(picture[:, 1 : half - 1, half + 1 : -1], tile[:, 1:-1, 1:-1], atol=0.03)
    assert torch.equal(picture[:, half + 1 :], ground[:, half + 1 :])


def test_cells_are_labelled_with_what_covers_them(world: Path) -> None:
    cells = renderer().draw(renderer().plan([one(0.75, 0.25, 0.5)], np.random.default_rng(0))).cells[0]
    wanted = torch.full((GRID, GRID), BACKGROUND)
    wanted[: GRID // 2, GRID // 2 :] = NOUN
    assert torch.equal(cells, wanted)


def test_later_objects_hide_earlier_ones_in_picture_and_labels(world: Path) -> None:
    places = (Sprite(0.5, 0.5, 0.9, 0.0, False),)
    scene = Scene((Group(3, places), Group(NOUN, places)), "x", "plain", "white")
    drawn = renderer()
    assert set(drawn.draw(drawn.plan([scene], np.random.default_rng(0))).cells.unique().tolist()) <= {NOUN, BACKGROUND}


@pytest.mark.parametrize("chosen", [PLAIN, STYLE], ids=["plain", "styled"])
def test_the_same_seed_draws_the_same(world: Path, chosen: Style) -> None:
    drawn = renderer(*artists.SEEN[:2], *artists.SKETCHES)

    def draw(seed: int) -> torch.Tensor:
        rng = np.random.default_rng(seed)
        scenes = [sample_scene(rng) for _ in range(12)]
        return augment(drawn.draw(drawn.plan(scenes, rng, chosen)).pictures, rng)

    first, again, other = draw(1), draw(1), draw(2)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first.min() >= 0
    assert first.max() <= 1


@pytest.mark.parametrize("scenes", [1, 40])
def test_few_and_many_scenes_are_drawn(world: Path, scenes: int) -> None:
    drawn = renderer(*artists.SEEN[:2], *artists.SKETCHES)
    for seed in range(1 if scenes > 1 else 25):
        rng = np.random.default_rng(seed)
        batch = drawn.draw(drawn.plan([sample_scene(rng) for _ in range(scenes)], rng, STYLE))
        assert batch.pictures.isfinite().all()
        assert batch.pictures.shape == (scenes, 3, SIDE, SIDE)


@pytest.mark.parametrize("change", ["mixed", "flat", "posterised", "inked", "silhouette", "shaded", "grey", "bend"])
def test_each_change_of_style_changes_drawings_and_leaves_them_where_they_are(world: Path, change: str) -> None:
    drawn = renderer(*artists.SEEN[:2])
    only = replace(PLAIN, **{change: 0.05 if change == "bend" else 1.0})
    pictures, cells = zip(
        *(
            drawn.draw(drawn.plan([one(0.5, 0.5, 0.7)] * 8, np.random.default_rng(5), chosen))
            for chosen in (PLAIN, only)
        ),
        strict=True,
    )
    assert not torch.equal(*pictures)
    shown = [found != BACKGROUND for found in cells]
    assert (shown[0] & shown[1]).sum() > 0.6 * (shown[0] | shown[1]).sum()


def test_ink_is_dark_around_the_outline() -> None:
    square = torch.zeros(1, 4, SPRITE, SPRITE)
    square[:, :, 12:-12, 12:-12] = 1
    numbers = style.sample(np.random.default_rng(0), np.zeros(1, np.int64), PLAIN)
    plain = {name: torch.from_numpy(values) for name, values in numbers.items()}
    inked = plain | {"ink": torch.ones(1), "outline": torch.full((1,), 3.0), "line": torch.zeros(1, 3)}
    sketch, colour = torch.zeros(1, dtype=torch.bool), torch.ones(1, 3)
    before, after = (style.restyle(square, square, chosen, sketch, colour)[0] for chosen in (plain, inked))
    assert after[3].sum() < 1.3 * before[3].sum()
    ring = (after[3] > 0.9) & (after[:3].sum(0) < 0.3)
    assert ring[SPRITE // 2].any()
    assert ring[:, SPRITE // 2].any()
    assert not ring[SPRITE // 2, SPRITE // 2]


def test_a_sketch_takes_the_colour_of_its_noun(world: Path) -> None:
    coloured, sketched = renderer(artists.SEEN[0]), renderer(artists.SEEN[0], artists.SKETCHES[0])
    scenes = [one(0.5, 0.5, 0.9)] * 60
    chosen = replace(PLAIN, sketched=1.0)
    drawn = sketched.draw(sketched.plan(scenes, np.random.default_rng(1), chosen)).pictures
    wanted = coloured.draw(coloured.plan(scenes, np.random.default_rng(1))).pictures.mean((0, 2, 3))
    paper = drawn[:, :, SIDE // 2 - 30, SIDE // 2].median(0).values
    assert (paper - wanted).abs().max() < 0.3


def test_hues_stay_where_they_tell_a_thing() -> None:
    from nouns import NUMBER_OF, hue_freedom  # noqa: PLC0415 — used here alone

    assert hue_freedom(NUMBER_OF["green apple"]) == hue_freedom(NUMBER_OF["stop sign"]) < 10
    assert hue_freedom(NUMBER_OF["umbrella"]) == 180


@pytest.mark.parametrize("kind", [FASHION, CIFAR], ids=["fashion", "cifar"])
def test_varied_photographs_are_of_the_planned_pictures(world: Path, kind: photos.Kind) -> None:
    found = Photos(kind, "train", SIDE)
    planned = photos.plan(kind, found.labels, 6, np.random.default_rng(0))
    exact = planned | {
        "theta": np.tile(np.eye(2, 3, dtype=np.float32), (6, 1, 1)),
        "inverted": np.zeros(6, np.float32),
        "gamma": np.ones((6, 3), np.float32),
        "hole": np.zeros((6, 4), np.float32),
    }
    for row, picture in zip(planned["index"], found.varied(exact), strict=True):
        plain = found.exact(slice(int(row), int(row) + 1))[0]
        assert (picture - plain).abs()[:, 6:-6, 6:-6].mean() < 0.03
    inverted = found.varied(exact | {"inverted": np.ones(6, np.float32)})
    assert torch.allclose(inverted, 1 - found.varied(exact), atol=1e-5)
    again = photos.plan(kind, found.labels, 6, np.random.default_rng(0))
    assert all(np.array_equal(values, again[name]) for name, values in planned.items())


def test_test_pictures_are_kept_apart(world: Path) -> None:
    train, test = (data_sets.read("cifar", split).pixels for split in data_sets.SPLITS)
    assert len(train) == 40
    assert len(test) == 30

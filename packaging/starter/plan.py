"""What a batch of scenes looks like in numbers, drawn at random on the CPU; `render.py` makes pictures of it.

A plan is a dictionary of arrays, so that worker processes can make it and hand it on without cost.
"""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from artists import SKETCHES, numbers
from nouns import NOUNS
from scenes import COLOURS, KINDS, Scene
from style import Style, sample

Plan = dict[str, Any]
TEXTURES = ("clouds", "stripes", "checks", "dots")
CLOUD_CELLS = (4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Which sprites show a noun.

    Attributes:
        coloured, sketched: Of each noun, the numbers of its sprites.
        photographs: How many there are for backgrounds.
    """

    coloured: list[list[int]]
    sketched: list[list[int]]
    photographs: int

    @classmethod
    def of(cls, nouns: npt.NDArray[np.int64], artists: npt.NDArray[np.int64], photographs: int) -> Catalogue:
        """From the noun and the artist of every sprite."""
        sketch = np.isin(artists, numbers(SKETCHES))
        coloured, sketched = (
            [np.flatnonzero((nouns == number) & kind).tolist() for number in range(len(NOUNS))]
            for kind in (~sketch, sketch)
        )
        return cls(coloured, sketched, photographs)

    def choose(self, rng: np.random.Generator, noun: int, sketched: float) -> int:
        """A sprite of the noun, with this chance a sketch."""
        choices = self.sketched[noun] if self.sketched[noun] and rng.random() < sketched else self.coloured[noun]
        return choices[int(rng.random() * len(choices))]


def plan(scenes: list[Scene], catalogue: Catalogue, rng: np.random.Generator, style: Style) -> Plan:
    """The objects and backgrounds of the scenes.

    Returns:
        For the objects, sorted by `layer` (later ones hide earlier ones): `scene`, `noun`, `sprite`, `other`, `theta`
        (k, 2, 3), `size`, and `style_…`; for the backgrounds see `plan_backgrounds`.
    """
    rows: list[tuple[float, ...]] = []  # layer, scene, noun, sprite, other, group, x, y, size, rotation, mirror
    group_nouns = []
    for number, scene in enumerate(scenes):
        layer = 0
        for group in scene.groups:
            sprite = catalogue.choose(rng, group.noun, style.sketched)
            other = catalogue.choose(rng, group.noun, 0)
            for item in group.sprites:
                if rng.random() < 0.15:  # most groups are copies of one drawing, some are mixed
                    sprite = catalogue.choose(rng, group.noun, style.sketched)
                mirror = -1 if item.mirrored else 1
                place = (item.x, item.y, item.size, item.rotation, mirror)
                rows.append((layer, number, group.noun, sprite, other, len(group_nouns), *place))
                layer += 1
            group_nouns.append(group.noun)
    objects = np.array(sorted(rows), dtype=np.float64)
    layer, scene_of, noun, sprite, other, group_of = objects[:, :6].astype(np.int64).T
    changes = {name: values[group_of] for name, values in sample(rng, np.array(group_nouns), style).items()}
    return {
        "count": len(scenes),
        "layer": layer,
        "scene": scene_of,
        "noun": noun,
        "sprite": sprite,
        "other": other,
        "size": objects[:, 8].astype(np.float32),
        "theta": _theta(objects[:, 6:], changes["stretch"], changes["shear"]),
        **{f"style_{name}": values for name, values in changes.items()},
        **plan_backgrounds(scenes, catalogue.photographs, rng),
    }


def _theta(
    place: npt.NDArray[np.float64], stretch: npt.NDArray[np.float32], shear: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """(k, 2, 3): from a position in the picture to one in the sprite, both −1…1, as `affine_grid` wants it."""
    x, y, size, rotation, mirror = place.T
    cos, sin = np.cos(rotation) / size, np.sin(rotation) / size
    first = np.stack([mirror * cos, mirror * sin], 1) / stretch[:, :1]
    second = np.stack([-sin, cos], 1) / stretch[:, 1:]
    turn = np.stack([first + shear[:, None] * second, second], 1)
    centre = np.stack([2 * x - 1, 2 * y - 1], 1)
    return np.concatenate([turn, -(turn @ centre[:, :, None])], 2).astype(np.float32)


def plan_backgrounds(scenes: list[Scene], photographs: int, rng: np.random.Generator) -> Plan:
    """Of n scenes: `kind` (a number of `KINDS`), the two colours `shade` (n, 2, 3), the `angle` of their ramp; of the
    textured ones `texture`, `waves` and, of the clouds, `noise`; of the photographic ones `photo` and where to cut."""
    n = len(scenes)
    kind = np.array([KINDS.index(scene.background) for scene in scenes])
    shades = [[_shade(scene.colour, rng), _shade(scene.colour, rng)] for scene in scenes]
    texture = rng.integers(len(TEXTURES), size=n)
    clouds = int(((kind == KINDS.index("textured")) & (texture == TEXTURES.index("clouds"))).sum())
    window = rng.uniform(0.35, 1.0, n)
    slack = 1 - window
    return {
        "kind": kind,
        "shade": np.array(shades, np.float32),
        "angle": rng.uniform(0, 2 * math.pi, n).astype(np.float32),
        "texture": texture,
        "waves": rng.uniform(3, 12, n).astype(np.float32),
        "noise": rng.random((clouds, sum(cells**2 for cells in CLOUD_CELLS)), dtype=np.float32),
        "photo": rng.integers(photographs, size=n),
        "photo_window": window.astype(np.float32),
        "photo_shift": (rng.uniform(-1, 1, (n, 2)) * slack[:, None]).astype(np.float32),
        "photo_mirror": np.where(rng.random(n) < 0.5, -1, 1).astype(np.float32),
        "photo_gain": rng.uniform(0.75, 1.1, n).astype(np.float32),
    }


def _shade(colour: str, rng: np.random.Generator) -> tuple[float, float, float]:
    if not colour:
        return (0.0, 0.0, 0.0)
    hue, saturation, value = (low + rng.random() * (high - low) for low, high in COLOURS[colour])
    return colorsys.hsv_to_rgb((hue / 360) % 1, saturation, value)

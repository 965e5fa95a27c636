"""Draws the sample pictures of `resources/samples/`, and says in `resources/samples.json` what they show.

Compositions that the starter has not seen, at 768 pixels, in Microsoft's Fluent artwork (MIT licence).
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from artwork import NOUNS, SEEN, draw
from model import GRID
from PIL import Image
from render import Renderer
from scenes import Group, Scene, caption, group_cells

SIDE = 768
OUT = Path(__file__).resolve().parents[2] / "resources" / "samples"
FLUENT_3D = next(index for index, artist in enumerate(SEEN) if artist.name == "fluent-3d")
NUMBER = {noun["noun"]: index for index, noun in enumerate(NOUNS)}

SCENES: dict[str, tuple[str, list[tuple[str, int]], str, str]] = {
    # file name: axis, (noun, count) from left to right or top to bottom, background, colour
    "cat-and-guitars": ("x", [("cat", 1), ("guitar", 2)], "plain", "green"),
    "owl": ("", [("owl", 1)], "gradient", "purple"),
    "rockets": ("", [("rocket", 3)], "textured", "black"),
    "cactus-over-camels": ("y", [("cactus", 1), ("camel", 2)], "gradient", "orange"),
    "fruit": ("x", [("pineapple", 1), ("banana", 2), ("strawberry", 1)], "plain", "pink"),
    "teapot": ("", [("teapot", 1)], "photographic", ""),
    "fish-below-sailboat": ("y", [("sailboat", 1), ("fish", 3)], "gradient", "blue"),
    "desk": ("x", [("laptop", 1), ("book", 2), ("pencil", 1)], "textured", "brown"),
    "penguins": ("", [("penguin", 4)], "plain", "white"),
    "umbrella-and-dogs": ("x", [("dog", 2), ("umbrella", 1)], "textured", "grey"),
    "moon-and-castle": ("y", [("moon", 1), ("castle", 1)], "plain", "black"),
    "cupcakes": ("x", [("cupcake", 2), ("balloon", 3)], "gradient", "yellow"),
}


def scene(name: str, rng: np.random.Generator) -> Scene:
    axis, groups, background, colour = SCENES[name]
    places = group_cells(rng, [count for _, count in groups], axis)
    placed = (Group(NUMBER[noun], sprites) for (noun, _), sprites in zip(groups, places, strict=True))
    return Scene(tuple(placed), axis, background, colour)


def main() -> None:
    renderer = Renderer([FLUENT_3D], SIDE, GRID)
    OUT.mkdir(parents=True, exist_ok=True)
    expected = {}
    for seed, name in enumerate(SCENES):
        rng = np.random.default_rng((77, seed))
        what = scene(name, rng)
        background = renderer.backgrounds([what], rng)[0].permute(1, 2, 0).mul(255).byte().numpy()
        picture = Image.fromarray(background)
        for group in what.groups:
            for item in group.sprites:
                sprite = draw(SEEN[FLUENT_3D], NOUNS[group.noun], round(item.size * SIDE))
                assert sprite is not None
                if item.mirrored:
                    sprite = sprite.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
                sprite = sprite.rotate(-math.degrees(item.rotation), Image.Resampling.BICUBIC, expand=True)
                corner = (round(item.x * SIDE - sprite.width / 2), round(item.y * SIDE - sprite.height / 2))
                picture.paste(sprite, corner, sprite)
        picture.save(OUT / f"{name}.jpg", quality=88)
        expected[f"{name}.jpg"] = caption(what)
    OUT.with_suffix(".json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

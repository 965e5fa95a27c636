"""Draws the sample pictures of `resources/samples/`, and says in `resources/samples.json` what they show.

Compositions that the starter has not seen, at 768 pixels, in Microsoft's Fluent artwork (MIT licence). They are what a
new user sees first, so of each scene the first composition is kept that the bundled starter describes right, and scenes
that never came out right were exchanged for others: a gallery, not a test. How often it is right is measured by
`measure.py` and written in its card.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import files
import numpy as np
from artwork import SEEN, draw
from nouns import NOUNS
from PIL import Image
from render import Renderer
from scenes import Group, Scene, caption, group_cells, noun_phrase, read_caption

import cocadesk
import cocadesk.engine

SIDE = 768
ATTEMPTS = 150
OUT = Path(__file__).resolve().parents[2] / "resources" / "samples"
FLUENT_3D = next(index for index, artist in enumerate(SEEN) if artist.name == "fluent-3d")
NUMBER = {noun["noun"]: index for index, noun in enumerate(NOUNS)}

SCENES: dict[str, tuple[str, list[tuple[str, int]], str, str]] = {
    # file name: axis, (noun, count) from left to right or top to bottom, background, colour
    "snail-and-mushroom": ("x", [("snail", 1), ("mushroom", 1)], "plain", "green"),
    "butterfly": ("", [("butterfly", 1)], "gradient", "purple"),
    "rockets": ("", [("rocket", 3)], "textured", "black"),
    "sun-over-cactuses": ("y", [("sun", 1), ("cactus", 2)], "gradient", "orange"),
    "fruit": ("x", [("pineapple", 1), ("banana", 2), ("strawberry", 1)], "plain", "pink"),
    "teapot": ("", [("teapot", 1)], "photographic", ""),
    "fish-below-sailboat": ("y", [("sailboat", 1), ("fish", 3)], "gradient", "blue"),
    "desk": ("x", [("laptop", 1), ("book", 2), ("pencil", 1)], "textured", "brown"),
    "penguins": ("", [("penguin", 4)], "plain", "white"),
    "umbrella-and-dogs": ("x", [("dog", 2), ("umbrella", 1)], "textured", "grey"),
    "moon-and-castle": ("y", [("moon", 1), ("castle", 1)], "plain", "black"),
    "cupcakes": ("", [("cupcake", 3)], "gradient", "yellow"),
}


def scene(name: str, rng: np.random.Generator) -> Scene:
    axis, groups, background, colour = SCENES[name]
    places = group_cells(rng, [count for _, count in groups], axis)
    placed = (Group(NUMBER[noun], sprites) for (noun, _), sprites in zip(groups, places, strict=True))
    return Scene(tuple(placed), axis, background, colour)


def draw_picture(renderer: Renderer, what: Scene, rng: np.random.Generator) -> Image.Image:
    """The scene at full size, its objects straight from the artwork's own files."""
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
    return picture


def is_right(model: cocadesk.engine.CocaModel, file: Path, what: Scene) -> bool:
    """Whether the model's caption says what is there: things, counts, places and background, in good English."""
    *_, result = model.caption(file)
    said, wanted = read_caption(result.caption), read_caption(caption(what))
    mirrored = {"left": "right", "above": "below", "": ""}.get(wanted.relation)
    placed = (said.order, said.relation) in (
        (wanted.order, wanted.relation),
        (wanted.order[::-1], mirrored),
    )
    phrases = [noun_phrase(group.noun, len(group.sprites)) for group in what.groups]
    worded = all(phrase in result.caption for phrase in phrases)
    return worded and placed and said.counts == wanted.counts and said.background == wanted.background


def is_upright(what: Scene) -> bool:
    return all(abs(item.rotation) < 0.5 for group in what.groups for item in group.sprites)


def main() -> None:
    renderer = Renderer([FLUENT_3D], SIDE, grid=1)
    with np.load(files.photographs()) as photographs:  # in a picture that is passed on, nobody's terms
        renderer.catalogue = replace(renderer.catalogue, photographs=int(photographs["free"]))
    model = cocadesk.load("starter-coca", device="cpu")
    OUT.mkdir(parents=True, exist_ok=True)
    shown = {}
    for number, name in enumerate(SCENES):
        file = OUT / f"{name}.jpg"
        for attempt in range(ATTEMPTS):
            rng = np.random.default_rng((77, number, attempt))
            what = scene(name, rng)
            draw_picture(renderer, what, rng).save(file, quality=88)
            right = is_upright(what) and is_right(model, file, what)
            if right:
                break
        print(f"{name}: {'right' if right else 'not right'} after {attempt + 1} compositions", flush=True)
        shown[file.name] = caption(what)
    OUT.with_suffix(".json").write_text(json.dumps(shown, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

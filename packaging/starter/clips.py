"""Draws the sample clips of `resources/samples/`: scenes in motion, `python packaging/starter/clips.py`.

Three seconds each, in Microsoft's Fluent artwork (MIT licence), coded as AV1 by SVT-AV1 (BSD licence).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from artwork import draw
from nouns import NOUNS
from PIL import Image
from render import Renderer
from samples import FLUENT_3D, NUMBER, OUT, SEEN
from scenes import Group, Scene, Sprite

SIDE, RATE, FRAMES = 640, 25, 75
CODEC, CODING = "libsvtav1", {"crf": "24", "preset": "3", "g": "25", "svtav1-params": "lp=1"}
"""On one thread, so that the same frames always give the same file; a key frame each second, for seeking."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Actor:
    """A thing of a clip: `place` gives, at a share of the clip from 0 to 1, where it is."""

    noun: str
    place: Callable[[float], Sprite]


@dataclass(frozen=True, slots=True)
class Clip:
    """Actors, from the farthest to the nearest, on a background; `seed` decides how that looks."""

    actors: tuple[Actor, ...]
    background: str
    colour: str
    seed: int

    def at(self, share: float) -> Scene:
        """The scene at that share of the clip."""
        groups = (Group(NUMBER[actor.noun], (actor.place(share),)) for actor in self.actors)
        return Scene(tuple(groups), "", self.background, self.colour)


def _still(x: float, y: float, size: float) -> Callable[[float], Sprite]:
    return lambda _: Sprite(x, y, size, 0.0, mirrored=False)


def _rising(share: float) -> Sprite:
    """A balloon that rises from behind the house, swaying, and slows down."""
    risen = share * (2 - share)
    sway = math.sin(2 * math.pi * 1.5 * share)
    return Sprite(0.5 + 0.05 * sway, 0.56 - 0.36 * risen, 0.34, 0.12 * sway, mirrored=False)


def _walking(share: float) -> Sprite:
    """A dog that walks to the right: it faces left in the artwork. Each step lifts it a little."""
    step = math.sin(2 * math.pi * 4.5 * share)
    return Sprite(0.13 + 0.74 * share, 0.76 - 0.012 * abs(step), 0.42, 0.03 * step, mirrored=True)


CLIPS = {
    "balloon-rising": Clip((Actor("balloon", _rising), Actor("house", _still(0.5, 0.73, 0.46))), "gradient", "blue", 7),
    "dog-walking": Clip((Actor("tree", _still(0.54, 0.42, 0.74)), Actor("dog", _walking)), "gradient", "yellow", 4),
}


@cache
def _sprite(noun: int, side: int) -> Image.Image:
    image = draw(SEEN[FLUENT_3D], NOUNS[noun], side)
    assert image is not None, NOUNS[noun]["noun"]
    return image.convert("RGBa")  # premultiplied, or transparent colours would bleed into the edges


def _put(picture: Image.Image, noun: int, item: Sprite) -> None:
    """Put the object where it is to a fraction of a pixel: whole pixels would jerk."""
    side = picture.width
    sprite = _sprite(noun, round(item.size * side))
    cos, sin, mirror = math.cos(item.rotation), math.sin(item.rotation), -1 if item.mirrored else 1
    middle, (x, y) = sprite.width / 2, (item.x * side, item.y * side)
    inverse = (
        *(mirror * cos, mirror * sin, middle - mirror * (cos * x + sin * y)),
        *(-sin, cos, middle + sin * x - cos * y),
    )
    moved = sprite.transform(picture.size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC)
    picture.alpha_composite(moved.convert("RGBA"))


def frames(clip: Clip, renderer: Renderer, count: int = FRAMES) -> Iterator[Pixels]:
    """The clip's pictures (side, side, 3)."""
    rng = np.random.default_rng((78, clip.seed))
    ground = renderer.backgrounds([clip.at(0)], rng)[0].permute(1, 2, 0).mul(255).round().byte().numpy()
    for number in range(count):
        picture = Image.fromarray(ground).convert("RGBA")
        for group in clip.at(number / (count - 1)).groups:
            for item in group.sprites:
                _put(picture, group.noun, item)
        yield np.asarray(picture.convert("RGB"))


def write(path: Path, pictures: Iterator[Pixels]) -> None:
    """Write the pictures as a film of `RATE` a second."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(CODEC, rate=RATE, options=CODING)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for pixels in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def main() -> None:
    renderer = Renderer([FLUENT_3D], SIDE, grid=1)
    for name, clip in CLIPS.items():
        path = OUT / f"{name}.mp4"
        write(path, frames(clip, renderer))
        print(f"{name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

"""The starter's world: scenes of one to three groups of objects on a background, and how they are described.

A scene is data: what is where, and how large. `render.py` draws it, this file says it in words and reads such words
back, so that captions can be marked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from nouns import NOUNS

COLOURS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    # hue in degrees, saturation, value: ranges that most people would call by this name
    "red": ((-8, 8), (0.75, 1.0), (0.65, 1.0)),
    "orange": ((22, 36), (0.8, 1.0), (0.9, 1.0)),
    "yellow": ((49, 60), (0.6, 1.0), (0.9, 1.0)),
    "green": ((90, 150), (0.45, 1.0), (0.4, 0.9)),
    "blue": ((200, 240), (0.5, 1.0), (0.5, 1.0)),
    "purple": ((265, 290), (0.45, 1.0), (0.4, 0.85)),
    "pink": ((320, 345), (0.25, 0.55), (0.92, 1.0)),
    "brown": ((18, 30), (0.5, 0.75), (0.3, 0.52)),
    "grey": ((0, 360), (0.0, 0.06), (0.38, 0.68)),
    "white": ((0, 360), (0.0, 0.04), (0.93, 1.0)),
    "black": ((0, 360), (0.0, 0.3), (0.0, 0.11)),
}
COLOUR_NAMES = tuple(COLOURS)
KINDS = ("plain", "gradient", "textured", "photographic")
NUMBER_WORDS = ("", "one", "two", "three", "four")
RELATIONS = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}
MOST_OBJECTS = 6
MOST_OF_A_KIND = len(NUMBER_WORDS) - 1

_COUNTABLE = [bool(noun["countable"]) for noun in NOUNS]


def chosen(rng: np.random.Generator, shares: tuple[float, ...]) -> int:
    """A number below `len(shares)`, each by its share; the shares sum to one. Ten times as fast as `rng.choice`."""
    drawn = rng.random()
    for index, share in enumerate(shares[:-1]):
        drawn -= share
        if drawn < 0:
            return index
    return len(shares) - 1


def distinct(rng: np.random.Generator, below: int, number: int) -> list[int]:
    """Different numbers below `below`, few of many."""
    found: list[int] = []
    while len(found) < number:
        drawn = int(rng.random() * below)
        if drawn not in found:
            found.append(drawn)
    return found


@dataclass(frozen=True, slots=True)
class Sprite:
    """One object: lengths are fractions of the picture's side, the rotation is in radians."""

    x: float
    y: float
    size: float
    rotation: float
    mirrored: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of one noun (an index into `NOUNS`)."""

    noun: int
    sprites: tuple[Sprite, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """`axis` says how the groups are ordered: "x" left to right, "y" top to bottom, "" for a single group."""

    groups: tuple[Group, ...]
    axis: str
    background: str
    colour: str
    """Empty for a photographic background."""


def sample_scene(rng: np.random.Generator, groups: int | None = None) -> Scene:
    """A random scene; `groups` fixes how many kinds of objects there are."""
    number = groups or chosen(rng, (0.5, 0.33, 0.17)) + 1
    nouns = distinct(rng, len(NOUNS), number)
    axis = "" if number == 1 else "xy"[rng.random() < 0.5]
    counts = [chosen(rng, (0.52, 0.2, 0.14, 0.14)) + 1 if _COUNTABLE[noun] else 1 for noun in nouns]
    while sum(counts) > MOST_OBJECTS:
        counts[counts.index(max(counts))] -= 1
    places = group_cells(rng, counts, axis)
    placed = tuple(Group(noun, sprites) for noun, sprites in zip(nouns, places, strict=True))
    background, colour = _sample_background(rng)
    return Scene(placed, axis, background, colour)


def sample_large(rng: np.random.Generator) -> Scene:
    """A scene of a single object that fills most of the picture: the first lesson."""
    size = float(rng.uniform(0.62, 0.98))
    x, y = (float(value) for value in rng.uniform(size / 2, 1 - size / 2, 2))
    sprite = Sprite(x, y, size, float(rng.normal(0, 0.2)), bool(rng.random() < 0.5))
    background, colour = _sample_background(rng)
    return Scene((Group(int(rng.random() * len(NOUNS)), (sprite,)),), "", background, colour)


def _sample_background(rng: np.random.Generator) -> tuple[str, str]:
    background = KINDS[chosen(rng, (0.3, 0.2, 0.25, 0.25))]
    return background, "" if background == "photographic" else COLOUR_NAMES[int(rng.random() * len(COLOUR_NAMES))]


def group_cells(rng: np.random.Generator, counts: list[int], axis: str) -> list[tuple[Sprite, ...]]:
    """Share the picture out among the groups along the axis, and place each group's objects in its share."""
    shares = [rng.uniform(0.8, 1.25) for _ in counts]
    cuts = [0.0, *(total / sum(shares) for total in accumulate(shares))]
    places = []
    for index, count in enumerate(counts):
        along, across = (cuts[index], cuts[index + 1]), (0.0, 1.0)
        box = (*along, *across) if axis == "x" else (*across, *along)
        places.append(_place(rng, count, box, alone=len(counts) == 1))
    return places


def _place(
    rng: np.random.Generator, count: int, box: tuple[float, float, float, float], *, alone: bool
) -> tuple[Sprite, ...]:
    """Spread `count` objects of about one size over the box (left, right, top, bottom), without much overlap."""
    left, right, top, bottom = box
    width, height = right - left, bottom - top
    best = max(range(1, count + 1), key=lambda n: min(width / n, height / -(-count // n)))
    columns, rows = best, -(-count // best)
    cell_width, cell_height = width / columns, height / rows
    cell = min(cell_width, cell_height)
    share = rng.uniform(0.38, 0.98) if alone and count == 1 else rng.uniform(0.6, 0.98)
    cells = [(c, r) for r in range(rows) for c in range(columns)]
    spin = rng.uniform(-np.pi, np.pi) if rng.random() < 0.06 else rng.normal(0, 0.2)
    sprites = []
    for index in distinct(rng, len(cells), count):
        column, row = cells[index]
        size = cell * share * rng.uniform(0.88, 1.0)
        slack_x, slack_y = max(0.0, cell_width - size), max(0.0, cell_height - size)
        sprites.append(
            Sprite(
                x=float(left + column * cell_width + size / 2 + rng.random() * slack_x),
                y=float(top + row * cell_height + size / 2 + rng.random() * slack_y),
                size=float(size),
                rotation=float(spin + rng.normal(0, 0.08)),
                mirrored=bool(rng.random() < 0.5),
            )
        )
    return tuple(sprites)


def with_article(words: str) -> str:
    """ "a cat", "an owl", "an hourglass", "a unicorn"."""
    return f"{'an' if re.match('[aeio]|umb|hour', words) else 'a'} {words}"


def noun_phrase(noun: int, count: int) -> str:
    """ "a cat", "two cats", "grapes"."""
    entry = NOUNS[noun]
    if count > 1:
        return f"{NUMBER_WORDS[count]} {entry['plural']}"
    if not entry["countable"]:
        return entry["noun"]
    return with_article(entry["noun"])


def background_phrase(scene: Scene, rng: np.random.Generator | None = None) -> str:
    """ "a green background"; with `rng` in varied wording."""
    if scene.background == "photographic":
        return "a photo background"
    adjective = ""
    if rng is not None and rng.random() < 0.25:
        adjective = {"plain": "plain ", "gradient": "shaded ", "textured": "textured "}[scene.background]
    return with_article(f"{adjective}{scene.colour} background")


def caption(scene: Scene, rng: np.random.Generator | None = None) -> str:
    """Describe a scene; with `rng` in varied wording, without in the plainest."""
    phrases = [noun_phrase(group.noun, len(group.sprites)) for group in scene.groups]
    backwards = rng is not None and rng.random() < 0.3
    if len(phrases) == 1:
        things = phrases[0]
    elif len(phrases) == 2:
        relation = {("x", False): "left", ("x", True): "right", ("y", False): "above", ("y", True): "below"}
        first, second = reversed(phrases) if backwards else phrases
        things = f"{first} {RELATIONS[relation[scene.axis, backwards]]} {second}"
    else:
        things = f"{', '.join(phrases[:-1])} and {phrases[-1]}"
    background = background_phrase(scene, rng)
    if rng is None:
        return f"{things} on {background}"
    verb = "is" if len(scene.groups[-1 if backwards else 0].sprites) == 1 else "are"
    wordings = (
        f"{things} on {background}",
        f"a picture of {things} on {background}",
        f"there {verb} {things} on {background}",
        f"{things} in front of {background}",
        f"on {background}, {things}",
    )
    return wordings[chosen(rng, (0.64, 0.1, 0.08, 0.1, 0.08))]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a caption says: the count of each noun, the relation "left", "right", "above", "below" or "" of the first
    named noun to the second, the background's colour ("photo" for a photograph, "" if it says nothing)."""

    counts: dict[int, int]
    order: tuple[int, ...]
    relation: str
    background: str


def _pattern() -> tuple[re.Pattern[str], dict[str, tuple[int, bool]]]:
    forms: dict[str, tuple[int, bool]] = {}
    for number, noun in enumerate(NOUNS):
        forms.setdefault(noun["plural"], (number, True))
    for number, noun in enumerate(NOUNS):
        forms[noun["noun"]] = (number, False)
    words = "|".join(sorted(map(re.escape, forms), key=len, reverse=True))
    return re.compile(rf"\b(?:(one|two|three|four) )?({words})\b"), forms


_NOUN_PATTERN, _FORMS = _pattern()


def read_caption(text: str) -> Reading:
    """Find in a caption the nouns with their counts, the relation and the background; a "t - shirt" is a "t-shirt"."""
    text = re.sub(r"\b - \b", "-", text.lower())
    found = re.search(r"\b([a-z]+) background\b", text)
    background = found.group(1) if found else ""
    body = re.sub(r"(on|in front of) an? (\w+ )?\w+ background,?", " ", text)
    counts: dict[int, int] = {}
    order = []
    for match in _NOUN_PATTERN.finditer(body):
        number, _ = _FORMS[match.group(2)]
        counts[number] = NUMBER_WORDS.index(match.group(1)) if match.group(1) else 1
        order.append(number)
    relation = next((name for name, words in RELATIONS.items() if f" {words} " in body), "")
    return Reading(counts, tuple(order), relation, background)

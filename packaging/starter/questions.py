"""Questions about scenes and photographs, each with its right answer, and how an answer is marked.

What a scene does not say has the answer "i can't tell": a colour of a photographic background, the place of a thing
that is not there, names, prices, the time of day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import NamedTuple, TypeVar

import numpy as np
import photos
from nouns import NOUNS
from scenes import COLOUR_NAMES, NUMBER_WORDS, Group, Scene, chosen, noun_phrase

_Item = TypeVar("_Item")
CANT_TELL, NOTHING, NONE, YES, NO = "i can't tell", "nothing", "none", "yes", "no"
BIGGER = 1.3
"""How many times as large as any other thing the biggest one must be for the question to be asked."""


class Question(NamedTuple):
    """`accepted` are the answers that count as right, `answer` the one that is taught, and among them."""

    kind: str
    text: str
    answer: str
    accepted: tuple[str, ...]


_WHAT = (
    "what is there?",
    "what is in the picture?",
    "what can you see?",
    "what does the picture show?",
    "what do you see?",
    "what is shown here?",
    "what things are in the picture?",
    "describe the picture.",
)
_THIS = ("what is this?", "what is it?", "what is in the picture?", "what object is this?", "name this thing.")
_SIDES = {
    "left": ("what is to the left of {}?", "what is left of {}?", "what do you see to the left of {}?"),
    "right": ("what is to the right of {}?", "what is right of {}?", "what do you see to the right of {}?"),
    "above": ("what is above {}?", "what is over {}?", "what do you see above {}?"),
    "below": ("what is below {}?", "what is under {}?", "what do you see below {}?"),
}
_COUNT = (
    "how many {} are there?",
    "how many {} are in the picture?",
    "how many {} do you see?",
    "how many {}?",
    "count the {}.",
)
_COLOUR = (
    "what colour is the background?",
    "what color is the background?",
    "which colour is the background?",
    "what is the colour of the background?",
    "what is the background color?",
    "what colour is behind the things?",
)
_THERE = (
    "is there {}?",
    "is there {} in the picture?",
    "can you see {}?",
    "do you see {}?",
    "does the picture show {}?",
)
_BIGGEST = (
    "what is the biggest thing?",
    "what is the largest thing?",
    "which thing is the biggest?",
    "what is biggest?",
    "what is the biggest object in the picture?",
    "what is the largest object?",
)
_UNKNOWN = (
    "who is this?",
    "where is this?",
    "where was the picture taken?",
    "when was the picture taken?",
    "who made the picture?",
    "what time is it?",
    "what is the weather like?",
    "what is the person doing?",
    "what is the man wearing?",
    "why is it there?",
    "what happened before?",
    "what will happen next?",
    "how old is {}?",
    "how much does {} cost?",
    "what is the name of {}?",
    "who owns {}?",
    "how heavy is {}?",
)
_CLOTHING = ("what is this?", "what item is this?", "what kind of clothing is this?", "what is in the picture?")
_IS_THIS = ("is this {}?", "is it {}?", "does the picture show {}?")

_SHARES = {
    "what": 0.17,
    "side": 0.26,
    "count": 0.15,
    "colour": 0.11,
    "there": 0.16,
    "biggest": 0.08,
    "unknown": 0.07,
}
KINDS = ("what", "left", "right", "above", "below", "count", "colour", "there", "biggest", "unknown")
"""Of questions about scenes; the figure for questions is the mean over these."""


def sample(scene: Scene, rng: np.random.Generator, number: int) -> list[Question]:
    """That many questions about a scene, of kinds that suit it, each kind by its share."""
    asked = []
    kinds, shares = tuple(_SHARES), tuple(_SHARES.values())
    while len(asked) < number:
        question = _ASK[kinds[chosen(rng, shares)]](scene, rng)
        if question is not None:
            asked.append(question)
    return asked


def sample_photo(kind: photos.Kind, label: int, rng: np.random.Generator, number: int) -> list[Question]:
    """That many questions about a picture of FashionMNIST or CIFAR-10."""
    asked = []
    for _ in range(number):
        if rng.random() < 0.65:
            asked.append(about_photo(kind, label, _one(_CLOTHING if kind is photos.FASHION else _THIS, rng)))
        else:
            right = rng.random() < 0.5
            other = (label + 1 + int(rng.random() * 9)) % 10
            text = _one(_IS_THIS, rng).format(photos.named(kind, label if right else other))
            asked.append(_answered("is this", text, YES if right else NO))
    return asked


def about_photo(kind: photos.Kind, label: int, text: str) -> Question:
    """A question that asks what a picture of that class is."""
    return _answered("this", text, photos.named(kind, label), kind.labels[label])


def of_every_kind(scene: Scene, rng: np.random.Generator) -> Iterator[Question]:
    """One question of each kind that suits the scene; of the sides, one that suits at random."""
    for ask in _ASK.values():
        if (question := ask(scene, rng)) is not None:
            yield question


def is_right(question: Question, answer: str) -> bool:
    """Whether an answer is accepted; articles, case and digits for words make no difference."""
    return _plain(answer) in map(_plain, question.accepted)


def texts() -> Iterator[str]:
    """Every wording, noun and answer: what the vocabulary is made of."""
    for wordings in (_WHAT, _THIS, *_SIDES.values(), _COUNT, _COLOUR, _THERE, _BIGGEST, _UNKNOWN, _CLOTHING, _IS_THIS):
        yield from wordings
    yield from (CANT_TELL, NOTHING, NONE, YES, NO, *COLOUR_NAMES, *NUMBER_WORDS)
    for noun in NOUNS:
        yield f"{noun['noun']} {noun['plural']}"
    for kind in photos.KINDS.values():
        yield from kind.names
    yield _COMMON


_COMMON = (
    "a an the and or of in on at to with without for from by this that these those here any some all both each other "
    "are am was were be has have had does did do can could will would which who whose whom why when how it its they "
    "them he she his her you your my we us not no yes one two three four five six seven eight nine ten zero first last "
    "picture photo photograph image drawing scene background foreground corner middle center centre top bottom side "
    "next near beside behind between inside outside around over under front animal animals bird fish plant food fruit "
    "vegetable vehicle toy tool thing things object objects kind type sort colour color size shape small large big "
    "bigger biggest smaller smallest tall short old new young round square person people man woman child boy girl face "
    "hand street city sky water grass sea sun indoors outdoors day night light dark bright many much more most less "
    "number see look show shown called named made eat drink wear wearing holding doing playing sitting standing please "
    "tell describe name count is there"
)
"""Words that people ask with although the starters' world does not need them."""


def _what(scene: Scene, rng: np.random.Generator) -> Question:
    if len(scene.groups) == 1 and len(scene.groups[0].sprites) == 1 and rng.random() < 0.4:
        return _answered("what", _one(_THIS, rng), *_in_any_order(scene.groups))
    return _answered("what", _one(_WHAT, rng), *_in_any_order(scene.groups))


def _side(scene: Scene, rng: np.random.Generator) -> Question | None:
    """What is on one side of a thing, along the axis on which the scene is ordered; seldom asked of a lone thing."""
    if not scene.axis and rng.random() < 0.85:
        return None
    axis = scene.axis or "xy"[rng.random() < 0.5]
    before = rng.random() < 0.5
    side = {("x", True): "left", ("x", False): "right", ("y", True): "above", ("y", False): "below"}[axis, before]
    wording = _one(_SIDES[side], rng)
    if rng.random() < 0.08:
        return _answered(side, wording.format(f"the {NOUNS[_absent(scene, rng)]['noun']}"), CANT_TELL)
    ends = rng.random() < (0.15 if len(scene.groups) > 1 else 1)  # asked of the last thing, beyond which nothing is
    places = range(len(scene.groups))
    last = places[0] if before else places[-1]
    others = [place for place in places if place != last]
    place = last if ends else others[int(rng.random() * len(others))]
    found = scene.groups[:place] if before else scene.groups[place + 1 :]
    return _answered(side, wording.format(_the(scene.groups[place])), *(_in_any_order(found) if found else (NOTHING,)))


def _count(scene: Scene, rng: np.random.Generator) -> Question | None:
    if rng.random() < 0.12:
        noun, answer = _absent(scene, rng), NONE
    else:
        group = _one(scene.groups, rng)
        noun, answer = group.noun, NUMBER_WORDS[len(group.sprites)]
    if not NOUNS[noun]["countable"]:
        return None
    return _answered("count", _one(_COUNT, rng).format(NOUNS[noun]["plural"]), answer)


def _colour(scene: Scene, rng: np.random.Generator) -> Question:
    return _answered("colour", _one(_COLOUR, rng), scene.colour or CANT_TELL)


def _there(scene: Scene, rng: np.random.Generator) -> Question:
    right = rng.random() < 0.5
    noun = _one(scene.groups, rng).noun if right else _absent(scene, rng)
    return _answered("there", _one(_THERE, rng).format(noun_phrase(noun, 1)), YES if right else NO)


def _biggest(scene: Scene, rng: np.random.Generator) -> Question | None:
    sizes = [(max(item.size for item in group.sprites), number) for number, group in enumerate(scene.groups)]
    sizes.sort(reverse=True)
    if len(sizes) > 1 and sizes[0][0] < BIGGER * sizes[1][0]:
        return None
    group = scene.groups[sizes[0][1]]
    single, all_of_it = noun_phrase(group.noun, 1), noun_phrase(group.noun, len(group.sprites))
    return _answered("biggest", _one(_BIGGEST, rng), single, all_of_it)


def _unknown(scene: Scene, rng: np.random.Generator) -> Question:
    return _answered("unknown", _one(_UNKNOWN, rng).format(_the(_one(scene.groups, rng))), CANT_TELL)


_ASK: dict[str, Callable[[Scene, np.random.Generator], Question | None]] = {
    "what": _what,
    "side": _side,
    "count": _count,
    "colour": _colour,
    "there": _there,
    "biggest": _biggest,
    "unknown": _unknown,
}


def _absent(scene: Scene, rng: np.random.Generator) -> int:
    """A noun that the scene does not show: half the time one of a similar kind, near in the list of nouns."""
    shown = {group.noun for group in scene.groups}
    while True:
        noun = int(rng.random() * len(NOUNS))
        if rng.random() < 0.5:
            noun = (_one(scene.groups, rng).noun + int(rng.random() * 9) - 4) % len(NOUNS)
        if noun not in shown:
            return noun


def _in_any_order(groups: tuple[Group, ...]) -> tuple[str, ...]:
    """The groups named in one answer, in their order and then in every other."""
    phrases = [noun_phrase(group.noun, len(group.sprites)) for group in groups]
    return tuple(" and ".join(filter(None, (", ".join(order[:-1]), order[-1]))) for order in permutations(phrases))


def _the(group: Group) -> str:
    noun = NOUNS[group.noun]
    return f"the {noun['plural'] if len(group.sprites) > 1 else noun['noun']}"


def _answered(kind: str, text: str, *answers: str) -> Question:
    return Question(kind, text, answers[0], answers)


def _one(items: tuple[_Item, ...], rng: np.random.Generator) -> _Item:
    return items[int(rng.random() * len(items))]


def _plain(answer: str) -> str:
    text = re.sub(r"\b(an?|the)\b", " ", answer.lower().strip(" ."))
    for number, word in enumerate(NUMBER_WORDS):
        if word:
            text = re.sub(rf"\b{number}\b", word, text)
    return " ".join(re.sub(r"\bone\b", " ", text).split()) or text.strip()

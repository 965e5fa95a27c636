"""The batches that the stages of training are made of, sampled on the CPU and drawn on the device.

A lesson holds scenes, then FashionMNIST's pictures, then CIFAR-10's; whatever has one entry for each picture is in this
order. It is a dictionary of arrays, made from (seed, stage, rank, step) alone and, in the tower's stage, from how far
training has come, so any number of processes can prepare lessons ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
import photos
import questions
import torch
from artists import TRAINED_ON, Artist, numbers
from augment import augment
from model import normalise
from nouns import NOUNS
from photos import CIFAR, CLASSES, FASHION, Photos
from plan import Catalogue, plan
from render import Renderer
from scenes import NUMBER_WORDS, Scene, caption, sample_large, sample_scene
from style import Style
from tokenizer import CaptionEncoder
from torch import Tensor
from torch.utils.data import Dataset
from vqa_model import WordPieces

Lesson = dict[str, Any]
IGNORED = -100
"""Label of cells that teach nothing: of a photograph's, since nobody knows what is where in it."""
NO_NOUN = -1
STAGES = ("tower", "caption", "vqa", "vit", "together")


@dataclass(frozen=True, slots=True)
class Course:
    """What a stage is taught.

    Attributes:
        fashion, cifar: Shares of pictures from the data sets; the rest are scenes.
        single: Share of the scenes that are one object.
        easing: Whether it begins with large single objects, which then become rarer.
        prompted: Share of a lone thing's texts that are prompts, and of a photograph's.
        questions: Asked about each picture: seeing it costs more than reading a question.
    """

    fashion: float
    cifar: float
    single: float = 0.0
    easing: bool = False
    prompted: tuple[float, float] = (0.0, 0.0)
    questions: int = 0


COURSES = {
    "tower": Course(fashion=0.1, cifar=0.2, easing=True),
    "caption": Course(fashion=0.12, cifar=0.22, prompted=(0.15, 0.45)),
    "vqa": Course(fashion=0.07, cifar=0.09, questions=4),
    "vit": Course(fashion=0.0, cifar=0.45, single=0.75),
    "together": Course(fashion=0.1, cifar=0.17, single=0.15, prompted=(0.15, 0.45), questions=3),
}


class Lessons(Dataset[Lesson]):
    """Lesson number `step` of a stage, for any step.

    Args:
        stage: One of `STAGES`.
        size: Pictures in a lesson.
        seeds: What besides the step decides the lesson: the run's seed and the number of the process.
        style: What happens to the artwork.
        catalogue: Of the artwork.
        labels: Of the data sets' training pictures, by the set's name.
        read: The stage's tokenizers, if any: captions are made for a CoCa's, questions for a BLIP's.
        progress: How far training has come, 0…1, given the step.
    """

    def __init__(
        self,
        stage: str,
        size: int,
        *,
        seeds: tuple[int, ...],
        style: Style,
        catalogue: Catalogue,
        labels: dict[str, npt.NDArray[np.int64]],
        read: Sequence[CaptionEncoder | WordPieces],
        progress: Callable[[int], float],
    ) -> None:
        self.stage, self.seeds, self.style, self.read, self.progress = stage, seeds, style, read, progress
        self.course, self._catalogue, self._labels = COURSES[stage], catalogue, labels
        self.sizes = {"fashion": round(size * self.course.fashion), "cifar": round(size * self.course.cifar)}
        self.sizes = {"scenes": size - sum(self.sizes.values()), **self.sizes}

    def __getitem__(self, step: int) -> Lesson:
        rng = np.random.default_rng((*self.seeds, STAGES.index(self.stage), step))
        scenes = self._scenes(rng, self.progress(step))
        lesson: Lesson = {"scenes": plan(scenes, self._catalogue, rng, self.style)}
        labels: list[tuple[photos.Kind, int]] = []
        for kind in (FASHION, CIFAR):
            planned = photos.plan(kind, self._labels[kind.name], self.sizes[kind.name], rng)
            lesson[kind.name] = planned
            labels += [(kind, int(label)) for label in self._labels[kind.name][planned["index"]]]
        lesson["classes"] = _classes(scenes, labels)
        lesson["counts"] = _counts(scenes, len(labels))
        for read in self.read:
            if isinstance(read, CaptionEncoder):
                lesson |= self._texts(scenes, labels, rng, read)
            else:
                lesson |= _asked(scenes, labels, self.course.questions, rng, read)
        lesson["seed"] = int(rng.integers(2**62))
        return lesson

    def _scenes(self, rng: np.random.Generator, progress: float) -> list[Scene]:
        ease = max(0.3, 1 - progress / 0.7) if self.course.easing else 0.0
        scenes = []
        for _ in range(self.sizes["scenes"]):
            if rng.random() < ease:
                scenes.append(sample_large(rng))
            elif rng.random() < self.course.single:
                scenes.append(lone(rng))
            else:
                scenes.append(sample_scene(rng))
        return scenes

    def _texts(
        self, scenes: list[Scene], labels: list[tuple[photos.Kind, int]], rng: np.random.Generator, read: CaptionEncoder
    ) -> Lesson:
        """A text for each picture, whether it is a caption (or a prompt), and which pictures it fits: its `text_key` is
        the `picture_key` of those that look alike, or the `sole_key` of those that show one kind of thing.
        `text_nouns`, as `text`: the noun that a token of a scene's caption names or counts, else NO_NOUN."""
        texts, prompted, whole, sole = [], [], [], []
        for row, scene in enumerate(scenes):
            lone_kind = len(scene.groups) == 1
            label = NOUNS[scene.groups[0].noun]["noun"]
            prompted.append(lone_kind and rng.random() < self.course.prompted[0])
            texts.append(photos.prompt(label, rng) if prompted[-1] else caption(scene, rng))
            whole.append(_key(f"scene: {caption(scene)}"))
            sole.append(_key(label) if lone_kind else -1 - row)
        for kind, number in labels:
            label = kind.labels[number]
            prompted.append(rng.random() < self.course.prompted[1])
            texts.append(photos.prompt(label, rng) if prompted[-1] else photos.caption(kind, number, rng))
            whole.append(_key(f"{kind.name}: {label}"))
            sole.append(_key(label))
        of_prompt, text = np.array(prompted), read(texts)
        named = np.full_like(text, NO_NOUN)
        of_scene = np.flatnonzero(~of_prompt[: len(scenes)])
        named[of_scene] = _named(text[of_scene], read, counting=True)
        return {
            "text": text,
            "text_nouns": named,
            "captioned": ~of_prompt,
            "picture_key": np.array(whole),
            "sole_key": np.array(sole),
            "text_key": np.where(of_prompt, sole, whole),
        }


def lone(rng: np.random.Generator) -> Scene:
    """A scene of one object."""
    while True:
        scene = sample_scene(rng, 1)
        if len(scene.groups[0].sprites) == 1:
            return scene


def _key(text: str) -> int:
    return crc32(text.lower().encode())


def _classes(scenes: list[Scene], labels: list[tuple[photos.Kind, int]]) -> npt.NDArray[np.int64]:
    """(n, 3): what is to be seen in each picture, padded with −1."""
    classes = np.full((len(scenes) + len(labels), 3), -1)
    for row, scene in enumerate(scenes):
        classes[row, : len(scene.groups)] = [group.noun for group in scene.groups]
    for row, (kind, number) in enumerate(labels, len(scenes)):
        classes[row, 0] = kind.first + number
    return classes


def _counts(scenes: list[Scene], photographs: int) -> npt.NDArray[np.int64]:
    """(n, 3): how many there are of each of `_classes`, padded with zeros; none are counted in photographs."""
    counts = np.zeros((len(scenes) + photographs, 3), np.int64)
    for row, scene in enumerate(scenes):
        counts[row, : len(scene.groups)] = [len(group.sprites) for group in scene.groups]
    return counts


def _asked(
    scenes: list[Scene], labels: list[tuple[photos.Kind, int]], each: int, rng: np.random.Generator, read: WordPieces
) -> Lesson:
    """`question` and `answer` (n, each, tokens), padded; `question_nouns`, as `question`: the noun that a token of a
    question about a scene names, else NO_NOUN."""
    asked = [question for scene in scenes for question in questions.sample(scene, rng, each)]
    for kind, number in labels:
        asked += questions.sample_photo(kind, number, rng, each)
    found = {}
    for name, texts in (
        ("question", [read.question(question.text) for question in asked]),
        ("answer", [read.answer(question.answer) for question in asked]),
    ):
        tokens = np.full((len(texts), max(map(len, texts))), read.pad)
        for row, text in zip(tokens, texts, strict=True):
            row[: len(text)] = text
        found[name] = tokens.reshape(-1, each, tokens.shape[1])
    named = np.full_like(found["question"], NO_NOUN)
    of_scenes = found["question"][: len(scenes)]  # nobody knows what else is in a photograph
    named[: len(scenes)] = _named(of_scenes.reshape(-1, of_scenes.shape[2]), read).reshape(of_scenes.shape)
    return found | {"question_nouns": named}


def _named(
    tokens: npt.NDArray[np.int64], read: WordPieces | CaptionEncoder, *, counting: bool = False
) -> npt.NDArray[np.int64]:
    """As `tokens` (texts, tokens): the noun that each is a part of, or, if `counting`, whose article or number it is;
    NO_NOUN where there is none."""
    named, spelled = np.full_like(tokens, NO_NOUN), _spelled(read)
    numbers = _counting(read) if counting else frozenset()
    for row, place in np.ndindex(tokens.shape):
        for pieces, noun in spelled.get(int(tokens[row, place]), ()):
            end = place + len(pieces)
            if named[row, place] == NO_NOUN and tokens[row, place:end].tolist() == pieces:
                named[row, place - (int(tokens[row, place - 1]) in numbers) : end] = noun
    return named


@cache
def _counting(read: WordPieces | CaptionEncoder) -> frozenset[int]:
    """The tokens that say how many of a thing there are."""
    return frozenset(read.encode(" ".join(("a", "an", *filter(None, NUMBER_WORDS)))))


@cache
def _spelled(read: WordPieces | CaptionEncoder) -> dict[int, list[tuple[list[int], int]]]:
    """First token → the nouns that begin with it, singular and plural, as (tokens, number), long ones first."""
    found: dict[int, list[tuple[list[int], int]]] = {}
    for number, noun in enumerate(NOUNS):
        for name in dict.fromkeys((noun["noun"], noun["plural"])):
            pieces = read.encode(name)
            found.setdefault(pieces[0], []).append((pieces, number))
    for nouns in found.values():
        nouns.sort(key=lambda spelled: -len(spelled[0]))
    return found


class Studio:
    """Draws lessons on a device: the artwork, the photographs and the data sets' training pictures."""

    def __init__(self, side: int, grid: int, device: str, left_out: Artist | None = None) -> None:
        artists = tuple(artist for artist in TRAINED_ON if artist != left_out)
        self.renderer = Renderer(numbers(artists), side, grid, device)
        self.photos = {kind.name: Photos(kind, "train", side, device) for kind in (FASHION, CIFAR)}
        self.device = torch.device(device)

    @property
    def labels(self) -> dict[str, npt.NDArray[np.int64]]:
        return {name: found.labels for name, found in self.photos.items()}

    def draw(self, lesson: Lesson) -> dict[str, Tensor]:
        """`pictures` (n, 3, side, side), normalised; `cells` (n, grid, grid); `of_its_kind`, as `cells`: how many there
        are of what is in the cell, less one, or IGNORED; `classes` (n, CLASSES), rows summing to one; and what else
        the lesson holds, on the device."""
        drawn = self.renderer.draw(lesson["scenes"])
        varied = [photos.varied(lesson[kind]) for kind, photos in self.photos.items() if len(lesson[kind]["index"])]
        pictures = augment(torch.cat([drawn.pictures, *varied]), np.random.default_rng(int(lesson["seed"])))
        cells = torch.full((len(pictures), *drawn.cells.shape[1:]), IGNORED, device=self.device)
        cells[: len(drawn.cells)] = drawn.cells
        shown = torch.as_tensor(lesson["classes"]).to(self.device, non_blocking=True)
        classes = torch.zeros(len(pictures), CLASSES + 1, device=self.device)
        classes.scatter_(1, torch.where(shown < 0, CLASSES, shown), 1.0)
        classes = classes[:, :CLASSES]
        counts = torch.as_tensor(lesson["counts"]).to(self.device, non_blocking=True)
        fits = cells.flatten(1)[:, :, None] == shown[:, None]
        of_its_kind = torch.where(fits, counts[:, None], 0).amax(2).sub(1).view_as(cells)
        found = {
            "pictures": normalise(pictures),
            "cells": cells,
            "of_its_kind": of_its_kind.masked_fill(of_its_kind < 0, IGNORED),
            "classes": classes / classes.sum(1, keepdim=True),
        }
        others = lesson.keys() - {"scenes", "fashion", "cifar", "classes", "counts", "seed"}
        return found | {name: torch.as_tensor(lesson[name]).to(self.device, non_blocking=True) for name in others}

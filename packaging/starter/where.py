"""Where a starter looks: `python packaging/starter/where.py FOLDER… [--scenes 500] [--faithful 200] [--json FILE]`.

Held-out scenes of two things, one of each, go through the application's own adapters. Of every map it is told how
often its peak lies on the thing that a noun names: a starter-coca's words-to-patches maps for the nouns of a scene's
caption, a starter-vqa's question-to-patch maps for the noun of a question; by layer (mean over heads), by the best
single head, and by relevance. A hit is strict: the middle of the one patch of highest value must lie in the thing's
box, the square of its size around its middle. A noun of several tokens has the mean of their maps. What is only the
best of many, a layer or a head, was chosen by these figures themselves.

Then deletion and insertion: areas under the curves of the probability of the noun that the starter itself names first,
or of its answer, while patches are hidden by a blur.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from augment import augment
from marks import HELD_OUT_SEED, renderer
from model import read_config
from nouns import NOUNS
from scenes import RELATIONS, Group, Scene, caption, noun_phrase, read_caption, sample_scene

from cocadesk import engine
from cocadesk.catalog import cards
from cocadesk.engine.attention import AttentionMaps, subtract_minimum
from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.faithfulness import AnswerTarget, Curves, Faithfulness, Target, WordTarget, faithfulness
from cocadesk.types import AnswerResult, CaptionResult, Picture

PART = 70
"""Of the held-out scenes: neither watched in training nor measured elsewhere."""
AT_ONCE = 50
"""Scenes that are drawn together."""
STEPS, ORDERS = 12, 2
BEST = "best layer"
Maps = Iterator[tuple[str, np.ndarray]]
"""Names of maps, and the maps (rows, columns)."""


def scenes_of_two(artwork: str, count: int, side: int) -> Iterator[tuple[Scene, Picture]]:
    """Scenes of two kinds of things, one of each, the same on every call; drawn and changed like all held-out ones."""
    rng = np.random.default_rng((HELD_OUT_SEED, PART))
    drawer = renderer(artwork, side, "cpu")
    known = [bool(choices) for choices in drawer.catalogue.coloured]
    for first in range(0, count, AT_ONCE):
        scenes: list[Scene] = []
        while len(scenes) < min(count - first, AT_ONCE):
            scene = sample_scene(rng, 2)
            if all(len(group.sprites) == 1 and known[group.noun] for group in scene.groups):
                scenes.append(scene)
        pictures = augment(drawer.draw(drawer.plan(scenes, rng)).pictures, rng)
        pixels = pictures.permute(0, 2, 3, 1).mul(255).round().byte().numpy()
        yield from ((scene, Picture("scene", image)) for scene, image in zip(scenes, pixels, strict=True))


def in_the_application(folder: Path) -> Any:
    """The model of that folder, as the application loads one that it came with."""
    config = read_config(folder)
    name = "starter-coca" if "multimodal_cfg" in config else "starter-vqa"
    vision = config["vision_cfg" if name == "starter-coca" else "vision_config"]
    like = cards.CARDS.get(name) or cards.card("blip-vqa-base")
    cards.CARDS[folder.name] = replace(
        like,
        name=folder.name,
        architecture=str(folder.resolve()),
        bundled=True,
        hub_repo="",
        input_pixels=vision["image_size"],
        patch_pixels=vision["patch_size"],
    )
    return engine.load(folder.name, device="cpu", dtype="float32")


def tokens_of(names: Sequence[str], noun: str) -> list[int]:
    """Which tokens the noun is made of where it is first named; none where it is not."""
    pieces = ["" if name.startswith("[") else name for name in names]
    words = r"\s*".join(map(re.escape, re.findall(r"\w+|[^\w\s]", noun)))  # tokens' names part "t - shirt"
    found = re.search(rf"\b{words}\b", "".join(pieces))
    if found is None:
        return []
    ends = np.cumsum([len(piece) for piece in pieces])
    return [
        place
        for place, (piece, end) in enumerate(zip(pieces, ends, strict=True))
        if piece.strip() and end > found.start() and end - len(piece.lstrip()) < found.end()
    ]


def is_on(layout: PatchLayout, values: np.ndarray, group: Group, side: int) -> bool:
    """Whether the peak lies in the box of one of the group's things."""
    x, y = (at / side for at in layout.peak(values))
    return any(max(abs(x - item.x), abs(y - item.y)) <= item.size / 2 for item in group.sprites)


def each_map(maps: AttentionMaps, tokens: Sequence[int], *, subtract: bool = False) -> Maps:
    """The maps of a noun: of each layer and head, of each layer, and of all layers, as means; or of relevance."""
    assert maps.layout is not None
    every = maps.layout.cut(maps.weights)
    if subtract:
        every = np.stack([np.stack([subtract_minimum(head) for head in layer]) for layer in every])
    chosen = every[:, :, list(tokens)].mean(2)
    if maps.measure == "relevance":
        yield "relevance", chosen[0, 0]
        return
    for layer, of_heads in enumerate(chosen):
        yield f"layer {layer}", of_heads.mean(0)
        for head, values in enumerate(of_heads):
            yield f"layer {layer}, head {head}", values
    yield "mean of all layers", chosen.mean((0, 1))


@dataclass(frozen=True, slots=True)
class Measurable:
    """Something that a model said of a picture, and maps of it, (rows, columns), by name."""

    target: Target
    layout: PatchLayout
    maps: dict[str, np.ndarray]


class Captions:
    """How a starter-coca's words are looked at."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def hits(self, scene: Scene, picture: Picture) -> Iterator[tuple[str, bool]]:
        """For each noun of the plain caption, given to the model word by word, which maps hit; of the nouns that it
        names itself, once more."""
        text = caption(scene)
        maps = self._model.word_attention(picture, text)
        tokens_of_each = [tokens_of(maps.tokens, NOUNS[group.noun]["noun"]) for group in scene.groups]
        asked = list(chain.from_iterable(tokens_of_each))
        relevance = self._model.word_relevance(picture, text, words=asked)
        own = read_caption(self._caption(picture).caption).counts
        for group, tokens in zip(scene.groups, tokens_of_each, strict=True):
            yield "named by the model", group.noun in own
            rows = [asked.index(token) for token in tokens]
            for name, values in (*each_map(maps, tokens), *each_map(relevance, rows)):
                hit = is_on(maps.layout, values, group, picture.width)
                yield name, hit
                if group.noun in own and "head" not in name:
                    yield f"{name}, of nouns it names", hit

    def measurable(self, _: Scene, picture: Picture, layer: int) -> Measurable | None:
        """The first noun of the model's own caption, whatever it is; None where there is none."""
        result = self._caption(picture)
        maps = self._model.word_attention(picture, result)
        forms = [NOUNS[noun][form] for noun in read_caption(result.caption).order[:1] for form in ("plural", "noun")]
        tokens = next(filter(None, (tokens_of(maps.tokens, form) for form in forms)), None)
        if tokens is None:
            return None
        relevance = self._model.word_relevance(picture, result, words=tokens[:1])
        return Measurable(
            WordTarget(tuple(token.id for token in result.tokens), tokens[0]),
            maps.layout,
            {"attention": maps.patch_maps(layer)[tokens].mean(0), "relevance": relevance.patch_map(0)},
        )

    def _caption(self, picture: Picture) -> CaptionResult:
        *_, result = self._model.caption(picture)
        assert isinstance(result, CaptionResult)
        return result


class Questions:
    """How a starter-vqa's questions are looked at."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def hits(self, scene: Scene, picture: Picture) -> Iterator[tuple[str, bool]]:
        """For the noun of two questions about each thing, whether it is there and what is beside it, which maps hit."""
        for number, group in enumerate(scene.groups):
            noun = NOUNS[group.noun]["noun"]
            for kind, text in (
                ("is there", f"is there {noun_phrase(group.noun, 1)}?"),
                ("beside", self._beside(scene, number)),
            ):
                maps = self._model.question_attention(picture, text)
                tokens = tokens_of(maps.tokens, noun)
                found = [*each_map(maps, tokens)]
                found += [
                    (f"{name}, less the minimum", values) for name, values in each_map(maps, tokens, subtract=True)
                ]
                if kind == "is there":
                    found += each_map(self._model.answer_relevance(picture, text), [0])
                for name, values in found:
                    hit = is_on(maps.layout, values, group, picture.width)
                    yield name, hit
                    if "head" not in name and name != "relevance":
                        yield f"{name}, “{kind}”", hit

    def measurable(self, scene: Scene, picture: Picture, layer: int) -> Measurable:
        """The model's own answer to what is beside the first thing."""
        text = self._beside(scene, 0)
        *_, result = self._model.ask(picture, text)
        assert isinstance(result, AnswerResult)
        maps = self._model.question_attention(picture, text)
        tokens = tokens_of(maps.tokens, NOUNS[scene.groups[0].noun]["noun"])
        relevance = self._model.answer_relevance(picture, text, result)
        return Measurable(
            AnswerTarget(text, result.answer),
            maps.layout,
            {"attention": maps.patch_maps(layer)[tokens].mean(0), "relevance": relevance.patch_map(0)},
        )

    @staticmethod
    def _beside(scene: Scene, number: int) -> str:
        """Asks for the other one of two things."""
        side = {("x", 0): "right", ("x", 1): "left", ("y", 0): "below", ("y", 1): "above"}[scene.axis, number]
        return f"what is {RELATIONS[side]} the {NOUNS[scene.groups[number].noun]['noun']}?"


Looker = Captions | Questions
Shown = Iterable[tuple[Scene, Picture]]


def located(looker: Looker, shown: Shown) -> dict[str, float]:
    """Of each kind of map, how often its peak lies on the thing; of heads the best; `BEST` is a layer's number."""
    found: defaultdict[str, list[bool]] = defaultdict(list)
    for scene, picture in shown:
        for name, hit in looker.hits(scene, picture):
            found[name].append(hit)
    shares = {name: float(np.mean(hits)) for name, hits in found.items()}
    heads = {name: share for name, share in shares.items() if "head" in name}
    rest = {name: share for name, share in shares.items() if name not in heads}
    head = max(heads, key=lambda name: heads[name])
    layers = [name for name in rest if re.fullmatch(r"layer \d+", name)]
    best = max(layers, key=lambda name: rest[name])
    return {BEST: float(best.removeprefix("layer "))} | rest | {f"best single head ({head})": heads[head]}


def areas(model: Any, looker: Looker, shown: Shown, layer: int) -> dict[str, float]:
    """Mean deletion and insertion areas of relevance, of one layer's attention and of random orders, and how often a
    map does better than the random orders of its picture."""
    curves: defaultdict[str, list[Curves]] = defaultdict(list)
    better: defaultdict[str, list[bool]] = defaultdict(list)
    for scene, picture in shown:
        said = looker.measurable(scene, picture, layer)
        if said is None:
            continue
        for name, values in said.maps.items():
            *_, found = faithfulness(
                model, picture, values, said.layout, said.target, steps=STEPS, orders=ORDERS, fill="blur"
            )
            assert isinstance(found, Faithfulness)
            of_map, at_random = found.of_map, found.at_random
            curves[name].append(of_map)
            better[f"{name}: deletion below random"].append(of_map.deletion_area < at_random.deletion_area)
            better[f"{name}: insertion above random"].append(of_map.insertion_area > at_random.insertion_area)
        curves["random"].append(at_random)
    figures = {"scenes of deletion and insertion": float(len(curves["random"]))}
    for name, found_curves in curves.items():
        figures[f"{name}: deletion area"] = float(np.mean([each.deletion_area for each in found_curves]))
        figures[f"{name}: insertion area"] = float(np.mean([each.insertion_area for each in found_curves]))
    return figures | {name: float(np.mean(wins)) for name, wins in better.items()}


def measure(folder: Path, scenes: int, faithful: int, artworks: Sequence[str]) -> dict[str, dict[str, float]]:
    """Of each artwork, "seen" or "unseen", all figures of the model in that folder."""
    model = in_the_application(folder)
    looker: Looker = Captions(model) if hasattr(model, "word_relevance") else Questions(model)
    side = model.card.input_pixels
    table: dict[str, dict[str, float]] = {}
    for artwork in artworks:
        found = located(looker, _told(scenes_of_two(artwork, scenes, side), f"{artwork} artwork, peaks"))
        drawn = _told(scenes_of_two(artwork, faithful, side), f"{artwork} artwork, deletion and insertion")
        table[artwork] = found | areas(model, looker, drawn, int(found[BEST]))
    return table


def _told(shown: Shown, what: str) -> Shown:
    """The same, with word on stderr of how many there were."""
    for number, each in enumerate(shown, start=1):
        yield each
        if number % AT_ONCE == 0:
            print(f"{what}: {number} scenes", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--artwork", nargs="+", choices=("seen", "unseen"), default=["seen", "unseen"])
    parser.add_argument("--scenes", type=int, default=500, help="of each artwork, for the peaks")
    parser.add_argument("--faithful", type=int, default=200, help="of each artwork, for deletion and insertion")
    parser.add_argument("--threads", type=int, default=1, help="of torch; the models are too small for many")
    parser.add_argument("--json", type=Path, help="where to write the figures, too")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    tables = {}
    for folder in args.folders:
        tables[folder.name] = table = measure(folder, args.scenes, args.faithful, args.artwork)
        print(f"\n{folder.name}\n\n| | {' | '.join(f'{artwork} artwork' for artwork in table)} |")
        print(f"|---{'|---' * len(table)}|")
        for name in dict.fromkeys(name for figures in table.values() for name in figures):
            cells = (f"{figures[name]:.3f}" if name in figures else "" for figures in table.values())
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
    if args.json:
        args.json.write_text(json.dumps(tables, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

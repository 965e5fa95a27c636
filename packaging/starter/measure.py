"""Held-out figures of any starter: `python packaging/starter/measure.py FOLDER… [--pictures 2000] [--json FILE]`.

Prints them as a table in Markdown, for the model's card. Everything goes through the libraries' own forwards, not the
application's. Scenes come from seeds that training never uses; of FashionMNIST's and CIFAR-10's official test splits a
starter-vqa is asked about as many pictures as scenes, the others about all.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import questions
import torch
import vit_model
import vqa_model
from cards import figures
from marks import answers, first_nouns, greedy, held_out, mark, mark_answers, recall
from model import TowerShape, load, normalise, read_config, tokenizer, tower_shape
from nouns import NOUNS
from photos import CIFAR, FASHION, Kind, Photos
from scenes import caption, read_caption
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — its usual name

__all__ = ["held_out", "measure"]

Figures = dict[str, float]
Table = dict[str, Figures]
FIRST_PART, PART = 100, 100
"""The held-out scenes that are measured: their first part, and how many there are in each."""
TEMPLATE = "This is a photo of a {}"


def measure(folder: Path, count: int, device: str = "cpu", examples: int = 0) -> Table:
    """Column ("seen", "unseen", "photos") → figures of the model in that folder, whichever of the three it is."""
    config = read_config(folder)
    kind = next(found for key, found in _MEASURES.items() if key in config)
    with torch.inference_mode():
        return kind(folder, count, device, examples)


def _parts(
    artwork: str, count: int, device: str, seen: TowerShape, *, single: bool = False
) -> Iterator[tuple[list, Tensor]]:
    for part in range(max(1, count // PART)):
        yield held_out(artwork, PART, seen.side, seen.grid, single=single, part=FIRST_PART + part, device=device)


def _coca(folder: Path, count: int, device: str, examples: int) -> Table:
    config = read_config(folder)
    model, tokenize = load(folder).eval().to(device), tokenizer(folder, config)
    seen = tower_shape(config)
    table: Table = {}
    for artwork in ("seen", "unseen"):
        scenes, texts, recalls, singles = [], [], [], []
        for drawn, pictures in _parts(artwork, count, device, seen):
            scenes += drawn
            texts += greedy(model, tokenize, pictures)
            recalls.append(recall(model, tokenize, drawn, pictures))
        for drawn, pictures in _parts(artwork, count, device, seen, single=True):
            for scene, text in zip(drawn, greedy(model, tokenize, pictures), strict=True):
                singles.append(scene.groups[0].noun in read_caption(text).counts)
        for scene, text in list(zip(scenes, texts, strict=True))[:examples]:
            print(f"{artwork:7} {caption(scene)}\n     -> {text}")
        table[artwork] = {
            "single object named": float(np.mean(singles)),
            **mark(scenes, texts),
            "recall@1 of 100": float(np.mean(recalls)),
        }

    def ranked(kind: Kind) -> Callable[[Tensor], Tensor]:
        prompts = tokenize([TEMPLATE.format(label) for label in kind.labels]).to(device)
        texts = F.normalize(model.encode_text(prompts), dim=-1)
        return lambda pictures: F.normalize(model.encode_image(pictures), dim=-1) @ texts.T

    return table | {
        "photos": {f"{kind.name} by prompts": _test(kind, ranked(kind), seen.side, device) for kind in (FASHION, CIFAR)}
    }


def _vqa(folder: Path, count: int, device: str, examples: int) -> Table:
    model, words = vqa_model.load(folder)
    model.eval().to(device)
    seen = vqa_model.tower_shape(read_config(folder))
    table: Table = {}
    for artwork in ("seen", "unseen"):
        right: dict[str, list[bool]] = {}
        rng = np.random.default_rng(FIRST_PART)
        for scenes, pictures in _parts(artwork, count, device, seen):
            asked = [list(questions.of_every_kind(scene, rng)) for scene in scenes]
            said = answers(model, words, pictures, [[each.text for each in few] for few in asked])
            for kind, marked in mark_answers(asked, said).items():
                right.setdefault(kind, []).extend(marked)
            for scene, few, told in list(zip(scenes, asked, said, strict=True))[: max(0, examples)]:
                print(f"{artwork:7} {caption(scene)}")
                for question, answer in zip(few, told, strict=True):
                    print(f"     {question.text} -> {answer} ({question.answer})")
            examples = 0
        kinds = {kind: float(np.mean(right[kind])) for kind in questions.KINDS if kind in right}
        table[artwork] = {"mean of all kinds": float(np.mean(list(kinds.values()))), **kinds}
    named: Figures = {}
    for kind in (FASHION, CIFAR):
        photos, hits = Photos(kind, "test", seen.side, device), []
        for start in range(0, min(count, len(photos.labels)), PART):
            rows = slice(start, start + PART)
            said = answers(model, words, normalise(photos.exact(rows)), [["what is this?"]] * PART)
            labels = photos.labels[rows].tolist()
            asked = [questions.about_photo(kind, label, "what is this?") for label in labels]
            hits += [questions.is_right(one, told[0]) for one, told in zip(asked, said, strict=True)]
        named[f"{kind.name}: what is this?"] = float(np.mean(hits))
    return table | {"photos": named}


def _vit(folder: Path, count: int, device: str, _examples: int) -> Table:
    model = vit_model.load(folder).eval().to(device)
    seen = vit_model.tower_shape(read_config(folder))
    table: Table = {}
    for artwork in ("seen", "unseen"):
        parts = _parts(artwork, count, device, seen, single=True)
        found = [
            (model(pictures).argmax(1) == first_nouns(scenes, device)).float().mean().item()
            for scenes, pictures in parts
        ]
        table[artwork] = {"single object, top-1": float(np.mean(found))}
    shift = len(NOUNS)
    return table | {"photos": {"cifar, top-1 of all classes": _test(CIFAR, model, seen.side, device, shift)}}


def _test(kind: Kind, scores: Callable[[Tensor], Tensor], side: int, device: str, first: int = 0) -> float:
    """Share of a test split's pictures whose best class is right; the first of the ten classes has this number."""
    photos, hits = Photos(kind, "test", side, device), 0
    for start in range(0, len(photos.labels), PART):
        rows = slice(start, start + PART)
        best = scores(normalise(photos.exact(rows))).argmax(1).cpu().numpy() - first
        hits += int((best == photos.labels[rows]).sum())
    return hits / len(photos.labels)


_MEASURES: dict[str, Callable[[Path, int, str, int], Table]] = {
    "multimodal_cfg": _coca,
    "text_config": _vqa,
    "model_args": _vit,
}
"""By what the configuration of each kind of model alone holds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--examples", type=int, default=0, help="captions or answers to print")
    parser.add_argument("--json", type=Path, help="where to write the figures, too")
    args = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tables = {}
    for folder in args.folders:
        tables[folder.name] = measure(folder, args.pictures, device, args.examples)
        print(f"\n{folder.name}\n\n{figures(tables[folder.name])}", flush=True)
    if args.json:
        args.json.write_text(json.dumps(tables, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

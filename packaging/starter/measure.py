"""Held-out figures of a starter: `python packaging/starter/measure.py FOLDER [--pictures 2000]`.

The scenes come from seeds that training never uses; "unseen artwork" is OpenMoji's, which is never trained on.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from artwork import SEEN
from model import GRID, SIDE, load, normalise, tokenizer
from open_clip.coca_model import CoCa
from open_clip.tokenizer import SimpleTokenizer
from render import Renderer, augment
from scenes import Scene, caption, read_caption, sample_scene
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — its usual name

if TYPE_CHECKING:
    from train import Trainee

HELD_OUT_SEED = 990_001
_RENDERERS: dict[str, Renderer] = {}


def renderer(artwork: str, device: str = "cpu") -> Renderer:
    if artwork not in _RENDERERS:
        artists = list(range(len(SEEN))) if artwork == "seen" else [len(SEEN)]
        _RENDERERS[artwork] = Renderer(artists, SIDE, GRID, device)
    return _RENDERERS[artwork]


def held_out(artwork: str, count: int, *, single: bool = False, part: int = 0, device: str = "cpu"):
    """(scenes, pictures (n, 3, side, side) normalised), the same on every call; `single`: of one object each."""
    rng = np.random.default_rng((HELD_OUT_SEED, part, int(single)))
    scenes = []
    while len(scenes) < count:
        scene = sample_scene(rng, 1 if single else None)
        if not single or len(scene.groups[0].sprites) == 1:
            scenes.append(scene)
    pictures = augment(renderer(artwork, device).draw(scenes, rng).pictures, rng)
    return scenes, normalise(pictures)


@torch.inference_mode()
def greedy(model: CoCa, tokenize: SimpleTokenizer, pictures: Tensor, most: int = 28) -> list[str]:
    """Greedy captions by open_clip's own forward, without a cache: independent of the application's decoding."""
    embedding, pooled = model._encode_image(pictures)
    tokens = torch.full((len(pictures), 1), tokenize.sot_token_id, device=pictures.device)
    ended = torch.zeros(len(pictures), dtype=torch.bool, device=pictures.device)
    for _ in range(most):
        logits = model(None, tokens, image_latent=embedding, image_embs=pooled, output_labels=False)["logits"]
        following = torch.where(ended, tokenize.eot_token_id, logits[:, -1].argmax(-1))
        tokens = torch.cat([tokens, following[:, None]], 1)
        ended |= following == tokenize.eot_token_id
        if ended.all():
            break
    texts = []
    for row in tokens[:, 1:].tolist():
        end = row.index(tokenize.eot_token_id) if tokenize.eot_token_id in row else len(row)
        texts.append(tokenize.decode(row[:end]).strip())
    return texts


def mark(scenes: list[Scene], texts: list[str]) -> dict[str, float]:
    """Shares of right nouns (F1), counts, relations and backgrounds in the captions of these scenes."""
    right = named = there = 0
    counts: list[bool] = []
    relations: list[bool] = []
    backgrounds: list[bool] = []
    for scene, text in zip(scenes, texts, strict=True):
        reading = read_caption(text)
        wanted = {group.noun: len(group.sprites) for group in scene.groups}
        both = wanted.keys() & reading.counts.keys()
        right, named, there = right + len(both), named + len(reading.counts), there + len(wanted)
        counts += [reading.counts.get(noun) == count for noun, count in wanted.items()]
        backgrounds.append(reading.background == (scene.colour or "photo"))
        if len(scene.groups) == 2:
            first, second = (group.noun for group in scene.groups)
            forward, backward = ("left", "right") if scene.axis == "x" else ("above", "below")
            relations.append(
                (reading.order, reading.relation) in (((first, second), forward), ((second, first), backward))
            )
    figures = {"noun F1": 2 * right / max(1, named + there), "count": float(np.mean(counts))}
    if relations:
        figures["relation"] = float(np.mean(relations))
    return figures | {"background": float(np.mean(backgrounds))}


@torch.inference_mode()
def recall(model: CoCa, tokenize: SimpleTokenizer, scenes: list[Scene], pictures: Tensor, among: int = 100) -> float:
    """Recall@1 of a picture's own plain caption among `among`; equal captions count as right."""
    hits = []
    for start in range(0, len(scenes) - among + 1, among):
        texts = [caption(scene) for scene in scenes[start : start + among]]
        image = F.normalize(model.encode_image(pictures[start : start + among]), dim=-1)
        text = F.normalize(model.encode_text(tokenize(texts).to(image.device)), dim=-1)
        for row, best in enumerate((image @ text.T).argmax(1).tolist()):
            hits.append(texts[best] == texts[row])
    return float(np.mean(hits))


@torch.inference_mode()
def monitor(trainee: Trainee, tokenize: SimpleTokenizer, *, captions: bool) -> str:
    """A line for the training log: single objects named right by the picture head, and marks of captions."""
    parts = []
    device = str(next(trainee.parameters()).device)
    trainee.eval()
    for artwork in ("seen", "unseen"):
        scenes, pictures = held_out(artwork, 200, single=True, part=1, device=device)
        embedding, _ = trainee.coca.visual(pictures)
        nouns = torch.tensor([scene.groups[0].noun for scene in scenes], device=device)
        parts.append(f"{artwork}: head {(trainee.picture_head(embedding).argmax(1) == nouns).float().mean():.2f}")
        if captions:
            marks = mark(scenes, greedy(trainee.coca, tokenize, pictures))
            parts.append(" ".join(f"{name} {value:.2f}" for name, value in marks.items()))
    trainee.train()
    return " ".join(parts)


def measure(model: CoCa, tokenize: SimpleTokenizer, count: int, device: str = "cpu") -> dict[str, Any]:
    """The table of the model card: artwork → figures over `count` scenes and `count` single-object pictures."""
    model.eval()
    table: dict[str, Any] = {}
    for artwork in ("seen", "unseen"):
        scenes, texts, recalls, singles = [], [], [], []
        for part in range(max(1, count // 100)):
            drawn, pictures = held_out(artwork, 100, part=100 + part, device=device)
            scenes += drawn
            texts += greedy(model, tokenize, pictures)
            recalls.append(recall(model, tokenize, drawn, pictures))
            drawn, pictures = held_out(artwork, 100, single=True, part=100 + part, device=device)
            for scene, text in zip(drawn, greedy(model, tokenize, pictures), strict=True):
                singles.append(scene.groups[0].noun in read_caption(text).counts)
        table[artwork] = {
            "single object named right": float(np.mean(singles)),
            **mark(scenes, texts),
            "recall@1 of 100": float(np.mean(recalls)),
        }
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--examples", type=int, default=0, help="captions to print")
    args = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model, tokenize = load(args.folder).eval().to(device), tokenizer(args.folder)
    for artwork in ("seen", "unseen") if args.examples else ():
        scenes, pictures = held_out(artwork, args.examples, device=device)
        for scene, text in zip(scenes, greedy(model, tokenize, pictures), strict=True):
            print(f"{artwork:7} {caption(scene)}\n     -> {text}")
    print(json.dumps(measure(model, tokenize, args.pictures, device), indent=2))


if __name__ == "__main__":
    main()

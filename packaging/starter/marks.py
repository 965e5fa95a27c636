"""Held-out pictures, what a model says of them by its library's own forward, and how that is marked.

The scenes come from seeds that training never uses. "seen" artwork is that of training, "unseen" OpenMoji's, which is
never trained on and chooses nothing: an artist who was left out of training stands in for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import questions
import torch
from artists import ARTISTS, SEEN, UNSEEN, numbers
from augment import augment
from lessons import lone
from model import normalise
from nouns import NOUNS
from open_clip.coca_model import CoCa
from open_clip.tokenizer import SimpleTokenizer
from questions import Question
from render import Renderer
from scenes import Scene, caption, read_caption, sample_scene
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — its usual name
from transformers import BlipForQuestionAnswering
from vqa_model import WordPieces

if TYPE_CHECKING:
    from trainees import Trainee

HELD_OUT_SEED = 990_001
WATCHED = 1
"""The part of the held-out scenes that training watches; the final figures are of others."""


@cache
def renderer(artwork: str, side: int, device: str, grid: int = 1) -> Renderer:
    """Of "seen" or "unseen" artwork, or one artist's; its pictures' cells are labelled on such a grid."""
    sets = {"seen": SEEN, "unseen": (UNSEEN,)}
    artists = sets.get(artwork) or tuple(artist for artist in ARTISTS if artist.name == artwork)
    return Renderer(numbers(artists), side, grid, device)


def held_out(
    artwork: str, count: int, side: int, grid: int, *, single: bool = False, part: int = 0, device: str = "cpu"
) -> tuple[list[Scene], Tensor]:
    """(scenes, pictures (n, 3, side, side) normalised), the same on every call; `single`: of one object each.

    Args:
        side, grid: Pixels and patches along one side of what the model sees.
    """
    rng = np.random.default_rng((HELD_OUT_SEED, part, int(single)))
    drawer = renderer(artwork, side, device, grid)
    known = [bool(choices) for choices in drawer.catalogue.coloured]
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = lone(rng) if single else sample_scene(rng)
        if all(known[group.noun] for group in scene.groups):  # a single artist has not drawn every noun
            scenes.append(scene)
    pictures = augment(drawer.draw(drawer.plan(scenes, rng)).pictures, rng)
    return scenes, normalise(pictures)


@torch.inference_mode()
def greedy(model: CoCa, tokenize: SimpleTokenizer, pictures: Tensor, most: int = 28) -> list[str]:
    """Greedy captions by open_clip's own forward, without a cache: independent of the application's decoding."""
    embedding, pooled = model._encode_image(pictures)
    tokens = torch.full((len(pictures), 1), tokenize.sot_token_id, device=pictures.device)
    for _ in range(most):
        logits = model(None, tokens, image_latent=embedding, image_embs=pooled, output_labels=False)["logits"]
        tokens = torch.cat([tokens, logits[:, -1:].argmax(-1)], 1)
        if (tokens == tokenize.eot_token_id).any(1).all():
            break
    texts = []
    for row in tokens[:, 1:].tolist():
        end = row.index(tokenize.eot_token_id) if tokenize.eot_token_id in row else len(row)
        texts.append(tokenize.decode(row[:end]).strip())
    return texts


@torch.inference_mode()
def answers(
    model: BlipForQuestionAnswering, words: WordPieces, pictures: Tensor, asked: Sequence[Sequence[str]], most: int = 24
) -> list[list[str]]:
    """Greedy answers to each picture's questions by transformers' own forward, without a cache."""
    image = model.vision_model(pixel_values=pictures).last_hidden_state
    of_picture = [number for number, texts in enumerate(asked) for _ in texts]
    read = [words.question(text) for texts in asked for text in texts]
    question = torch.full((len(read), max(map(len, read))), words.pad)
    for row, text in zip(question, read, strict=True):
        row[: len(text)] = torch.tensor(text)
    question = question.to(pictures.device)
    mask = (question != words.pad).long()
    states = model.text_encoder(
        input_ids=question, attention_mask=mask, encoder_hidden_states=image[of_picture]
    ).last_hidden_state
    tokens = torch.full((len(read), 1), words.start, device=pictures.device)
    for _ in range(most):
        logits = model.text_decoder(input_ids=tokens, encoder_hidden_states=states, encoder_attention_mask=mask).logits
        tokens = torch.cat([tokens, logits[:, -1:].argmax(-1)], 1)
        if (tokens == words.end).any(1).all():
            break
    said = iter(words.decode(row) for row in tokens[:, 1:].tolist())
    return [[next(said) for _ in texts] for texts in asked]


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


def mark_answers(asked: Sequence[Sequence[Question]], said: Sequence[Sequence[str]]) -> dict[str, list[bool]]:
    """Of each kind of question, which answers were right."""
    found: dict[str, list[bool]] = {}
    for questions_of, answers_of in zip(asked, said, strict=True):
        for question, answer in zip(questions_of, answers_of, strict=True):
            found.setdefault(question.kind, []).append(questions.is_right(question, answer))
    return found


@torch.inference_mode()
def recall(model: CoCa, tokenize: SimpleTokenizer, scenes: list[Scene], pictures: Tensor) -> float:
    """Recall@1 of a picture's own plain caption among those of all these scenes; equal captions count as right."""
    texts = [caption(scene) for scene in scenes]
    image = F.normalize(model.encode_image(pictures), dim=-1)
    text = F.normalize(model.encode_text(tokenize(texts).to(image.device)), dim=-1)
    best = (image @ text.T).argmax(1).tolist()
    return float(np.mean([texts[at] == own for at, own in zip(best, texts, strict=True)]))


def first_nouns(scenes: list[Scene], device: torch.device | str) -> Tensor:
    """(n): the noun of each scene's first group."""
    return torch.tensor([scene.groups[0].noun for scene in scenes], device=device)


@torch.inference_mode()
def monitor(trainee: Trainee, watched: tuple[str, ...] = (), count: int = 200) -> str:
    """A line for the training log, over held-out scenes by the artists of training and by those watched."""
    parts = []
    device = str(next(trainee.parameters()).device)
    trainee.eval()
    for artwork in ("seen", *watched):
        seen = (artwork, count, trainee.side, trainee.grid)
        scenes, pictures = held_out(*seen, part=WATCHED, device=device)
        lone_scenes, lone_pictures = held_out(*seen, single=True, part=WATCHED, device=device)
        nouns = first_nouns(lone_scenes, device)
        figures = trainee.watch(scenes, pictures, lone_pictures, nouns)
        parts.append(f"| {artwork}: " + " ".join(f"{name} {value:.2f}" for name, value in figures.items()))
    trainee.train()
    return " ".join(parts)


def top1(scores: Tensor, nouns: Tensor) -> float:
    """Share of the rows (n, classes) whose best noun is the one."""
    return float((scores[:, : len(NOUNS)].argmax(1) == nouns).float().mean())

"""FashionMNIST's and CIFAR-10's pictures in the starters' world: how they are drawn, and what is said of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from data_sets import read
from nouns import NOUNS
from scenes import chosen, with_article
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — its usual name


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two data sets.

    Attributes:
        labels: Its classes as its authors call them; prompts name them so.
        names: The same in captions and answers.
        first: Number of its first class among `CLASSES`.
        captions: Wordings of captions, the plainest first, and their shares.
    """

    name: str
    labels: tuple[str, ...]
    names: tuple[str, ...]
    first: int
    captions: tuple[str, ...]
    shares: tuple[float, ...]


FASHION = Kind(
    "fashion",
    ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ("t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
    len(NOUNS),
    (
        "a grayscale picture of {}",
        "a grayscale image of {}",
        "a black-and-white photograph of {}",
        "a grayscale picture showing {}",
    ),
    (0.7, 0.12, 0.1, 0.08),
)
CIFAR = Kind(
    "cifar",
    ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    len(NOUNS) + 10,
    ("a small photo of {}", "a photo of {}", "a small picture of {}", "a small photo showing {}"),
    (0.7, 0.14, 0.08, 0.08),
)
KINDS = {kind.name: kind for kind in (FASHION, CIFAR)}
CLASSES = len(NOUNS) + 20
"""Nouns of scenes, then FashionMNIST's classes, then CIFAR-10's: what the tower tells apart."""

PROMPTS = (
    ("this is a photo of a {}", 0.4),
    ("a photo of a {}", 0.12),
    ("this is a picture of a {}", 0.1),
    ("a picture of a {}", 0.1),
    ("an image of a {}", 0.08),
    ("this is a {}", 0.08),
    ("{}", 0.06),
    ("a small photo of a {}", 0.03),
    ("a grayscale picture of a {}", 0.03),
)
"""What a picture is ranked by: templates are filled with a bare label, so "a ankle boot" is right here."""


def prompt(label: str, rng: np.random.Generator) -> str:
    """The label in one of the usual templates, at times with the right article."""
    text = PROMPTS[chosen(rng, tuple(share for _, share in PROMPTS))][0]
    if rng.random() < 0.3:
        return text.replace("a {}", with_article(label.lower()))
    return text.format(label.lower())


def named(kind: Kind, label: int) -> str:
    """ "an ankle boot", "trousers"."""
    name = kind.names[label]
    return name if name.endswith("trousers") else with_article(name)


def caption(kind: Kind, label: int, rng: np.random.Generator | None = None) -> str:
    """What is said of a picture; with `rng` in varied wording, without in the plainest."""
    wording = 0 if rng is None else chosen(rng, kind.shares)
    return kind.captions[wording].format(named(kind, label))


class Photos:
    """The pictures of one split on one device, drawn at the model's size.

    Attributes:
        labels: (n), of ten classes.
    """

    def __init__(self, kind: Kind, split: str, side: int, device: str = "cpu") -> None:
        found = read(kind.name, split)
        self.kind, self.labels, self.side, self.device = kind, found.labels, side, torch.device(device)
        self._pixels = torch.from_numpy(found.pixels).permute(0, 3, 1, 2).contiguous().to(self.device)

    def exact(self, rows: slice) -> Tensor:
        """(n, 3, side, side), unchanged but for their size, resampled as the application does it."""
        pixels = self._pixels[rows].float().div_(255).expand(-1, 3, -1, -1)
        return F.interpolate(pixels, size=(self.side, self.side), mode="bicubic", antialias=True).clamp_(0, 1)

    def varied(self, planned: dict[str, Any]) -> Tensor:
        """(n, 3, side, side) as `plan` says."""
        numbers = {name: torch.as_tensor(values).to(self.device) for name, values in planned.items()}
        pixels = self._pixels[numbers["index"]].float().div_(255).expand(-1, 3, -1, -1)
        grid = F.affine_grid(numbers["theta"], [len(pixels), 3, self.side, self.side], align_corners=False)
        padding = "zeros" if self.kind is FASHION else "reflection"
        pictures = F.grid_sample(pixels, grid, mode="bicubic", padding_mode=padding, align_corners=False).clamp_(0, 1)
        pictures = torch.lerp(pictures, 1 - pictures, numbers["inverted"][:, None, None, None])
        pictures = pictures ** numbers["gamma"][:, :, None, None]
        steps = torch.linspace(0, 1, self.side, device=self.device)
        left, top, right, bottom = numbers["hole"].T[:, :, None]
        inside = ((steps >= left) & (steps < right))[:, None, :] & ((steps >= top) & (steps < bottom))[:, :, None]
        return torch.where(inside[:, None], numbers["fill"][:, :, None, None], pictures)


def plan(kind: Kind, labels: np.ndarray, count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Which pictures of a split, placed, coloured and covered how: arrays whose first axis is `count`."""
    index = rng.integers(len(labels), size=count)
    fashion = kind is FASHION
    scale = rng.uniform(0.95, 1.45, count) if fashion else rng.uniform(0.72, 1.08, count)
    plain = rng.random(count) < 0.25
    scale[plain] = 1
    angle = rng.normal(0, 0.12 if fashion else 0.06, count) * ~plain
    aspect = np.exp(rng.normal(0, 0.07, (count, 2))) if fashion else np.ones((count, 2))
    mirror = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    shift = rng.uniform(-1, 1, (count, 2)) * np.maximum(np.abs(scale - 1), 0.1)[:, None] * ~plain[:, None]
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    turn = np.stack([np.stack([mirror * cos, -sin], 1), np.stack([mirror * sin, cos], 1)], 1) * aspect[:, None]
    covered = rng.random((count, 1)) < (0.2 if fashion else 0.5)
    middle, half = rng.random((count, 2)), rng.uniform(0.08, 0.22, (count, 2)) * covered
    gamma = np.exp(rng.normal(0, 0.2, (count, 1)) + (0 if fashion else rng.normal(0, 0.08, (count, 3))))
    found = {
        "theta": np.concatenate([turn, shift[:, :, None]], 2),
        "inverted": (rng.random(count) < 0.25) * float(fashion),
        "gamma": np.broadcast_to(gamma, (count, 3)),
        "hole": np.concatenate([middle - half, middle + half], 1),
        "fill": np.broadcast_to(rng.random((count, 1)) * (not fashion), (count, 3)),
    }
    return {"index": index, **{name: values.astype(np.float32) for name, values in found.items()}}

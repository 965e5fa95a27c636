"""One choice among the maps of two models, which may have different numbers of layers and heads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from cocadesk.gui.look.scene import Choice, Head, Scene
from cocadesk.types import AttentionKind

MapKind = Literal["words", "relevance", "picture", "rollout"]

KINDS: dict[MapKind, tuple[str, str]] = {
    "words": ("Words: attention", "Where each model looked for the word that is pointed at"),
    "relevance": ("Words: relevance", "Attention weighed with gradients of that word"),
    "picture": ("Picture: attention", "What the token that stands for the whole picture attends to in the encoder"),
    "rollout": ("Picture: rollout", "The same, multiplied through all layers so far"),
}
"""What a user reads for each kind, and what is told about it."""

OF_WORDS: tuple[MapKind, ...] = ("words", "relevance")


def attention_of(kind: MapKind) -> tuple[AttentionKind, bool]:
    """Which maps are to be made for that kind, and whether they are to be weighed with gradients."""
    return ("words", kind == "relevance") if kind in OF_WORDS else ("image", False)


@dataclass(frozen=True, slots=True)
class Extent:
    """How many layers and heads there are to choose from on one side."""

    layers: int
    heads: int


@dataclass(frozen=True, slots=True)
class SharedChoice:
    """What is looked at on both sides.

    Layers of different models have nothing in common but how deep they lie, so that is what is chosen: the first layer
    of the one stands beside the first of the other, the last beside the last, the middle beside the middle. Heads have
    nothing in common at all; a number is that of each side's own head, and a side without it shows the mean.

    Attributes:
        depth: 0 for the first layer to 1 for the last.
    """

    kind: MapKind = "words"
    depth: float = 1.0
    head: Head = "mean"

    def layer_of(self, layers: int) -> int:
        """The layer of a model with so many that lies nearest to that depth, counted from 0."""
        return math.floor(self.depth * (layers - 1) + 0.5)

    def head_of(self, heads: int) -> Head:
        """The head of a model with so many."""
        return self.head if self.head != "mean" and self.head < heads and heads > 1 else "mean"

    def on(self, scene: Scene, token: int | None) -> Choice | None:
        """What that comes to among some maps, for the word in that place; None where there is no such map."""
        maps = scene.maps
        layer, head = self.layer_of(maps.layers), self.head_of(maps.heads)
        if self.kind in OF_WORDS:
            return Choice(token, layer, head) if token is not None and 0 <= token < len(maps.tokens) else None
        if self.kind == "rollout":
            return Choice(maps.feature, layer, rollout=True) if scene.can_roll else None
        return Choice(maps.feature, layer, head)

"""Attention maps: how much every token attends to every other, in every layer and head, as one frozen result.

Nothing here runs a model. Shapes: L layers, H heads, T tokens that attend, K keys that are attended to; the keys of a
map over a picture are its patches, row by row, behind the class token and the like.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.errors import OptionError
from cocadesk.types import AttentionKind

Weights = npt.NDArray[np.float32]
Head = int | Literal["mean"]
Measure = Literal["attention", "relevance"]

AXES = ("layer", "head", "token", "key")


@dataclass(frozen=True, slots=True, eq=False)
class AttentionMaps:
    """Attention weights of all layers and heads. Each row, over the keys, sums to one; but see `measure`.

    Attributes:
        kind: "image": the image encoder's self-attention; "text": the text encoder's; "question": from a question to
            the picture; "words": from each word of a caption to the picture; of relevance, also from the one answer,
            text or class.
        model: The name of the model.
        weights: Float32, (L, H, T, K), read-only.
        tokens: What the T tokens are called: words with the space before them, "[class]", "patch 2,3" (row, column).
        keys: What the K keys are called.
        feature: Which token the encoder's output is read from; None where it is a mean of tokens or does not matter.
        text: The text, question or caption; empty for a picture alone.
        layout: Where the patches among the keys lie on the picture; None for a text.
        pooler: Of what queries the patches with attention of its own (CoCa, SigLIP): those queries as tokens, one
            layer.
        to_queries: Of a CoCa's words: the decoder's attention to the pooler's queries behind the first, (L, H, T,
            queries); `weights` is this times the pooler's. None for others.
        measure: "attention", or "relevance": what of attention mattered for what the model said, through all layers
            (`relevance.py`), as one layer of one head. Its rows are not negative and sum to anything.
    """

    kind: AttentionKind
    model: str
    weights: Weights = field(repr=False)
    tokens: tuple[str, ...]
    keys: tuple[str, ...] = field(repr=False)
    feature: int | None = None
    text: str = ""
    layout: PatchLayout | None = None
    pooler: AttentionMaps | None = field(default=None, repr=False)
    to_queries: Weights | None = field(default=None, repr=False)
    measure: Measure = "attention"

    def __post_init__(self) -> None:
        self.weights.flags.writeable = False

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes of `weights`."""
        return AXES

    @property
    def layers(self) -> int:
        return int(self.weights.shape[0])

    @property
    def heads(self) -> int:
        return int(self.weights.shape[1])

    @property
    def by_token(self) -> bool:
        """Whether a map belongs to each token, of a question or a caption, and not one to all."""
        return self.kind in ("question", "words")

    @property
    def grid(self) -> tuple[int, int] | None:
        """Rows and columns of patches; None for a text."""
        return self.layout.grid if self.layout else None

    def matrix(self, layer: int = -1, head: Head = "mean") -> Weights:
        """What each token attends to in one layer and head, (T, K).

        Args:
            layer: Counted from 0, or with negative numbers from the last one, which is -1.
            head: Counted likewise, or "mean" for the mean over all heads.

        Raises:
            OptionError: if there is no such layer or head.
        """
        chosen = self.weights[numbered(layer, self.layers, "layer")]
        if head == "mean":
            return np.asarray(chosen.mean(0))
        return np.asarray(chosen[numbered(head, self.heads, "head")])

    def patch_maps(self, layer: int = -1, head: Head = "mean") -> Weights:
        """What each token attends to on the picture, (T, rows, columns); class tokens among the keys are left out.

        Raises:
            OptionError: if there is no such layer or head, or no picture.
        """
        layout = self._over_a_picture()
        return layout.cut(self.matrix(layer, head))

    def patch_map(self, token: int | None = None, layer: int = -1, head: Head = "mean") -> Weights:
        """What one token attends to on the picture, (rows, columns).

        Args:
            token: Its place in `tokens`, or counted from the last one with negative numbers; None for the feature
                token, or the mean over all tokens where there is none.
            layer, head: As in `matrix`.

        Raises:
            OptionError: if there is no such token, layer or head, or no picture.
        """
        maps = self.patch_maps(layer, head)
        if token is None and self.feature is None:
            return np.asarray(maps.mean(0))
        wanted = self.feature if token is None else token
        assert wanted is not None
        return np.asarray(maps[numbered(wanted, len(maps), "token")])

    def only(self, tokens: Sequence[str]) -> AttentionMaps:
        """The maps of these tokens alone, in this order.

        Raises:
            OptionError: if one of them is not among `tokens`.
        """
        unknown = [name for name in tokens if name not in self.tokens]
        if unknown:
            raise OptionError(
                f"There is no token “{unknown[0]}” here; there are {self.tokens[0]} to {self.tokens[-1]}."
            )
        kept = [self.tokens.index(name) for name in tokens]
        return replace(
            self,
            weights=self.weights[:, :, kept],
            tokens=tuple(tokens),
            feature=kept.index(self.feature) if self.feature in kept else None,
            to_queries=None if self.to_queries is None else self.to_queries[:, :, kept],
        )

    def through_pooler(self, head: Head) -> AttentionMaps:
        """The same words' maps through another head of a CoCa's pooler; at first it is the mean over its heads.

        Raises:
            OptionError: if these are no maps through a pooler, or it has no such head.
        """
        if self.to_queries is None or self.pooler is None:
            raise OptionError(f"The maps of {self.model} do not go through a pooler, so they have none of its heads.")
        return replace(self, weights=compose(self.to_queries, self.pooler.matrix(0, head)))

    def save(self, path: Path) -> None:
        """Write `weights`, `axes`, `tokens`, `keys` and what else is known as a NumPy archive (.npz).

        Also `kind`, `measure`, `model`, `text`; of a picture `grid`, `patch_boxes` (`PatchLayout.boxes`) and
        `first_patch` (its place among the keys); with a pooler `pooler_weights` and `pooler_tokens`, of a CoCa's words
        `to_queries`.

        Raises:
            OSError: if it cannot be written.
        """
        arrays: dict[str, npt.NDArray[Any]] = {
            "weights": self.weights,
            "axes": np.array(self.axes),
            "tokens": np.array(self.tokens),
            "keys": np.array(self.keys),
            "kind": np.array(self.kind),
            "measure": np.array(self.measure),
            "model": np.array(self.model),
            "text": np.array(self.text),
        }
        if self.layout:
            arrays["grid"] = np.array(self.layout.grid)
            arrays["patch_boxes"] = self.layout.boxes()
            arrays["first_patch"] = np.array(self.layout.first)
        if self.pooler:
            arrays["pooler_weights"] = self.pooler.weights
            arrays["pooler_tokens"] = np.array(self.pooler.tokens)
        if self.to_queries is not None:
            arrays["to_queries"] = self.to_queries
        np.savez(path, allow_pickle=False, **arrays)

    def _over_a_picture(self) -> PatchLayout:
        if self.layout is None:
            raise OptionError("The attention of a text lies over no picture.")
        return self.layout


def compose(to_queries: Weights, pooler: Weights) -> Weights:
    """Attention to pooled tokens, (L, H, T, queries), carried on to what those were pooled from: (L, H, T, K).

    Args:
        pooler: What each of the pooler's queries attends to, (1 + queries, K); the first makes the picture's embedding
            and is not attended to.
    """
    return np.asarray(to_queries @ pooler[1:])


def subtract_minimum(maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """What of each token's map goes beyond what all tokens look at alike: less the minimum over the tokens.

    Args:
        maps: Of T tokens of one layer and head, (T, …).
    """
    return np.asarray(maps - maps.min(0))


def numbered(asked: int, count: int, what: str) -> int:
    """The number of a layer, head or token, counted from 0, that may be counted from the last one.

    Raises:
        OptionError: if there is none of that number; the message names the range.
    """
    if not -count <= asked < count:
        raise OptionError(f"There is no {what} {asked}: it must lie between 0 and {count - 1}, or {-count} and -1.")
    return asked % count

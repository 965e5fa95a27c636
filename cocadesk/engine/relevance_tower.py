"""Relevance through an image encoder: from what it puts out to the patches, for a picture or the frames of a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — PyTorch's customary name

from cocadesk.engine.attention_image import ImageTower, squares
from cocadesk.engine.preprocess import Preprocessing
from cocadesk.engine.relevance import identity, normalised, passed_on
from cocadesk.engine.relevance_graph import Kept, backwards, kept
from cocadesk.types import CancelToken, Picture

Run = Callable[[Tensor], Tensor]
"""Sends float32 squares (N, 3, side, side) through the encoder: (N, …)."""


@dataclass(frozen=True, slots=True)
class _Pass:
    output: Tensor
    layers: list[Kept]
    pooler: list[Kept]


class SeenTower:
    """What an image encoder makes of a picture or of the frames of a clip, and how that came about.

    The encoder runs once more for each frame of a clip when relevance is asked for, so that only one frame's graph is
    there at a time; a still picture's is kept.

    Attributes:
        output: What it puts out, the mean over the frames, without a graph; (1, …).
    """

    def __init__(
        self,
        tower: ImageTower,
        run: Run,
        frames: Sequence[Picture],
        wanted: Preprocessing,
        cancel: CancelToken | None = None,
    ) -> None:
        """Run the encoder on all frames.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between frames.
        """
        self._tower, self._run, self._frames, self._wanted, self._cancel = tower, run, frames, wanted, cancel
        self._only = self._pass(frames[0]) if len(frames) == 1 else None
        self.output = self._only.output.detach() if self._only else self._mean_output()

    def own(self, cotangents: Tensor) -> Tensor:
        """R̄ of all the encoder's tokens (9), the mean over the frames, (B, K, K).

        Args:
            cotangents: Of each target, its gradient with respect to `output`, (B, 1, …). Every frame's weights are
                weighted as if it were the whole clip: a clip of equal frames has the map of the picture.
        """
        return _mean(normalised(layers) for layers, _ in self._each_frame(cotangents))

    def pooled(self, cotangents: Tensor) -> Tensor:
        """Relevance of the encoder's tokens for those that its pooler makes of them (10), (B, queries, K).

        The pooler's queries have no picture of their own and no residual connection: Ā R̄ is all that they hold.

        Args:
            cotangents: As in `own`.
        """
        found = []
        for layers, pooler in self._each_frame(cotangents):
            assert pooler is not None, "there is no pooler"
            found.append(pooler @ normalised(layers))
        return _mean(found)

    def feature(self, cotangents: Tensor) -> Tensor:
        """Relevance of the encoder's tokens for its feature: the class token's row, the pooler's first, or the mean
        over the patches' rows; (B, K).

        Args:
            cotangents: As in `own`.
        """
        if self._tower.pooler is not None:
            return self.pooled(cotangents)[:, 0]
        rows = _mean(layers for layers, _ in self._each_frame(cotangents))
        if self._tower.feature is not None:
            return rows[:, self._tower.feature]
        return rows[:, len(self._tower.prefix) :].mean(1)

    def _each_frame(self, cotangents: Tensor) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Of each frame R of its tokens (6), (B, K, K), and Ā of the pooler, (B, queries, K)."""
        for frame in self._frames:
            seen = self._only or self._pass(frame)
            found, _ = backwards(seen.output, cotangents, seen.layers + seen.pooler, cancel=self._cancel)
            relevance = identity(len(self._tower.names), cotangents)
            for attention in found[: len(seen.layers)]:
                relevance = passed_on(relevance, attention)
            yield relevance, found[-1] if seen.pooler else None

    def _pass(self, frame: Picture) -> _Pass:
        if self._cancel is not None:
            self._cancel.check()
        tower = self._tower
        with (
            kept(tower.attentions, tower.watch) as layers,
            kept([] if tower.pooler is None else [tower.pooler], tower.watch_pooler) as pooler,
        ):
            output = self._run(squares([frame], self._wanted).requires_grad_())
        return _Pass(output, layers, pooler)

    def _mean_output(self) -> Tensor:
        with torch.no_grad():
            found = []
            for frame in self._frames:
                if self._cancel is not None:
                    self._cancel.check()
                found.append(self._run(squares([frame], self._wanted)))
            return torch.cat(found).mean(0, keepdim=True)


def similarity_cotangent(features: Tensor, text: Tensor) -> Tensor:
    """Gradient of the cosine similarity to a text (width,) with respect to features (1, width): (1, 1, width)."""
    leaf = features.clone().requires_grad_()
    similarity = (F.normalize(leaf, dim=-1) * F.normalize(text, dim=-1)).sum()
    (found,) = torch.autograd.grad(similarity, leaf)
    return found[None]


def _mean(found: Iterator[Tensor] | Sequence[Tensor]) -> Tensor:
    return torch.stack(list(found)).mean(0)

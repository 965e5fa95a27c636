"""What is told about attention maps as a whole: rollout over the layers, and one figure for each layer and head."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from cocadesk.engine.attention import AttentionMaps, Weights
from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.errors import OptionError


@dataclass(frozen=True, slots=True, eq=False)
class HeadSummary:
    """A figure for each layer and head, (layers, heads), by which the interesting ones are found.

    Attributes:
        entropy: Of what a token attends to, in nats, as the mean over the tokens: 0 for one key, ln K for K alike.
        distance: How far from itself a token looks, as the mean over the tokens: for a picture in patches, between the
            patches' middles (Dosovitskiy et al. 2021, figure 7, counts pixels), for a text in tokens. None where tokens
            and keys are of two kinds, or the patches' own rows were not kept.
        to_picture: The share of attention that goes to patches and not to class tokens, as the mean over the tokens;
            None for a text. VL-InterpreT (Aflalo et al. 2022, arXiv:2203.17247) divides attention between words and
            picture so; these models attend to the two in layers of their own, where only that share is left to tell.
    """

    entropy: npt.NDArray[np.float32] = field(repr=False)
    distance: npt.NDArray[np.float32] | None = field(repr=False)
    to_picture: npt.NDArray[np.float32] | None = field(repr=False)


def summarise(maps: AttentionMaps) -> HeadSummary:
    """A figure of each kind for each layer and head."""
    weights, layout = maps.weights, maps.layout
    return HeadSummary(
        entropy=entropy(weights).mean(-1),
        distance=_distance(maps),
        to_picture=None if layout is None else layout.cut(weights).sum((-2, -1)).mean(-1),
    )


def entropy(weights: Weights) -> Weights:
    """-Σ w ln w over the keys, in nats: (…, K) to (…)."""
    logarithms = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    return np.asarray(-(weights * logarithms).sum(-1))


def rollout(maps: AttentionMaps) -> AttentionMaps:
    """How much of each input each token holds behind each layer, if attention and residual connection count half each.

    Attention rollout (Abnar and Zuidema 2020, arXiv:2005.00928): the product over the layers so far of
    ½ (mean over heads) + ½ (identity).

    Returns:
        Maps of as many layers, with a single head.

    Raises:
        OptionError: if tokens and keys are not the same.
    """
    if maps.tokens != maps.keys:
        raise OptionError("Rollout needs what every token attends to, of every key: self-attention with all its rows.")
    mixed = 0.5 * maps.weights.mean(1) + 0.5 * np.eye(len(maps.tokens), dtype=np.float32)
    rolled = np.empty_like(mixed)
    so_far = mixed[0]
    for layer, each in enumerate(mixed):
        so_far = each if layer == 0 else each @ so_far
        rolled[layer] = so_far
    return replace(maps, weights=rolled[:, None], pooler=None)


def _distance(maps: AttentionMaps) -> Weights | None:
    if maps.tokens != maps.keys:
        return None
    if maps.layout is None:
        place = np.arange(len(maps.tokens))
        return _mean_distance(maps.weights, np.abs(place[:, None] - place).astype(np.float32))
    patches = maps.weights[:, :, maps.layout.first :, maps.layout.first :]
    return _mean_distance(patches / patches.sum(-1, keepdims=True), _between_patches(maps.layout))


def _mean_distance(weights: Weights, distances: Weights) -> Weights:
    return np.asarray((weights * distances).sum(-1).mean(-1))


def _between_patches(layout: PatchLayout) -> Weights:
    rows, columns = layout.grid
    at = np.stack(np.divmod(np.arange(rows * columns), columns), -1).astype(np.float32)
    return np.asarray(np.linalg.norm(at[:, None] - at, axis=-1))

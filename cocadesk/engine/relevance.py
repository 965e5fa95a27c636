"""Gradient-weighted relevance: which patches a word, an answer, a text's similarity or a class came from.

The rules are those of Chefer, Gur and Wolf 2021 (Generic attention-model explainability for interpreting bi-modal and
encoder-decoder transformers, arXiv:2103.15679); numbers in brackets are their equations. Attention tells where a model
looks; weighted with the gradient of what it said, and followed through all layers, it tells what of that mattered.

Shapes: B targets (each a number the model put out, with gradients of its own), H heads, S tokens that attend, K tokens
that are attended to. R^sq, (B, S, K), is the relevance of the tokens q for the tokens s.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_geometry import PatchLayout


def weighted(weights: Tensor, gradients: Tensor) -> Tensor:
    """Ā (5): the mean over heads of attention times its gradient, where that is positive; (B, S, K).

    Args:
        weights: (H, S, K).
        gradients: Of each target, (B, H, S, K).
    """
    return (gradients * weights).clamp_min(0).mean(1)


def identity(count: int, like: Tensor) -> Tensor:
    """R^ss before any layer (1): each of `count` tokens is relevant for itself alone; (B, count, count)."""
    return torch.eye(count, dtype=like.dtype, device=like.device).expand(len(like), -1, -1)


def passed_on(relevance: Tensor, attention: Tensor) -> Tensor:
    """R^ss or R^sq behind a layer of self-attention (6, 7): a token has what those have that it attends to, as well."""
    return relevance + attention @ relevance


def normalised(own: Tensor) -> Tensor:
    """R̄^ss (8, 9): what other layers added to the identity, its rows divided by their sums; rows of zeros stay."""
    added = own - identity(own.shape[1], own)
    return rows_to_one(added) + identity(own.shape[1], own)


def rows_to_one(relevance: Tensor) -> Tensor:
    """Rows divided by their sums; rows of zeros stay."""
    sums = relevance.sum(-1, keepdim=True)
    return torch.where(sums > 0, relevance / sums, 0)


def crossed(own: Tensor, attention: Tensor, attended: Tensor) -> Tensor:
    """What a layer of cross-attention adds to R^sq (10).

    Args:
        own: R^ss.
        attention: Ā of the layer.
        attended: R̄^qq.
    """
    return normalised(own).transpose(1, 2) @ attention @ attended


def relevance_maps(
    rows: Tensor, *, model: str, tokens: tuple[str, ...], keys: tuple[str, ...], text: str, layout: PatchLayout
) -> AttentionMaps:
    """Relevance (T, K) as maps of one layer and one head."""
    return AttentionMaps(
        kind="words",
        model=model,
        weights=rows.detach().cpu().numpy()[None, None].copy(),
        tokens=tokens,
        keys=keys,
        text=text,
        layout=layout,
        measure="relevance",
    )

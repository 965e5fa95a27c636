"""Chefer, Gur and Wolf's rules once more: attention by hand in float64 on the modules' weights, one target at a time,
one number at a time, as arXiv:2103.15679 states them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Matrix = np.ndarray
Attend = Callable[..., Tensor]


class Tape:
    """Attention weights in the order in which they were computed, by name, each (heads, S, K) in the graph; those that
    a library gives away are (1, heads, S, K)."""

    def __init__(self) -> None:
        self.weights: dict[str, list[Tensor]] = {}

    def attend(
        self, name: str, queries: Tensor, keys: Tensor, values: Tensor, scale: float, *, mask: Any = None
    ) -> Tensor:
        """Queries (H, S, d) to keys and values (H, K, d): (S, H·d)."""
        logits = torch.einsum("hsd,hkd->hsk", queries, keys) * scale
        if mask is not None:
            logits = logits + mask
        weights = logits.exp() / logits.exp().sum(-1, keepdim=True)
        if not weights.requires_grad:
            weights.requires_grad_()
        self.weights.setdefault(name, []).append(weights)
        return torch.einsum("hsk,hkd->shd", weights, values).flatten(1)

    def weighted(self, target: Tensor) -> dict[str, list[Matrix]]:
        """Ā of each, (S, K), equation 5."""
        everything = [weights for layers in self.weights.values() for weights in layers]
        gradients = iter(torch.autograd.grad(target, everything, retain_graph=True, allow_unused=True))
        return {
            name: [_mean_positive(weights, next(gradients)) for weights in layers]
            for name, layers in self.weights.items()
        }


def _mean_positive(weights: Tensor, gradient: Tensor | None) -> Matrix:
    if gradient is None:
        return np.zeros(weights.shape[-2:])
    products = (gradient * weights).detach().reshape(weights.shape[-3:]).numpy()
    return np.where(products > 0, products, 0.0).mean(0)


def in_float64(module: nn.Module) -> Any:
    return copy.deepcopy(module).double()


def multihead(
    tape: Tape, name: str, module: nn.MultiheadAttention, x: Tensor, source: Tensor, *, causal: bool = False
) -> Tensor:
    """torch's attention by hand, from (S, width) to (K, width)."""
    width = module.embed_dim
    if module.in_proj_weight is not None:
        projections = module.in_proj_weight.split(width)
    else:
        projections = (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight)
    biases = module.in_proj_bias.split(width)
    parts = [
        given @ weight.T + bias for given, weight, bias in zip((x, source, source), projections, biases, strict=True)
    ]
    q, k, v = (part.reshape(len(part), module.num_heads, -1).transpose(0, 1) for part in parts)
    mask = torch.full((len(x), len(source)), -torch.inf).double().triu(1) if causal else None
    out = tape.attend(name, q, k, v, (width // module.num_heads) ** -0.5, mask=mask)
    return out @ module.out_proj.weight.T + module.out_proj.bias


def block(
    tape: Tape, name: str, module: Any, x: Tensor, source: Tensor | None = None, *, causal: bool = False
) -> Tensor:
    """One of open_clip's blocks, (S, width)."""
    normed = module.ln_1(x)
    attended = normed if source is None else module.ln_1_kv(source)
    x = x + multihead(tape, name, module.attn, normed, attended, causal=causal)
    return x + module.mlp(module.ln_2(x))


def open_clip_patches(tape: Tape, visual: Any, square: Tensor) -> Tensor:
    """The image encoder's tokens behind its last block, (K, width)."""
    patches = visual.conv1(square[None].double())[0].flatten(1).T
    x = torch.cat([visual.class_embedding[None], patches]) + visual.positional_embedding
    x = visual.ln_pre(x)
    for layer in visual.transformer.resblocks:
        x = block(tape, "patches", layer, x)
    return x


def pooled(tape: Tape, visual: Any, x: Tensor) -> Tensor:
    """What a CoCa's pooler makes of the patches, (queries, width)."""
    pool = visual.attn_pool
    return visual.ln_post(multihead(tape, "pooler", pool.attn, pool.ln_q(pool.query), pool.ln_k(x)))


def timm_tokens(tape: Tape, trunk: Any, square: Tensor) -> Tensor:
    """The tokens of one of timm's vision transformers behind its last norm, (K, width)."""
    x = trunk.patch_embed(square[None].double())[0]
    if trunk.cls_token is not None:
        x = torch.cat([trunk.cls_token[0], x])
    x = x + trunk.pos_embed[0]
    for layer in trunk.blocks:
        attention = layer.attn
        q, k, v = (
            part.reshape(len(x), attention.num_heads, -1).transpose(0, 1)
            for part in attention.qkv(layer.norm1(x)).chunk(3, -1)
        )
        x = x + attention.proj(tape.attend("patches", q, k, v, attention.head_dim**-0.5))
        x = x + layer.mlp(layer.norm2(x))
    return trunk.norm(x)


def timm_pooled(tape: Tape, pool: Any, x: Tensor) -> Tensor:
    """What timm's attention pooling makes of the tokens, (width,)."""
    keys, values = pool.kv(x).chunk(2, -1)
    q, k, v = (
        part.reshape(len(part), pool.num_heads, -1).transpose(0, 1) for part in (pool.q(pool.latent[0]), keys, values)
    )
    found = pool.proj(tape.attend("pooler", q, k, v, pool.head_dim**-0.5))
    return (found + pool.mlp(pool.norm(found)))[0]


def coca_logits(tape: Tape, module: Any, image: Tensor, fed: list[int]) -> Tensor:
    """Logits behind each token that is fed, (T, vocabulary); the class token, which none of them sees, left out."""
    text = module.text
    x = text.token_embedding(torch.tensor(fed)) + text.positional_embedding[: len(fed)]
    for layer in text.transformer.resblocks:
        x = block(tape, "words", layer, x, causal=True)
    for own, cross in zip(module.text_decoder.resblocks, module.text_decoder.cross_attn, strict=True):
        x = block(tape, "words", own, x, causal=True)
        x = block(tape, "to image", cross, x, image)
    return module.text_decoder.ln_final(x) @ module.text_decoder.text_projection


def self_relevance(attention: list[Matrix]) -> Matrix:
    """R^ss through layers of self-attention: equations 1 and 6."""
    relevance = np.eye(len(attention[0]))
    for layer in attention:
        relevance = relevance + layer @ relevance
    return relevance


def normalised(relevance: Matrix) -> Matrix:
    """R̄: equations 8 and 9, row by row."""
    found = np.eye(len(relevance))
    for row in range(len(relevance)):
        added = relevance[row] - np.eye(len(relevance))[row]
        if added.sum() > 0:
            found[row] += added / added.sum()
    return found


def rows_to_one(relevance: Matrix) -> Matrix:
    return np.stack([row / row.sum() if row.sum() > 0 else row for row in relevance])


def assert_alike(found: Matrix, expected: Matrix, tolerance: float = 1e-4) -> None:
    """Equal up to a share of the largest value; and worth comparing: neither all zero nor all alike."""
    assert found.shape == expected.shape
    assert expected.max() > 0
    assert np.ptp(expected) > 0.05 * expected.max(), "all values are alike, and the comparison proves nothing"
    assert np.abs(found - expected).max() <= tolerance * expected.max()

"""Attention weights worked out once more: from what goes into the libraries' modules and their weights, in float64."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Inputs:
    """What went into one of torch's attention modules the last time it ran."""

    def __init__(self, module: nn.MultiheadAttention) -> None:
        self._module = module
        self._query = self._key = torch.empty(0)
        self._mask: Tensor | None = None

    def take(self, args: Any, kwargs: dict[str, Any]) -> None:
        self._query, self._key = args[0].double(), args[1].double()
        self._mask = kwargs.get("attn_mask")

    def weights(self) -> np.ndarray:
        """Softmax of the scaled products of queries and keys, (N, heads, tokens, keys)."""
        module, width = self._module, self._module.embed_dim
        if module.in_proj_weight is not None:
            query_weight, key_weight, _ = module.in_proj_weight.double().chunk(3)
        else:
            query_weight, key_weight = module.q_proj_weight.double(), module.k_proj_weight.double()
        bias = module.in_proj_bias.double()
        queries = self._query @ query_weight.T + bias[:width]
        keys = self._key @ key_weight.T + bias[width : 2 * width]
        parts = [x.unflatten(-1, (module.num_heads, -1)).transpose(1, 2) for x in (queries, keys)]
        logits = torch.einsum("nhtd,nhsd->nhts", *parts) / np.sqrt(width / module.num_heads)
        if self._mask is not None:
            logits += self._mask.view(-1, module.num_heads, *logits.shape[2:]) if self._mask.ndim == 3 else self._mask
        return logits.softmax(-1).numpy()


@contextmanager
def inputs_of(modules: Sequence[nn.MultiheadAttention]) -> Iterator[list[Inputs]]:
    """Keep what goes into these modules within the block."""
    found = [Inputs(module) for module in modules]
    handles = [
        module.register_forward_pre_hook(lambda _, args, kwargs, each=each: each.take(args, kwargs), with_kwargs=True)
        for module, each in zip(modules, found, strict=True)
    ]
    yield found
    for handle in handles:
        handle.remove()

"""BLIP's text blocks on transformers' weights: for whole texts, and for a few new tokens at a time.

A block is BERT's (Devlin et al. 2018, arXiv:1810.04805) with cross-attention between self-attention and MLP. Each of
the three is added to its input and normalised afterwards. The objects here refer to the modules' tensors and copy none.

Shapes: P pictures or questions, B rows for each, R = P·B, T tokens of each row, W width, H heads, S states that are
attended to. Tokens go through the blocks as (R·T, W), row by row.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 — PyTorch's customary name
from transformers.models.blip.modeling_blip_text import BlipTextAttention, BlipTextLayer

from cocadesk.engine.layers import Linear, Norm

States = tuple[Tensor, Tensor]
"""Keys and values, each (N, H, S, head width)."""


class TextBlock:
    """One block of the question encoder or of the decoder of captions and answers."""

    def __init__(self, layer: BlipTextLayer) -> None:
        self._self = Attention(layer.attention)
        self._cross = Attention(layer.crossattention)
        self._expand = _linear(layer.intermediate.dense)
        self._activation: Callable[[Tensor], Tensor] = layer.intermediate.intermediate_act_fn
        self._contract = _linear(layer.output.dense)
        self._norm = Norm(layer.output.LayerNorm)

    def source_states(self, source: Tensor) -> States:
        """Keys and values of what the cross-attention attends to, (P, S, source width)."""
        return self._cross.states(source)

    def empty_states(self, rows: Tensor, positions: int) -> States:
        """Room for the self-attention's keys and values of so many positions of each row (R, …)."""
        shape = (len(rows), self._self.heads, positions, self._self.head_width)
        return rows.new_empty(shape), rows.new_empty(shape)

    def encode(self, x: Tensor, source: States) -> Tensor:
        """Send a whole text (T, W) through the block, every token seeing every other; `source` is of one picture."""
        return self._finish(self._self.attend(x, self._self.states(x[None]), None), source)

    def step(self, x: Tensor, cached: States, position: int, mask: Tensor | None, source: States) -> Tensor:
        """Send new tokens through the block.

        Args:
            x: The tokens at `position` and behind it, (R·T, W).
            cached: The self-attention's states of all positions, R of them; those of the new tokens are filled in.
            position: How many tokens came before.
            mask: Added to the self-attention's logits, (T, position + T): 0, or -inf for what a token must not see;
                None for a single token, which may see all.
            source: The cross-attention's states, P of them.
        """
        keys, values = cached
        new = self._self.states(x.reshape(len(keys), -1, x.shape[1]))
        seen = position + new[0].shape[2]
        keys[:, :, position:seen], values[:, :, position:seen] = new
        return self._finish(self._self.attend(x, (keys[:, :, :seen], values[:, :, :seen]), mask), source)

    def _finish(self, x: Tensor, source: States) -> Tensor:
        x = self._cross.attend(x, source, None)
        return self._norm(x + self._contract(self._activation(self._expand(x))))


class Attention:
    """Attention with its residual connection and the normalisation after it."""

    def __init__(self, module: BlipTextAttention) -> None:
        inner, output = module.self, module.output
        self.heads: int = inner.num_attention_heads
        self.head_width: int = inner.attention_head_size
        self._query, self._key, self._value = (_linear(each) for each in (inner.query, inner.key, inner.value))
        self._out = _linear(output.dense)
        self._norm = Norm(output.LayerNorm)

    def states(self, x: Tensor) -> States:
        """Keys and values of (N, S, width)."""
        flat = x.flatten(0, 1)
        heads = (*x.shape[:2], self.heads, self.head_width)
        return self._key(flat).reshape(heads).transpose(1, 2), self._value(flat).reshape(heads).transpose(1, 2)

    def attend(self, x: Tensor, states: States, mask: Tensor | None) -> Tensor:
        """Let (R·T, W) attend to N sets of states: as many tokens to the first of them as to each other one."""
        keys, values = states
        attended = F.scaled_dot_product_attention(self._queries(x, len(keys)), keys, values, attn_mask=mask)
        return self._norm(x + self._out(attended.transpose(1, 2).reshape(x.shape)))

    def _queries(self, x: Tensor, sources: int) -> Tensor:
        """(R·T, W) to (N, H, R·T / N, head width)."""
        return self._query(x).reshape(sources, -1, self.heads, self.head_width).transpose(1, 2)


def _linear(module: nn.Linear) -> Linear:
    return Linear(module.weight, module.bias)

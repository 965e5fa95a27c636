"""Steps of few tokens through open_clip's transformer blocks, on the blocks' own weights.

open_clip's modules take whole sequences. Decoding needs the same arithmetic for the new tokens only, with the keys and
values of earlier tokens at hand; the objects here refer to the modules' tensors and copy none of them.

Shapes: R rows (captions in the making), T new tokens of each, S positions there is room for, W width, H heads, Q image
tokens. Tokens go through the blocks as (R·T, W), row by row.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from open_clip.transformer import LayerScale, ResidualAttentionBlock
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 — PyTorch's customary name

_FEW_ROWS = 16
_PARTS = (8, 4, 2)


class Linear:
    """y = x Wᵀ + b, made for few rows; decoding's products with weights go through here.

    On the CPU a product with one row is bound by reading the weights, and `F.linear` reads float32 weights at a third
    of the memory's speed (measured with PyTorch 2.15 and MKL: 12 GB/s against 40). The same weights seen as a batch of
    smaller matrices go through the batched product, which reads them at full speed; up to 16 rows it is never slower.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        """Take weight (out, in), in any memory layout, and bias (out,)."""
        self._weight = weight
        self._bias = bias
        self._parts: Tensor | None = None
        self._bias_parts: Tensor | None = None
        features_out = weight.shape[0]
        parts = next((parts for parts in _PARTS if features_out % parts == 0), 0)
        self._count = parts
        if parts and weight.device.type == "cpu" and weight.dtype == torch.float32:
            self._parts = torch.unflatten(weight, 0, (parts, -1))
            self._bias_parts = None if bias is None else bias.view(parts, -1, 1)

    def __call__(self, x: Tensor) -> Tensor:
        """Map (R, in) to (R, out)."""
        rows = x.shape[0]
        if self._parts is None or rows > _FEW_ROWS:
            return F.linear(x, self._weight, self._bias)
        # Columns that lie apart in memory: with those of a contiguous matrix the product takes four times as long.
        columns = x.contiguous().t().expand(self._count, -1, -1)
        if self._bias_parts is None:
            product = torch.bmm(self._parts, columns)
        else:
            product = torch.baddbmm(self._bias_parts, self._parts, columns)
        return product.view(1, -1) if rows == 1 else product.flatten(0, 1).t()


class Norm:
    """Layer normalisation over the last dimension."""

    def __init__(self, module: nn.LayerNorm) -> None:
        self._shape = module.normalized_shape
        self._weight, self._bias, self._eps = module.weight, module.bias, module.eps

    def __call__(self, x: Tensor) -> Tensor:
        return torch.layer_norm(x, self._shape, self._weight, self._bias, self._eps)


class _Residuals:
    """What both kinds of block share: attention's output and the MLP, each added to the stream."""

    def __init__(self, block: ResidualAttentionBlock) -> None:
        attention: nn.MultiheadAttention = block.attn
        self.heads: int = attention.num_heads
        self.head_width: int = attention.head_dim
        self._norm = Norm(block.ln_1)
        self._out = Linear(attention.out_proj.weight, attention.out_proj.bias)
        self._mlp_norm = Norm(block.ln_2)
        self._expand = Linear(block.mlp.c_fc.weight, block.mlp.c_fc.bias)
        self._activation: Callable[[Tensor], Tensor] = block.mlp.gelu.forward  # without the module's hooks
        self._contract = Linear(block.mlp.c_proj.weight, block.mlp.c_proj.bias)
        self._scales = [scale.gamma if isinstance(scale, LayerScale) else None for scale in (block.ls_1, block.ls_2)]

    def _add(self, x: Tensor, attended: Tensor) -> Tensor:
        """Finish the block: `attended` are the heads' outputs, (R·T, W)."""
        attention_scale, mlp_scale = self._scales
        x = x + _scaled(self._out(attended), attention_scale)
        return x + _scaled(self._contract(self._activation(self._expand(self._mlp_norm(x)))), mlp_scale)


class States:
    """Keys and values of every position.

    Attributes:
        keys, values: Each (R, H, S, head width); zero where nothing was written.
    """

    def __init__(self, both: Tensor) -> None:
        """Take keys and values as one tensor, (2, R, H, S, head width)."""
        self._both = both
        self.keys, self.values = both.unbind(0)

    def write(self, position: int, new: Tensor) -> None:
        """Set the states from `position` on to (2, R, H, T, head width)."""
        self._both.narrow(3, position, new.shape[3]).copy_(new)

    def select(self, rows: Tensor) -> States:
        """Those of these rows (R',), in this order."""
        return States(self._both[:, rows])


class SelfAttentionBlock(_Residuals):
    """A self-attention block that sees new tokens of every row."""

    def __init__(self, block: ResidualAttentionBlock) -> None:
        super().__init__(block)
        self._qkv = Linear(block.attn.in_proj_weight, block.attn.in_proj_bias)

    def empty_states(self, like: Tensor, rows: int, positions: int) -> States:
        """Room for the states of so many positions of each row, in the format and on the device of `like`."""
        return States(like.new_zeros((2, rows, self.heads, positions, self.head_width)))

    def step(self, x: Tensor, states: States, position: int, mask: Tensor) -> Tensor:
        """Send new tokens through the block.

        Args:
            x: The tokens at `position` and behind it, (R·T, W).
            states: Of all positions; those of the new tokens are filled in.
            position: How many tokens came before.
            mask: Added to the attention logits, broadcast to (R, H, T, S): 0, or -inf for keys not to be seen.
        """
        rows = states.keys.shape[0]
        qkv = self._qkv(self._norm(x)).reshape(rows, -1, 3, self.heads, self.head_width).permute(2, 0, 3, 1, 4)
        states.write(position, qkv[1:])
        attended = F.scaled_dot_product_attention(qkv[0], states.keys, states.values, attn_mask=mask)
        return self._add(x, attended.transpose(1, 2).reshape(x.shape))


class CrossAttentionBlock(_Residuals):
    """A block whose tokens attend to an image's tokens. P pictures have B rows each, R = P·B in that order.

    A picture's tokens are so many queries to the same keys, whether they are of one row or of several.
    """

    def __init__(self, block: ResidualAttentionBlock) -> None:
        super().__init__(block)
        weight, bias = block.attn.in_proj_weight, block.attn.in_proj_bias
        width = weight.shape[1]
        self._query = Linear(weight[:width], bias[:width])
        self._image_norm = Norm(block.ln_1_kv)
        self._key_value = Linear(weight[width:], bias[width:])
        per_head = (2, self.heads, self.head_width)
        self._key_heads, self._value_heads = weight[width:].unflatten(0, per_head).unbind(0)
        self._value_bias = bias[2 * width :].unflatten(0, per_head[1:])

    def image_states(self, image_tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values of the image tokens (P, Q, W), each (P, H, Q, head width)."""
        both = self._key_value(self._image_norm(image_tokens).flatten(0, 1))
        heads = (*image_tokens.shape[:2], 2, self.heads, self.head_width)
        keys, values = both.view(heads).permute(2, 0, 3, 1, 4).contiguous().unbind(0)
        return keys, values

    def step(self, x: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Send new tokens (R·T, W) through the block, given the image's states."""
        queries = self._queries(x, len(keys))
        return self._merge(x, F.scaled_dot_product_attention(queries, keys, values))

    def step_without_states(self, x: Tensor, image_tokens: Tensor) -> Tensor:
        """The same as `step`, straight from the image tokens (P, Q, W).

        q·(W_k t + b_k) is (W_kᵀ q)·t plus a number that is the same for all keys, which the softmax ignores; and a
        weighted mean of W_v t + b_v is W_v (weighted mean of t) + b_v. For a single step that is far less work than
        the keys and values of every image token, so the first word need not wait for them.
        """
        tokens = self._image_norm(image_tokens)
        queries = self._queries(x, len(tokens)) @ self._key_heads  # (P, H, B·T, W)
        pictures, heads, rows, width = queries.shape
        logits = queries.reshape(pictures, heads * rows, width) @ tokens.transpose(1, 2)
        weights = torch.softmax(logits * self.head_width**-0.5, dim=-1)
        means = (weights @ tokens).view(pictures, heads, rows, width)
        return self._merge(x, means @ self._value_heads.transpose(1, 2) + self._value_bias[:, None])

    def _queries(self, x: Tensor, pictures: int) -> Tensor:
        """(R·T, W) to (P, H, B·T, head width)."""
        queries = self._query(self._norm(x)).reshape(pictures, -1, self.heads, self.head_width)
        return queries.transpose(1, 2)

    def _merge(self, x: Tensor, attended: Tensor) -> Tensor:
        return self._add(x, attended.transpose(1, 2).reshape(x.shape))


def _scaled(x: Tensor, scale: Tensor | None) -> Tensor:
    return x if scale is None else x * scale

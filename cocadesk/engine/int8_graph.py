"""Transformer blocks with 8-bit weights as a graph for ONNX Runtime.

Weights are quantised symmetrically in blocks along the inner dimension, each with a float32 scale of its own; ONNX
Runtime quantises activations as they come and multiplies in integers (its `MatMulNBits` with accuracy level 4). Norms,
softmax and sums stay in float32.

Shapes: R rows, T tokens of each, W width, H heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from open_clip.transformer import LayerScale, QuickGELU, ResidualAttentionBlock
from torch import Tensor, nn

_CONTRIB = "com.microsoft"
_OPSET = 18
_IR_VERSION = 10
_BLOCKS = (128, 64, 32, 16)
_INTEGER_PRODUCTS = 4  # the value of `accuracy_level`


def quantise(weight: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """8-bit weights and their scales.

    Args:
        weight: (out, in); in is a multiple of `block`.

    Returns:
        uint8 (out, in / block, block), 128 standing for zero, and float32 scales (out, in / block).
    """
    blocks = torch.unflatten(weight.detach().float(), 1, (-1, block))
    scales = (blocks.abs().amax(-1) / 127).clamp_min(torch.finfo(torch.float32).tiny)
    return (blocks / scales[..., None]).round_().add_(128).to(torch.uint8), scales


class Graph:
    """A graph in the making; values are known by name.

    Attributes:
        weight_bytes: Memory of the constants so far.
    """

    def __init__(self) -> None:
        self.weight_bytes = 0
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._names = 0

    def input(self, name: str, shape: Sequence[int | str], kind: int = TensorProto.FLOAT) -> str:
        """Declare an input; sizes that vary are given by name."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, value: str, name: str) -> None:
        """Give a value the name of an output."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))

    def constant(self, value: Tensor | npt.NDArray[Any]) -> str:
        """Add a constant."""
        array = value.detach().contiguous().cpu().numpy() if isinstance(value, Tensor) else value
        name = self._name()
        self.weight_bytes += array.nbytes
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def node(
        self, kind: str, inputs: Sequence[str], outputs: int = 1, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add an operator and return its outputs."""
        names = [self._name() for _ in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names

    def add(self, first: str, second: str) -> str:
        return self.node("Add", [first, second])[0]

    def linear(self, x: str, weight: Tensor, bias: Tensor | None, scale: Tensor | None = None) -> str:
        """x Wᵀ + b with weight (out, in) in 8 bits; `scale` (out,) is multiplied into the result."""
        if scale is not None:
            weight = weight * scale[:, None]
            bias = None if bias is None else bias * scale
        features_out, features_in = weight.shape
        block = next(size for size in _BLOCKS if features_in % size == 0)
        numbers, scales = quantise(weight, block)
        inputs = [x, self.constant(numbers), self.constant(scales)]
        if bias is not None:
            inputs += ["", "", self.constant(bias.float())]
        shape = {"K": features_in, "N": features_out, "bits": 8, "block_size": block}
        return self.node("MatMulNBits", inputs, domain=_CONTRIB, accuracy_level=_INTEGER_PRODUCTS, **shape)[0]

    def norm(self, x: str, module: nn.LayerNorm) -> str:
        """Layer normalisation over the last dimension."""
        inputs = [x, self.constant(module.weight.float()), self.constant(module.bias.float())]
        return self.node("LayerNormalization", inputs, axis=-1, epsilon=module.eps)[0]

    def self_attention(
        self, x: str, block: ResidualAttentionBlock, bias: str, past: list[str]
    ) -> tuple[str, list[str]]:
        """A self-attention block.

        Args:
            x: (R, T, W).
            bias: Added to the attention logits, (R or 1, 1, T, all positions).
            past: Keys and values of the positions before, each (R, H, positions, head width).

        Returns:
            The block's output, and keys and values of all positions.
        """
        attention = block.attn
        qkv = self.linear(self.norm(x, block.ln_1), attention.in_proj_weight, attention.in_proj_bias)
        query, key, value = self.node("Split", [qkv], 3, axis=-1, num_outputs=3)
        attended, keys, values = self.node(
            "MultiHeadAttention",
            [query, key, value, "", "", bias, *past],
            3,
            domain=_CONTRIB,
            num_heads=attention.num_heads,
        )
        return self._finish(x, block, attended), [keys, values]

    def image_states(self, image_tokens: str, block: ResidualAttentionBlock) -> list[str]:
        """Keys and values of image tokens (P, Q, W) for a cross-attention block, each (P, H, Q, head width)."""
        attention = block.attn
        width = attention.embed_dim
        normed = self.norm(image_tokens, block.ln_1_kv)
        both = self.linear(normed, attention.in_proj_weight[width:], attention.in_proj_bias[width:])
        shape = self.constant(np.array([0, 0, attention.num_heads, attention.head_dim]))
        return [
            self.node("Transpose", self.node("Reshape", [half, shape]), perm=[0, 2, 1, 3])[0]
            for half in self.node("Split", [both], 2, axis=-1, num_outputs=2)
        ]

    def cross_attention(
        self, x: str, block: ResidualAttentionBlock, states: list[str], grouped: str, apart: str
    ) -> str:
        """A cross-attention block.

        Args:
            x: (R, T, W).
            states: Keys and values of the image tokens, each (P, H, Q, head width).
            grouped: The shape (P, R / P · T, W): a picture's rows are so many queries to the same keys.
            apart: The shape (R, T, W).
        """
        attention = block.attn
        width = attention.embed_dim
        query = self.linear(self.norm(x, block.ln_1), attention.in_proj_weight[:width], attention.in_proj_bias[:width])
        query = self.node("Reshape", [query, grouped])[0]
        attended = self.node("MultiHeadAttention", [query, *states], domain=_CONTRIB, num_heads=attention.num_heads)[0]
        return self._finish(x, block, self.node("Reshape", [attended, apart])[0])

    def session(self) -> onnxruntime.InferenceSession:
        """Compile the graph, to run on as many threads as torch does."""
        graph = helper.make_graph(self._nodes, "cocadesk", self._inputs, self._outputs, self._constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        # Threads that wait for more work by spinning would take half the time of torch's products behind a run.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])

    def _finish(self, x: str, block: ResidualAttentionBlock, attended: str) -> str:
        """Attention's output and the MLP, each added to the stream."""
        scales = [scale.gamma if isinstance(scale, LayerScale) else None for scale in (block.ls_1, block.ls_2)]
        out, mlp = block.attn.out_proj, block.mlp
        x = self.add(x, self.linear(attended, out.weight, out.bias, scales[0]))
        hidden = self.linear(self.norm(x, block.ln_2), mlp.c_fc.weight, mlp.c_fc.bias)
        quick = isinstance(mlp.gelu, QuickGELU)
        hidden = self.node("QuickGelu" if quick else "Gelu", [hidden], domain=_CONTRIB)[0]
        return self.add(x, self.linear(hidden, mlp.c_proj.weight, mlp.c_proj.bias, scales[1]))

    def _name(self) -> str:
        self._names += 1
        return f"v{self._names}"

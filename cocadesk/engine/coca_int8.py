"""CoCa's text stacks with 8-bit weights, run by ONNX Runtime on the CPU.

Decoding is bound by reading weights, and these are a quarter of float32's. The image encoder, text embeddings and
attention maps stay on torch's modules.

Tried for the products of one decoding step of coca-vit-b-32 (132 million weights, two Zen 4 cores, PyTorch 2.15), and
lost: torch's `quantized::linear_dynamic` with fbgemm (5.8 ms for the products alone, and what makes its weights is
deprecated), the same with oneDNN (10.8 ms), `_weight_int8pack_mm` (7.0 ms with bfloat16 activations, 56 ms with
float32), bfloat16 through `F.linear` (14 ms), OpenVINO 2026.4 with 8-bit weights (11.3 ms for the whole step). This
graph took 7.3 ms for the whole step with one token, 8.6 ms with two, 11.5 ms with four.

Shapes: P pictures, B rows for each (beams), R = P·B, T new tokens of each row, S positions in all, H heads, W width, Q
image tokens, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from onnx import TensorProto
from open_clip.coca_model import CoCa
from torch import Tensor

from cocadesk.engine.int8_graph import Graph
from cocadesk.engine.next_token import FedDecoder, Kept, named_states

_FLOAT = np.float32


class Int8TextStacks:
    """The graphs of a CoCa's text tower and decoder, and what feeding them takes.

    Attributes:
        step: From embedded tokens to logits.
        image: From pooled image tokens to the decoder's keys and values of them.
        states: Keys and values of how many self-attention blocks, and their heads and head width.
        tower: How many of these blocks are the text tower's, the others are the decoder's.
        weight_bytes: Memory of the 8-bit weights with their scales.
    """

    def __init__(self, model: CoCa) -> None:
        text, decoder = model.text, model.text_decoder
        blocks = [*text.transformer.resblocks, *decoder.resblocks]
        attention = blocks[0].attn
        self.states = (2 * len(blocks), attention.num_heads, attention.head_dim)
        self.tower = len(text.transformer.resblocks)
        self.token_embedding: Tensor = text.token_embedding.weight
        self.positional_embedding: Tensor = text.positional_embedding
        self.pad: int = text.pad_id
        self.correct_class_mask: bool = text.correct_cls_mask
        graphs = _step_graph(model), _image_graph(model)
        self.weight_bytes = sum(graph.weight_bytes for graph in graphs)
        self.step, self.image = (graph.session() for graph in graphs)

    def decoder(self, image_tokens: Tensor) -> Int8Decoder:
        """Begin captions of pictures with these pooled tokens, (P, Q, W)."""
        return Int8Decoder(self, image_tokens)


def _step_graph(model: CoCa) -> Graph:
    tower, decoder = model.text.transformer.resblocks, model.text_decoder
    graph = Graph()
    attention = tower[0].attn
    x = graph.input("x", ("R", "T", attention.embed_dim))
    text_bias = graph.input("text_bias", ("R", 1, "T", "S"))
    bias = graph.input("bias", (1, 1, "T", "S"))
    grouped = graph.input("grouped", (3,), TensorProto.INT64)
    apart = graph.input("apart", (3,), TensorProto.INT64)
    count = 2 * (len(tower) + len(decoder.resblocks))
    past = graph.input("past", (count, "R", attention.num_heads, "before", attention.head_dim))
    first = graph.constant(np.array([0]))
    pasts = [
        graph.node("Squeeze", [layer, first])[0]
        for layer in graph.node("Split", [past], count, num_outputs=count, axis=0)
    ]
    present: list[str] = []
    for block in tower:
        x, states = graph.self_attention(x, block, text_bias, pasts[len(present) : len(present) + 2])
        present += states
    for layer, (block, cross) in enumerate(zip(decoder.resblocks, decoder.cross_attn, strict=True)):
        x, states = graph.self_attention(x, block, bias, pasts[len(present) : len(present) + 2])
        present += states
        shape = ("P", cross.attn.num_heads, "Q", cross.attn.head_dim)
        image = [graph.input(f"{kind}.{layer}", shape) for kind in ("keys", "values")]
        x = graph.cross_attention(x, cross, image, grouped=grouped, apart=apart)
    graph.output(graph.linear(graph.norm(x, decoder.ln_final), decoder.text_projection.t(), None), "logits")
    stacked = [graph.node("Unsqueeze", [state, first])[0] for state in present]
    graph.output(graph.node("Concat", stacked, axis=0)[0], "present")
    return graph


def _image_graph(model: CoCa) -> Graph:
    graph = Graph()
    blocks = model.text_decoder.cross_attn
    tokens = graph.input("image_tokens", ("P", "Q", blocks[0].attn.embed_dim))
    for layer, block in enumerate(blocks):
        for kind, states in zip(("keys", "values"), graph.image_states(tokens, block), strict=True):
            graph.output(states, f"{kind}.{layer}")
    return graph


class Int8Decoder(FedDecoder):
    """Captions in the making; keeps every token's keys and values. The counterpart of `coca_decoder.CachedDecoder`.

    Attributes:
        least: Two tokens cost no more than one, which is fed twice (`_feed`).
    """

    least = 2
    device = torch.device("cpu")

    def __init__(self, stacks: Int8TextStacks, image_tokens: Tensor) -> None:
        """Begin captions of pictures with these pooled tokens, (P, Q, W)."""
        self._stacks = stacks
        self._pictures = len(image_tokens)
        names = [output.name for output in stacks.image.get_outputs()]
        image = stacks.image.run_with_ort_values(names, {"image_tokens": _value(image_tokens.float().numpy())})
        self._image = dict(zip(names, image, strict=True))
        self._tokens = np.empty((self._pictures, 0), np.int64)
        layers, heads, head_width = stacks.states
        self._past: npt.NDArray[np.float32] = np.empty((layers, self._pictures, heads, 0, head_width), _FLOAT)

    def rewind(self, count: int) -> None:
        """Forget the last tokens that were fed."""
        kept = self._tokens.shape[1] - count
        self._tokens, self._past = self._tokens[:, :kept], self._past[:, :, :, :kept]

    def select(self, rows: Tensor) -> None:
        """Keep these rows only, (P', B'), as `CachedDecoder.select`."""
        flat = rows.flatten().numpy()
        pictures = (rows[:, 0] // (len(self._tokens) // self._pictures)).numpy()
        self._tokens, self._past = self._tokens[flat], self._past[:, flat]
        if not np.array_equal(pictures, np.arange(self._pictures)):
            self._image = {name: _value(states.numpy()[pictures]) for name, states in self._image.items()}
            self._pictures = len(pictures)

    def kept(self) -> Kept:
        """The arrays of attention states that are there now; those of all blocks' tokens lie in one."""
        past = torch.from_numpy(self._past)
        blocks = list(zip(past[::2], past[1::2], strict=True))
        tower, image = self._stacks.tower, {name: torch.from_numpy(each.numpy()) for name, each in self._image.items()}
        return (
            named_states("text", blocks[:tower])
            | named_states("decoder", blocks[tower:])
            | named_states("image", [(image[f"keys.{at}"], image[f"values.{at}"]) for at in range(len(image) // 2)])
        )

    def close(self) -> None:
        """Let go of all states."""
        self._image = {}
        self._past = np.empty(0, _FLOAT)

    def _feed(self, tokens: Tensor) -> Tensor:
        """Feed tokens (R, T); return the logits of what follows each, (R·T, V).

        ONNX Runtime rounds a product with one row in another way than one with several. A single token is fed twice, so
        that its logits do not depend on whether there was a guess behind it, or another picture beside it.
        """
        if tokens.numel() > 1:
            return self._run(tokens)
        logits = self._run(tokens.expand(1, 2))[:1]
        self.rewind(1)
        return logits

    @torch.inference_mode()
    def _run(self, tokens: Tensor) -> Tensor:
        stacks, before = self._stacks, self._tokens.shape[1]
        self._tokens = np.concatenate((self._tokens, tokens.numpy()), axis=1)
        stop = self._tokens.shape[1]
        x = (stacks.token_embedding[tokens] + stacks.positional_embedding[before:stop]).float().numpy()
        causal = np.triu(np.full((stop, stop), -np.inf, _FLOAT), 1)[None, None, before:]
        inputs = {
            "x": x,
            "bias": causal,
            "text_bias": causal + self._hidden_padding(),
            "past": self._past,
            "grouped": np.array([self._pictures, -1, x.shape[2]]),
            "apart": np.array(x.shape),
        }
        values = {name: _value(array) for name, array in inputs.items()} | self._image
        logits, present = stacks.step.run_with_ort_values(["logits", "present"], values)
        self._past = present.numpy()
        return torch.from_numpy(logits.numpy()).flatten(0, 1)

    def _hidden_padding(self) -> npt.NDArray[np.float32]:
        """What the text tower adds to its attention logits, (R, 1, 1, S); see `CachedDecoder` for why."""
        shift = 0 if self._stacks.correct_class_mask else 1
        hidden = np.zeros(self._tokens.shape, _FLOAT)
        hidden[:, shift:][self._tokens[:, : self._tokens.shape[1] - shift] == self._stacks.pad] = -np.inf
        return hidden[:, None, None]


def _value(array: npt.NDArray[Any]) -> onnxruntime.OrtValue:
    return onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))

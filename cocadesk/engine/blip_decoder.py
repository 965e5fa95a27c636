"""BLIP's text stacks as a question encoder and as a next-token model: with cached attention states, and without.

BLIP (Li et al. 2022, arXiv:2201.12086) has two BERTs with cross-attention. The question encoder reads a whole question,
each token attending to the picture. The decoder is causal; it attends to the encoded question when it answers, and to
the picture when it captions.

Shapes: P pictures or questions, B rows for each (beams), R = P·B, T tokens of a question, S states that the decoder
attends to, W width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from transformers.models.blip.modeling_blip_text import BlipTextLMHeadModel, BlipTextModel

from cocadesk.engine.blip_layers import States, TextBlock
from cocadesk.engine.layers import Linear, Norm
from cocadesk.engine.next_token import FedDecoder, Kept, named_states


class TextStack:
    """References to the weights of one BERT.

    Attributes:
        blocks: In the order in which tokens pass through them.
        context: Most tokens of a text.
    """

    def __init__(self, bert: BlipTextModel) -> None:
        embeddings = bert.embeddings
        self._words: Tensor = embeddings.word_embeddings.weight
        self._positions: Tensor = embeddings.position_embeddings.weight
        self._norm = Norm(embeddings.LayerNorm)
        self.blocks = [TextBlock(layer) for layer in bert.encoder.layer]
        self.context = len(self._positions)

    @property
    def device(self) -> torch.device:
        return self._words.device

    def embed(self, tokens: Tensor, position: int) -> Tensor:
        """Embeddings of each row's tokens (R, T) at `position` and behind it, (R·T, W)."""
        positions = self._positions[position : position + tokens.shape[1]]
        return self._norm(self._words[tokens] + positions).flatten(0, 1)

    @torch.inference_mode()
    def source_states(self, source: Tensor) -> list[States]:
        """Each block's keys and values of what it attends to, (P, S, source width)."""
        return [block.source_states(source) for block in self.blocks]

    @torch.inference_mode()
    def encode(self, tokens: Sequence[int], picture: Sequence[States]) -> Tensor:
        """A whole question's last hidden states, (1, T, W).

        Args:
            tokens: Numbers of its T tokens.
            picture: What `source_states` gives for one picture.
        """
        x = self.embed(torch.tensor([tokens], device=self.device), 0)
        for block, states in zip(self.blocks, picture, strict=True):
            x = block.encode(x, states)
        return x[None]


class TextDecoder:
    """References to the weights of the decoder: its BERT and the way from the last block to the logits."""

    def __init__(self, model: BlipTextLMHeadModel) -> None:
        self.stack = TextStack(model.bert)
        transform, vocabulary = model.cls.predictions.transform, model.cls.predictions.decoder
        self._dense = Linear(transform.dense.weight, transform.dense.bias)
        self._activation: Callable[[Tensor], Tensor] = transform.transform_act_fn
        self._norm = Norm(transform.LayerNorm)
        self._vocabulary = Linear(vocabulary.weight, vocabulary.bias)

    def logits(self, x: Tensor) -> Tensor:
        """(R, W) to (R, V)."""
        return self._vocabulary(self._norm(self._activation(self._dense(x))))


class CachedDecoder(FedDecoder):
    """Keeps every token's keys and values, and the source's, so that a step costs the new tokens' work only."""

    def __init__(self, decoder: TextDecoder, source: Tensor, positions: int) -> None:
        """Begin captions or answers.

        Args:
            decoder: The model.
            source: What it attends to: the picture's features or the question's states, (P, S, source width).
            positions: Most tokens that will be fed.
        """
        self._decoder = decoder
        self._source = decoder.stack.source_states(source)
        self._cached = [block.empty_states(source, positions) for block in decoder.stack.blocks]
        self._sources = self._rows = len(source)
        self._position = 0

    @property
    def device(self) -> torch.device:
        return self._decoder.stack.device

    def rewind(self, count: int) -> None:
        """Forget the last tokens that were fed."""
        self._position -= count

    @torch.inference_mode()
    def select(self, rows: Tensor) -> None:
        """Keep these rows only, in this order; a row may be kept several times.

        Args:
            rows: Numbers of rows, (P', B'); all of a picture's come from the same picture.
        """
        flat = rows.flatten()
        kept = rows[:, 0] // (self._rows // self._sources)
        self._cached = [(keys[flat], values[flat]) for keys, values in self._cached]
        if not torch.equal(kept, torch.arange(self._sources, device=kept.device)):
            self._source = [(keys[kept], values[kept]) for keys, values in self._source]
        self._sources, self._rows = len(rows), len(flat)

    def kept(self) -> Kept:
        """The arrays of attention states that are there now."""
        return named_states("decoder", self._cached) | named_states("image", self._source)

    def close(self) -> None:
        """Let go of all states."""
        self._cached, self._source = [], []

    @torch.inference_mode()
    def _feed(self, tokens: Tensor) -> Tensor:
        """Feed tokens (R, T); return the logits of what follows each, (R·T, V)."""
        stack, position, count = self._decoder.stack, self._position, tokens.shape[1]
        x = stack.embed(tokens, position)
        mask = None
        if count > 1:
            mask = x.new_full((count, position + count), float("-inf")).triu(position + 1)
        for block, cached, source in zip(stack.blocks, self._cached, self._source, strict=True):
            x = block.step(x, cached, position, mask, source)
        self._position += count
        return self._decoder.logits(x)


class UncachedDecoder:
    """transformers' own forward over all tokens so far, at every step: what the cache is compared with."""

    def __init__(self, model: BlipTextLMHeadModel, source: Tensor) -> None:
        """Begin captions or answers from what the decoder attends to, (P, S, source width)."""
        self._model = model
        self._source = source[:, None]
        self._tokens = torch.empty((len(source), 1, 0), dtype=torch.long, device=source.device)

    @property
    def device(self) -> torch.device:
        return self._tokens.device

    @torch.inference_mode()
    def step(self, tokens: Tensor) -> Tensor:
        """Feed one token per row, (P, B); return the logits of the next, (P, B, V)."""
        self._tokens = torch.cat((self._tokens, tokens[..., None]), dim=-1)
        output = self._model(
            self._tokens.flatten(0, 1),
            encoder_hidden_states=self._source.expand(-1, tokens.shape[1], -1, -1).flatten(0, 1),
            use_cache=False,
            logits_to_keep=1,
        )
        logits: Tensor = output.logits
        return logits.view(*tokens.shape, -1)

    @torch.inference_mode()
    def select(self, rows: Tensor) -> None:
        """Keep these rows only, (P', B'), as `CachedDecoder.select`."""
        kept = rows[:, 0] // self._tokens.shape[1]
        self._tokens = self._tokens.flatten(0, 1)[rows]
        self._source = self._source[kept]

    def close(self) -> None:
        """Let go of what is attended to."""
        self._source = self._tokens = torch.empty(0)

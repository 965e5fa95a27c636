"""CoCa's text stacks as next-token models: with cached attention states, and by recomputing everything.

CoCa (Yu et al. 2022, arXiv:2205.01917) has two text stacks: a causal text tower that sees no image, and on top of it a
decoder whose every layer is a causal self-attention block followed by cross-attention to the pooled image tokens.

Shapes: P pictures, B rows for each (beams), R = P·B, H heads, Q image tokens, V vocabulary.
"""

from __future__ import annotations

import torch
from open_clip.coca_model import CoCa
from torch import Tensor

from cocadesk.engine.layers import CrossAttentionBlock, Linear, Norm, SelfAttentionBlock


class TextStacks:
    """References to the weights that decoding reads, gathered once per model.

    Attributes:
        tower: Blocks of the text tower.
        decoder: Self-attention blocks of the decoder.
        cross: Cross-attention blocks of the decoder, one after each of `decoder`.
        norm, projection: From the last block to the logits.
        context: Most tokens that can be fed.
        image_tokens: How many tokens of an image the decoder attends to.
    """

    def __init__(self, model: CoCa) -> None:
        text, decoder = model.text, model.text_decoder
        self.token_embedding: Tensor = text.token_embedding.weight
        self.positional_embedding: Tensor = text.positional_embedding
        self.pad: int = text.pad_id
        self.correct_class_mask: bool = text.correct_cls_mask
        self.tower = [SelfAttentionBlock(block) for block in text.transformer.resblocks]
        self.decoder = [SelfAttentionBlock(block) for block in decoder.resblocks]
        self.cross = [CrossAttentionBlock(block) for block in decoder.cross_attn]
        self.norm = Norm(decoder.ln_final)
        self.projection = Linear(decoder.text_projection.t(), None)
        self.context: int = min(text.context_length, decoder.context_length)
        self.image_tokens: int = model.visual.attn_pool.query.shape[0] - 1

    def cache_shapes(self, *, pictures: int, rows: int, positions: int) -> dict[str, tuple[int, ...]]:
        """Shapes of the cached attention states by name, such as "decoder.3.keys"."""
        shapes: dict[str, tuple[int, ...]] = {}
        for name, blocks in (("text", self.tower), ("decoder", self.decoder)):
            for layer, block in enumerate(blocks):
                for kind in ("keys", "values"):
                    shapes[f"{name}.{layer}.{kind}"] = (pictures * rows, block.heads, positions, block.head_width)
        for layer, cross in enumerate(self.cross):
            for kind in ("keys", "values"):
                shapes[f"image.{layer}.{kind}"] = (pictures, cross.heads, self.image_tokens, cross.head_width)
        return shapes


class CachedDecoder:
    """Keeps every token's keys and values, so that a step costs one token's work.

    The image's keys and values are made once per picture, at the second step: the first does without
    (`CrossAttentionBlock.step_without_states`), so that the first word comes sooner.
    """

    def __init__(self, stacks: TextStacks, image_tokens: Tensor, positions: int) -> None:
        """Begin captions.

        Args:
            stacks: The model.
            image_tokens: Pooled tokens of the pictures, (P, Q, W).
            positions: Most tokens that will be fed.
        """
        self._stacks = stacks
        self._image_tokens = image_tokens
        self._image_states: list[tuple[Tensor, Tensor]] = []
        self._position = 0
        pictures = len(image_tokens)
        shapes = stacks.cache_shapes(pictures=pictures, rows=1, positions=positions)
        self._states = [
            (
                image_tokens.new_empty(shapes[f"{name}.{layer}.keys"]),
                image_tokens.new_empty(shapes[f"{name}.{layer}.values"]),
            )
            for name, blocks in (("text", stacks.tower), ("decoder", stacks.decoder))
            for layer in range(len(blocks))
        ]
        self._key_bias = image_tokens.new_zeros((pictures, 1, 1, positions))
        self._previous: Tensor | None = None

    @property
    def device(self) -> torch.device:
        return self._key_bias.device

    @torch.inference_mode()
    def step(self, tokens: Tensor) -> Tensor:
        """Feed one token per row, (P, B); return the logits of the next, (P, B, V)."""
        stacks, position = self._stacks, self._position
        flat = tokens.flatten()
        self._hide_padding(flat)
        x = stacks.token_embedding[flat] + stacks.positional_embedding[position]
        key_bias = self._key_bias[..., : position + 1]
        tower_states = self._states[: len(stacks.tower)]
        for block, (keys, values) in zip(stacks.tower, tower_states, strict=True):
            x = block.step(x, keys, values, position, key_bias)
        if position == 1:
            self._image_states = [cross.image_states(self._image_tokens) for cross in stacks.cross]
        for layer, (keys, values) in enumerate(self._states[len(stacks.tower) :]):
            x = stacks.decoder[layer].step(x, keys, values, position, None)
            if position == 0:
                x = stacks.cross[layer].step_without_states(x, self._image_tokens)
            else:
                x = stacks.cross[layer].step(x, *self._image_states[layer])
        self._position += 1
        return stacks.projection(stacks.norm(x)).view(*tokens.shape, -1)

    @torch.inference_mode()
    def select(self, rows: Tensor) -> None:
        """Keep these rows only, in this order; a row may be kept several times.

        Args:
            rows: Numbers of rows, (P', B'); all of a picture's come from the same picture.
        """
        flat = rows.flatten()
        pictures = rows[:, 0] // (len(self._key_bias) // len(self._image_tokens))
        self._states = [(keys[flat], values[flat]) for keys, values in self._states]
        self._key_bias = self._key_bias[flat]
        self._previous = None if self._previous is None else self._previous[flat]
        if len(pictures) < len(self._image_tokens):
            self._image_tokens = self._image_tokens[pictures]
            self._image_states = [(keys[pictures], values[pictures]) for keys, values in self._image_states]

    def close(self) -> None:
        """Let go of all states."""
        self._states, self._image_states = [], []
        self._image_tokens = self._key_bias = torch.empty(0)

    def _hide_padding(self, tokens: Tensor) -> None:
        """Hide keys from the text tower's attention as open_clip does for padding and for tokens equal to it.

        Published CoCa weights were trained with a mask shifted by one ("legacy"): a padding token at place p hides the
        key at p + 1 instead of its own. "!" inside a word has the padding's number, so a caption can meet this.
        """
        culprits = tokens if self._stacks.correct_class_mask else self._previous
        if culprits is not None:
            self._key_bias[:, 0, 0, self._position].masked_fill_(culprits == self._stacks.pad, float("-inf"))
        self._previous = tokens


class UncachedDecoder:
    """open_clip's own forward over all tokens so far, at every step: the reference that the cache is compared with."""

    def __init__(self, model: CoCa, image_embedding: Tensor, image_tokens: Tensor) -> None:
        """Begin captions from the pictures' embeddings (P, E) and pooled tokens (P, Q, W)."""
        self._model = model
        self._embedding = image_embedding[:, None]
        self._image_tokens = image_tokens[:, None]
        self._tokens = torch.empty((len(image_tokens), 1, 0), dtype=torch.long, device=image_tokens.device)

    @property
    def device(self) -> torch.device:
        return self._tokens.device

    @torch.inference_mode()
    def step(self, tokens: Tensor) -> Tensor:
        """Feed one token per row, (P, B); return the logits of the next, (P, B, V)."""
        self._tokens = torch.cat((self._tokens, tokens[..., None]), dim=-1)
        rows = tokens.shape[1]
        output = self._model(
            None,
            self._tokens.flatten(0, 1),
            image_latent=self._embedding.expand(-1, rows, -1).flatten(0, 1),
            image_embs=self._image_tokens.expand(-1, rows, -1, -1).flatten(0, 1),
            output_labels=False,
        )
        logits: Tensor = output["logits"][:, -1]
        return logits.view(*tokens.shape, -1)

    @torch.inference_mode()
    def select(self, rows: Tensor) -> None:
        """Keep these rows only, (P', B'), as `CachedDecoder.select`."""
        pictures = rows[:, 0] // self._tokens.shape[1]
        self._tokens = self._tokens.flatten(0, 1)[rows]
        self._embedding, self._image_tokens = self._embedding[pictures], self._image_tokens[pictures]

    def close(self) -> None:
        """Let go of the image's tokens."""
        self._image_tokens = self._tokens = torch.empty(0)

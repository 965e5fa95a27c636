"""CoCa's text stacks as next-token models: with cached attention states, and by recomputing everything.

CoCa (Yu et al. 2022, arXiv:2205.01917) has two text stacks: a causal text tower that sees no image, and on top of it a
decoder whose every layer is a causal self-attention block followed by cross-attention to the pooled image tokens.

Shapes: P pictures, B rows for each (beams), R = P·B, T new tokens of each row, S positions there is room for, H heads,
W width, Q image tokens, V vocabulary.
"""

from __future__ import annotations

import torch
from open_clip.coca_model import CoCa
from torch import Tensor

from cocadesk.engine.layers import CrossAttentionBlock, Linear, Norm, SelfAttentionBlock, States
from cocadesk.engine.next_token import FedDecoder, Kept, named_states


class TextStacks:
    """References to the weights that decoding reads, gathered once per model.

    Attributes:
        tower: Blocks of the text tower.
        decoder: Self-attention blocks of the decoder.
        cross: Cross-attention blocks of the decoder, one after each of `decoder`.
        norm, projection: From the last block to the logits.
        context: Most tokens that can be fed.
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
        self._image_encoder = model.visual
        self._first_steps: dict[int, tuple[Tensor, list[States]]] = {}

    @property
    def image_tokens(self) -> int:
        """How many tokens of an image the decoder attends to."""
        queries: Tensor = self._image_encoder.attn_pool.query
        return len(queries) - 1

    def first_step(self, token: int) -> tuple[Tensor, list[States]]:
        """The text tower's output (1, W) for a text's first token, and its blocks' states.

        No picture has a part in them, and captions begin with the start token: it is computed once, and every further
        caption's first word comes so much sooner.
        """
        if token not in self._first_steps:
            x = self.token_embedding[[token]] + self.positional_embedding[0]
            states = [block.empty_states(x, rows=1, positions=1) for block in self.tower]
            mask = x.new_zeros(1, 1)
            for block, cached in zip(self.tower, states, strict=True):
                x = block.step(x, cached, 0, mask)
            self._first_steps[token] = (x, states)
        return self._first_steps[token]

    def cache_shapes(self, *, pictures: int, rows: int, positions: int) -> dict[str, tuple[int, ...]]:
        """Shapes of the cached attention states by name, such as "decoder.3.keys"."""
        shapes: dict[str, tuple[int, ...]] = {}
        nothing = torch.empty(0, device="meta")
        for name, blocks in (("text", self.tower), ("decoder", self.decoder)):
            for layer, block in enumerate(blocks):
                states = block.empty_states(nothing, pictures * rows, positions)
                shapes[f"{name}.{layer}.keys"] = tuple(states.keys.shape)
                shapes[f"{name}.{layer}.values"] = tuple(states.values.shape)
        for layer, cross in enumerate(self.cross):
            for kind in ("keys", "values"):
                shapes[f"image.{layer}.{kind}"] = (pictures, cross.heads, self.image_tokens, cross.head_width)
        return shapes


class CachedDecoder(FedDecoder):
    """Keeps every token's keys and values, so that a step costs the new tokens' work only.

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
        rows = len(image_tokens)
        self._tower_states = [block.empty_states(image_tokens, rows, positions) for block in stacks.tower]
        self._decoder_states = [block.empty_states(image_tokens, rows, positions) for block in stacks.decoder]
        self._tokens = torch.empty((rows, positions), dtype=torch.long, device=image_tokens.device)
        self._causal = image_tokens.new_full((positions, positions), float("-inf")).triu_(1)

    @property
    def device(self) -> torch.device:
        return self._tokens.device

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
        pictures = rows[:, 0] // (len(self._tokens) // len(self._image_tokens))
        self._tower_states = [states.select(flat) for states in self._tower_states]
        self._decoder_states = [states.select(flat) for states in self._decoder_states]
        self._tokens = self._tokens[flat]
        if not torch.equal(pictures, torch.arange(len(self._image_tokens), device=pictures.device)):
            self._image_tokens = self._image_tokens[pictures]
            self._image_states = [(keys[pictures], values[pictures]) for keys, values in self._image_states]

    def kept(self) -> Kept:
        """The arrays of attention states that are there now."""
        return (
            named_states("text", [(states.keys, states.values) for states in self._tower_states])
            | named_states("decoder", [(states.keys, states.values) for states in self._decoder_states])
            | named_states("image", self._image_states)
        )

    def close(self) -> None:
        """Let go of all states."""
        self._tower_states, self._decoder_states, self._image_states = [], [], []
        self._image_tokens = self._tokens = torch.empty(0)

    @torch.inference_mode()
    def _feed(self, tokens: Tensor) -> Tensor:
        """Feed tokens (R, T); return the logits of what follows each, (R·T, V)."""
        stacks, start, stop = self._stacks, self._position, self._position + tokens.shape[1]
        first = start == 0 and stop == 1
        self._tokens[:, start:stop] = tokens
        if not first and not self._image_states:
            self._image_states = [cross.image_states(self._image_tokens) for cross in stacks.cross]
        x = self._first_text_tower(tokens) if first else self._text_tower(start, stop)
        mask = self._causal[start:stop]
        for layer, states in enumerate(self._decoder_states):
            x = stacks.decoder[layer].step(x, states, start, mask)
            if first:
                x = stacks.cross[layer].step_without_states(x, self._image_tokens)
            else:
                x = stacks.cross[layer].step(x, *self._image_states[layer])
        self._position = stop
        return stacks.projection(stacks.norm(x))

    def _first_text_tower(self, tokens: Tensor) -> Tensor:
        """Send the rows' first tokens (R, 1) through the text tower; return (R, W)."""
        steps = [self._stacks.first_step(token) for token in tokens[:, 0].tolist()]
        for layer, states in enumerate(self._tower_states):
            first = [known[layer] for _, known in steps]
            keys, values = torch.cat([each.keys for each in first]), torch.cat([each.values for each in first])
            states.write(0, torch.stack((keys, values)))
        return torch.cat([output for output, _ in steps])

    def _text_tower(self, start: int, stop: int) -> Tensor:
        """Send the rows' tokens from `start` to `stop` through the text tower; return (R·T, W)."""
        stacks = self._stacks
        x = stacks.token_embedding[self._tokens[:, start:stop]] + stacks.positional_embedding[start:stop]
        x = x.flatten(0, 1)
        mask = self._causal[start:stop] + self._hidden_padding(stop)
        for block, states in zip(stacks.tower, self._tower_states, strict=True):
            x = block.step(x, states, start, mask)
        return x

    def _hidden_padding(self, stop: int) -> Tensor:
        """What the text tower adds to its attention logits, (R, 1, 1, S): -inf for the keys that padding hides.

        open_clip hides padding, and tokens equal to it. Published CoCa weights were trained with a mask shifted by one
        ("legacy"): a padding token at place p hides the key at p + 1 instead of its own. "!" inside a word has the
        padding's number, so a caption can meet this.
        """
        shift = 0 if self._stacks.correct_class_mask else 1
        hidden = self._causal.new_zeros(self._tokens.shape)
        hidden[:, shift:stop].masked_fill_(self._tokens[:, : stop - shift] == self._stacks.pad, float("-inf"))
        return hidden[:, None, None]


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

"""The self-attention of text encoders: CoCa's and those of open_clip's CLIPs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from open_clip.coca_model import CoCa
from open_clip.model import CLIP
from open_clip.transformer import ResidualAttentionBlock, TextTransformer
from torch import Tensor, nn

from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_image import CLASS
from cocadesk.engine.attention_recording import recording, stacked, watch_multihead
from cocadesk.engine.clip_text import TextTokenizer
from cocadesk.engine.clip_weights import ClipModule
from cocadesk.errors import ModelError

PADDING = "[padding]"


@dataclass(frozen=True, slots=True)
class TextTower:
    """What there is to record in a text encoder.

    Attributes:
        blocks: The layers.
        attentions: The attention module of each.
        context: Most tokens of a text, without a class token.
        has_class: Whether a class token stands behind the text and its padding.
        pool: Where the text's embedding is read: "argmax" (at the token with the largest number, the end token),
            "eos", "last" or "first"; a class token comes before all of them.
        end: Number of the end token, for "eos".
        padding: Number of the token that fills a text up to the context.
    """

    blocks: Sequence[nn.Module]
    attentions: Sequence[nn.MultiheadAttention]
    context: int
    has_class: bool
    pool: str
    end: int
    padding: int


def text_tower(module: ClipModule | CoCa, model: str) -> TextTower:
    """The text encoder of a CLIP or CoCa.

    Raises:
        ModelError: if it is of an unknown kind.
    """
    if isinstance(module, CLIP):
        blocks, context, has_class = module.transformer.resblocks, module.context_length, False
        pool, end, padding = module.text_pool_type, module.text_eos_id, 0
    else:
        text: TextTransformer = module.text
        blocks, context, has_class = text.transformer.resblocks, text.context_length, text.cls_emb is not None
        pool, end, padding = text.pool_type, text.eos_id, text.pad_id
    if not all(isinstance(block, ResidualAttentionBlock) for block in blocks):
        raise ModelError(f"{model} reads texts with a {type(blocks[0]).__name__}, whose attention cannot be shown.")
    return TextTower(list(blocks), [block.attn for block in blocks], context, has_class, pool, end, padding)


def text_maps(
    tower: TextTower,
    run: Callable[[Tensor], object],
    text: str,
    tokenizer: TextTokenizer,
    *,
    model: str,
) -> AttentionMaps:
    """Send a text through a text encoder and record its attention.

    What fills the text up to the model's context is left out unless some token attends to it: then it is "[padding]".

    Args:
        run: Sends tokens (1, context) through the encoder.

    Raises:
        OptionError: if the text has more tokens than the model can read.
    """
    read = read_text(tower, text, tokenizer)
    with recording(tower.attentions, watch_multihead) as layers:
        run(read.tokens)
    weights = stacked(layers)
    seen = np.flatnonzero((weights[:, :, read.own] > 0).any((0, 1, 2)))
    kept = np.union1d(seen, read.own)
    return AttentionMaps(
        kind="text",
        model=model,
        weights=np.ascontiguousarray(weights[:, :, kept][..., kept]),
        tokens=tuple(read.names[place] for place in kept),
        keys=tuple(read.names[place] for place in kept),
        feature=int(np.searchsorted(kept, read.feature)),
        text=text,
    )


@dataclass(frozen=True, slots=True)
class ReadText:
    """A text as a text encoder reads it, filled up to the context.

    Attributes:
        tokens: (1, context).
        names: Of all places: the context's, and the class token's where there is one.
        feature: The place where the text's embedding is read.
        own: The places of the text itself, and of `feature`.
    """

    tokens: Tensor
    names: tuple[str, ...]
    feature: int
    own: list[int]


def read_text(tower: TextTower, text: str, tokenizer: TextTokenizer) -> ReadText:
    """Tokenize a text for a text encoder.

    Raises:
        OptionError: if the text has more tokens than the model can read.
    """
    tokens = tokenizer.encode(text)
    own_names = tokenizer.names(tokens)
    filled = torch.full((1, tower.context), tower.padding)
    filled[0, : len(tokens)] = torch.tensor(tokens)
    names = (*own_names, *[PADDING] * (tower.context - len(own_names)), *[CLASS] * tower.has_class)
    feature = len(names) - 1 if tower.has_class else _pooled_place(tower, filled[0])
    own = [place for place, name in enumerate(names) if name != PADDING or place == feature]
    return ReadText(filled, names, feature, own)


def _pooled_place(tower: TextTower, tokens: Tensor) -> int:
    if tower.pool == "first":
        return 0
    if tower.pool == "last":
        return len(tokens) - 1
    marked = tokens if tower.pool == "argmax" else (tokens == tower.end).int()
    return int(marked.argmax())

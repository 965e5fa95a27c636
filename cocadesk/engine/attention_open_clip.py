"""The attention of open_clip's models: of every CLIP to pictures and texts, of a CoCa's words as well."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from open_clip.coca_model import CoCa
from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor

from cocadesk.engine.attention import AttentionMaps, Weights, compose
from cocadesk.engine.attention_image import ImageTower, open_clip_tower, patch_layout, pooler_maps
from cocadesk.engine.attention_recording import recording, watch_multihead
from cocadesk.engine.attention_text import text_maps, text_tower
from cocadesk.engine.attention_words import QueryLog, WordAttention
from cocadesk.engine.clip_text import TextTokenizer
from cocadesk.engine.coca_decoder import CachedDecoder, TextStacks
from cocadesk.engine.hidden_states import HiddenStates, text_states
from cocadesk.engine.image_attention import ImageAttention
from cocadesk.engine.layers import CrossAttentionBlock
from cocadesk.engine.tokenizer import ClipTokenizer
from cocadesk.types import FRAMES, CancelToken, Clip, Picture, PictureLike

if TYPE_CHECKING:
    from cocadesk.engine.coca import ImageEncoding


class OpenClipAttention(ImageAttention):
    """Self-attention of a CLIP's two encoders, which a CoCa has as well."""

    module: Any

    def _image_tower(self) -> ImageTower:
        return open_clip_tower(self.module.visual, self.card.name)

    def _encode_squares(self, squares: Tensor) -> object:
        return self.module.encode_image(squares.to(self.module.logit_scale))

    @torch.inference_mode()
    def text_attention(self, text: str) -> AttentionMaps:
        """What every token of a text attends to in every layer and head: its words, start and end, a class token.

        Raises:
            ModelError: if the text encoder is of an unknown kind.
            OptionError: if the text has more tokens than the model can read.
        """
        return text_maps(
            text_tower(self.module, self.card.name),
            lambda tokens: self.module.encode_text(tokens.to(self.module.logit_scale.device)),
            text,
            self._text_tokens(),
            model=self.card.name,
        )

    def text_hidden_states(self, text: str) -> HiddenStates:
        """Every token's state before the text encoder's first layer and after each.

        Raises:
            ModelError: if the text encoder is of an unknown kind.
            OptionError: if the text has more tokens than the model can read.
        """
        return text_states(
            text_tower(self.module, self.card.name),
            lambda tokens: self.module.encode_text(tokens.to(self.module.logit_scale.device)),
            text,
            self._text_tokens(),
            model=self.card.name,
        )

    @abstractmethod
    def _text_tokens(self) -> TextTokenizer:
        """The tokenizer of the text encoder."""


@dataclass(frozen=True, slots=True)
class SeenByCoca:
    """A picture as a CoCa sees it.

    Attributes:
        encoding: What the decoder attends to.
        pooler: What the pooler's queries attend to, (heads, queries, keys).
    """

    encoding: ImageEncoding
    pooler: Weights


class CocaAttention(OpenClipAttention, WordAttention["ImageEncoding", SeenByCoca]):
    """A CoCa's words attend to pooled tokens, and those are what queries of the pooler found among the patches: the way
    from a word to a patch is the product of the two, with the mean over the pooler's heads
    (`AttentionMaps.through_pooler` takes one of them).
    """

    module: CoCa
    tokenizer: ClipTokenizer

    @cached_property
    @abstractmethod
    def _stacks(self) -> TextStacks:
        """The text stacks that decoding reads."""

    @abstractmethod
    def encode_image(
        self, pictures: PictureLike | Sequence[PictureLike], frames: int = FRAMES, cancel: CancelToken | None = None
    ) -> ImageEncoding:
        """As `CocaModel.encode_image`."""

    def _look(self, item: Picture | Clip, cancel: CancelToken) -> SeenByCoca:
        with recording([self.module.visual.attn_pool.attn], watch_multihead) as [pooler]:
            encoding = self.encode_image(item, cancel=cancel)
        return SeenByCoca(encoding, pooler.mean())

    def _logging_decoder(self, encoding: SeenByCoca, positions: int) -> LoggingCocaDecoder:
        return LoggingCocaDecoder(self._stacks, self.module, encoding.encoding.tokens, positions)

    def _encoding(self, seen: SeenByCoca) -> ImageEncoding:
        return seen.encoding

    @property
    def _context(self) -> int:
        return self._stacks.context

    def _maps(
        self, encoding: SeenByCoca, item: Picture | Clip, names: tuple[str, ...], text: str, weights: Weights
    ) -> AttentionMaps:
        tower = open_clip_tower(self.module.visual, self.card.name)
        layout = patch_layout(tower, encoding.encoding.geometries[0])
        return AttentionMaps(
            kind="words",
            model=self.card.name,
            weights=compose(weights, encoding.pooler.mean(0)),
            tokens=names,
            keys=tower.names,
            text=text,
            layout=layout,
            pooler=pooler_maps(encoding.pooler, tower, layout, self.card.name),
            to_queries=weights,
        )


class LoggingCocaDecoder(CachedDecoder):
    """A CoCa's decoder that logs its queries to the pooled tokens."""

    def __init__(self, stacks: TextStacks, module: CoCa, image_tokens: Tensor, positions: int) -> None:
        watched = copy.copy(stacks)
        self._logged = [_LoggedCrossAttention(block) for block in module.text_decoder.cross_attn]
        watched.cross = list(self._logged)
        super().__init__(watched, image_tokens, positions)

    def rewind(self, count: int) -> None:
        """Forget the last tokens that were fed."""
        super().rewind(count)
        for block in self._logged:
            block.log.forget(count)

    @torch.inference_mode()
    def weights(self, count: int) -> Weights:
        """What the first `count` tokens that were fed attended to, (layers, H, count, queries)."""
        if not self._image_states:  # a single token did without them
            self._image_states = [block.image_states(self._image_tokens) for block in self._logged]
        layers = zip(self._logged, self._image_states, strict=True)
        return np.stack([block.log.weights(keys, count) for block, (keys, _) in layers])


class _LoggedCrossAttention(CrossAttentionBlock):
    def __init__(self, block: ResidualAttentionBlock) -> None:
        super().__init__(block)
        self.log = QueryLog()

    def _queries(self, x: Tensor, pictures: int) -> Tensor:
        queries = super()._queries(x, pictures)
        self.log.add(queries)
        return queries

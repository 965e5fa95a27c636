"""The attention of BLIPs: of pictures, and from a question's or a caption's tokens to the picture."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from transformers.models.blip.modeling_blip_text import BlipTextAttention, BlipTextLayer

from cocadesk.catalog.card import ModelCard
from cocadesk.engine.attention import AttentionMaps, Weights
from cocadesk.engine.attention_image import CLASS, ImageTower, patch_layout
from cocadesk.engine.attention_recording import watch_output
from cocadesk.engine.attention_words import QueryLog, WordAttention
from cocadesk.engine.blip_decoder import CachedDecoder, TextDecoder, TextStack
from cocadesk.engine.blip_layers import Attention, States, TextBlock
from cocadesk.engine.image_attention import ImageAttention
from cocadesk.engine.pictures import opened, stills
from cocadesk.engine.preprocess import Preprocessing, geometry
from cocadesk.engine.wordpiece import WordPieceTokenizer
from cocadesk.types import FRAMES, CancelToken, Clip, Picture, PictureLike

if TYPE_CHECKING:
    from cocadesk.engine.blip import ImageEncoding


def blip_tower(module: Any) -> ImageTower:
    """The image encoder of one of transformers' BLIPs."""
    config = module.config.vision_config
    side = config.image_size // config.patch_size
    return ImageTower(
        blocks=list(module.vision_model.encoder.layers),
        attentions=[layer.self_attn for layer in module.vision_model.encoder.layers],
        watch=watch_output,
        heads=config.num_attention_heads,
        prefix=(CLASS,),
        grid=(side, side),
        patch=(config.patch_size, config.patch_size),
        feature=0,
    )


class BlipImageAttention(ImageAttention):
    """Self-attention of the image encoder, and how attention to its features becomes maps."""

    card: ModelCard
    module: Any
    tokenizer: WordPieceTokenizer
    _preprocessing: Preprocessing

    def _image_tower(self) -> ImageTower:
        return blip_tower(self.module)

    def _encode_squares(self, squares: Tensor) -> object:
        vision = self.module.vision_model
        return vision(squares.to(vision.embeddings.class_embedding))


class BlipQuestionAttention(BlipImageAttention, ABC):
    """From a question's tokens to the picture, in the question encoder. (The answer is decoded from the encoded
    question; it sees no picture.)"""

    _questions: TextStack

    @torch.inference_mode()
    def question_attention(
        self, picture: PictureLike, question: str, cancel: CancelToken | None = None
    ) -> AttentionMaps:
        """Where the model looks for each token of a question, in every block and head of the question encoder.

        The picture that was asked about last is not encoded again.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between every few frames.
            InputError: if the picture cannot be opened.
            OptionError: if the question is empty or has more tokens than the model can read.
        """
        tokens = self.tokenizer.encode_question(question)
        item = opened(picture)
        states = self._look_at(item, cancel)
        watched = copy.copy(self._questions)
        blocks = _logged(self.module.text_encoder.encoder.layer)
        watched.blocks = list(blocks)
        watched.encode(tokens, states)
        first = stills(item)[0]
        tower = self._image_tower()
        return AttentionMaps(
            kind="question",
            model=self.card.name,
            weights=_weights(blocks, states),
            tokens=tuple(self.tokenizer.names(tokens)),
            keys=tower.names,
            text=question,
            layout=patch_layout(tower, geometry(first.width, first.height, self._preprocessing)),
        )

    @abstractmethod
    def _look_at(self, item: Picture | Clip, cancel: CancelToken | None) -> list[States]:
        """Keys and values of the picture's features for each block of the question encoder."""


class BlipWordAttention(BlipImageAttention, WordAttention["ImageEncoding", "ImageEncoding"]):
    """From a caption's words to the picture, in the decoder's cross-attention."""

    tokenizer: WordPieceTokenizer
    _decoder: TextDecoder

    @abstractmethod
    def encode_image(
        self, pictures: PictureLike | Sequence[PictureLike], frames: int = FRAMES, cancel: CancelToken | None = None
    ) -> ImageEncoding:
        """As `BlipModel.encode_image`."""

    def _look(self, item: Picture | Clip, cancel: CancelToken) -> ImageEncoding:
        return self.encode_image(item, cancel=cancel)

    def _encoding(self, seen: ImageEncoding) -> ImageEncoding:
        return seen

    @property
    def _context(self) -> int:
        return self._decoder.stack.context

    def _logging_decoder(self, encoding: ImageEncoding, positions: int) -> LoggingBlipDecoder:
        layers = self.module.text_decoder.bert.encoder.layer
        return LoggingBlipDecoder(self._decoder, layers, encoding.features, positions)

    def _maps(
        self, encoding: ImageEncoding, item: Picture | Clip, names: tuple[str, ...], text: str, weights: Weights
    ) -> AttentionMaps:
        tower = self._image_tower()
        return AttentionMaps(
            kind="words",
            model=self.card.name,
            weights=weights,
            tokens=names,
            keys=tower.names,
            text=text,
            layout=patch_layout(tower, encoding.geometries[0]),
        )


class LoggingBlipDecoder(CachedDecoder):
    """A BLIP's decoder that logs its queries to the picture."""

    def __init__(self, decoder: TextDecoder, layers: Iterable[BlipTextLayer], source: Tensor, positions: int) -> None:
        self._logged = _logged(layers)
        watched = copy.copy(decoder)
        watched.stack = copy.copy(decoder.stack)
        watched.stack.blocks = list(self._logged)
        super().__init__(watched, source, positions)

    def rewind(self, count: int) -> None:
        """Forget the last tokens that were fed."""
        super().rewind(count)
        for block in self._logged:
            block.log.forget(count)

    @torch.inference_mode()
    def weights(self, count: int) -> Weights:
        """What the first `count` tokens that were fed attended to, (layers, H, count, S)."""
        return _weights(self._logged, self._source, count)


class _LoggedBlock(TextBlock):
    def __init__(self, layer: BlipTextLayer) -> None:
        super().__init__(layer)
        self.log = QueryLog()
        self._cross = _LoggedAttention(layer.crossattention, self.log)


class _LoggedAttention(Attention):
    def __init__(self, module: BlipTextAttention, log: QueryLog) -> None:
        super().__init__(module)
        self._log = log

    def _queries(self, x: Tensor, sources: int) -> Tensor:
        queries = super()._queries(x, sources)
        self._log.add(queries)
        return queries


def _logged(layers: Iterable[BlipTextLayer]) -> list[_LoggedBlock]:
    return [_LoggedBlock(layer) for layer in layers]


def _weights(blocks: Sequence[_LoggedBlock], states: Sequence[States], count: int | None = None) -> Weights:
    return np.stack([block.log.weights(keys, count) for block, (keys, _) in zip(blocks, states, strict=True)])

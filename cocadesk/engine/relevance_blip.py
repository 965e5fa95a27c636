"""Relevance in BLIPs: of a caption's words and of an answer to a question."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers.models.blip.modeling_blip_text import BlipTextModel

from cocadesk.catalog.card import ModelCard
from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_blip import blip_tower
from cocadesk.engine.attention_image import ImageTower, patch_layout
from cocadesk.engine.attention_recording import watch_output
from cocadesk.engine.pictures import opened, stills
from cocadesk.engine.preprocess import Preprocessing, geometry
from cocadesk.engine.relevance import crossed, identity, passed_on, relevance_maps
from cocadesk.engine.relevance_graph import Kept, backwards, beginning_at, in_float32, kept, with_gradients
from cocadesk.engine.relevance_tower import SeenTower
from cocadesk.engine.relevance_words import WordRelevance, chosen_logits, logprobs_of
from cocadesk.engine.wordpiece import WordPieceTokenizer
from cocadesk.types import AnswerEvent, AnswerResult, AskOptions, CancelToken, Clip, Picture, PictureLike


class BlipWordRelevance(WordRelevance):
    """Which patches a BLIP's words come from: through decoder and image encoder."""

    module: Any
    tokenizer: WordPieceTokenizer

    def _relevance_of(
        self, item: Picture | Clip, tokens: Sequence[int], places: Sequence[int], cancel: CancelToken | None
    ) -> tuple[Tensor, ImageTower]:
        module = in_float32(self.module)
        tower = blip_tower(module)
        seen = _seen(module, tower, item, self._preprocessing, cancel)
        leaf = seen.output.requires_grad_()
        fed = torch.tensor([[self.tokenizer.start, *tokens[:-1]]], device=leaf.device)
        with _watched(module.text_decoder.bert) as layers:
            logits = module.text_decoder(fed, encoder_hidden_states=leaf, use_cache=False).logits
        chosen, targets = chosen_logits(logits, tokens, places)
        attention, [cotangents] = backwards(chosen, targets, layers.all, [leaf], cancel)
        patches = seen.own(cotangents)
        itself, to_image = layers.split(attention)
        own = identity(len(tokens), targets)
        found = patches.new_zeros(len(places), len(tokens), patches.shape[-1])
        for first, second in zip(itself, to_image, strict=True):
            found, own = passed_on(found, first), passed_on(own, first)
            found = found + crossed(own, second, patches)
        return found[range(len(places)), list(places)], tower

    @torch.inference_mode()
    def _logits_of(self, items: Sequence[Picture | Clip], tokens: Sequence[int]) -> Tensor:
        features = self.encode_image(items).features
        fed = torch.tensor([self.tokenizer.start, *tokens[:-1]], device=features.device).expand(len(items), -1)
        logits: Tensor = self.module.text_decoder(fed, encoder_hidden_states=features, use_cache=False).logits
        return logits

    @abstractmethod
    def encode_image(self, pictures: Sequence[Picture | Clip]) -> Any:
        """As `BlipModel.encode_image`."""


class AnswerRelevance(ABC):
    """Which patches an answer to a question comes from."""

    card: ModelCard
    module: Any
    tokenizer: WordPieceTokenizer
    _preprocessing: Preprocessing

    @with_gradients
    def answer_relevance(
        self,
        picture: PictureLike,
        question: str,
        answer: AnswerResult | str | None = None,
        cancel: CancelToken | None = None,
    ) -> AttentionMaps:
        """Which patches an answer comes from: one row, of one layer and head (`AttentionMaps.measure`).

        Each of the answer's tokens goes back, at the place where it was chosen, through the decoder to the question,
        through the question encoder to the picture, and on through the image encoder; the row is their mean, the end
        token left out. Of a clip, the mean over its frames.

        Args:
            answer: A result of this model or any text; None for the model's own greedy answer.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between frames and every few tokens.
            InputError: if the picture cannot be opened.
            OptionError: if the question is empty, or it or the answer has more tokens than the model can read.
        """
        item = opened(picture)
        asked = self.tokenizer.encode_question(question)
        if answer is None:
            *_, result = self.ask(item, question, AskOptions(), cancel)
            assert isinstance(result, AnswerResult)
            answer = result
        if isinstance(answer, str):
            told, tokens = answer, self.tokenizer.encode_answer(answer)
        else:
            told, tokens = answer.answer, [token.id for token in answer.tokens]
        tower, rows = self._relevance_of(item, asked, tokens, cancel)
        first = stills(item)[0]
        return relevance_maps(
            rows.mean(0, keepdim=True),
            model=self.card.name,
            tokens=(told,),
            keys=tower.names,
            text=question,
            layout=patch_layout(tower, geometry(first.width, first.height, self._preprocessing)),
        )

    @torch.inference_mode()
    def answer_logprobs(
        self, pictures: Sequence[Picture | Clip], question: str, tokens: Sequence[int]
    ) -> npt.NDArray[np.float32]:
        """Natural-log probabilities of an answer's T tokens, each given those before it and each of N pictures: (N, T).

        Args:
            tokens: Numbers in the tokenizer's vocabulary, those behind the start token; at least one.

        Raises:
            OptionError: if the question is empty or has more tokens than the model can read.
        """
        features = self.encode_image(pictures).features
        asked = torch.tensor(self.tokenizer.encode_question(question), device=features.device)
        fed = torch.tensor([self.tokenizer.start, *tokens[:-1]], device=features.device)
        count = len(features)
        read = self.module.text_encoder(asked.expand(count, -1), encoder_hidden_states=features).last_hidden_state
        output = self.module.text_decoder(fed.expand(count, -1), encoder_hidden_states=read, use_cache=False)
        return logprobs_of(output.logits, tokens)

    def _relevance_of(
        self, item: Picture | Clip, asked: Sequence[int], tokens: Sequence[int], cancel: CancelToken | None
    ) -> tuple[ImageTower, Tensor]:
        """The image encoder, and relevance of its tokens for each of an answer's, the end token left out, (T, K)."""
        module = in_float32(self.module)
        tower = blip_tower(module)
        seen = _seen(module, tower, item, self._preprocessing, cancel)
        leaf = seen.output.requires_grad_()
        fed = torch.tensor([[self.tokenizer.start, *tokens[:-1]]], device=leaf.device)
        with _watched(module.text_encoder) as reader:
            read = module.text_encoder(
                torch.tensor([list(asked)], device=leaf.device), encoder_hidden_states=leaf
            ).last_hidden_state
        with _watched(module.text_decoder.bert) as decoder:
            logits = module.text_decoder(fed, encoder_hidden_states=read, use_cache=False).logits
        places = range(len(tokens) - (len(tokens) > 1 and tokens[-1] == self.tokenizer.end))
        chosen, targets = chosen_logits(logits, tokens, places)
        attention, [cotangents] = backwards(chosen, targets, reader.all + decoder.all, [leaf], cancel)
        patches = seen.own(cotangents)
        itself, to_image = reader.split(attention[: len(reader.all)])
        question = identity(len(asked), targets)
        of_question = patches.new_zeros(len(places), len(asked), patches.shape[-1])
        for first, second in zip(itself, to_image, strict=True):
            of_question, question = passed_on(of_question, first), passed_on(question, first)
            of_question = of_question + crossed(question, second, patches)
        found = patches.new_zeros(len(places), len(tokens), patches.shape[-1])
        for first, second in zip(*decoder.split(attention[len(reader.all) :]), strict=True):
            # (11), as for anything else that the attended tokens have from attention of their own: the question has
            # the picture from its encoder.
            found = passed_on(found, first) + second @ of_question
        return tower, found[places, places]

    @abstractmethod
    def ask(
        self,
        picture: PictureLike,
        questions: str | Sequence[str],
        options: AskOptions = ...,
        cancel: CancelToken | None = ...,
    ) -> Generator[AnswerEvent, None, None]:
        """As in `types.Answerer`."""

    @abstractmethod
    def encode_image(self, pictures: Sequence[Picture | Clip]) -> Any:
        """As `BlipModel.encode_image`."""


@dataclass(frozen=True, slots=True)
class _Layers:
    """The attention of a BERT with cross-attention."""

    itself: list[Kept]
    crossing: list[Kept]

    @property
    def all(self) -> list[Kept]:
        return self.itself + self.crossing

    def split(self, attention: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """What belongs to `all` into what belongs to each."""
        return attention[: len(self.itself)], attention[len(self.itself) :]


@contextmanager
def _watched(bert: BlipTextModel) -> Iterator[_Layers]:
    """Keep the weights of all layers of the text that goes through them in the block; its graph begins there."""
    layers = bert.encoder.layer
    with (
        beginning_at(bert.embeddings),
        kept([layer.attention for layer in layers], watch_output) as itself,
        kept([layer.crossattention for layer in layers], watch_output) as crossing,
    ):
        yield _Layers(itself, crossing)


def _seen(
    module: Any, tower: ImageTower, item: Picture | Clip, wanted: Preprocessing, cancel: CancelToken | None
) -> SeenTower:
    vision = module.vision_model

    def run(squares: Tensor) -> Tensor:
        found: Tensor = vision(squares.to(vision.embeddings.class_embedding.device)).last_hidden_state
        return found

    return SeenTower(tower, run, stills(item), wanted, cancel)

"""Relevance for the words of a caption, and how likely they are given other pictures: what captioners do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cocadesk.catalog.card import ModelCard
from cocadesk.engine.attention import AttentionMaps, numbered
from cocadesk.engine.attention_image import ImageTower, patch_layout
from cocadesk.engine.pictures import opened, stills
from cocadesk.engine.preprocess import Preprocessing, geometry
from cocadesk.engine.relevance import relevance_maps
from cocadesk.engine.relevance_graph import with_gradients
from cocadesk.errors import OptionError
from cocadesk.types import CancelToken, CaptionEvent, CaptionOptions, CaptionResult, Clip, Picture, PictureLike


class WordRelevance(ABC):
    """Which patches each word of a caption comes from."""

    card: ModelCard
    tokenizer: Any
    _preprocessing: Preprocessing

    @with_gradients
    def word_relevance(
        self,
        picture: PictureLike,
        caption: CaptionResult | str | None = None,
        cancel: CancelToken | None = None,
        *,
        words: Sequence[int] | None = None,
    ) -> AttentionMaps:
        """Which patches each word of a caption comes from: a row per token, of one layer and head.

        Each token's logit goes back, at the place where it was chosen, through the decoder to the picture and on
        through the image encoder (`relevance.py`). Rows are not attention, which sums to one: only their shape counts
        (`AttentionMaps.measure`). Of a clip, the mean over its frames.

        Args:
            caption: A result of this model or any text; None for the model's own greedy caption.
            words: Places of the tokens to ask about, counted from 0, since each costs its own way back; None for all.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between frames and every few words.
            InputError: if a path cannot be opened as a picture.
            ModelError: if the image encoder is no vision transformer.
            OptionError: if the text has more tokens than the model can read, or none, or there is no such place.
        """
        item = opened(picture)
        if caption is None:
            *_, result = self.caption(item, CaptionOptions(temperature=0), cancel)
            assert isinstance(result, CaptionResult)
            caption = result
        if isinstance(caption, str):
            text, tokens = caption, self.tokenizer.encode_caption(caption)
        else:
            text, tokens = caption.caption, [token.id for token in caption.tokens]
        places = range(len(tokens)) if words is None else [numbered(word, len(tokens), "word") for word in words]
        if not places:
            raise OptionError("There is no word to ask about.")
        rows, tower = self._relevance_of(item, tokens, places, cancel)
        first, names = stills(item)[0], self.tokenizer.names(tokens)
        return relevance_maps(
            rows,
            model=self.card.name,
            tokens=tuple(names[place] for place in places),
            keys=tower.names,
            text=text,
            layout=patch_layout(tower, geometry(first.width, first.height, self._preprocessing)),
        )

    def token_logprobs(self, pictures: Sequence[Picture | Clip], tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Natural-log probabilities of a caption's T tokens, each given those before it and each of N pictures: (N, T).

        Args:
            tokens: Numbers in the tokenizer's vocabulary, those behind the start token; at least one.
        """
        return logprobs_of(self._logits_of(pictures, tokens), tokens)

    @abstractmethod
    def caption(
        self,
        pictures: PictureLike | Sequence[PictureLike],
        options: CaptionOptions = ...,
        cancel: CancelToken | None = ...,
    ) -> Generator[CaptionEvent, None, None]:
        """As in `types.Captioner`."""

    @abstractmethod
    def _relevance_of(
        self, item: Picture | Clip, tokens: Sequence[int], places: Sequence[int], cancel: CancelToken | None
    ) -> tuple[Tensor, ImageTower]:
        """Relevance of the image encoder's tokens for the tokens of a caption at B places, (B, K); and that encoder."""

    @abstractmethod
    def _logits_of(self, items: Sequence[Picture | Clip], tokens: Sequence[int]) -> Tensor:
        """What each of T tokens was chosen from, for each of N pictures: (N, T, vocabulary)."""


def chosen_logits(logits: Tensor, tokens: Sequence[int], places: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The logits of the tokens at B places (B,), each at its own in (1, T, vocabulary), and cotangents (B, B)."""
    chosen = torch.tensor([tokens[place] for place in places], device=logits.device)
    found = logits[0, list(places), chosen]
    return found, torch.eye(len(found), dtype=found.dtype, device=found.device)


def logprobs_of(logits: Tensor, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
    """Natural-log probability of each of T tokens at its own place in (N, T, vocabulary): (N, T)."""
    chosen = torch.tensor(list(tokens), device=logits.device).expand(len(logits), -1)
    found: npt.NDArray[np.float32] = logits.float().log_softmax(-1).gather(-1, chosen[..., None])[..., 0].cpu().numpy()
    return found

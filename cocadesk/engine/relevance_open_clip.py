"""Relevance in open_clip's models: of a text's similarity in every CLIP, of a caption's words in a CoCa."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from open_clip.coca_model import CoCa
from torch import Tensor

from cocadesk.catalog.card import ModelCard
from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_image import ImageTower, open_clip_tower, patch_layout
from cocadesk.engine.attention_recording import watch_multihead
from cocadesk.engine.pictures import opened, stills
from cocadesk.engine.preprocess import Preprocessing, geometry
from cocadesk.engine.relevance import crossed, identity, passed_on, relevance_maps, rows_to_one
from cocadesk.engine.relevance_graph import Kept, backwards, beginning_at, in_float32, kept, with_gradients
from cocadesk.engine.relevance_tower import Run, SeenTower, similarity_cotangent
from cocadesk.engine.relevance_words import WordRelevance, chosen_logits
from cocadesk.types import CancelToken, Clip, Picture, PictureLike


class TextRelevance(ABC):
    """Which patches the similarity of a picture to a text comes from."""

    card: ModelCard
    module: Any
    _preprocessing: Preprocessing

    @abstractmethod
    def embed_text(self, texts: str | Sequence[str]) -> npt.NDArray[np.float32]:
        """As in `types.Embedder`."""

    @with_gradients
    def text_relevance(self, picture: PictureLike, text: str, cancel: CancelToken | None = None) -> AttentionMaps:
        """Which patches make a picture similar to a text: one row, of one layer and head (`AttentionMaps.measure`).

        The cosine similarity goes back through the image encoder, and its pooler where there is one. Of a clip, the
        mean over its frames.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between frames.
            InputError: if the picture cannot be opened.
            ModelError: if the image encoder is no vision transformer.
            OptionError: if the text has more tokens than the model can read.
        """
        embedding = torch.from_numpy(self.embed_text(text)[0])
        frames = stills(opened(picture))
        module = in_float32(self.module)
        tower = open_clip_tower(module.visual, self.card.name)
        run = _on_its_device(module, lambda squares: module.encode_image(squares, normalize=True))
        seen = SeenTower(tower, run, frames, self._preprocessing, cancel)
        rows = seen.feature(similarity_cotangent(seen.output, embedding.to(seen.output.device)))
        place = geometry(frames[0].width, frames[0].height, self._preprocessing)
        return relevance_maps(
            rows,
            model=self.card.name,
            tokens=(text,),
            keys=tower.names,
            text=text,
            layout=patch_layout(tower, place),
        )


class CocaRelevance(TextRelevance, WordRelevance):
    """Which patches a CoCa's words come from: through decoder, pooler and image encoder."""

    module: CoCa

    def _relevance_of(
        self, item: Picture | Clip, tokens: Sequence[int], places: Sequence[int], cancel: CancelToken | None
    ) -> tuple[Tensor, ImageTower]:
        module = in_float32(self.module)
        tower = open_clip_tower(module.visual, self.card.name)
        run = _on_its_device(module, lambda squares: module.visual(squares)[1])
        seen = SeenTower(tower, run, stills(item), self._preprocessing, cancel)
        read = _read(module, [self.tokenizer.start, *tokens[:-1]], seen.output)
        logits, targets = chosen_logits(read.logits, tokens, places)
        layers = [*read.tower, *read.own, *read.crossing]
        attention, [cotangents] = backwards(logits, targets, layers, [read.image_tokens], cancel)
        # Pooled tokens are nothing but what they hold of the picture: that takes the place of R̄^qq in (10), and has its
        # rows divided by their sums as (8) does. As it is, the gradient would count twice: of 200 held-out nouns the
        # peak then lay on the thing 157 times, and so 186 times (the bundled starter, packaging/starter/where.py).
        pooled = rows_to_one(seen.pooled(cotangents)[:, 1:])
        first, second = len(read.tower), len(read.tower) + len(read.own)
        own = identity(attention[0].shape[-1], targets)
        for each in attention[:first]:
            own = passed_on(own, each)
        own = own[:, : len(tokens), : len(tokens)]  # without the class token, which none of the others attends to
        found = pooled.new_zeros(len(places), len(tokens), pooled.shape[-1])
        for itself, to_image in zip(attention[first:second], attention[second:], strict=True):
            found, own = passed_on(found, itself), passed_on(own, itself)
            found = found + crossed(own, to_image, pooled)
        return found[range(len(places)), list(places)], tower

    @torch.inference_mode()
    def _logits_of(self, items: Sequence[Picture | Clip], tokens: Sequence[int]) -> Tensor:
        encoding = self.encode_image(items)
        fed = torch.tensor([self.tokenizer.start, *tokens[:-1]], device=encoding.tokens.device)
        output = self.module(
            None,
            fed.expand(len(items), -1),
            image_latent=encoding.embedding,
            image_embs=encoding.tokens,
            output_labels=False,
        )
        logits: Tensor = output["logits"]
        return logits

    @abstractmethod
    def encode_image(self, pictures: Sequence[Picture | Clip]) -> Any:
        """As `CocaModel.encode_image`."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A caption that went through a CoCa's text stacks.

    Attributes:
        logits: Of what follows each of T tokens, (1, T, vocabulary).
        image_tokens: The pooled tokens that the decoder attends to, (1, Q, width), where the graph begins.
        tower: Self-attention of the text tower, whose last token is its class token.
        own: Self-attention of the decoder.
        crossing: Its attention to the pooled tokens.
    """

    logits: Tensor
    image_tokens: Tensor
    tower: list[Kept]
    own: list[Kept]
    crossing: list[Kept]


def _read(module: CoCa, fed: Sequence[int], image_tokens: Tensor) -> _Reading:
    """Send a caption, start token and all, through the text stacks at once."""
    leaf = image_tokens.detach().requires_grad_()
    decoder = module.text_decoder
    with (
        beginning_at(module.text.token_embedding),
        kept([block.attn for block in module.text.transformer.resblocks], watch_multihead) as tower,
        kept([block.attn for block in decoder.resblocks], watch_multihead) as own,
        kept([block.attn for block in decoder.cross_attn], watch_multihead) as crossing,
    ):
        _, embedded = module.text(torch.tensor([list(fed)], device=leaf.device))
        logits = decoder(leaf, embedded)
    return _Reading(logits, leaf, tower, own, crossing)


def _on_its_device(module: Any, run: Run) -> Run:
    return lambda squares: run(squares.to(module.logit_scale))

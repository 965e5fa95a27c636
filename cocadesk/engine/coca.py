"""CoCa, the contrastive captioner (Yu et al. 2022, arXiv:2205.01917), on open_clip's modules."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from open_clip.coca_model import CoCa
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — PyTorch's customary name

from cocadesk.catalog.cards import ModelCard
from cocadesk.catalog.checkpoints import require_weights
from cocadesk.engine.coca_decoder import CachedDecoder, TextStacks, UncachedDecoder
from cocadesk.engine.coca_weights import CocaConfig, load_model, random_model, read_config
from cocadesk.engine.decoding import decode
from cocadesk.engine.device import resolve_device, resolve_dtype
from cocadesk.engine.next_token import Decoder, Finished
from cocadesk.engine.preprocess import Geometry, preprocess
from cocadesk.engine.tokenizer import ClipTokenizer
from cocadesk.errors import ModelError
from cocadesk.types import (
    CancelToken,
    CaptionEvent,
    CaptionOptions,
    CaptionResult,
    Clip,
    ModelRequest,
    Picture,
    PictureLike,
    Timings,
)

_BATCH = 16
"""Most pictures that are decoded, or texts that are embedded, together: bounds the memory for states."""


@dataclass(frozen=True, slots=True)
class ImageEncoding:
    """What the image encoder says about N pictures or clips; for a clip, the mean over its frames.

    Attributes:
        embedding: L2-normalised, (N, embedding width); of a clip, the normalised mean of its frames' embeddings.
        tokens: Pooled image tokens that the text decoder attends to, (N, Q, width).
        geometries: Where the model's square lies on each picture.
    """

    embedding: Tensor
    tokens: Tensor
    geometries: tuple[Geometry, ...]


class CocaModel:
    """A CoCa with its tokenizer. Not thread-safe: one thread uses it at a time.

    Attributes:
        card: What the catalog says about it.
        module: open_clip's own module, with the weights.
        tokenizer: Text to tokens and back.
        load_seconds: How long loading took.
    """

    def __init__(
        self, card: ModelCard, config: CocaConfig, module: CoCa, tokenizer: ClipTokenizer, load_seconds: float
    ) -> None:
        self.card = card
        self.module = module
        self.tokenizer = tokenizer
        self.load_seconds = load_seconds
        self._preprocessing = config.preprocessing
        self._stacks = TextStacks(module)

    @property
    def name(self) -> str:
        """The catalog name it was loaded by."""
        return self.card.name

    @property
    def device(self) -> str:
        """Where it runs: "cpu", "cuda" or "mps"."""
        kind: str = self.module.logit_scale.device.type
        return kind

    @property
    def dtype(self) -> str:
        """The number format of its weights, such as "float32"."""
        return str(self.module.logit_scale.dtype).removeprefix("torch.")

    @torch.inference_mode()
    def encode_image(self, pictures: PictureLike | Sequence[PictureLike], frames: int = 16) -> ImageEncoding:
        """Run the image encoder on all pictures and on the frames of all clips.

        Args:
            pictures: What to encode; paths of animations are opened as clips.
            frames: Most frames to take of each clip that is opened from a path.

        Raises:
            InputError: if a path cannot be opened as a picture.
        """
        opened = [_open(given, frames) for given in _listed(pictures)]
        stills = [[item] if isinstance(item, Picture) else list(item.frames) for item in opened]
        squares = [preprocess(still.pixels, self._preprocessing) for group in stills for still in group]
        pixels = torch.from_numpy(np.stack([square for square, _ in squares]))
        outputs = [self.module(batch.to(self.module.logit_scale)) for batch in torch.split(pixels, _BATCH)]
        embedding = torch.cat([output["image_features"] for output in outputs])
        tokens = torch.cat([output["image_embs"] for output in outputs])
        counts = [len(group) for group in stills]
        if max(counts) > 1:
            embedding = F.normalize(torch.stack([part.mean(0) for part in torch.split(embedding, counts)]), dim=-1)
            tokens = torch.stack([part.mean(0) for part in torch.split(tokens, counts)])
        firsts = np.cumsum([0, *counts[:-1]])
        return ImageEncoding(embedding, tokens, tuple(squares[first][1] for first in firsts))

    def embed_image(self, pictures: PictureLike | Sequence[PictureLike]) -> npt.NDArray[np.float32]:
        """Embeddings of N pictures, L2-normalised, (N, embedding width).

        Raises:
            InputError: if a path cannot be opened as a picture.
        """
        given = _listed(pictures)
        batches = [self.encode_image(given[start : start + _BATCH]) for start in range(0, len(given), _BATCH)]
        return self._joined([batch.embedding for batch in batches])

    def embed_text(self, texts: str | Sequence[str]) -> npt.NDArray[np.float32]:
        """Embeddings of N texts in the space of the pictures' embeddings, L2-normalised, (N, embedding width).

        Raises:
            OptionError: if a text has more tokens than the model can read.
        """
        given = [texts] if isinstance(texts, str) else list(texts)
        encoded = [self.tokenizer.encode(text) for text in given]
        return self._joined([self._encode_text(encoded[at : at + _BATCH]) for at in range(0, len(encoded), _BATCH)])

    def cache_shapes(self, *, pictures: int = 1, beams: int = 1, tokens: int = 25) -> dict[str, tuple[int, ...]]:
        """Shapes of the attention states that decoding caches, by name: "text.0.keys", "decoder.0.values", …

        "text" and "decoder" are self-attention states, (pictures · beams, heads, tokens, head width); "image" are
        those of the cross-attention, (pictures, heads, image tokens, head width).
        """
        positions = min(tokens, self._stacks.context)
        return self._stacks.cache_shapes(pictures=pictures, rows=beams, positions=positions)

    def caption(
        self,
        pictures: PictureLike | Sequence[PictureLike],
        options: CaptionOptions = CaptionOptions(),  # noqa: B008 — frozen
        cancel: CancelToken | None = None,
    ) -> Generator[CaptionEvent, None, None]:
        """Caption pictures and clips, up to 16 of them together.

        No caption is longer than the model's context, whatever `options.max_tokens` says.

        Yields:
            A `Token` as each is decoded (with beams: a `Draft` whenever the best caption so far changes, then the
            tokens), and a `CaptionResult` after a picture's last token.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between batches and tokens.
            InputError: if a path cannot be opened as a picture.
        """
        cancel = cancel or CancelToken()
        given = _listed(pictures)
        for first in range(0, len(given), _BATCH):
            cancel.check()
            opened = [_open(item, options.frames) for item in given[first : first + _BATCH]]
            yield from self._caption_batch(opened, first, options, cancel)

    def _caption_batch(
        self, pictures: list[Picture | Clip], first: int, options: CaptionOptions, cancel: CancelToken
    ) -> Iterator[CaptionEvent]:
        """Caption pictures whose indices begin at `first`, all together."""
        started = time.perf_counter()
        encoding = self.encode_image(pictures)
        encode_s = time.perf_counter() - started
        limit = min(options.max_tokens, self._stacks.context)
        decoder: Decoder
        if options.cached:
            decoder = CachedDecoder(self._stacks, encoding.tokens, limit)
        else:
            decoder = UncachedDecoder(self.module, encoding.embedding, encoding.tokens)
        numbers = range(first, first + len(pictures))
        events = decode(decoder, self.tokenizer, options, pictures=numbers, limit=limit, cancel=cancel)
        try:
            for event in events:
                if isinstance(event, Finished):
                    item = pictures[event.picture - first]
                    yield self._result(event, encode_s, item.indices if isinstance(item, Clip) else ())
                else:
                    yield event
        finally:
            decoder.close()

    def _result(self, finished: Finished, encode_s: float, frames: tuple[int, ...]) -> CaptionResult:
        timings = Timings(
            load_s=self.load_seconds,
            encode_s=encode_s,
            first_token_s=encode_s + finished.first_token_s,
            decode_s=finished.decode_s,
            tokens_per_s=len(finished.tokens) / finished.decode_s,
        )
        return CaptionResult(finished.picture, finished.caption, finished.tokens, timings, self.name, frames)

    @torch.inference_mode()
    def _encode_text(self, encoded: list[list[int]]) -> Tensor:
        """Embeddings of texts given as tokens, (N, embedding width): what open_clip's `encode_text` gives for them
        padded to the full context, at the cost of their own length.

        The class token stands behind the padding. What the mask hides, from it and from all others, need not be
        computed: all padding, but for the first of it with the legacy mask (`CachedDecoder` tells about that).
        """
        text = self.module.text
        context: int = text.context_length
        device = self.module.logit_scale.device
        padded = torch.full((len(encoded), context), text.pad_id, device=device)
        for row, tokens in zip(padded, encoded, strict=True):
            row[: len(tokens)] = torch.tensor(tokens)
        seen = F.pad(padded != text.pad_id, (0, 1) if text.correct_cls_mask else (1, 0), value=True)
        length = min(max(len(tokens) for tokens in encoded) + 1, context)
        places = torch.tensor([*range(length), context], device=device)
        mask = text.attn_mask[: length + 1, : length + 1].masked_fill(~seen[:, None, places], float("-inf"))
        class_token = text.cls_emb.expand(len(encoded), 1, -1)
        x = torch.cat((text.token_embedding(padded[:, :length]), class_token), 1) + text.positional_embedding[places]
        x = text.transformer(x, attn_mask=mask.repeat_interleave(text.heads, 0))
        return F.normalize(text.ln_final(x[:, -1]) @ text.text_projection, dim=-1)

    def _joined(self, embeddings: list[Tensor]) -> npt.NDArray[np.float32]:
        if not embeddings:
            return np.empty((0, self.module.visual.output_dim), np.float32)
        joined: npt.NDArray[np.float32] = torch.cat(embeddings).float().cpu().numpy()
        return joined


def load_coca(card: ModelCard, request: ModelRequest) -> CocaModel:
    """Load the CoCa of that card.

    Raises:
        ModelError: if its weights are not on this machine, do not fit or are damaged, or the device is not there.
    """
    started = time.perf_counter()
    device = resolve_device(request.device)
    dtype = resolve_dtype(request.dtype, device)
    config = read_config(card)
    tokenizer = ClipTokenizer(config.merges, context=config.modules["text_cfg"]["context_length"])
    vocabulary = config.modules["text_cfg"]["vocab_size"]
    if tokenizer.size != vocabulary:
        raise ModelError(f"{card.name} knows {vocabulary} tokens, but {config.merges} defines {tokenizer.size}.")
    if request.untrained:
        module = random_model(config, request.seed, device, dtype)
    else:
        module = load_model(config, require_weights(card, request.checkpoint), device, dtype)
    return CocaModel(card, config, module, tokenizer, time.perf_counter() - started)


def _listed(pictures: PictureLike | Sequence[PictureLike]) -> list[PictureLike]:
    return [pictures] if isinstance(pictures, Picture | Clip | str | os.PathLike) else list(pictures)


def _open(given: PictureLike, frames: int) -> Picture | Clip:
    from cocadesk.media.image import open_picture_or_clip  # noqa: PLC0415 — loads every picture format's decoder

    return given if isinstance(given, Picture | Clip) else open_picture_or_clip(given, frames)

"""Words to patches: where a captioner looks for each word, recorded while it decodes."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Generic, Protocol, TypeVar, cast

import torch
from torch import Tensor

from cocadesk.engine.attention import AttentionMaps, Weights
from cocadesk.engine.captioning import Batch, CaptioningModel
from cocadesk.engine.next_token import LookaheadDecoder
from cocadesk.engine.pictures import opened
from cocadesk.types import CancelToken, CaptionEvent, CaptionOptions, CaptionResult, Clip, Picture, PictureLike

Seen = TypeVar("Seen")
"""What is known of one picture when maps are made."""


class QueryLog:
    """The queries of one layer's cross-attention, of one text's tokens in their order.

    While tokens are decoded, attention weights need not exist: they are the softmax of queries times keys, which can be
    computed for all tokens at once when the text is finished. Nothing is computed twice.
    """

    def __init__(self) -> None:
        self._parts: list[Tensor] = []

    def add(self, queries: Tensor) -> None:
        """Add those of further tokens, (1, H, T, head width)."""
        self._parts.append(queries)

    def forget(self, count: int) -> None:
        """Take back those of the last `count` tokens, no more than were added last."""
        last = self._parts[-1]
        self._parts[-1] = last[:, :, : last.shape[2] - count]

    def weights(self, keys: Tensor, count: int | None = None) -> Weights:
        """What the first `count` tokens (None: all) attend to, given the keys (1, H, S, head width): (H, count, S)."""
        queries = torch.cat(self._parts, 2)[0, :, :count].float()
        logits = queries @ keys[0].float().transpose(-2, -1) * queries.shape[-1] ** -0.5
        found: Weights = logits.softmax(-1).cpu().numpy()
        return found


class LoggingDecoder(LookaheadDecoder, Protocol):
    """A decoder of one caption that logs its queries to the picture."""

    def weights(self, count: int) -> Weights:
        """What the first `count` tokens that were fed attended to, (layers, H, count, S); before it is closed."""


class WordAttention(CaptioningModel[Batch], Generic[Batch, Seen]):
    """Words-to-patches attention of a captioner, which captions a `Batch` and makes maps from one picture `Seen`.

    A word's row is what the model attended to when it chose the word, reading the one before: row 0 belongs to the
    start token's step, which chose the first word.
    """

    def caption_with_attention(
        self,
        picture: PictureLike,
        options: CaptionOptions = CaptionOptions(),  # noqa: B008 — frozen
        cancel: CancelToken | None = None,
    ) -> Generator[CaptionEvent | AttentionMaps, None, None]:
        """Caption one picture or clip and record where the model looks for each word.

        The maps are recorded while tokens are decoded. Beam search, decoding with 8-bit weights and the uncached way
        leave nothing to record: then the finished caption goes through the decoder once more, with the exact weights.

        Yields:
            What `caption` yields, then the maps, whose tokens are those of the result.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between tokens.
            InputError: if a path cannot be opened as a picture.
            OptionError: if no caption of this model can begin with `options.prefix`.
        """
        cancel = cancel or CancelToken()
        self._check_prefix(options.prefix)
        item = opened(picture, options.frames)
        options = options.suited_to(item)
        started = time.perf_counter()
        encoding = self._look(item, cancel)
        encode_s = time.perf_counter() - started
        logging = None
        if self._decodes_exactly and options.cached and options.beams == 1:
            logging = self._logging_decoder(encoding, self._longest(options))
        decoder = logging or self._begin(self._encoding(encoding), options)
        events = self._captions(decoder, [item], 0, options, cancel, encode_s=encode_s)
        weights = None
        with closing(cast(Generator[CaptionEvent], events)):
            for event in events:
                if isinstance(event, CaptionResult):
                    result = event
                    weights = logging.weights(len(result.tokens)) if logging else None
                yield event
        tokens = [token.id for token in result.tokens]
        yield self._word_maps(encoding, item, tokens, result.caption, weights)

    def word_attention(
        self,
        picture: PictureLike,
        caption: CaptionResult | str | None = None,
        cancel: CancelToken | None = None,
    ) -> AttentionMaps:
        """Where the model looks for each word of a caption of one picture or clip.

        Args:
            caption: A result of this model or any text, which goes through the decoder in one pass; None for the
                model's own greedy caption.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between tokens.
            InputError: if a path cannot be opened as a picture.
            OptionError: if the text has more tokens than the model can read, or none.
        """
        if caption is None:
            *_, maps = self.caption_with_attention(picture, CaptionOptions(temperature=0), cancel)
            assert isinstance(maps, AttentionMaps)
            return maps
        if isinstance(caption, str):
            text, tokens = caption, self.tokenizer.encode_caption(caption)
        else:
            text, tokens = caption.caption, [token.id for token in caption.tokens]
        item = opened(picture)
        return self._word_maps(self._look(item, cancel or CancelToken()), item, tokens, text, None)

    def _word_maps(
        self, encoding: Seen, item: Picture | Clip, tokens: Sequence[int], text: str, weights: Weights | None
    ) -> AttentionMaps:
        if weights is None:
            decoder = self._logging_decoder(encoding, len(tokens))
            decoder.step_ahead(torch.tensor([self.tokenizer.start, *tokens[:-1]], device=decoder.device))
            weights = decoder.weights(len(tokens))
            decoder.close()
        return self._maps(encoding, item, tuple(self.tokenizer.names(tokens)), text, weights)

    @property
    def _decodes_exactly(self) -> bool:
        """Whether captions are decoded with the weights that maps are made with."""
        return True

    @abstractmethod
    def _look(self, item: Picture | Clip, cancel: CancelToken) -> Seen:
        """Encode one picture or clip."""

    @abstractmethod
    def _encoding(self, seen: Seen) -> Batch:
        """What captions are begun with."""

    @abstractmethod
    def _logging_decoder(self, encoding: Seen, positions: int) -> LoggingDecoder:
        """Begin a caption of at most so many tokens, with the exact weights."""

    @abstractmethod
    def _maps(
        self, encoding: Seen, item: Picture | Clip, names: tuple[str, ...], text: str, weights: Weights
    ) -> AttentionMaps:
        """The maps of a caption from what the decoder attended to, (layers, H, T, S)."""

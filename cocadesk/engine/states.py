"""What a captioner keeps while it decodes, and what that is worth: shapes, memory, and time with and without."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import cast

from cocadesk.engine.decoding import decode
from cocadesk.engine.drafts import Drafts
from cocadesk.engine.next_token import Decoder, Finished, KeepingDecoder, Vocabulary
from cocadesk.errors import OptionError
from cocadesk.types import (
    CacheComparison,
    CachedStates,
    CacheEvent,
    CancelToken,
    CaptionOptions,
    DecodingProgress,
    DecodingWay,
    PartName,
    StateArray,
    TimedDecoding,
    Token,
)

Begin = Callable[[CaptionOptions], Decoder]
"""Begins the caption of one picture."""

_WARM_UP = 2
"""Tokens that are decoded before time is taken: what is made once per model is made then."""


def cached_states(
    decoder: Decoder, vocabulary: Vocabulary, options: CaptionOptions, *, limit: int, cancel: CancelToken, model: str
) -> CachedStates:
    """Decode a caption and tell which arrays the decoder holds then; it is closed.

    Args:
        decoder: Of one picture, nothing fed yet.
        limit: Most tokens to generate, the end token included.
        cancel: Checked before every step.
        model: The name of the model.

    Raises:
        Cancelled: at the first check after `cancel` was set.
    """
    try:
        *_, finished = decode(decoder, vocabulary, options, pictures=[0], limit=limit, cancel=cancel)
        assert isinstance(finished, Finished)
        kept = decoder.kept() if isinstance(decoder, KeepingDecoder) else {}
    finally:
        decoder.close()
    arrays = []
    for name, (shape, size, _) in kept.items():
        part, layer, _ = name.split(".")
        arrays.append(StateArray(name, cast(PartName, part), int(layer), shape, size))
    dtypes = sorted({dtype for _, _, dtype in kept.values()})
    return CachedStates(tuple(arrays), finished.caption, len(finished.tokens), model, " and ".join(dtypes))


def compared(
    begin: Begin,
    vocabulary: Vocabulary,
    options: CaptionOptions,
    drafts: Drafts,
    *,
    limit: int,
    cancel: CancelToken,
    model: str,
) -> Generator[CacheEvent, None, None]:
    """Decode a caption with cached states, with guesses at the next tokens as well, and recomputing everything.

    Each way is timed once, after a few tokens that are not. Sampling without a seed takes one, the same for all.

    Args:
        begin: Begins the caption of one picture.
        drafts: What the model has said before, to guess from; it learns nothing here.
        limit: Most tokens to generate, the end token included.
        cancel: Checked before every step.
        model: The name of the model.

    Yields:
        A `DecodingProgress` for every token, then the `CacheComparison`.

    Raises:
        Cancelled: at the first check after `cancel` was set.
        OptionError: if the options ask for a beam search.
    """
    if options.beams > 1:
        raise OptionError("A beam search does not decode token by token, so its tokens cannot be timed: use one beam.")
    options = replace(options, seed=options.seed or 0)
    ways: tuple[tuple[DecodingWay, bool, Drafts], ...] = (
        ("cached", True, Drafts(room=0)),
        ("guesses", True, deepcopy(drafts)),
        ("uncached", False, Drafts(room=0)),
    )
    timed = []
    for way, cached, guesses in ways:
        suited = replace(options, cached=cached)
        warming = _Run(vocabulary, suited, min(_WARM_UP, limit), Drafts(room=0), cancel)
        for _ in warming.tokens(begin(suited)):
            pass
        tokens: list[Token] = []
        seconds: list[float] = []
        for token, elapsed in _Run(vocabulary, suited, limit, guesses, cancel).tokens(begin(suited)):
            tokens.append(token)
            seconds.append(elapsed)
            yield DecodingProgress(way, len(tokens), limit)
        timed.append(TimedDecoding(way, tuple(tokens), tuple(seconds)))
    yield CacheComparison(tuple(timed), model)


@dataclass(frozen=True, slots=True)
class _Run:
    """What a caption is decoded with; see `decode`."""

    vocabulary: Vocabulary
    options: CaptionOptions
    limit: int
    drafts: Drafts
    cancel: CancelToken

    def tokens(self, decoder: Decoder) -> Generator[tuple[Token, float], None, None]:
        """Each token with the seconds that it took; what the consumer does in between does not count."""
        events = decode(
            decoder,
            self.vocabulary,
            self.options,
            pictures=[0],
            limit=self.limit,
            cancel=self.cancel,
            drafts=self.drafts,
        )
        try:
            started = time.perf_counter()
            for event in events:
                elapsed = time.perf_counter() - started
                if isinstance(event, Token):
                    yield event, elapsed
                started = time.perf_counter()
        finally:
            decoder.close()

"""A captioner without a model: says what it is told, and can be told to fail, to wait or to search."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from cocadesk.media.image import open_picture_or_clip
from cocadesk.types import (
    Alternative,
    CacheComparison,
    CachedStates,
    CacheEvent,
    CancelToken,
    CaptionEvent,
    CaptionOptions,
    CaptionResult,
    Clip,
    DecodingProgress,
    DecodingWay,
    Draft,
    Picture,
    PictureLike,
    StateArray,
    TimedDecoding,
    Timings,
    Token,
)

FIRST, INSTEAD, END = 100, 800, 1
OTHERS = {900 + rank: f"other{rank} " for rank in range(4)}
WORDS = ("a", " cat", " on", " a", " green", " background")


class FakeCaptioner:
    """Implements `cocadesk.models.Captioner`.

    Args:
        words: The tokens of every caption; the end token is added.
        before_token: Called with the picture and the position before each token: may raise, wait or print.
        drafts: Yield a `Draft` before the tokens, as a beam search does.

    Attributes:
        asked: The options of every call, in order.
    """

    def __init__(
        self,
        words: Sequence[str] = WORDS,
        *,
        name: str = "starter-coca",
        before_token: Callable[[Picture | Clip, int], None] = lambda picture, position: None,
        drafts: bool = False,
    ) -> None:
        self.name = name
        self.load_seconds = 0.25
        self.device = "cpu"
        self.dtype = "float32"
        self.weight_bytes = 1000
        self.asked: list[CaptionOptions] = []
        self._words = tuple(words)
        self._before_token = before_token
        self._drafts = drafts

    def beginning(self, text: str) -> tuple[int, ...]:
        """As many of its own words as the text has."""
        return tuple(FIRST + place for place in range(len(text.split())))

    def score(
        self, picture: PictureLike, tokens: Sequence[int] | str, cancel: CancelToken | None = None
    ) -> tuple[Token, ...]:
        """The brighter a picture, the likelier every token; a word of `OTHERS` is less likely than its own."""
        if cancel is not None:
            cancel.check()
        item = picture if isinstance(picture, Picture | Clip) else open_picture_or_clip(picture, 16)
        light = float((item if isinstance(item, Picture) else item.frames[0]).pixels.mean()) / 255
        given = (*self.beginning(tokens), END) if isinstance(tokens, str) else tuple(tokens)
        own = {FIRST + place: word for place, word in enumerate(self._words)}
        known = OTHERS | own | {END: "", INSTEAD: " instead"}
        return tuple(
            replace(_token(0, place, number, known[number]), logprob=light - (3.0 if number in OTHERS else 1.5))
            for place, number in enumerate(given)
        )

    def caption(
        self,
        pictures: PictureLike | Sequence[PictureLike],
        options: CaptionOptions = CaptionOptions(),  # noqa: B008 — frozen
        cancel: CancelToken | None = None,
    ) -> Iterator[CaptionEvent]:
        self.asked.append(options)
        given = [pictures] if isinstance(pictures, Picture | Clip | str | os.PathLike) else list(pictures)
        opened = [
            item if isinstance(item, Picture | Clip) else open_picture_or_clip(item, options.frames) for item in given
        ]
        if self._drafts:
            yield from (Draft(index, "a dog") for index in range(len(opened)))
        spoken: list[list[Token]] = [[] for _ in opened]
        for position, (number, word) in enumerate(self._spoken(options.prefix)[: options.max_tokens]):
            for index, picture in enumerate(opened):
                if cancel is not None:
                    cancel.check()
                self._before_token(picture, position)
                token = _token(index, position, number, word)
                spoken[index].append(token)
                yield token
        for index, tokens in enumerate(spoken):
            text = "".join(token.text for token in tokens).strip()
            timings = Timings(self.load_seconds, 0.01, 0.02, 0.05, len(tokens) / 0.05)
            item = opened[index]
            frames = item.indices if isinstance(item, Clip) else ()
            yield CaptionResult(index, text, tuple(tokens), timings, self.name, frames)

    def states(self, picture: PictureLike, cancel: CancelToken | None = None) -> CachedStates:
        """Keys and values of one layer of the decoder, with room for 25 tokens."""
        *_, result = self.caption(picture, CaptionOptions(), cancel)
        assert isinstance(result, CaptionResult)
        arrays = [StateArray(f"decoder.0.{kind}", "decoder", 0, (1, 2, 25, 8), 1600) for kind in ("keys", "values")]
        return CachedStates(tuple(arrays), result.caption, len(result.tokens), self.name, "float32")

    def compare_cached(
        self,
        picture: PictureLike,
        options: CaptionOptions = CaptionOptions(),  # noqa: B008 — frozen
        cancel: CancelToken | None = None,
    ) -> Iterator[CacheEvent]:
        """Ten milliseconds a token with states, half of that with guesses, and without either as many more as tokens
        came before."""
        ways: tuple[DecodingWay, ...] = ("cached", "guesses", "uncached")
        timed = []
        for way in ways:
            *_, result = self.caption(picture, options, cancel)
            assert isinstance(result, CaptionResult)
            for place in range(len(result.tokens)):
                yield DecodingProgress(way, place + 1, options.max_tokens)
            seconds = tuple(
                {"cached": 0.01, "guesses": 0.005, "uncached": 0.01 * (1 + place)}[way]
                for place in range(len(result.tokens))
            )
            timed.append(TimedDecoding(way, result.tokens, seconds))
        yield CacheComparison(tuple(timed), self.name)

    def _spoken(self, prefix: tuple[int, ...]) -> list[tuple[int, str]]:
        """Numbers and texts of the tokens of a caption that begins with these."""
        own = [*((FIRST + place, word) for place, word in enumerate(self._words)), (END, "")]
        begun = [(number, OTHERS[number] if number in OTHERS else dict(own)[number]) for number in prefix]
        changed = any(number in OTHERS for number in prefix)
        rest = [(INSTEAD, " instead"), (END, "")] if changed else own[len(begun) :]
        return begun + ([] if begun and begun[-1][0] == END else rest)


def _token(picture: int, position: int, number: int, text: str) -> Token:
    others = tuple(Alternative(other, text, -1.0 - rank) for rank, (other, text) in enumerate(OTHERS.items()))
    return Token(picture, position, number, text, -0.5, (Alternative(number, text, -0.5), *others))

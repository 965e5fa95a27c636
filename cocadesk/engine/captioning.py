"""What all captioners do alike: encode a batch, begin its captions, decode them, and say what came of it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from cocadesk.engine.decoding import decode
from cocadesk.engine.drafts import Drafts
from cocadesk.engine.loaded import LoadedModel
from cocadesk.engine.next_token import Decoder, Finished, LookaheadDecoder, Vocabulary
from cocadesk.engine.pictures import listed, opened, opened_batches
from cocadesk.engine.scoring import require_known, require_scorable, score_tokens
from cocadesk.engine.states import Begin, cached_states, compared
from cocadesk.errors import OptionError
from cocadesk.types import (
    CachedStates,
    CacheEvent,
    CancelToken,
    CaptionEvent,
    CaptionOptions,
    CaptionResult,
    Clip,
    Picture,
    PictureLike,
    Token,
)

CAPTION_BATCH = 16
"""Most pictures that are decoded together: bounds the memory for states."""

Batch = TypeVar("Batch")
"""What the image encoder says about pictures."""


class CaptionTokenizer(Vocabulary, Protocol):
    """What is asked of a captioner's tokenizer."""

    @property
    def size(self) -> int:
        """Of the vocabulary."""

    def encode_caption(self, text: str) -> list[int]:
        """A caption's tokens behind the start token, the end token among them."""

    def encode_beginning(self, text: str) -> list[int]:
        """A caption's first tokens, for `CaptionOptions.prefix`; none for no text."""

    def names(self, tokens: Sequence[int]) -> list[str]:
        """What each token of a text is called."""


class CaptioningModel(LoadedModel, ABC, Generic[Batch]):
    """A model that captions: a `models.Captioner`.

    Attributes:
        tokenizer: Text to tokens and back.
        drafts: What it has said, to guess at what it says next (`drafts.py`).
    """

    tokenizer: CaptionTokenizer
    drafts: Drafts

    def beginning(self, text: str) -> tuple[int, ...]:
        """The tokens of a caption's first words, for `CaptionOptions.prefix`; none for no text.

        Raises:
            OptionError: if there are more than the model can read.
        """
        return tuple(self.tokenizer.encode_beginning(text))

    def caption(
        self,
        pictures: PictureLike | Sequence[PictureLike],
        options: CaptionOptions = CaptionOptions(),  # noqa: B008 — frozen
        cancel: CancelToken | None = None,
    ) -> Generator[CaptionEvent, None, None]:
        """Caption pictures, up to 16 of them together, and clips.

        No caption is longer than the model's context, whatever `options.max_tokens` says.

        Yields:
            A `Token` as each is decoded (with beams: a `Draft` whenever the best caption so far changes, then the
            tokens), and a `CaptionResult` after a picture's last token.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between frames, batches and tokens.
            InputError: if a path cannot be opened as a picture.
            OptionError: if no caption of this model can begin with `options.prefix`.
        """
        cancel = cancel or CancelToken()
        self._check_prefix(options.prefix)
        for first, items in opened_batches(listed(pictures), options.frames, CAPTION_BATCH):
            cancel.check()
            suited = options.suited_to(items[0])
            started = time.perf_counter()
            encoding = self._encode(items, cancel)
            encode_s = time.perf_counter() - started
            yield from self._captions(self._begin(encoding, suited), items, first, suited, cancel, encode_s=encode_s)

    def score(
        self, picture: PictureLike, tokens: Sequence[int] | str, cancel: CancelToken | None = None
    ) -> tuple[Token, ...]:
        """How likely each token of a caption is, given the picture or clip and the tokens before it, in one pass.

        The probabilities are those that `caption` tells when it comes to the same tokens.

        Args:
            tokens: As in `CaptionResult.tokens`, by number; or a text, which is scored with the end token.

        Returns:
            The tokens with their log probabilities and likeliest alternatives.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between frames and before decoding.
            InputError: if a path cannot be opened as a picture.
            OptionError: if there are no tokens, too many, or such as the model does not have.
        """
        cancel = cancel or CancelToken()
        given = self.tokenizer.encode_caption(tokens) if isinstance(tokens, str) else list(tokens)
        require_scorable(
            given, model=self.name, vocabulary=self.tokenizer, size=self.tokenizer.size, context=self._context
        )
        encoding = self._encode([opened(picture)], cancel)
        decoder = self._begin(encoding, CaptionOptions(max_tokens=len(given)))
        assert isinstance(decoder, LookaheadDecoder)  # as all are that keep states
        return score_tokens(decoder, self.tokenizer, given, cancel)

    def states(
        self,
        picture: PictureLike,
        cancel: CancelToken | None = None,
        *,
        options: CaptionOptions = CaptionOptions(temperature=0),  # noqa: B008 — frozen
    ) -> CachedStates:
        """Caption a picture or clip, and tell which attention states are kept at the end of it.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between tokens.
            InputError: if a path cannot be opened as a picture.
            OptionError: if no caption of this model can begin with `options.prefix`.
        """
        cancel = cancel or CancelToken()
        begin, suited = self._begin_alone(picture, options, cancel)
        return cached_states(
            begin(suited), self.tokenizer, suited, limit=self._longest(suited), cancel=cancel, model=self.name
        )

    def compare_cached(
        self,
        picture: PictureLike,
        options: CaptionOptions = CaptionOptions(),  # noqa: B008 — frozen
        cancel: CancelToken | None = None,
    ) -> Generator[CacheEvent, None, None]:
        """Decode a picture's or clip's caption with cached attention states, with guesses as well, and without either.

        The guesses are those that the model has at this moment, from what it has said so far. The picture is encoded
        once; that does not count.

        Yields:
            A `DecodingProgress` for every token, then the `CacheComparison`.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between tokens.
            InputError: if a path cannot be opened as a picture.
            OptionError: if the options ask for a beam search, or no caption can begin with `options.prefix`.
        """
        cancel = cancel or CancelToken()
        begin, suited = self._begin_alone(picture, options, cancel)
        yield from compared(
            begin,
            self.tokenizer,
            suited,
            self.drafts,
            limit=self._longest(suited),
            cancel=cancel,
            model=self.name,
        )

    def _begin_alone(
        self, picture: PictureLike, options: CaptionOptions, cancel: CancelToken
    ) -> tuple[Begin, CaptionOptions]:
        """What begins captions of one encoded picture, and the options with a temperature."""
        self._check_prefix(options.prefix)
        item = opened(picture, options.frames)
        encoding = self._encode([item], cancel)
        return lambda wanted: self._begin(encoding, wanted), options.suited_to(item)

    def _longest(self, options: CaptionOptions) -> int:
        """Most tokens of a caption."""
        return min(options.max_tokens, self._context)

    def _check_prefix(self, prefix: Sequence[int]) -> None:
        """Raise `OptionError` if no caption can begin with these tokens and go on."""
        require_known(prefix, model=self.name, vocabulary=self.tokenizer, size=self.tokenizer.size)
        if len(prefix) >= self._context + (self.tokenizer.end in prefix):
            raise OptionError(
                f"A beginning of {len(prefix)} tokens leaves no room for more: captions of {self.name} have at most "
                f"{self._context}."
            )

    def _captions(
        self,
        decoder: Decoder,
        items: list[Picture | Clip],
        first: int,
        options: CaptionOptions,
        cancel: CancelToken,
        *,
        encode_s: float,
    ) -> Iterator[CaptionEvent]:
        """Decode captions that have been begun and close the decoder; `first` is the first picture's index."""
        events = decode(
            decoder,
            self.tokenizer,
            options,
            pictures=range(first, first + len(items)),
            limit=self._longest(options),
            cancel=cancel,
            drafts=self.drafts,
        )
        try:
            for event in events:
                if isinstance(event, Finished):
                    item = items[event.picture - first]
                    yield CaptionResult(
                        event.picture,
                        event.caption,
                        event.tokens,
                        event.timings(self.load_seconds, encode_s),
                        self.name,
                        item.indices if isinstance(item, Clip) else (),
                    )
                else:
                    yield event
        finally:
            decoder.close()

    @abstractmethod
    def _encode(self, items: list[Picture | Clip], cancel: CancelToken) -> Batch:
        """Run the image encoder on pictures and on the frames of clips."""

    @abstractmethod
    def _begin(self, encoding: Batch, options: CaptionOptions) -> Decoder:
        """Begin the captions of a batch."""

    @property
    @abstractmethod
    def _context(self) -> int:
        """Most tokens that can be fed, the start token included; a caption has as many, without it."""

"""What all captioners do alike: encode a batch, begin its captions, decode them, and say what came of it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from cocadesk.engine.decoding import decode
from cocadesk.engine.drafts import Drafts
from cocadesk.engine.loaded import LoadedModel
from cocadesk.engine.next_token import Decoder, Finished, Vocabulary
from cocadesk.engine.pictures import listed, opened_batches
from cocadesk.errors import OptionError
from cocadesk.types import CancelToken, CaptionEvent, CaptionOptions, CaptionResult, Clip, Picture, PictureLike

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

    def _longest(self, options: CaptionOptions) -> int:
        """Most tokens of a caption."""
        return min(options.max_tokens, self._context)

    def _check_prefix(self, prefix: Sequence[int]) -> None:
        """Raise `OptionError` if no caption can begin with these tokens and go on."""
        unknown = [token for token in prefix if not 0 <= token < self.tokenizer.size]
        if unknown:
            raise OptionError(
                f"A caption of {self.name} cannot begin with token {unknown[0]}: its vocabulary goes from 0 to "
                f"{self.tokenizer.size - 1}."
            )
        if self.tokenizer.end in prefix[:-1]:
            raise OptionError("A caption cannot go on behind the end token: it may only be the last of the beginning.")
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

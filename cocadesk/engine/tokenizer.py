"""CLIP's byte-pair tokens as text, one at a time."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from open_clip.tokenizer import SimpleTokenizer

from cocadesk.errors import ModelError, OptionError

_WORD_END = "</w>"
_CLINGING = frozenset(".,;:!?'’%)")


class ClipTokenizer:
    """open_clip's byte-pair tokenizer with the vocabulary of one model.

    Attributes:
        start, end: Numbers of the start and the end token.
        size: Of the vocabulary.
        context: Most tokens a text may have, start and end token included.
    """

    def __init__(self, merges: Path, *, context: int) -> None:
        """Read a merges file in CLIP's format: gzip, one header line, then one merge a line.

        Raises:
            ModelError: if the file is missing or damaged.
        """
        try:
            self._bpe = SimpleTokenizer(str(merges), context_length=context)
        except (OSError, EOFError, ValueError) as error:
            raise ModelError(f"The tokenizer file {merges} cannot be read: {error}") from error
        self.start: int = self._bpe.sot_token_id
        self.end: int = self._bpe.eot_token_id
        self.size: int = self._bpe.vocab_size
        self.context = context
        self._piece = cache(self._bytes)  # a caption needs some hundred of the vocabulary

    def encode(self, text: str) -> list[int]:
        """The text's tokens between start and end token.

        Raises:
            OptionError: if there are more than the model can read.
        """
        tokens = [self.start, *self._bpe.encode(text), self.end]
        require_fit(text, len(tokens), self.context)
        return tokens

    def encode_caption(self, text: str) -> list[int]:
        """A caption's tokens behind the start token, the end token among them.

        Raises:
            OptionError: if there are more than the model can read.
        """
        return self.encode(text)[1:]

    def encode_beginning(self, text: str) -> list[int]:
        """A caption's first tokens, for `CaptionOptions.prefix`: as `encode_caption`'s, without the end token.

        Raises:
            OptionError: if there are more than the model can read.
        """
        return self.encode(text)[1:-1]

    def stream(self) -> ClipTextStream:
        """A new text that grows token by token."""
        return ClipTextStream(self._piece)

    def names(self, tokens: Sequence[int]) -> list[str]:
        """What each token of a text is called: its text with the space before it, or "[start]" and "[end]"."""
        stream = self.stream()
        special = {self.start: "[start]", self.end: "[end]"}
        # A part of a character shows as U+FFFD.
        return [special.get(token) or stream.add(token) or stream.peek(token) for token in tokens]

    def _bytes(self, token: int) -> tuple[bytes, bool]:
        """The UTF-8 bytes a token stands for, none for start and end; and whether it ends a word."""
        piece = self._bpe.decoder[token]
        if piece in ("<start_of_text>", "<end_of_text>"):
            return b"", False
        stem = piece.removesuffix(_WORD_END)
        return bytes(self._bpe.byte_decoder[symbol] for symbol in stem), stem != piece


def require_fit(text: str, tokens: int, context: int) -> None:
    """Raise `OptionError` if a text has more tokens than a model can read."""
    if tokens > context:
        shown = text if len(text) <= 40 else text[:39] + "…"
        raise OptionError(f"“{shown}” has {tokens} tokens, start and end included; this model reads at most {context}.")


class ClipTextStream:
    """Text that grows by one token at a time; the space before a word comes with the word.

    Marks that belong to the word before them have no space, where open_clip's own `decode` sets one before every word
    and every mark. A token may hold part of a character's UTF-8 bytes only. That part is held back until the rest has
    come, so the texts joined together are the caption, and a character that was never finished leaves nothing behind.
    """

    def __init__(self, piece: Callable[[int], tuple[bytes, bool]]) -> None:
        """Take what gives a token's bytes, and whether it ends a word."""
        self._piece = piece
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._word_ended = False

    def add(self, token: int) -> str:
        """Append a token and return the text it adds."""
        stem, ends_word = self._piece(token)
        text = self._spaced(self._decoder.decode(stem))
        self._word_ended = ends_word or (self._word_ended and not text)
        return text

    def peek(self, token: int) -> str:
        """The text a token would add; a character it would leave unfinished shows as U+FFFD."""
        held_back, _ = self._decoder.getstate()
        return self._spaced((held_back + self._piece(token)[0]).decode("utf-8", errors="replace"))

    def _spaced(self, text: str) -> str:
        return f" {text}" if text and self._word_ended and text[0] not in _CLINGING else text

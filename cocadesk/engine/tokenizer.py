"""CLIP's byte-pair tokens as text, one at a time."""

from __future__ import annotations

import codecs
from pathlib import Path

from open_clip.tokenizer import SimpleTokenizer

from cocadesk.errors import ModelError, OptionError

_WORD_END = "</w>"


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
        self._pieces = [self._bytes(self._bpe.decoder[token]) for token in range(self.size)]

    def encode(self, text: str) -> list[int]:
        """The text's tokens between start and end token.

        Raises:
            OptionError: if there are more than the model can read.
        """
        tokens = [self.start, *self._bpe.encode(text), self.end]
        if len(tokens) > self.context:
            shown = text if len(text) <= 40 else text[:39] + "…"
            raise OptionError(
                f"“{shown}” has {len(tokens)} tokens, start and end included; this model reads at most {self.context}."
            )
        return tokens

    def stream(self) -> ClipTextStream:
        """A new text that grows token by token."""
        return ClipTextStream(self._pieces)

    def _bytes(self, piece: str) -> bytes:
        """The UTF-8 bytes a token stands for, with a space where it ends a word; none for start and end."""
        if piece in ("<start_of_text>", "<end_of_text>"):
            return b""
        stem = piece.removesuffix(_WORD_END)
        return bytes(self._bpe.byte_decoder[symbol] for symbol in stem) + (b" " if stem != piece else b"")


class ClipTextStream:
    """Text that grows by one token at a time.

    A token may hold part of a character's UTF-8 bytes only. That part is held back until the rest has come, so the
    texts joined together are the caption, and a character that was never finished leaves nothing behind.
    """

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def add(self, token: int) -> str:
        """Append a token and return the text it adds."""
        return self._decoder.decode(self._pieces[token])

    def peek(self, token: int) -> str:
        """The text a token would add; a character it would leave unfinished shows as U+FFFD."""
        held_back, _ = self._decoder.getstate()
        return (held_back + self._pieces[token]).decode("utf-8", errors="replace")

"""BERT's lower-cased WordPieces (Wu et al. 2016, arXiv:1609.08144), as BLIP uses them: text to tokens and back."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from cocadesk.errors import ModelError, OptionError

PAD, UNKNOWN, SEPARATOR = "[PAD]", "[UNK]", "[SEP]"
DECODE, ENCODE = "[DEC]", "[ENC]"
_SILENT = frozenset({PAD, UNKNOWN, "[CLS]", SEPARATOR, "[MASK]", DECODE, ENCODE})
_CONTINUES = "##"
_CLINGING = frozenset(".,?!")
_APOSTROPHE = "'"


class WordPieceTokenizer:
    """BERT's tokenizer with BLIP's two additions: [DEC] begins a caption or an answer, [ENC] begins a question.

    BLIP's questions were trained with [ENC] in the place of BERT's [CLS] (Li et al. 2022, arXiv:2201.12086).

    Attributes:
        start, end: Numbers of [DEC] and [SEP].
        question_start: Number of [ENC].
        size: Of the vocabulary.
        context: Most tokens a text may have, start and end token included.
    """

    def __init__(self, vocabulary: Path, *, context: int) -> None:
        """Read a vocabulary: UTF-8, one token a line; [DEC] and [ENC] are added where it lacks them.

        Raises:
            ModelError: if the file is missing or is no vocabulary of this kind.
        """
        try:
            tokens = vocabulary.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        except (OSError, ValueError) as error:
            raise ModelError(f"The vocabulary {vocabulary} cannot be read: {error}") from error
        tokens += [token for token in (DECODE, ENCODE) if token not in tokens]
        numbers = {token: number for number, token in enumerate(tokens)}
        missing = [token for token in (PAD, UNKNOWN, SEPARATOR) if token not in numbers]
        if missing or len(numbers) != len(tokens):
            what = f"it lacks {', '.join(missing)}" if missing else "a token stands in it twice"
            raise ModelError(f"The vocabulary {vocabulary} is not one of WordPieces: {what}.")
        self.start, self.end, self.question_start = (numbers[token] for token in (DECODE, SEPARATOR, ENCODE))
        self.size = len(tokens)
        self.context = context
        self._pieces = tokens
        self._tokenizer = Tokenizer(WordPiece(numbers, unk_token=UNKNOWN, max_input_chars_per_word=100))
        self._tokenizer.normalizer = BertNormalizer()
        self._tokenizer.pre_tokenizer = BertPreTokenizer()

    def encode_question(self, text: str) -> list[int]:
        """The question's tokens between [ENC] and [SEP]; a sign that the vocabulary lacks is [UNK].

        Raises:
            OptionError: if there is nothing to read in it, or there are more tokens than the model can read.
        """
        return [self.question_start, *self._encode(text, "question", "Ask something about the picture.")]

    def encode_caption(self, text: str) -> list[int]:
        """A caption's tokens behind [DEC], up to [SEP]; a sign that the vocabulary lacks is [UNK].

        Raises:
            OptionError: if there is nothing to read in it, or there are more tokens than the model can read.
        """
        return self._encode(text, "caption", "Say something about the picture.")

    def encode_answer(self, text: str) -> list[int]:
        """An answer's tokens behind [DEC], up to [SEP]; of no text, [SEP] alone. What the vocabulary lacks is [UNK].

        Raises:
            OptionError: if there is nothing to read in it, or there are more tokens than the model can read.
        """
        return self._encode(text, "answer", "Say what it might be.") if text.strip() else [self.end]

    def encode_beginning(self, text: str) -> list[int]:
        """A caption's first tokens, for `CaptionOptions.prefix`: `encode_caption`'s without [SEP]; none for no text.

        Raises:
            OptionError: if there is nothing to read in it, or there are more tokens than the model can read.
        """
        return self._encode(text, "beginning", "Leave it out, or write some words.")[:-1] if text.strip() else []

    def _encode(self, text: str, what: str, instead: str) -> list[int]:
        try:
            words: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        except TypeError:  # what a terminal passes on of bytes that are no UTF-8
            raise OptionError(f"The {what} {_shown(text)} holds bytes that are no UTF-8 text.") from None
        if not words:
            raise OptionError(f"The {what} is empty. {instead}")
        tokens = [*words, self.end]
        if len(tokens) >= self.context:
            raise OptionError(
                f"The {what} {_shown(text)} has {len(tokens) + 1} tokens, start and end included; this model reads at "
                f"most {self.context}. Use a shorter one."
            )
        return tokens

    def stream(self) -> WordPieceStream:
        """A new text that grows token by token."""
        return WordPieceStream(self._pieces)

    def names(self, tokens: Sequence[int]) -> list[str]:
        """What each token of a text is called: its text with the space before it; "[SEP]" and the like as they are."""
        stream = self.stream()
        return [stream.add(token) or self._pieces[token] for token in tokens]


class WordPieceStream:
    """Text that grows by one token at a time; the space before a word comes with the word.

    Spaces are set as transformers' `decode(…, skip_special_tokens=True, clean_up_tokenization_spaces=True)` sets them:
    none before . , ? ! and none around an apostrophe.
    """

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces
        self._last = ""  # the last token that has a text

    def add(self, token: int) -> str:
        """Append a token and return the text it adds."""
        text = self.peek(token)
        if text:
            self._last = self._pieces[token]
        return text

    def peek(self, token: int) -> str:
        """The text a token would add."""
        piece = self._pieces[token]
        if piece in _SILENT:
            return ""
        if not self._last:
            return piece
        if piece.startswith(_CONTINUES):
            return piece.removeprefix(_CONTINUES)
        joined = piece in _CLINGING or _APOSTROPHE in (piece, self._last)
        return piece if joined else f" {piece}"


def _shown(text: str) -> str:
    """The beginning of a text in quotation marks, on one line, without what would turn or hide the rest of the line."""
    kept = "".join(" " if unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"} else sign for sign in text[:40])
    return f"“{kept.strip()}{'…' if len(text) > 40 else ''}”"

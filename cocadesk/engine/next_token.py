"""What decoding and models have in common: a model offers a `Decoder` and a `Vocabulary`, decoding makes captions.

Shapes: P pictures, B rows for each (beams), R = P·B, V vocabulary.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from cocadesk.types import ALTERNATIVES_PER_TOKEN, Alternative, Timings, Token


class Decoder(Protocol):
    """A model in the middle of captions."""

    @property
    def device(self) -> torch.device:
        """Where it takes tokens and gives logits."""

    def step(self, tokens: Tensor) -> Tensor:
        """Feed one token per row, (P, B) int64; return the logits of the next, (P, B, V)."""

    def select(self, rows: Tensor) -> None:
        """Go on with these rows only, (P', B') int64, numbered picture by picture; a row may appear several times."""

    def close(self) -> None:
        """Let go of what is held."""


@runtime_checkable
class LookaheadDecoder(Decoder, Protocol):
    """A decoder that can be fed several tokens of a single row at once, and can take the last of them back.

    Attributes:
        lookahead: Most tokens that are worth feeding at once.
        least: As many tokens cost no more than one.
    """

    lookahead: int
    least: int

    def step_ahead(self, tokens: Tensor) -> Tensor:
        """Feed tokens (T,) int64 of the only row; return the logits of what follows each, (T, V)."""

    def rewind(self, count: int) -> None:
        """Forget the last `count` tokens that were fed."""


Kept = dict[str, tuple[tuple[int, ...], int, str]]
"""Shape, bytes and number format of attention states by name, such as "decoder.3.keys"."""


@runtime_checkable
class KeepingDecoder(Protocol):
    """A decoder that can tell which attention states it holds."""

    def kept(self) -> Kept:
        """The arrays that are there now, by part and layer."""


class FedDecoder(ABC):
    """What decoders that keep states share: a step of every row, and of a single row ahead, are one way of feeding.

    Attributes:
        lookahead: As `LookaheadDecoder`'s. Measured with coca-vit-b-32 in float32 on two cores: 2 tokens take a fifth
            longer than 1, 4 half as long again.
        least: As `LookaheadDecoder`'s.
    """

    lookahead = 4
    least = 1

    def step(self, tokens: Tensor) -> Tensor:
        """Feed one token per row, (P, B); return the logits of the next, (P, B, V)."""
        return self._feed(tokens.reshape(-1, 1)).view(*tokens.shape, -1)

    def step_ahead(self, tokens: Tensor) -> Tensor:
        """Feed several tokens (T,) of the only row; return the logits of what follows each, (T, V)."""
        return self._feed(tokens[None])

    @abstractmethod
    def _feed(self, tokens: Tensor) -> Tensor:
        """Feed tokens (R, T); return the logits of what follows each, (R·T, V)."""


def named_states(part: str, layers: Sequence[tuple[Tensor, Tensor]]) -> Kept:
    """Keys and values of some layers, named by part, layer and kind."""
    return {
        f"{part}.{layer}.{kind}": (tuple(array.shape), array.nbytes, str(array.dtype).removeprefix("torch."))
        for layer, both in enumerate(layers)
        for kind, array in zip(("keys", "values"), both, strict=True)
    }


class TextStream(Protocol):
    """A text that grows by one token at a time."""

    def add(self, token: int) -> str:
        """Append a token and return the text it adds."""

    def peek(self, token: int) -> str:
        """The text a token would add."""


class Vocabulary(Protocol):
    """What decoding must know of a tokenizer: its start and end token, and what the tokens read as."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    def stream(self) -> TextStream: ...


@dataclass(frozen=True, slots=True)
class Finished:
    """A caption is complete.

    Attributes:
        picture: Index of the picture.
        tokens: The end token included, if it was reached.
        first_token_s: Seconds from the start of decoding to this picture's first token, or a search's first draft.
        decode_s: Seconds from the start of decoding to its end; what the consumer did between events is not counted.
    """

    picture: int
    tokens: tuple[Token, ...]
    first_token_s: float
    decode_s: float

    @property
    def caption(self) -> str:
        return "".join(token.text for token in self.tokens).strip()

    def timings(self, load_s: float, encode_s: float) -> Timings:
        """With what came before decoding: loading the model, and encoding the picture."""
        return Timings(
            load_s=load_s,
            encode_s=encode_s,
            first_token_s=encode_s + self.first_token_s,
            decode_s=self.decode_s,
            tokens_per_s=len(self.tokens) / self.decode_s,
        )


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the model says about the next token of one row.

    Attributes:
        chosen: The number of the token that was chosen.
        logprob: Its natural-log probability.
        best: Numbers and log probabilities of the likeliest tokens, the likeliest first.
    """

    chosen: int
    logprob: float
    best: tuple[tuple[int, float], ...]

    def token(self, picture: int, position: int, stream: TextStream) -> Token:
        """The event for it; the text goes into `stream`."""
        alternatives = tuple(Alternative(number, stream.peek(number), logprob) for number, logprob in self.best)
        return Token(picture, position, self.chosen, stream.add(self.chosen), self.logprob, alternatives)


class Stopwatch:
    """Adds up the time spent between `start` and `stop`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._started = 0.0

    def start(self) -> None:
        self._started = time.perf_counter()

    def stop(self) -> float:
        """Pause and return all seconds so far."""
        self.seconds += time.perf_counter() - self._started
        return self.seconds


def describe(logprobs: Tensor, chosen: Tensor) -> list[Candidates]:
    """What the log probabilities (R, V) say about the chosen tokens (R,) and the likeliest others."""
    best, numbers = logprobs.topk(min(ALTERNATIVES_PER_TOKEN, logprobs.shape[-1]), dim=-1)
    own = logprobs.gather(-1, chosen[:, None])[:, 0]
    return [
        Candidates(number, logprob, tuple(zip(row_numbers, row_best, strict=True)))
        for number, logprob, row_numbers, row_best in zip(
            chosen.tolist(), own.tolist(), numbers.tolist(), best.tolist(), strict=True
        )
    ]

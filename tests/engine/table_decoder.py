"""A decoder and a vocabulary without a model: every prefix has logits of its own."""

from __future__ import annotations

import string
from collections.abc import Callable

import torch
from torch import Tensor

Prefix = tuple[int, ...]


class TableDecoder:
    """Implements `cocadesk.engine.next_token.Decoder` on a function from a picture and its tokens to logits.

    Attributes:
        steps: Rows of each step so far, (P, B).
        closed: Whether `close` was called.
    """

    device = torch.device("cpu")

    def __init__(self, pictures: int, logits: Callable[[int, Prefix], Tensor]) -> None:
        self._logits = logits
        self._rows: list[list[tuple[int, Prefix]]] = [[(picture, ())] for picture in range(pictures)]
        self.steps: list[tuple[int, int]] = []
        self.closed = False

    def step(self, tokens: Tensor) -> Tensor:
        assert tokens.shape == (len(self._rows), len(self._rows[0]))
        self.steps.append((len(self._rows), len(self._rows[0])))
        self._rows = [
            [(picture, (*prefix, token)) for (picture, prefix), token in zip(row, row_tokens, strict=True)]
            for row, row_tokens in zip(self._rows, tokens.tolist(), strict=True)
        ]
        return torch.stack([torch.stack([self._logits(*each) for each in row]) for row in self._rows])

    def select(self, rows: Tensor) -> None:
        flat = [each for row in self._rows for each in row]
        self._rows = [[flat[number] for number in row] for row in rows.tolist()]
        assert all(len({picture for picture, _ in row}) == 1 for row in self._rows)

    def close(self) -> None:
        self.closed = True


class Letters:
    """A vocabulary whose tokens read as a, b, c, …; the last is the end token, the one before it the start token."""

    def __init__(self, size: int) -> None:
        self.start = size - 2
        self.end = size - 1

    def stream(self) -> Letters:
        return self

    def add(self, token: int) -> str:
        return "" if token == self.end else string.ascii_letters[token]

    peek = add


def random_logits(seed: int, vocabulary: int, spread: float = 2.0) -> Callable[[int, Prefix], Tensor]:
    """Logits that depend on the seed, the picture and every token before."""

    def logits(picture: int, prefix: Prefix) -> Tensor:
        generator = torch.Generator().manual_seed(hash((seed, picture, *prefix)) % 2**31)
        return spread * torch.randn(vocabulary, generator=generator)

    return logits

"""What else a model nearly said: the likeliest answer is decoded together with others, in one batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from cocadesk.engine.next_token import Candidates, Decoder, Finished, Stopwatch, Vocabulary, describe
from cocadesk.types import CancelToken, OtherAnswer, Token


@dataclass(frozen=True, slots=True)
class FinishedBesideOthers(Finished):
    """A finished answer, and the others that were decoded with it, the likeliest first."""

    others: tuple[OtherAnswer, ...] = ()


def decode_beside_others(
    decoder: Decoder, vocabulary: Vocabulary, count: int, *, number: int, limit: int, cancel: CancelToken
) -> Iterator[Token | FinishedBesideOthers]:
    """Decode the likeliest answer greedily and, as further rows of its batch, the others.

    The others begin with the next likeliest first tokens, and like the first one they go on with the likeliest token at
    every step. A step reads the weights once for all rows, so that they cost next to nothing where reading the weights
    is what takes time. Nothing is normalised: the logarithms are those of the whole answers, end token included.

    Args:
        decoder: Of one picture or question, one row, nothing fed yet.
        count: How many others.
        number: What the answer is called in the events.
        limit: Most tokens to generate, the end token included.
        cancel: Checked before every step.

    Yields:
        A `Token` of the likeliest answer as each is decoded; once the others are complete as well, the end.

    Raises:
        Cancelled: at the first check after `cancel` was set.
    """
    watch = Stopwatch()
    cancel.check()
    watch.start()
    logprobs = decoder.step(torch.tensor([[vocabulary.start]], device=decoder.device))[0].float().log_softmax(-1)
    first = logprobs[0].topk(min(1 + count, logprobs.shape[-1])).indices
    answers = [_Answer([step]) for step in describe(logprobs.expand(len(first), -1), first)]
    main, stream = answers[0], vocabulary.stream()
    tokens: list[Token] = []
    first_token_s = decode_s = 0.0
    going_on, rows = answers, [0] * len(answers)
    while going_on:
        elapsed = watch.stop()
        if going_on[0] is main:
            tokens.append(main.steps[-1].token(number, len(tokens), stream))
            first_token_s, decode_s = first_token_s or elapsed, elapsed
            yield tokens[-1]
        kept = [
            (answer, row) for answer, row in zip(going_on, rows, strict=True) if not answer.is_over(vocabulary, limit)
        ]
        if not kept:
            break
        cancel.check()
        watch.start()
        going_on, rows = [answer for answer, _ in kept], list(range(len(kept)))
        decoder.select(torch.tensor([[row for _, row in kept]], device=decoder.device))
        fed = torch.tensor([[answer.steps[-1].chosen for answer in going_on]], device=decoder.device)
        logprobs = decoder.step(fed)[0].float().log_softmax(-1)
        for answer, step in zip(going_on, describe(logprobs, logprobs.argmax(-1)), strict=True):
            answer.steps.append(step)
    others = sorted((answer.other(vocabulary) for answer in answers[1:]), key=lambda each: -each.logprob)
    yield FinishedBesideOthers(number, tuple(tokens), first_token_s, decode_s, tuple(others))


@dataclass(slots=True, eq=False)
class _Answer:
    """An answer in the making."""

    steps: list[Candidates] = field(default_factory=list)

    def is_over(self, vocabulary: Vocabulary, limit: int) -> bool:
        return self.steps[-1].chosen == vocabulary.end or len(self.steps) == limit

    def other(self, vocabulary: Vocabulary) -> OtherAnswer:
        stream = vocabulary.stream()
        text = "".join(stream.add(step.chosen) for step in self.steps)
        return OtherAnswer(text.strip(), math.fsum(step.logprob for step in self.steps))

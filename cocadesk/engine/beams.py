"""Beam search over next-token logits.

Shapes: P pictures, B rows for each (beams), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cocadesk.engine.next_token import Candidates, Decoder, Finished, Stopwatch, Vocabulary, describe
from cocadesk.types import CancelToken, Draft, Token


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    """A caption a search may end with.

    Attributes:
        total: Sum of its tokens' log probabilities, without those it was made to begin with.
        steps: Its tokens.
        given: How many of them it was made to begin with.
    """

    total: float = 0.0
    steps: tuple[Candidates, ...] = ()
    given: int = 0

    @property
    def mean(self) -> float:
        return self.total / max(1, len(self.steps) - self.given)


def beam_search(
    decoder: Decoder,
    vocabulary: Vocabulary,
    beams: int,
    *,
    pictures: Sequence[int],
    limit: int,
    cancel: CancelToken,
    prefix: Sequence[int] = (),
) -> Iterator[Token | Draft | Finished]:
    """Search for captions of high probability, for all pictures together.

    At each step the 2·beams best continuations of a picture's rows are looked at, best first by total log
    probability: those among the first `beams` that end are complete, and the best `beams` others go on.

    Captions are of different lengths, so complete ones compete by their mean log probability per token, the end token
    included (the length normalisation of Wu et al. 2016, arXiv:1609.08144, with exponent 1). A search ends at the
    limit, where those that have not ended compete as well, or as soon as `beams` captions are complete and the best
    row's mean is no higher than the worst of them. The tokens of a prefix are the same for all and count in no mean.

    Arguments and errors as for `decoding.decode`; `prefix` as in `CaptionOptions`.

    Yields:
        A `Draft` whenever a picture's best caption so far changes; at the end of its search its tokens and a
        `Finished`.
    """
    watch = Stopwatch()
    searches = [_Search(picture, beams, vocabulary) for picture in pictures]
    tokens = torch.full((len(pictures), 1), vocabulary.start, device=decoder.device)
    for position in range(limit):
        cancel.check()
        watch.start()
        logprobs = decoder.step(tokens).float().log_softmax(-1)
        for search, row_logprobs in zip(searches, logprobs, strict=True):
            if position < len(prefix):
                search.begin(row_logprobs, prefix[position], last=position == limit - 1)
            else:
                search.advance(row_logprobs, last=position == limit - 1)
        first_rows = range(0, logprobs.shape[0] * logprobs.shape[1], logprobs.shape[1])
        going_on = [(search, row) for search, row in zip(searches, first_rows, strict=True) if not search.done]
        if going_on:
            width = max(len(search.rows) for search, _ in going_on)
            rows = [[row + own for own in search.padded_rows(width)] for search, row in going_on]
            decoder.select(torch.tensor(rows, device=decoder.device))
            tokens = torch.tensor([search.last_tokens(width) for search, _ in going_on], device=decoder.device)
        elapsed = watch.stop()
        for search in searches:
            yield from search.report(elapsed)
        searches = [search for search, _ in going_on]
        if not searches:
            return


class _Search:
    """The search for one picture's caption.

    Attributes:
        rows: For each hypothesis that goes on, the number of the row that it continues, among this picture's rows.
        done: Whether the search is over.
    """

    def __init__(self, picture: int, beams: int, vocabulary: Vocabulary) -> None:
        self._picture = picture
        self._beams = beams
        self._vocabulary = vocabulary
        self._live = [_Hypothesis()]
        self._complete: list[_Hypothesis] = []
        self._draft: str | None = None
        self._first_draft_s = 0.0
        self.rows = [0]
        self.done = False

    def begin(self, logprobs: Tensor, token: int, *, last: bool) -> None:
        """Take the only row's log probabilities (1, V) and the token that the caption has here."""
        (begun,) = self._live
        (step,) = describe(logprobs, torch.tensor([token], device=logprobs.device))
        self._live = [_Hypothesis(0.0, (*begun.steps, step), begun.given + 1)]
        if last or token == self._vocabulary.end:
            self._complete, self.done = self._live, True

    def advance(self, logprobs: Tensor, *, last: bool) -> None:
        """Take the rows' log probabilities (B, V) of the next token; `last` if there is none after it."""
        live = logprobs[: len(self._live)]  # the rest is padding
        vocabulary = live.shape[1]
        totals = live + live.new_tensor([hypothesis.total for hypothesis in self._live])[:, None]
        best, places = totals.flatten().topk(min(2 * self._beams, totals.numel()))
        parents = (places // vocabulary).tolist()
        steps = describe(live[places // vocabulary], places % vocabulary)
        continued: list[_Hypothesis] = []
        self.rows = []
        for rank, (total, parent, step) in enumerate(zip(best.tolist(), parents, steps, strict=True)):
            hypothesis = _Hypothesis(total, (*self._live[parent].steps, step), self._live[parent].given)
            if step.chosen != self._vocabulary.end:
                if len(continued) < self._beams:
                    continued.append(hypothesis)
                    self.rows.append(parent)
            elif rank < self._beams:
                self._complete.append(hypothesis)
        self._live = continued
        if last:
            self._complete += continued
        self._complete = sorted(self._complete, key=lambda each: each.mean, reverse=True)[: self._beams]
        self.done = last or not continued or self._cannot_improve()

    def padded_rows(self, width: int) -> list[int]:
        """`rows` filled up to `width`: the rows of all pictures must be equally many."""
        return self.rows + [self.rows[0]] * (width - len(self.rows))

    def last_tokens(self, width: int) -> list[int]:
        """The token to feed to each of `padded_rows`."""
        tokens = [hypothesis.steps[-1].chosen for hypothesis in self._live]
        return tokens + [tokens[0]] * (width - len(tokens))

    def report(self, elapsed: float) -> Iterator[Token | Draft | Finished]:
        """A draft if the best caption changed; once done, the tokens and the end."""
        best = max(self._complete + ([] if self.done else self._live), key=lambda each: each.mean)
        stream = self._vocabulary.stream()
        tokens = tuple(step.token(self._picture, position, stream) for position, step in enumerate(best.steps))
        text = "".join(token.text for token in tokens)
        self._first_draft_s = self._first_draft_s or elapsed
        if self.done:
            yield from tokens
            yield Finished(self._picture, tokens, self._first_draft_s, elapsed)
        elif text != self._draft:
            self._draft = text
            yield Draft(self._picture, text)

    def _cannot_improve(self) -> bool:
        best_live = max(hypothesis.mean for hypothesis in self._live)
        return len(self._complete) == self._beams and best_live <= self._complete[-1].mean

"""From next-token logits to captions: greedy decoding and sampling, for any model; beam search is in `beams.py`.

Shapes: P pictures, one row for each, R rows still going on, T tokens fed at once, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from cocadesk.engine.beams import beam_search
from cocadesk.engine.drafts import Drafts
from cocadesk.engine.next_token import (
    Candidates,
    Decoder,
    Finished,
    LookaheadDecoder,
    Stopwatch,
    TextStream,
    Vocabulary,
    describe,
)
from cocadesk.types import CancelToken, CaptionOptions, Draft, Token


def decode(
    decoder: Decoder,
    vocabulary: Vocabulary,
    options: CaptionOptions,
    *,
    pictures: Sequence[int],
    limit: int,
    cancel: CancelToken,
    drafts: Drafts | None = None,
) -> Iterator[Token | Draft | Finished]:
    """Decode captions one token at a time, all pictures together; finished ones are dropped from the batch.

    With several beams it is a search (`beams.beam_search`). With temperature 0 the likeliest token is taken. Otherwise
    the logits are divided by the temperature, cut to the top-k, then to the top-p (`filter_logits`), and a token is
    drawn. Every picture draws from a generator of its own with the same seed, so its caption does not depend on what
    else is in the batch.

    A prefix takes the place of what would have been chosen, and nothing else: random numbers are drawn for its tokens
    as well. So a caption that was drawn with a seed goes on as it did from any beginning of it.

    Args:
        decoder: Of P pictures, one row each, nothing fed yet.
        pictures: What the P pictures are called in the events.
        limit: Most tokens to generate, the end token included.
        cancel: Checked before every step.
        drafts: What the model has said before; the captions are added to it. A single caption is decoded with its
            guesses where the decoder can look ahead: the same tokens, up to the rounding of float sums, in fewer steps.

    Yields:
        A `Token` as each is decoded; a `Finished` after a picture's last token.

    Raises:
        Cancelled: at the first check after `cancel` was set.
    """
    if options.beams > 1:
        yield from beam_search(
            decoder,
            vocabulary,
            options.beams,
            pictures=pictures,
            limit=limit,
            cancel=cancel,
            prefix=options.prefix,
        )
        return
    rows = [_Row(picture, vocabulary.stream(), _generator(options)) for picture in pictures]
    task = _Task(vocabulary, options, limit, cancel, drafts or Drafts())
    if len(rows) == 1 and isinstance(decoder, LookaheadDecoder):
        yield from _decode_ahead(decoder, task, rows[0])
    else:
        yield from _decode_together(decoder, task, rows)


@dataclass(frozen=True, slots=True)
class _Task:
    """What the two ways of decoding share; see `decode`."""

    vocabulary: Vocabulary
    options: CaptionOptions
    limit: int
    cancel: CancelToken
    drafts: Drafts

    def is_over(self, tokens: Sequence[Token]) -> bool:
        return tokens[-1].id == self.vocabulary.end or len(tokens) == self.limit

    def choose(self, logits: Tensor, position: int, generators: Sequence[torch.Generator]) -> Tensor:
        """The token of every row at that position: logits (R, V) give token numbers (R,)."""
        chosen = choose(logits, self.options, generators)
        prefix = self.options.prefix
        return torch.full_like(chosen, prefix[position]) if position < len(prefix) else chosen

    def learn(self, text: Sequence[int], count: int) -> None:
        """Note what the last `count` tokens of a text followed, where the model chose them itself."""
        self.drafts.learn(text, min(count, max(0, len(text) - 1 - len(self.options.prefix))))


def _decode_together(decoder: Decoder, task: _Task, rows: list[_Row]) -> Iterator[Token | Finished]:
    """Decode one token of every row at a step."""
    watch = Stopwatch()
    tokens = torch.full((len(rows), 1), task.vocabulary.start, device=decoder.device)
    while rows:
        task.cancel.check()
        watch.start()
        logits = decoder.step(tokens)[:, 0].float()
        chosen = task.choose(logits, len(rows[0].tokens), [row.generator for row in rows])
        for row, candidates in zip(rows, describe(logits.log_softmax(-1), chosen), strict=True):
            row.add(candidates)
        going_on = [number for number, row in enumerate(rows) if not task.is_over(row.tokens)]
        if going_on and len(going_on) < len(rows):
            kept = torch.tensor(going_on, device=decoder.device)
            decoder.select(kept[:, None])
            chosen = chosen[kept]
        elapsed = watch.stop()
        for row in rows:
            yield row.report(row.tokens[-1], elapsed)
            if task.is_over(row.tokens):
                task.learn([task.vocabulary.start, *(token.id for token in row.tokens)], len(row.tokens))
                yield row.finish(elapsed)
        rows = [rows[number] for number in going_on]
        tokens = chosen[:, None]


def _decode_ahead(decoder: LookaheadDecoder, task: _Task, row: _Row) -> Iterator[Token | Finished]:
    """Decode a single row; a step feeds the last token and a guess at those behind it, the first step the prefix.

    As long as the token that is chosen is the one that was guessed, the logits behind it are those of the text, and
    the next is chosen from them; the rest of a wrong guess is taken back. A guess that was right all through makes the
    next one longer, a wrong one makes it short again.
    """
    watch = Stopwatch()
    text = [task.vocabulary.start]
    reach = 1
    while not (row.tokens and task.is_over(row.tokens)):
        task.cancel.check()
        watch.start()
        room = min(reach, decoder.lookahead - 1, task.limit - len(text))
        begun = len(row.tokens) > 0
        # The first word must not wait for others; those of a prefix are no guesses.
        guess = task.drafts.propose(text, room) if begun else list(task.options.prefix[: task.limit - 1])
        guess += text[-1:] * min(decoder.least - 1 - len(guess), room)  # a guess for nothing: the word once more
        fed = torch.tensor([text[-1], *guess], device=decoder.device)
        logits = decoder.step_ahead(fed).float()
        new: list[Token] = []
        for at, guessed in zip(torch.split(logits, 1), [*guess, None], strict=True):
            chosen = task.choose(at, len(row.tokens), [row.generator])
            (candidates,) = describe(at.log_softmax(-1), chosen)
            new.append(row.add(candidates))
            text.append(candidates.chosen)
            if task.is_over(row.tokens) or candidates.chosen != guessed:
                break
        task.learn(text, len(new))
        decoder.rewind(len(fed) - len(new))
        reach = 2 * reach + 1 if begun and len(new) == len(fed) > 1 else 1
        elapsed = watch.stop()
        for token in new:
            yield row.report(token, elapsed)
    yield row.finish(elapsed)


def choose(logits: Tensor, options: CaptionOptions, generators: Sequence[torch.Generator]) -> Tensor:
    """The next token of every row: logits (R, V) and a CPU generator per row give token numbers (R,)."""
    if not options.temperature:
        return logits.argmax(-1)
    # Nothing overflows where the largest logit is 0 and the temperature no smaller than float32 can tell from 0.
    logits = logits - logits.amax(-1, keepdim=True)
    temperature = max(options.temperature, torch.finfo(logits.dtype).tiny)
    kept, numbers = filter_logits(logits / temperature, options.top_k, options.top_p)
    probabilities = kept.softmax(-1).cpu()
    drawn = [torch.multinomial(row, 1, generator=each) for row, each in zip(probabilities, generators, strict=True)]
    return numbers.gather(-1, torch.stack(drawn).to(numbers.device))[:, 0]


def filter_logits(logits: Tensor, top_k: int, top_p: float | None) -> tuple[Tensor, Tensor]:
    """The tokens that may be drawn.

    Args:
        logits: (R, V), already divided by the temperature.
        top_k: Keep this many of the likeliest (Fan et al. 2018, arXiv:1805.04833).
        top_p: Of these, keep the fewest whose probabilities sum to at least this, the likeliest always included
            (Holtzman et al. 2020, arXiv:1904.09751); None for all.

    Returns:
        Logits, falling, -inf for those that top-p drops, and their token numbers, both (R, min(k, V)).
    """
    kept, numbers = logits.topk(min(top_k, logits.shape[-1]), dim=-1)
    if top_p is not None:
        probabilities = kept.softmax(-1)
        before = probabilities.cumsum(-1) - probabilities
        dropped = before >= top_p
        dropped[:, 0] = False
        kept = kept.masked_fill(dropped, float("-inf"))
    return kept, numbers


@dataclass(slots=True)
class _Row:
    """A caption in the making."""

    picture: int
    stream: TextStream
    generator: torch.Generator
    tokens: list[Token] = field(default_factory=list)
    first_token_s: float = 0.0

    def add(self, candidates: Candidates) -> Token:
        """Append the chosen token."""
        token = candidates.token(self.picture, len(self.tokens), self.stream)
        self.tokens.append(token)
        return token

    def report(self, token: Token, elapsed: float) -> Token:
        """The token, which was there after so many seconds."""
        self.first_token_s = self.first_token_s or elapsed
        return token

    def finish(self, elapsed: float) -> Finished:
        return Finished(self.picture, tuple(self.tokens), self.first_token_s, elapsed)


def _generator(options: CaptionOptions) -> torch.Generator:
    generator = torch.Generator()
    if options.seed is None:
        generator.seed()
    else:
        generator.manual_seed(options.seed)
    return generator

"""From next-token logits to captions: greedy decoding and sampling, for any model; beam search is in `beams.py`.

Shapes: P pictures, one row for each, R rows still going on, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from cocadesk.engine.beams import beam_search
from cocadesk.engine.next_token import Decoder, Finished, Stopwatch, TextStream, Vocabulary, describe
from cocadesk.types import CancelToken, CaptionOptions, Draft, Token


def decode(
    decoder: Decoder,
    vocabulary: Vocabulary,
    options: CaptionOptions,
    *,
    pictures: Sequence[int],
    limit: int,
    cancel: CancelToken,
) -> Iterator[Token | Draft | Finished]:
    """Decode captions one token at a time, all pictures together; finished ones are dropped from the batch.

    With several beams it is a search (`beams.beam_search`). With temperature 0 the likeliest token is taken. Otherwise
    the logits are divided by the temperature, cut to the top-k, then to the top-p (`filter_logits`), and a token is
    drawn. Every picture draws from a generator of its own with the same seed, so its caption does not depend on what
    else is in the batch.

    Args:
        decoder: Of P pictures, one row each, nothing fed yet.
        pictures: What the P pictures are called in the events.
        limit: Most tokens to generate, the end token included.
        cancel: Checked before every token.

    Yields:
        A `Token` as each is decoded; a `Finished` after a picture's last token.

    Raises:
        Cancelled: at the first check after `cancel` was set.
    """
    if options.beams > 1:
        yield from beam_search(decoder, vocabulary, options.beams, pictures=pictures, limit=limit, cancel=cancel)
        return
    watch = Stopwatch()
    rows = [_Row(picture, vocabulary.stream(), _generator(options)) for picture in pictures]
    tokens = torch.full((len(pictures), 1), vocabulary.start, device=decoder.device)
    for position in range(limit):
        cancel.check()
        watch.start()
        logits = decoder.step(tokens)[:, 0].float()
        chosen = choose(logits, options, [row.generator for row in rows])
        for row, candidates in zip(rows, describe(logits.log_softmax(-1), chosen), strict=True):
            row.tokens.append(candidates.token(row.picture, position, row.stream))
        ended = [row.tokens[-1].id == vocabulary.end or position == limit - 1 for row in rows]
        going_on = [number for number, over in enumerate(ended) if not over]
        if going_on and len(going_on) < len(rows):
            kept = torch.tensor(going_on, device=decoder.device)
            decoder.select(kept[:, None])
            chosen = chosen[kept]
        elapsed = watch.stop()
        for row, over in zip(rows, ended, strict=True):
            row.first_token_s = row.first_token_s or elapsed
            yield row.tokens[-1]
            if over:
                yield Finished(row.picture, tuple(row.tokens), row.first_token_s, elapsed)
        rows = [rows[number] for number in going_on]
        if not rows:
            return
        tokens = chosen[:, None]


def choose(logits: Tensor, options: CaptionOptions, generators: Sequence[torch.Generator]) -> Tensor:
    """The next token of every row: logits (R, V) and a CPU generator per row give token numbers (R,)."""
    if options.temperature == 0:
        return logits.argmax(-1)
    kept, numbers = filter_logits(logits / options.temperature, options.top_k, options.top_p)
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


def _generator(options: CaptionOptions) -> torch.Generator:
    generator = torch.Generator()
    if options.seed is None:
        generator.seed()
    else:
        generator.manual_seed(options.seed)
    return generator

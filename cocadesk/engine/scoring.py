"""How likely a model finds a given text: each token's probability, given those before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from cocadesk.engine.next_token import LookaheadDecoder, Vocabulary, describe
from cocadesk.errors import OptionError
from cocadesk.types import CancelToken, Token


def score_tokens(
    decoder: LookaheadDecoder, vocabulary: Vocabulary, tokens: Sequence[int], cancel: CancelToken
) -> tuple[Token, ...]:
    """Each token's log probability and the likeliest others, from one pass of all of them (teacher forcing).

    Args:
        decoder: Of one picture or question, one row, nothing fed yet; it is closed.
        tokens: Behind the start token, at least one.
        cancel: Checked before the pass.

    Raises:
        Cancelled: if `cancel` was set.
    """
    try:
        cancel.check()
        fed = torch.tensor([vocabulary.start, *tokens[:-1]], device=decoder.device)
        logprobs = decoder.step_ahead(fed).float().log_softmax(-1)
        scored = describe(logprobs, torch.tensor(tokens, device=logprobs.device))
    finally:
        decoder.close()
    stream = vocabulary.stream()
    return tuple(candidates.token(0, place, stream) for place, candidates in enumerate(scored))


def require_scorable(tokens: Sequence[int], *, model: str, vocabulary: Vocabulary, size: int, context: int) -> None:
    """Raise `OptionError` unless a text of these tokens can be scored: see `require_known`."""
    if not tokens:
        raise OptionError("There is no token whose probability could be told: give at least one.")
    require_known(tokens, model=model, vocabulary=vocabulary, size=size)
    if len(tokens) > context:
        raise OptionError(f"The text has {len(tokens)} tokens, but {model} writes at most {context}.")


def require_known(tokens: Sequence[int], *, model: str, vocabulary: Vocabulary, size: int) -> None:
    """Raise `OptionError` if a model's vocabulary of that size lacks a token, or something stands behind the end."""
    unknown = [token for token in tokens if not 0 <= token < size]
    if unknown:
        raise OptionError(f"{model} has no token {unknown[0]}: its vocabulary goes from 0 to {size - 1}.")
    if vocabulary.end in tokens[:-1]:
        raise OptionError("Nothing can stand behind the end token: it may only be the last.")

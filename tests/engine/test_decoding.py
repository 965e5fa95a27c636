"""Greedy decoding and sampling on logits from a table."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import TopKLogitsWarper, TopPLogitsWarper

from cocadesk.engine.decoding import decode, filter_logits
from cocadesk.engine.next_token import Finished
from cocadesk.errors import Cancelled
from cocadesk.types import CancelToken, CaptionOptions, Draft, Token
from tests.engine.table_decoder import Letters, TableDecoder, random_logits

SIZE = 11


def run(
    options: CaptionOptions, *, pictures: int = 1, limit: int = 12, seed: int = 8, only: int | None = None
) -> list[Token | Draft | Finished]:
    logits = random_logits(seed, SIZE)
    decoder = TableDecoder(pictures, logits if only is None else lambda _, prefix: logits(only, prefix))
    names = range(pictures)
    return list(decode(decoder, Letters(SIZE), options, pictures=names, limit=limit, cancel=CancelToken()))


def captions(events: list[Token | Draft | Finished]) -> list[list[int]]:
    finished = sorted((event for event in events if isinstance(event, Finished)), key=lambda event: event.picture)
    return [[token.id for token in event.tokens] for event in finished]


def test_greedy_takes_the_likeliest_token_each_time() -> None:
    letters, logits = Letters(SIZE), random_logits(8, SIZE)
    expected: list[int] = []
    while len(expected) < 12 and (not expected or expected[-1] != letters.end):
        expected.append(int(logits(0, (letters.start, *expected)).argmax()))

    assert captions(run(CaptionOptions())) == [expected]


def test_tokens_tell_the_models_own_probability_and_the_five_likeliest() -> None:
    logits = random_logits(8, SIZE)
    prefix = [Letters(SIZE).start]
    for event in run(CaptionOptions(temperature=3.0, top_k=4, seed=1)):
        if isinstance(event, Token):
            logprobs = logits(0, tuple(prefix)).log_softmax(-1)
            best = logprobs.sort(descending=True)
            assert event.logprob == pytest.approx(logprobs[event.id].item(), abs=1e-6)
            assert [each.id for each in event.alternatives] == best.indices[:5].tolist()
            assert [each.logprob for each in event.alternatives] == pytest.approx(best.values[:5].tolist(), abs=1e-6)
            assert event.alternatives[0].text == Letters(SIZE).add(event.alternatives[0].id)
            prefix.append(event.id)
    assert len(prefix) > 3


def test_the_end_token_is_told_but_not_written() -> None:
    finished = next(event for event in run(CaptionOptions(), limit=60) if isinstance(event, Finished))

    assert finished.tokens[-1].id == Letters(SIZE).end
    assert finished.tokens[-1].text == ""
    assert finished.caption == "".join(token.text for token in finished.tokens[:-1])


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_tokens_than_asked(limit: int) -> None:
    assert [len(caption) for caption in captions(run(CaptionOptions(), limit=limit, pictures=3))] == [limit] * 3


@pytest.mark.parametrize(
    "options",
    [CaptionOptions(), CaptionOptions(temperature=1.0, seed=4), CaptionOptions(temperature=2.0, top_p=0.8, seed=9)],
    ids=["greedy", "top-k", "top-p"],
)
def test_a_picture_is_captioned_alike_alone_and_in_a_batch(options: CaptionOptions) -> None:
    together = captions(run(options, pictures=6, limit=20))

    assert together == [captions(run(options, limit=20, only=picture))[0] for picture in range(6)]
    assert len({len(caption) for caption in together}) > 2, "the captions should end at different steps"


def test_all_pictures_advance_together_and_a_finished_one_ends_at_once() -> None:
    events = run(CaptionOptions(), pictures=6, limit=20)

    positions = [event.position for event in events if isinstance(event, Token)]
    assert positions == sorted(positions)
    for index, event in enumerate(events):
        if isinstance(event, Finished):
            assert events[index - 1] == event.tokens[-1]


@pytest.mark.parametrize("temperature", [1e-20, 1e-40, 1e-60])
def test_a_temperature_of_next_to_nothing_takes_the_likeliest(temperature: float) -> None:
    options = CaptionOptions(temperature=temperature, top_p=0.9, seed=1)

    assert captions(run(options, pictures=3)) == captions(run(CaptionOptions(), pictures=3))


def test_a_seed_repeats_and_another_differs() -> None:
    def sample(seed: int | None) -> list[list[int]]:
        return captions(run(CaptionOptions(temperature=1.5, seed=seed), pictures=4, limit=30))

    assert sample(7) == sample(7)
    assert sample(7) != sample(8)
    assert sample(None) != sample(None)


def test_sampling_follows_the_probabilities() -> None:
    """The share of each first token over many seeds is its probability at that temperature, within 4 σ."""
    draws, temperature = 2000, 1.7
    probabilities = (random_logits(8, SIZE)(0, (Letters(SIZE).start,)) / temperature).softmax(-1)
    counts = torch.zeros(SIZE)
    for seed in range(draws):
        counts[captions(run(CaptionOptions(temperature=temperature, seed=seed), limit=1))[0][0]] += 1

    for share, probability in zip((counts / draws).tolist(), probabilities.tolist(), strict=True):
        assert abs(share - probability) < 4 * math.sqrt(probability * (1 - probability) / draws) + 1 / draws


def warped(logits: torch.Tensor, top_k: int, top_p: float | None) -> torch.Tensor:
    """`filter_logits` in the form of transformers' warpers: -inf for what is dropped."""
    kept, numbers = filter_logits(logits, top_k, top_p)
    return torch.full_like(logits, float("-inf")).scatter(-1, numbers, kept)


@pytest.mark.parametrize("top_k", [1, 5, 100, 1000])
def test_top_k_agrees_with_transformers(top_k: int) -> None:
    logits = torch.randn((8, 300), generator=torch.Generator().manual_seed(0))

    assert torch.equal(warped(logits, top_k, None), TopKLogitsWarper(top_k)(None, logits.clone()))


@pytest.mark.parametrize("top_p", [0.01, 0.3, 0.9, 0.999])
def test_top_p_agrees_with_transformers(top_p: float) -> None:
    logits = 3 * torch.randn((8, 300), generator=torch.Generator().manual_seed(1))

    ours = warped(logits, 300, top_p)

    assert torch.equal(ours, TopPLogitsWarper(top_p)(None, logits.clone()))
    assert ours.isinf().any()


def test_top_p_counts_within_the_top_k() -> None:
    logits = 2 * torch.randn((8, 300), generator=torch.Generator().manual_seed(2))

    expected = TopPLogitsWarper(0.7)(None, TopKLogitsWarper(20)(None, logits.clone()))

    assert torch.equal(warped(logits, 20, 0.7), expected)


@pytest.mark.parametrize("beams", [1, 3])
def test_cancelling_stops_before_the_next_token(beams: int) -> None:
    decoder = TableDecoder(1, random_logits(8, SIZE))
    cancel = CancelToken()
    events = decode(decoder, Letters(SIZE), CaptionOptions(beams=beams), pictures=[0], limit=12, cancel=cancel)
    next(events)
    cancel.cancel()

    with pytest.raises(Cancelled):
        list(events)
    assert len(decoder.steps) == 1

"""Which attention states a captioner keeps, and the comparison of decoding with and without them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from cocadesk import engine
from cocadesk.engine.blip import BlipCaptionModel
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.coca_decoder import CachedDecoder, UncachedDecoder
from cocadesk.engine.drafts import Drafts
from cocadesk.errors import Cancelled, OptionError
from cocadesk.types import (
    CacheComparison,
    CancelToken,
    CaptionOptions,
    CaptionResult,
    Clip,
    DecodingProgress,
    Picture,
)
from tests.engine import blip_models, reference
from tests.engine.blip_models import captioner

__all__ = ["captioner"]

Captioner = CocaModel | BlipCaptionModel


@pytest.fixture(params=["coca", "blip"])
def model(request: pytest.FixtureRequest) -> Captioner:
    """A small captioner of each kind."""
    found: Captioner = request.getfixturevalue("tiny" if request.param == "coca" else "captioner")
    return found


def greedy(model: Captioner, given: Picture | Clip, options: CaptionOptions | None = None) -> CaptionResult:
    *_, result = model.caption(given, options or CaptionOptions(temperature=0))
    assert isinstance(result, CaptionResult)
    return result


def test_a_coca_keeps_states_of_text_decoder_and_picture(tiny: CocaModel, pictures: list[Picture]) -> None:
    found = tiny.states(pictures[0])

    result = greedy(tiny, pictures[0])
    assert len(result.tokens) > 1
    assert (found.caption, found.tokens, found.model, found.dtype) == (
        result.caption,
        len(result.tokens),
        "tiny-coca",
        "float32",
    )
    # 2 layers of the text tower, 3 of the decoder, each with 3 heads of 16; a caption has room for its context of 14
    # tokens; of the pooler's 7 queries the first makes the picture's embedding.
    shapes = {f"text.{layer}.{kind}": (1, 3, 14, 16) for layer in range(2) for kind in ("keys", "values")}
    shapes |= {f"decoder.{layer}.{kind}": (1, 3, 14, 16) for layer in range(3) for kind in ("keys", "values")}
    shapes |= {f"image.{layer}.{kind}": (1, 3, 6, 16) for layer in range(3) for kind in ("keys", "values")}
    assert {array.name: array.shape for array in found.arrays} == shapes
    assert shapes == tiny.cache_shapes()
    for array in found.arrays:
        part, layer, _ = array.name.split(".")
        assert (array.part, array.layer) == (part, int(layer))
        assert array.bytes == 4 * torch.Size(array.shape).numel()
    assert found.total_bytes == 4 * 16 * 3 * (2 * 5 * 14 + 2 * 3 * 6)


def test_a_blip_keeps_states_of_decoder_and_picture(captioner: BlipCaptionModel, pictures: list[Picture]) -> None:
    found = captioner.states(pictures[0], options=CaptionOptions(max_tokens=9))

    expected = {f"decoder.{layer}.{kind}": (1, 3, 9, 16) for layer in range(3) for kind in ("keys", "values")}
    expected |= {f"image.{layer}.{kind}": (1, 3, 10, 16) for layer in range(3) for kind in ("keys", "values")}
    assert {array.name: array.shape for array in found.arrays} == expected
    assert found.total_bytes == sum(4 * torch.Size(shape).numel() for shape in expected.values())
    assert found.caption == greedy(captioner, pictures[0], CaptionOptions(max_tokens=9)).caption


def test_8_bit_weights_keep_float32_states_of_the_tokens_so_far(
    bundle: Callable[..., Path], pictures: list[Picture]
) -> None:
    bundle()
    model = engine.load("tiny-coca", device="cpu", dtype="int8")
    assert isinstance(model, CocaModel)

    found = model.states(pictures[0])

    exact = {array.name: array.shape for array in engine.load("tiny-coca", device="cpu").states(pictures[0]).arrays}
    for array in found.arrays:
        rows, heads, tokens, width = exact[array.name]
        room = tokens if array.part == "image" else found.tokens
        assert array.shape == (rows, heads, room, width)
        assert array.bytes == 4 * torch.Size(array.shape).numel()
    assert len(found.arrays) == len(exact)
    assert found.dtype == "float32"


def test_states_of_the_other_ways_of_decoding(model: Captioner, pictures: list[Picture]) -> None:
    uncached = model.states(pictures[0], options=CaptionOptions(cached=False))
    searched = model.states(pictures[0], options=CaptionOptions(beams=3, max_tokens=4))

    assert uncached.arrays == ()
    assert uncached.total_bytes == 0
    assert uncached.caption == greedy(model, pictures[0]).caption
    assert {array.shape[0] for array in searched.arrays if array.part == "decoder"} == {3}
    assert {array.shape[0] for array in searched.arrays if array.part == "image"} == {1}


def test_a_clip_keeps_as_much_as_a_picture(model: Captioner, pictures: list[Picture]) -> None:
    clip = Clip("clip", (pictures[0], Picture("other", pictures[0].pixels[::-1].copy())), (0, 1))

    assert model.states(clip).arrays == model.states(pictures[0]).arrays


def test_all_ways_of_decoding_give_the_same_caption(model: Captioner, pictures: list[Picture]) -> None:
    expected = greedy(model, pictures[0], CaptionOptions(temperature=0, max_tokens=10))
    *events, comparison = model.compare_cached(pictures[0], CaptionOptions(temperature=0, max_tokens=10))

    assert isinstance(comparison, CacheComparison)
    assert comparison.model == model.name
    assert [each.way for each in comparison.timed] == ["cached", "guesses", "uncached"]
    assert comparison.same_tokens
    count = len(expected.tokens)
    for each in comparison.timed:
        assert [token.id for token in each.tokens] == [token.id for token in expected.tokens]
        assert len(each.seconds) == count
        assert all(seconds > 0 for seconds in each.seconds)
        assert each.seconds_per_token == pytest.approx(sum(each.seconds) / count)
    assert events == [DecodingProgress(each.way, done, 10) for each in comparison.timed for done in range(1, count + 1)]


def test_drawn_captions_are_compared_with_the_same_random_numbers(model: Captioner, pictures: list[Picture]) -> None:
    *_, comparison = model.compare_cached(pictures[0], CaptionOptions(temperature=1.0, max_tokens=10))

    assert isinstance(comparison, CacheComparison)
    assert comparison.same_tokens
    assert [token.id for token in comparison.timed[0].tokens] == [
        token.id for token in greedy(model, pictures[0], CaptionOptions(temperature=1.0, max_tokens=10, seed=0)).tokens
    ]


def test_what_differs_is_told(model: Captioner, pictures: list[Picture]) -> None:
    *_, comparison = model.compare_cached(pictures[0], CaptionOptions(temperature=0, max_tokens=6))
    assert isinstance(comparison, CacheComparison)
    first, *others = comparison.timed
    shorter = type(first)(first.way, first.tokens[:-1], first.seconds[:-1])

    assert not CacheComparison((shorter, *others), model.name).same_tokens


def test_the_guesses_are_the_models_own_and_stay_as_they_are(
    tiny: CocaModel, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = [token.id for token in greedy(tiny, pictures[0]).tokens]
    tiny.drafts = Drafts()
    tiny.drafts.learn([tiny.tokenizer.start, *tokens], len(tokens))
    known = tiny.drafts.propose([tiny.tokenizer.start], 5)
    steps = {CachedDecoder: 0, UncachedDecoder: 0}
    fed: list[int] = []
    step_ahead, step = CachedDecoder.step_ahead, UncachedDecoder.step

    def ahead(decoder: CachedDecoder, given: torch.Tensor) -> torch.Tensor:
        steps[CachedDecoder] += 1
        fed.append(len(given))
        return step_ahead(decoder, given)

    def alone(decoder: UncachedDecoder, given: torch.Tensor) -> torch.Tensor:
        steps[UncachedDecoder] += 1
        return step(decoder, given)

    monkeypatch.setattr(CachedDecoder, "step_ahead", ahead)
    monkeypatch.setattr(UncachedDecoder, "step", alone)
    *_, comparison = tiny.compare_cached(pictures[0])

    assert isinstance(comparison, CacheComparison)
    assert steps[UncachedDecoder] == 2 + len(tokens), "two to warm up"
    assert fed[: 2 + len(tokens)] == [1] * (2 + len(tokens)), "without guesses one token at a time"
    assert max(fed) > 1
    assert steps[CachedDecoder] < 2 * (2 + len(tokens))
    assert tiny.drafts.propose([tiny.tokenizer.start], 5) == known


def test_a_clip_is_compared_at_its_own_temperature(model: Captioner, pictures: list[Picture]) -> None:
    clip = Clip("clip", (pictures[0], pictures[1]), (0, 1))

    *_, comparison = model.compare_cached(clip)

    assert isinstance(comparison, CacheComparison)
    assert [token.id for token in comparison.timed[0].tokens] == [
        token.id for token in greedy(model, clip, CaptionOptions(seed=0)).tokens
    ]


def test_a_comparison_goes_on_from_a_beginning(model: Captioner, pictures: list[Picture]) -> None:
    *_, comparison = model.compare_cached(pictures[0], CaptionOptions(max_tokens=8, prefix=(5, 9, 6)))

    assert isinstance(comparison, CacheComparison)
    assert comparison.same_tokens
    assert [token.id for token in comparison.timed[0].tokens][:3] == [5, 9, 6]


def test_a_beam_search_cannot_be_timed_token_by_token(model: Captioner, pictures: list[Picture]) -> None:
    with pytest.raises(OptionError, match="use one beam"):
        list(model.compare_cached(pictures[0], CaptionOptions(beams=2)))


def test_cancelling_stops_between_tokens(model: Captioner, pictures: list[Picture]) -> None:
    cancel = CancelToken()
    events = model.compare_cached(pictures[0], cancel=cancel)
    next(events)
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(events)
    with pytest.raises(Cancelled):
        model.states(pictures[0], cancel)


def test_a_cocas_comparison_agrees_with_open_clip(tiny: CocaModel, pictures: list[Picture]) -> None:
    *_, comparison = tiny.compare_cached(pictures[2])
    encoding = tiny.encode_image(pictures[2])
    expected = reference.argmax_loop(
        tiny.module, (encoding.embedding, encoding.tokens), tiny.tokenizer.start, tiny.tokenizer.end, 14
    )

    assert isinstance(comparison, CacheComparison)
    assert [token.id for token in comparison.timed[2].tokens] == expected


def test_a_blips_comparison_agrees_with_transformers(captioner: BlipCaptionModel, pictures: list[Picture]) -> None:
    *_, comparison = captioner.compare_cached(pictures[2], CaptionOptions(max_tokens=9))

    assert isinstance(comparison, CacheComparison)
    assert [token.id for token in comparison.timed[2].tokens] == blip_models.generate(captioner, pictures[2], 9)

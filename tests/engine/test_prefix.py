"""Captions that begin with given tokens: those are told with the model's own probabilities, then it goes on by itself.

What a caption goes on with is compared with an argmax loop over the library's own forward, from the same beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from cocadesk import engine
from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.blip import BlipCaptionModel
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.coca_decoder import CachedDecoder
from cocadesk.engine.decoding import decode
from cocadesk.engine.drafts import Drafts
from cocadesk.engine.next_token import Finished
from cocadesk.errors import OptionError
from cocadesk.types import CancelToken, CaptionOptions, CaptionResult, Clip, Draft, Picture, Token
from tests.engine import blip_models, reference
from tests.engine.blip_models import captioner
from tests.engine.table_decoder import Letters, TableDecoder, random_logits

__all__ = ["captioner"]

Captioner = CocaModel | BlipCaptionModel
FORCED = (5, 9, 0)
"""No picture's own beginning; in CoCa's vocabulary 0 is the padding's number, which hides a key."""
TOLERANCE = 1e-4


@pytest.fixture(params=["coca", "blip"])
def model(request: pytest.FixtureRequest) -> Captioner:
    """A small captioner of each kind."""
    found: Captioner = request.getfixturevalue("tiny" if request.param == "coca" else "captioner")
    return found


def forward(model: Captioner, pictures: list[Picture]) -> Callable[[Sequence[int]], Tensor]:
    """The library's own logits for one picture, given the tokens behind the start token: (tokens + 1, V)."""
    start = model.tokenizer.start
    if isinstance(model, CocaModel):
        encoding = model.encode_image(pictures)  # of the frames of a clip, the decoder reads the tokens' mean
        image = encoding.embedding[:1], encoding.tokens.mean(0, keepdim=True)
        return lambda tokens: reference.logits(model.module, image, torch.tensor([[start, *tokens]]))[0]
    source = blip_models.features(model, pictures).mean(0, keepdim=True)
    return lambda tokens: blip_models.logits(model, source, torch.tensor([[start, *tokens]]))[0]


def argmax_loop(
    logits: Callable[[Sequence[int]], Tensor], prefix: Sequence[int], end: int, limit: int
) -> tuple[list[int], Tensor]:
    """The likeliest token each time after the prefix; and the log probabilities at every place, (tokens, V)."""
    tokens = list(prefix)
    while len(tokens) < limit and (not tokens or tokens[-1] != end):
        tokens.append(int(logits(tokens)[-1].argmax()))
    return tokens, logits(tokens[:-1]).log_softmax(-1)


def last(model: Captioner, given: Picture | Clip, options: CaptionOptions) -> CaptionResult:
    *events, result = model.caption(given, options)
    assert isinstance(result, CaptionResult)
    assert [event for event in events if isinstance(event, Token)] == list(result.tokens)
    return result


def numbers(result: CaptionResult) -> list[int]:
    return [token.id for token in result.tokens]


@pytest.mark.parametrize("cached", [True, False], ids=["cached", "uncached"])
def test_a_caption_goes_on_from_its_beginning(model: Captioner, pictures: list[Picture], cached: bool) -> None:
    end, limit = model.tokenizer.end, 10
    captions = []
    for picture in pictures:
        logits = forward(model, [picture])
        expected, logprobs = argmax_loop(logits, FORCED, end, limit)
        for _ in range(2):  # the second time with what was said the first time as a guess
            result = last(model, picture, CaptionOptions(max_tokens=limit, cached=cached, prefix=FORCED))
            assert numbers(result) == expected
            for place, token in enumerate(result.tokens):
                assert token.position == place
                assert token.logprob == pytest.approx(logprobs[place, token.id].item(), abs=TOLERANCE)
                best = logprobs[place].topk(5)
                assert [each.logprob for each in token.alternatives] == pytest.approx(best.values.tolist(), abs=1e-4)
        assert numbers(last(model, picture, CaptionOptions(max_tokens=limit)))[:3] != list(FORCED)
        captions.append(tuple(expected))
    assert len(set(captions)) > 1, "the picture should matter to what follows"
    assert any(len(caption) > len(FORCED) + 1 for caption in captions)


def test_a_clip_goes_on_from_its_beginning(model: Captioner, pictures: list[Picture]) -> None:
    frames = [pictures[0], Picture("other", pictures[0].pixels[::-1].copy())]
    expected, _ = argmax_loop(forward(model, frames), FORCED, model.tokenizer.end, 10)
    clip = Clip("clip", tuple(frames), (0, 1))

    assert numbers(last(model, clip, CaptionOptions(temperature=0, max_tokens=10, prefix=FORCED))) == expected


def test_a_beginning_counts_towards_the_most_tokens(model: Captioner, pictures: list[Picture]) -> None:
    for options in (CaptionOptions(), CaptionOptions(cached=False), CaptionOptions(beams=2)):
        for more in (0, 1):
            result = last(model, pictures[0], replace(options, prefix=FORCED, max_tokens=len(FORCED) + more))
            assert numbers(result)[:3] == list(FORCED)
            assert len(result.tokens) == 3 + more
            assert result.caption == "".join(token.text for token in result.tokens).strip()


@pytest.mark.parametrize(
    "options",
    [
        CaptionOptions(prefix=FORCED),
        CaptionOptions(temperature=1.0, seed=3, prefix=FORCED),
        CaptionOptions(beams=3, prefix=FORCED),
    ],
    ids=["greedy", "sampling", "beams"],
)
def test_a_batch_begins_alike_and_goes_on_as_alone(
    model: Captioner, pictures: list[Picture], options: CaptionOptions
) -> None:
    uncached = replace(options, cached=False)
    alone = [numbers(last(model, picture, options)) for picture in pictures]

    for how in (options, uncached):
        together = [event for event in model.caption(pictures, how) if isinstance(event, CaptionResult)]
        assert [numbers(each) for each in sorted(together, key=lambda each: each.picture)] == alone
    assert all(caption[:3] == list(FORCED) for caption in alone)
    assert len({tuple(caption) for caption in alone}) > 1


def test_a_drawn_caption_goes_on_from_any_beginning_of_it_as_it_was_drawn(
    model: Captioner, pictures: list[Picture]
) -> None:
    drawn = CaptionOptions(temperature=1.0, seed=2, max_tokens=10)
    whole = next(
        numbers(result) for result in (last(model, picture, drawn) for picture in pictures) if len(result.tokens) > 6
    )
    picture = next(picture for picture in pictures if numbers(last(model, picture, drawn)) == whole)
    for count in range(1, len(whole) - 1):
        for cached in (True, False):
            options = CaptionOptions(temperature=1.0, seed=2, max_tokens=10, cached=cached, prefix=tuple(whole[:count]))
            assert numbers(last(model, picture, options)) == whole
    forced = CaptionOptions(temperature=5.0, seed=4, max_tokens=10, prefix=FORCED)
    assert numbers(last(model, picture, forced)) == numbers(last(model, picture, forced))
    assert numbers(last(model, picture, forced))[:3] == list(FORCED)


@pytest.mark.parametrize("beams", [2, 4])
def test_beams_go_on_as_transformers_go(captioner: BlipCaptionModel, pictures: list[Picture], beams: int) -> None:
    how = {"num_beams": beams, "length_penalty": 1.0, "early_stopping": False}
    differs = False
    for picture in pictures:
        source = blip_models.features(captioner, [picture])
        begun = torch.tensor([[captioner.tokenizer.start, *FORCED]])
        with torch.inference_mode():
            expected = captioner.module.text_decoder.generate(
                input_ids=begun,
                attention_mask=torch.ones_like(begun),  # or a token with the padding's number is hidden
                encoder_hidden_states=source,
                eos_token_id=captioner.tokenizer.end,
                pad_token_id=0,
                max_new_tokens=6,
                do_sample=False,
                **how,
            )[0, 1:].tolist()
        result = last(captioner, picture, CaptionOptions(beams=beams, max_tokens=9, prefix=FORCED))
        assert numbers(result) == expected
        differs |= expected != argmax_loop(forward(captioner, [picture]), FORCED, captioner.tokenizer.end, 9)[0]
        logprobs = blip_models.logits(captioner, source, torch.tensor([[captioner.tokenizer.start, *expected[:-1]]]))
        for place, token in enumerate(result.tokens):
            assert token.logprob == pytest.approx(logprobs[0, place].log_softmax(-1)[token.id].item(), abs=TOLERANCE)
    assert differs, "beams should find something else than the greedy way at least once"


def test_beams_search_all_that_can_follow() -> None:
    """A search wide enough to keep everything finds the best of all captions that begin so."""
    size, limit, prefix = 5, 4, (2, 0)
    letters, logits = Letters(size), random_logits(3, size)
    events = list(
        decode(
            TableDecoder(2, logits),
            letters,
            CaptionOptions(beams=30, prefix=prefix),
            pictures=[0, 1],
            limit=limit,
            cancel=CancelToken(),
        )
    )
    for finished in (event for event in events if isinstance(event, Finished)):
        picture = finished.picture

        def scores(text: tuple[int, ...], total: float, picture: int = picture) -> dict[tuple[int, ...], float]:
            if len(text) == limit or text[-1] == letters.end:
                return {text: total / (len(text) - len(prefix))}
            found: dict[tuple[int, ...], float] = {}
            for token, logprob in enumerate(logits(picture, (letters.start, *text)).log_softmax(-1).tolist()):
                found |= scores((*text, token), total + logprob)
            return found

        expected = scores(prefix, 0.0)
        assert tuple(token.id for token in finished.tokens) == max(expected, key=expected.__getitem__)
    assert all(event.text.startswith("c") for event in events if isinstance(event, Draft))


def test_the_whole_beginning_is_fed_at_once_and_teaches_no_guess(
    tiny: CocaModel, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[list[int]] = []
    step_ahead = CachedDecoder.step_ahead

    def noted(decoder: CachedDecoder, tokens: Tensor) -> Tensor:
        fed.append(tokens.tolist())
        return step_ahead(decoder, tokens)

    monkeypatch.setattr(CachedDecoder, "step_ahead", noted)
    tiny.drafts = Drafts()
    prefix = (5, 9, 0, 7, 11, 6)
    result = last(tiny, pictures[0], CaptionOptions(prefix=prefix))

    assert fed[0] == [tiny.tokenizer.start, *prefix]
    assert tiny.drafts.propose([tiny.tokenizer.start], 1) == []
    assert tiny.drafts.propose([5], 1) == []
    assert tiny.drafts.propose(list(prefix), 1) == numbers(result)[6:7]


def test_8_bit_weights_go_on_from_a_beginning(bundle: Callable[..., Path], pictures: list[Picture]) -> None:
    bundle()
    model = engine.load("tiny-coca", device="cpu", dtype="int8")
    assert isinstance(model, CocaModel)
    assert model.int8 is not None
    for picture in pictures:
        decoder = model.int8.decoder(model.encode_image(picture).tokens)
        start, end = model.tokenizer.start, model.tokenizer.end
        tokens: list[int] = []
        while len(tokens) < 9 and (not tokens or tokens[-1] != end):
            at = decoder.step(torch.tensor([[tokens[-1] if tokens else start]]))[0, 0]
            tokens.append(FORCED[len(tokens)] if len(tokens) < 3 else int(at.argmax()))
        assert numbers(last(model, picture, CaptionOptions(max_tokens=9, prefix=FORCED))) == tokens


def test_maps_are_recorded_for_the_beginning_as_well(model: Captioner, pictures: list[Picture]) -> None:
    options = CaptionOptions(max_tokens=8, prefix=FORCED)
    *_, result, maps = model.caption_with_attention(pictures[0], options)
    assert isinstance(result, CaptionResult)
    assert isinstance(maps, AttentionMaps)
    again = model.word_attention(pictures[0], result)

    assert numbers(result)[:3] == list(FORCED)
    assert maps.tokens == tuple(model.tokenizer.names(numbers(result)))
    assert abs(maps.weights - again.weights).max() < TOLERANCE


def test_what_no_caption_can_begin_with_is_refused(model: Captioner, pictures: list[Picture]) -> None:
    size, end, context = model.tokenizer.size, model.tokenizer.end, model.tokenizer.context
    for prefix, message in (
        ((5, size), f"no token {size}: its vocabulary goes from 0 to {size - 1}"),
        ((-1,), "token -1"),
        ((5, end, 6), "end token"),
        ((5,) * context, f"{context} tokens leaves no room"),
    ):
        options = CaptionOptions(max_tokens=context + 5, prefix=prefix)
        with pytest.raises(OptionError, match=message):
            list(model.caption(pictures[0], options))
        with pytest.raises(OptionError, match=message):
            list(model.caption_with_attention(pictures[0], options))
    with pytest.raises(OptionError, match="beginning has 3 tokens"):
        CaptionOptions(max_tokens=2, prefix=(1, 2, 3))


def test_a_beginning_with_the_end_token_is_the_whole_caption(model: Captioner, pictures: list[Picture]) -> None:
    end, context = model.tokenizer.end, model.tokenizer.context
    for prefix in ((5, 9, 0, end), (end,), (*(5 + place % 5 for place in range(context - 1)), end)):
        logprobs = forward(model, pictures[:1])(prefix[:-1]).log_softmax(-1)
        for how in (CaptionOptions(), CaptionOptions(cached=False), CaptionOptions(beams=2)):
            options = replace(how, max_tokens=context + 5, prefix=prefix)
            result = last(model, pictures[0], options)
            assert numbers(result) == list(prefix)
            for place, token in enumerate(result.tokens):
                assert token.logprob == pytest.approx(logprobs[place, token.id].item(), abs=TOLERANCE)


def test_the_longest_beginning_has_one_word_after_it(model: Captioner, pictures: list[Picture]) -> None:
    context = model.tokenizer.context
    prefix = tuple(5 + place % 5 for place in range(context - 1))
    expected, _ = argmax_loop(forward(model, pictures[:1]), prefix, model.tokenizer.end, context)

    for cached in (True, False):
        result = last(model, pictures[0], CaptionOptions(max_tokens=context + 5, cached=cached, prefix=prefix))
        assert numbers(result) == expected
        assert len(expected) == context


def test_a_text_becomes_a_beginning(model: Captioner, pictures: list[Picture]) -> None:
    tokens = model.tokenizer.encode_beginning("two green cat")

    assert [*tokens, model.tokenizer.end] == model.tokenizer.encode_caption("two green cat")
    assert last(model, pictures[0], CaptionOptions(prefix=tuple(tokens))).caption.startswith("two green cat")
    assert model.tokenizer.encode_beginning(" ") == []
    with pytest.raises(OptionError):
        model.tokenizer.encode_beginning("cat " * 50)

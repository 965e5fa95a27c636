"""Scores of given texts: each token's probability by the library's own forward over the whole text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from cocadesk import engine
from cocadesk.engine.blip import BlipCaptionModel, BlipVqaModel
from cocadesk.engine.coca import CocaModel
from cocadesk.errors import Cancelled, OptionError
from cocadesk.types import (
    AnswerResult,
    AskOptions,
    CancelToken,
    CaptionOptions,
    CaptionResult,
    Clip,
    Picture,
    Token,
)
from tests.engine import blip_models, reference
from tests.engine.blip_models import captioner, vqa

__all__ = ["captioner", "vqa"]

TOKENS = (5, 9, 0, 7, 11, 6)
"""In CoCa's vocabulary 0 is the padding's number, which hides a key."""
QUESTION = "What is on the green meadow, two cats?"
TOLERANCE = 1e-4


def check(scored: tuple[Token, ...], tokens: tuple[int, ...], logits: Tensor) -> None:
    """Against the library's logits of all places, (tokens, V)."""
    logprobs = logits.log_softmax(-1)
    assert logprobs.std() > 0.3
    assert [token.id for token in scored] == list(tokens)
    for place, token in enumerate(scored):
        best = logprobs[place].topk(5)
        assert (token.picture, token.position) == (0, place)
        assert token.logprob == pytest.approx(logprobs[place, tokens[place]].item(), abs=TOLERANCE)
        assert [each.id for each in token.alternatives] == best.indices.tolist()
        assert [each.logprob for each in token.alternatives] == pytest.approx(best.values.tolist(), abs=TOLERANCE)


def coca_logits(model: CocaModel, pictures: list[Picture], tokens: tuple[int, ...]) -> Tensor:
    encoding = model.encode_image(pictures)
    image = encoding.embedding[:1], encoding.tokens.mean(0, keepdim=True)
    return reference.logits(model.module, image, torch.tensor([[model.tokenizer.start, *tokens[:-1]]]))[0]


def blip_logits(model: blip_models.Blip, source: Tensor, tokens: tuple[int, ...]) -> Tensor:
    return blip_models.logits(model, source, torch.tensor([[model.tokenizer.start, *tokens[:-1]]]))[0]


def test_a_coca_scores_as_open_clip(tiny: CocaModel, pictures: list[Picture]) -> None:
    for picture in pictures[:3]:
        for tokens in (TOKENS, (*TOKENS, tiny.tokenizer.end), TOKENS[:1]):
            check(tiny.score(picture, tokens), tokens, coca_logits(tiny, [picture], tokens))


def test_a_blip_scores_captions_as_transformers(captioner: BlipCaptionModel, pictures: list[Picture]) -> None:
    for picture in pictures[:3]:
        source = blip_models.features(captioner, [picture])
        for tokens in (TOKENS, (*TOKENS, captioner.tokenizer.end), TOKENS[:1]):
            check(captioner.score(picture, tokens), tokens, blip_logits(captioner, source, tokens))


def test_a_blip_scores_answers_as_transformers(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    for picture in pictures[:3]:
        image = blip_models.features(vqa, [picture])
        source = blip_models.question_states(vqa, image, vqa.tokenizer.encode_question(QUESTION))
        for tokens in (TOKENS, (*TOKENS, vqa.tokenizer.end), TOKENS[:1]):
            check(vqa.score_answer(picture, QUESTION, tokens), tokens, blip_logits(vqa, source, tokens))


def test_clips_are_scored_by_the_mean_of_their_frames(
    tiny: CocaModel, captioner: BlipCaptionModel, vqa: BlipVqaModel, pictures: list[Picture]
) -> None:
    frames = [pictures[0], Picture("other", pictures[0].pixels[::-1].copy())]
    clip = Clip("clip", tuple(frames), (0, 3))
    means = [blip_models.features(model, frames).mean(0, keepdim=True) for model in (captioner, vqa)]
    states = blip_models.question_states(vqa, means[1], vqa.tokenizer.encode_question(QUESTION))

    check(tiny.score(clip, TOKENS), TOKENS, coca_logits(tiny, frames, TOKENS))
    check(captioner.score(clip, TOKENS), TOKENS, blip_logits(captioner, means[0], TOKENS))
    check(vqa.score_answer(clip, QUESTION, TOKENS), TOKENS, blip_logits(vqa, states, TOKENS))


@pytest.mark.parametrize("kind", ["tiny", "captioner"])
def test_a_caption_is_scored_as_it_was_told(request: pytest.FixtureRequest, pictures: list[Picture], kind: str) -> None:
    model: CocaModel | BlipCaptionModel = request.getfixturevalue(kind)
    *_, result = model.caption(pictures[0], CaptionOptions(temperature=2.0, seed=1, max_tokens=9))
    assert isinstance(result, CaptionResult)

    scored = model.score(pictures[0], [token.id for token in result.tokens])

    assert [(token.id, token.text) for token in scored] == [(token.id, token.text) for token in result.tokens]
    for mine, told in zip(scored, result.tokens, strict=True):
        assert mine.logprob == pytest.approx(told.logprob, abs=TOLERANCE)
    elsewhere = model.score(pictures[1], [token.id for token in result.tokens])
    assert max(abs(one.logprob - other.logprob) for one, other in zip(scored, elsewhere, strict=True)) > 0.01


def test_an_answer_is_scored_as_it_was_told(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    *_, result = vqa.ask(pictures[0], QUESTION, AskOptions(max_tokens=9))
    assert isinstance(result, AnswerResult)

    scored = vqa.score_answer(pictures[0], QUESTION, [token.id for token in result.tokens])

    assert sum(token.logprob for token in scored) == pytest.approx(result.logprob, abs=TOLERANCE)
    other = vqa.score_answer(pictures[0], "red?", [token.id for token in result.tokens])
    assert abs(sum(token.logprob for token in other) - result.logprob) > 0.01


def test_texts_are_scored_with_their_end(
    tiny: CocaModel, captioner: BlipCaptionModel, vqa: BlipVqaModel, pictures: list[Picture]
) -> None:
    for model in (tiny, captioner):
        scored = model.score(pictures[0], "two green cat")
        assert [token.id for token in scored] == model.tokenizer.encode_caption("two green cat")
        assert "".join(token.text for token in scored).strip() == "two green cat"
    for text in ("two cat", ""):
        scored = vqa.score_answer(pictures[0], QUESTION, text)
        assert "".join(token.text for token in scored) == text
        assert scored[-1].id == vqa.tokenizer.end


def test_8_bit_weights_score_as_they_caption(bundle: Callable[..., Path], pictures: list[Picture]) -> None:
    bundle()
    model = engine.load("tiny-coca", device="cpu", dtype="int8")
    assert isinstance(model, CocaModel)
    assert model.int8 is not None
    encoding = model.encode_image(pictures[0])
    fed = torch.tensor([model.tokenizer.start, *TOKENS[:-1]])
    expected = model.int8.decoder(encoding.tokens).step_ahead(fed).log_softmax(-1)

    scored = model.score(pictures[0], TOKENS)

    assert [token.logprob for token in scored] == pytest.approx(
        [expected[place, token].item() for place, token in enumerate(TOKENS)], abs=TOLERANCE
    )


def test_what_cannot_be_scored_is_refused(
    tiny: CocaModel, captioner: BlipCaptionModel, vqa: BlipVqaModel, pictures: list[Picture]
) -> None:
    scorers: list[tuple[CocaModel | BlipCaptionModel | BlipVqaModel, Callable[[list[int]], object]]] = [
        (tiny, lambda tokens: tiny.score(pictures[0], tokens)),
        (captioner, lambda tokens: captioner.score(pictures[0], tokens)),
        (vqa, lambda tokens: vqa.score_answer(pictures[0], QUESTION, tokens)),
    ]
    for model, score in scorers:
        size, end, context = model.tokenizer.size, model.tokenizer.end, model.tokenizer.context
        for tokens, message in (
            ([], "no token"),
            ([5, size], f"no token {size}"),
            ([-1], "no token -1"),
            ([5, end, 6], "behind the end token"),
            ([5] * (context + 1), f"{context + 1} tokens"),
        ):
            with pytest.raises(OptionError, match=message):
                score(tokens)
    with pytest.raises(OptionError, match="question is empty"):
        vqa.score_answer(pictures[0], " ", TOKENS)


def test_scoring_stops_when_it_is_cancelled(
    tiny: CocaModel, captioner: BlipCaptionModel, vqa: BlipVqaModel, pictures: list[Picture]
) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        tiny.score(pictures[0], TOKENS, cancel)
    with pytest.raises(Cancelled):
        captioner.score(pictures[0], TOKENS, cancel)
    with pytest.raises(Cancelled):
        vqa.score_answer(pictures[0], QUESTION, TOKENS, cancel)

"""The jobs that ask a model about a picture with and without a region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from cocadesk.engine.zero_shot import softmax
from cocadesk.types import AskOptions, CancelToken, CaptionOptions, CaptionResult, ModelRequest, Picture, Token
from cocadesk.work.model_manager import ModelManager
from cocadesk.work.testing import (
    AnswersCompared,
    AnswerTrial,
    CaptionTrial,
    ClassesCompared,
    ClassesTrial,
    Pair,
    TextsCompared,
    TextsTrial,
    TrialRequest,
    WordsScored,
    trial_work,
)
from tests.fakes.answerer import FakeAnswerer
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.pictures import quadrants
from tests.fakes.reader import FakeReader

WHOLE = np.asarray(quadrants())
DARK = Picture("dark", WHOLE // 3)
PAIR = Pair(Picture("quarters", WHOLE), DARK)
MODEL = ModelRequest()


def run(model: object, request: TrialRequest, kinds: tuple[type, ...]) -> Sequence[object]:
    """The events of those kinds."""
    events = trial_work(ModelManager(lambda _: model), request)(CancelToken())
    return [event for event in events if isinstance(event, kinds)]


def light(picture: Picture) -> float:
    return float(picture.pixels.mean()) / 255


def test_the_given_caption_is_scored_and_the_masked_picture_captioned() -> None:
    captioner = FakeCaptioner()
    request = CaptionTrial(MODEL, PAIR, (100, 900), CaptionOptions(max_tokens=4, prefix=(100,)))
    scored, *tokens, result = run(captioner, request, (WordsScored, Token, CaptionResult))
    assert isinstance(scored, WordsScored)
    assert [token.id for token in scored.whole] == [token.id for token in scored.masked] == [100, 900]
    for side, picture in ((scored.whole, PAIR.whole), (scored.masked, DARK)):
        assert isinstance(picture, Picture)
        expected = light(picture) - np.array([1.5, 3.0])
        assert [token.logprob for token in side] == pytest.approx(expected)
    assert isinstance(result, CaptionResult)
    assert result.tokens == tuple(tokens)
    assert captioner.asked == [CaptionOptions(max_tokens=4)]  # once, and from its beginning


def test_a_picture_without_a_caption_is_captioned_first() -> None:
    captioner = FakeCaptioner(("a", " cat"))
    (scored,) = run(captioner, CaptionTrial(MODEL, PAIR, (), CaptionOptions()), (WordsScored,))
    assert isinstance(scored, WordsScored)
    assert "".join(token.text for token in scored.whole) == "a cat"
    assert len(captioner.asked) == 2


def test_answers_are_held_against_both_pictures() -> None:
    (found,) = run(FakeAnswerer(), AnswerTrial(MODEL, PAIR, "How many?", AskOptions()), (AnswersCompared,))
    assert isinstance(found, AnswersCompared)
    assert found.whole.answer == found.masked.answer == "two green dogs"
    assert found.whole_if_masked == pytest.approx(4 * (light(DARK) - 1.5))
    assert isinstance(PAIR.whole, Picture)
    assert found.masked_if_whole == pytest.approx(4 * (light(PAIR.whole) - 1.5))


def test_texts_are_ranked_for_both_pictures() -> None:
    reader, texts = FakeReader(), ("a cat", "a dog", "x" * 300)
    (found,) = run(reader, TextsTrial(MODEL, PAIR, texts), (TextsCompared,))
    assert isinstance(found, TextsCompared)
    cosines = reader.embed_image([PAIR.whole, DARK]) @ reader.embed_text(texts[:2]).T
    np.testing.assert_allclose(found.similarities[:, :2], cosines, rtol=1e-5)
    assert np.isnan(found.similarities[:, 2]).all()
    np.testing.assert_allclose(found.probabilities[:, :2], softmax(5.0 * cosines), rtol=1e-5)


def test_every_class_is_named_for_both_pictures_the_larger_first() -> None:
    labels = ("cat", "dog", "bird")
    reader = FakeReader()
    (found,) = run(reader, ClassesTrial(MODEL, PAIR, labels), (ClassesCompared,))
    assert isinstance(found, ClassesCompared)
    both = [
        {score.label: score.probability for score in one.top}
        for one in FakeReader().classify([PAIR.whole, DARK], labels, top=3)
    ]
    assert {row[0]: row[2:] for row in found.classes} == {label: (both[0][label], both[1][label]) for label in labels}
    largest = [max(row[2:]) for row in found.classes]
    assert largest == sorted(largest, reverse=True)

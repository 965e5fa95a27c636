"""BLIP answers and captions as transformers' own modules do: small ones with varied weights, and every architecture of
the catalog with seeded random weights.

The comparisons first make sure that what is compared varies, with the picture, the question and the place.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from cocadesk import engine
from cocadesk.catalog.cards import CARDS
from cocadesk.engine.blip import BlipCaptionModel, BlipVqaModel
from cocadesk.engine.blip_decoder import CachedDecoder, TextDecoder, UncachedDecoder
from cocadesk.types import AnswerResult, AskOptions, CaptionOptions, CaptionResult, Picture, Token
from tests.engine import blip_models as reference
from tests.engine.blip_models import captioner, vqa

__all__ = ["captioner", "vqa"]

TOLERANCE = 1e-4
QUESTION = "What is on the green meadow, two cats?"
STARTER_QUESTIONS = ["how many dogs?", "is the cat red?", "what is blue"]
FULL_SIZE = {"blip-vqa-base": 4, "blip-caption-base": 4, "blip-caption-large": 3}
"""How many tokens to decode with each architecture."""


def asked(model: BlipVqaModel, picture: Picture, question: str, **how: float) -> list[int]:
    *_, result = model.ask(picture, question, AskOptions(**how))  # type: ignore[arg-type]
    assert isinstance(result, AnswerResult)
    return [token.id for token in result.tokens]


def captioned(model: BlipCaptionModel, picture: Picture, **how: float | bool | None) -> list[int]:
    *_, result = model.caption(picture, CaptionOptions(**how))  # type: ignore[arg-type]
    assert isinstance(result, CaptionResult)
    return [token.id for token in result.tokens]


def test_image_features_equal_transformers(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    expected = reference.features(vqa, pictures)

    encoding = vqa.encode_image(pictures)

    assert encoding.features.shape == (5, 1 + 9, 48)
    assert (expected[0] - expected[1]).abs().max() > 0.1
    assert (encoding.features - expected).abs().max() < 1e-5
    assert encoding.geometries[2].box == (0, 0, pictures[2].width, pictures[2].height)


@pytest.mark.parametrize("question", [QUESTION, "red?"])
def test_question_states_equal_transformers(vqa: BlipVqaModel, pictures: list[Picture], question: str) -> None:
    tokens = vqa.tokenizer.encode_question(question)
    image = reference.features(vqa, pictures[:2])
    expected = [reference.question_states(vqa, row[None], tokens) for row in image]

    found = vqa.encode_question(pictures[1], question)

    assert (expected[0] - expected[1]).abs().max() > 0.01
    assert (expected[1][0, 1] - expected[1][0, 2]).abs().max() > 0.1
    assert (found - expected[1]).abs().max() < 1e-5


def test_each_answering_steps_logits_equal_transformers(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    image = reference.features(vqa, pictures)
    question = vqa.tokenizer.encode_question(QUESTION)
    check_steps(vqa, torch.cat([reference.question_states(vqa, row[None], question) for row in image]))


def test_each_captioning_steps_logits_equal_transformers(captioner: BlipCaptionModel, pictures: list[Picture]) -> None:
    check_steps(captioner, reference.features(captioner, pictures))


def check_steps(model: reference.Blip, source: torch.Tensor) -> None:
    context: int = model.module.config.text_config.max_position_embeddings
    tokens = torch.randint(0, model.tokenizer.size, (len(source), context), generator=torch.Generator().manual_seed(1))
    expected = reference.logits(model, source, tokens)
    assert expected.std() > 0.3
    assert (expected - reference.logits(model, source.roll(1, 0), tokens)).abs().max() > 0.01, "the source matters"
    assert (expected[:, 1:] - reference.logits(model, source, tokens[:, 1:])).abs().max() > 0.01, "places matter"

    decoder = CachedDecoder(TextDecoder(model.module.text_decoder), source, context)
    found = torch.stack([decoder.step(tokens[:, [step]])[:, 0] for step in range(context)], 1)

    assert (found - expected).abs().max() < TOLERANCE
    check_steps_ahead(model, source[:1], tokens[0], expected[0])


def check_steps_ahead(
    model: reference.Blip, source: torch.Tensor, tokens: torch.Tensor, expected: torch.Tensor
) -> None:
    """Several tokens at once, the last of them taken back and fed again."""
    decoder = CachedDecoder(TextDecoder(model.module.text_decoder), source, len(tokens))
    found = []
    place = 0
    for fed, kept in ((1, 1), (4, 4), (3, 1), (2, 2), (4, 3), (5, 5)):
        found.append(decoder.step_ahead(tokens[place : place + fed])[:kept])
        decoder.rewind(fed - kept)
        place += kept
    assert place == len(tokens)
    assert (torch.cat(found) - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize("rows", [[[2], [0], [1]], [[1]], [[0, 0], [2, 2]]], ids=["reordered", "dropped", "doubled"])
def test_selected_rows_go_on_as_their_own(
    captioner: BlipCaptionModel, pictures: list[Picture], rows: list[list[int]]
) -> None:
    source = reference.features(captioner, pictures[:3])
    chosen = torch.tensor(rows)
    found = []
    for decoder in (
        CachedDecoder(TextDecoder(captioner.module.text_decoder), source, 5),
        UncachedDecoder(captioner.module.text_decoder, source),
    ):
        decoder.step(torch.full((3, 1), captioner.tokenizer.start))
        decoder.step(torch.tensor([[5], [6], [7]]))
        decoder.select(chosen)
        decoder.step(torch.arange(chosen.numel()).view(chosen.shape) + 8)
        decoder.select(torch.arange(chosen.numel()).view(chosen.shape).flip(1))
        found.append(decoder.step(torch.arange(chosen.numel()).view(chosen.shape) + 12))
    assert found[0].shape == (*chosen.shape, captioner.tokenizer.size)
    assert (found[0] - found[1]).abs().max() < TOLERANCE


def test_greedy_answers_equal_transformers(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    answers = set()
    for picture in pictures:
        for question in STARTER_QUESTIONS:
            tokens = vqa.tokenizer.encode_question(question)
            expected = reference.generate(vqa, picture, 8, tokens)
            for _ in range(2):  # the second time with what was said the first time as a guess
                assert asked(vqa, picture, question, max_tokens=8) == expected
            answers.add(tuple(expected))
    assert len(answers) > 3
    assert len({len(answer) for answer in answers}) > 1


def test_greedy_captions_equal_transformers(captioner: BlipCaptionModel, pictures: list[Picture]) -> None:
    captions = set()
    for picture in pictures:
        expected = reference.generate(captioner, picture, 10)
        assert captioned(captioner, picture, max_tokens=10) == expected
        assert captioned(captioner, picture, max_tokens=10, cached=False) == expected
        captions.add(tuple(expected))
    assert len(captions) > 1


@pytest.mark.parametrize("beams", [2, 4])
def test_beams_equal_transformers(
    vqa: BlipVqaModel, captioner: BlipCaptionModel, pictures: list[Picture], beams: int
) -> None:
    how = {"num_beams": beams, "length_penalty": 1.0, "early_stopping": False}
    differs = False
    for picture in pictures:
        expected = reference.generate(captioner, picture, 9, **how)
        assert captioned(captioner, picture, beams=beams, max_tokens=9) == expected
        assert captioned(captioner, picture, beams=beams, max_tokens=9, cached=False) == expected
        tokens = vqa.tokenizer.encode_question(QUESTION)
        answer = reference.generate(vqa, picture, 9, tokens, **how)
        assert asked(vqa, picture, QUESTION, beams=beams, max_tokens=9) == answer
        differs |= answer != reference.generate(vqa, picture, 9, tokens)
    assert differs, "beams should find something else than the greedy way at least once"


def test_drawn_captions_are_the_same_cached_and_uncached(captioner: BlipCaptionModel, pictures: list[Picture]) -> None:
    drawn = [
        captioned(captioner, pictures[1], temperature=1.0, top_p=0.95, seed=2, max_tokens=12, cached=cached)
        for cached in (True, False)
    ]

    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 3


def test_every_architecture_of_the_catalog_is_checked() -> None:
    checked = {CARDS[name].architecture for name in FULL_SIZE}
    families = ("blip-vqa", "blip-caption")
    assert {card.architecture for card in CARDS.values() if card.family in families and not card.bundled} == checked


@pytest.fixture(scope="module", params=FULL_SIZE)
def full_size(request: pytest.FixtureRequest) -> Iterator[reference.Blip]:
    """A model in full size; its places and biases, which transformers leaves at zero or nearly so, get numbers."""
    model = engine.load(request.param, device="cpu", untrained=True, seed=3)
    generator = torch.Generator().manual_seed(4)
    for name, array in model.module.named_parameters():
        if name.endswith(("bias", "position_embedding", "position_embeddings.weight")):
            array.copy_(0.05 * torch.randn(array.shape, generator=generator))
    yield model
    del model
    gc.collect()


@pytest.mark.slow
def test_full_size_equals_transformers(full_size: reference.Blip) -> None:
    random = np.random.default_rng(0)
    noise = Picture("noise", random.integers(0, 256, (300, 400, 3), dtype=np.uint8))
    plain = Picture("plain", np.full((120, 90, 3), (200, 30, 90), np.uint8))
    steps = FULL_SIZE[full_size.name]
    image = reference.features(full_size, [noise, plain])
    assert (full_size.encode_image([noise, plain]).features - image).abs().max() <= TOLERANCE
    assert (image[0] - image[1]).abs().max() > 0.01
    if isinstance(full_size, BlipVqaModel):
        question = full_size.tokenizer.encode_question("How many noisy pictures are there?")
        source = torch.cat([reference.question_states(full_size, row[None], question) for row in image])
        found = full_size.encode_question(noise, "How many noisy pictures are there?")
        assert (found - source[:1]).abs().max() <= TOLERANCE
    else:
        source = image
    tokens = torch.randint(1, full_size.tokenizer.size, (2, steps), generator=torch.Generator().manual_seed(1))
    expected = reference.logits(full_size, source, tokens)
    assert expected.std() > 0.1
    decoder = CachedDecoder(TextDecoder(full_size.module.text_decoder), source, steps)
    logits = torch.stack([decoder.step(tokens[:, [step]])[:, 0] for step in range(steps)], 1)
    assert (logits - expected).abs().max() <= TOLERANCE
    check_scores(full_size, noise, source[:1])
    if isinstance(full_size, BlipVqaModel):
        expected_tokens = reference.generate(full_size, noise, steps, question)
        assert asked(full_size, noise, "How many noisy pictures are there?", max_tokens=steps) == expected_tokens
    else:
        expected_tokens = reference.generate(full_size, noise, steps)
        assert captioned(full_size, noise, max_tokens=steps) == expected_tokens


def check_scores(model: reference.Blip, picture: Picture, source: torch.Tensor) -> None:
    tokens = [1037, 4937, 2006]
    fed = torch.tensor([[model.tokenizer.start, *tokens[:-1]]])
    expected = reference.logits(model, source, fed)[0].log_softmax(-1)[range(3), tokens].tolist()
    if isinstance(model, BlipVqaModel):
        scored = model.score_answer(picture, "How many noisy pictures are there?", tokens)
    else:
        scored = model.score(picture, tokens)
        *_, result = model.caption(picture, CaptionOptions(max_tokens=4, prefix=tuple(tokens)))
        assert isinstance(result, CaptionResult)
        assert [token.logprob for token in result.tokens[:3]] == pytest.approx(expected, abs=TOLERANCE)
    assert [token.logprob for token in scored] == pytest.approx(expected, abs=TOLERANCE)


def test_streamed_tokens_are_the_results(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    *tokens, result = vqa.ask(pictures[0], QUESTION)
    assert isinstance(result, AnswerResult)
    assert list(result.tokens) == tokens
    assert all(isinstance(token, Token) for token in tokens)

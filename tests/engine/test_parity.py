"""Every CoCa architecture of the catalog, with seeded random weights, decodes as open_clip's own forward does.

Random weights make monotonous captions, so the logits are compared along random tokens as well, and the comparison
first makes sure that the logits vary and that the picture matters to them.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from cocadesk import engine
from cocadesk.catalog.cards import CARDS
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.coca_decoder import CachedDecoder, TextStacks
from cocadesk.types import CaptionOptions, CaptionResult, Picture, Token
from tests.engine import reference

TOLERANCE = 1e-4

# How many tokens to decode with each architecture: the large one is slow.
LENGTHS = {"coca-vit-b-32": 12, "coca-vit-l-14": 6}
MODELS = [pytest.param("coca-vit-b-32"), pytest.param("coca-vit-l-14", marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=MODELS)
def model(request: pytest.FixtureRequest) -> CocaModel:
    return engine.load(request.param, device="cpu", untrained=True, seed=3)


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    ramp = np.linspace(0, 255, 260 * 230 * 3).reshape(260, 230, 3).astype(np.uint8)
    return [Picture("noise", noise), Picture("ramp", ramp)]


@pytest.fixture(scope="module")
def image(model: CocaModel, pictures: list[Picture]) -> tuple[Tensor, Tensor]:
    """The pictures' embeddings and pooled tokens as open_clip makes them."""
    return reference.encode(model, pictures)


def test_every_architecture_of_the_catalog_is_checked() -> None:
    checked = {CARDS[name].architecture for name in LENGTHS}
    assert {card.architecture for card in CARDS.values() if card.family == "coca" and not card.bundled} == checked


def test_each_steps_logits_equal_open_clips(model: CocaModel, image: tuple[Tensor, Tensor]) -> None:
    steps = LENGTHS[model.name]
    tokens = torch.randint(1, model.tokenizer.size, (2, steps), generator=torch.Generator().manual_seed(1))
    tokens[:, 0] = model.tokenizer.start
    tokens[0, 2] = 0  # "!", the padding's number: the legacy mask hides the key behind it
    expected = reference.logits(model.module, image, tokens)
    assert expected.std() > 0.1
    assert (
        expected[0] - reference.logits(model.module, (image[0][1:], image[1][1:]), tokens[:1])[0]
    ).abs().max() > 0.01

    decoder = CachedDecoder(TextStacks(model.module), image[1], steps)
    found = torch.stack([decoder.step(tokens[:, [step]])[:, 0] for step in range(steps)], 1)

    assert (found - expected).abs().max() <= TOLERANCE


def test_the_image_encoding_equals_open_clips(
    model: CocaModel, pictures: list[Picture], image: tuple[Tensor, Tensor]
) -> None:
    embedding, tokens = image

    encoding = model.encode_image(pictures)

    assert (encoding.embedding - embedding).abs().max() <= TOLERANCE
    assert (encoding.tokens - tokens).abs().max() <= TOLERANCE
    assert (embedding[0] - embedding[1]).abs().max() > 100 * TOLERANCE


def test_greedy_tokens_equal_an_argmax_loop(
    model: CocaModel, pictures: list[Picture], image: tuple[Tensor, Tensor]
) -> None:
    limit = LENGTHS[model.name]
    first = (image[0][:1], image[1][:1])
    expected = reference.argmax_loop(model.module, first, model.tokenizer.start, model.tokenizer.end, limit)

    for cached in (True, False):
        assert numbers(model, pictures[0], CaptionOptions(max_tokens=limit, cached=cached)) == expected


def test_a_beginning_is_scored_and_gone_on_from_as_by_open_clip(
    model: CocaModel, pictures: list[Picture], image: tuple[Tensor, Tensor]
) -> None:
    limit = LENGTHS[model.name]
    prefix = (320, 0, 2368, 525)
    first = (image[0][:1], image[1][:1])
    start, end = model.tokenizer.start, model.tokenizer.end
    expected = reference.argmax_loop(model.module, first, start, end, limit, prefix=prefix)
    fed = torch.tensor([[start, *expected[:-1]]])
    logprobs = reference.logits(model.module, first, fed)[0].log_softmax(-1)[range(limit), expected].tolist()

    *_, result = model.caption(pictures[0], CaptionOptions(max_tokens=limit, prefix=prefix))
    scored = model.score(pictures[0], expected)

    assert isinstance(result, CaptionResult)
    assert [token.id for token in result.tokens] == expected
    assert [token.logprob for token in result.tokens] == pytest.approx(logprobs, abs=TOLERANCE)
    assert [token.logprob for token in scored] == pytest.approx(logprobs, abs=TOLERANCE)


def test_drawn_tokens_are_the_same_cached_and_uncached(model: CocaModel, pictures: list[Picture]) -> None:
    limit = LENGTHS[model.name]
    drawn = [
        numbers(model, pictures[1], CaptionOptions(temperature=1.0, seed=2, max_tokens=limit, cached=cached))
        for cached in (True, False)
    ]

    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > limit // 2, "a caption of one repeated token would prove little"


def test_text_embeddings_equal_open_clips(model: CocaModel) -> None:
    texts = ["a cat", "", "two dogs on a green meadow, at night", "wow!? yes", "a " * (model.tokenizer.context - 2)]
    with torch.inference_mode():
        expected = model.module.encode_text(padded(model, texts)).numpy()

    found = model.embed_text(texts)

    assert found.dtype == np.float32
    assert np.abs(found - expected).max() <= TOLERANCE
    assert np.abs(expected[0] - expected[1]).max() > 100 * TOLERANCE


def numbers(model: CocaModel, picture: Picture, options: CaptionOptions) -> list[int]:
    *tokens, result = model.caption(picture, options)
    assert isinstance(result, CaptionResult)
    assert list(result.tokens) == tokens
    return [token.id for token in tokens if isinstance(token, Token)]


def padded(model: CocaModel, texts: list[str]) -> torch.Tensor:
    tokens = torch.zeros((len(texts), model.tokenizer.context), dtype=torch.long)
    for row, text in zip(tokens, texts, strict=True):
        encoded = torch.tensor(model.tokenizer.encode(text))
        row[: len(encoded)] = encoded
    return tokens

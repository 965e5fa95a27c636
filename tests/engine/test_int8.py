"""Decoding with 8-bit weights: near float32, and the same however the tokens are fed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from cocadesk import engine
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.coca_decoder import CachedDecoder, TextStacks
from cocadesk.engine.int8_graph import Graph, quantise
from cocadesk.errors import ModelError
from cocadesk.types import CaptionOptions, CaptionResult, Picture, Token
from tests.engine.conftest import TINY

HAIR = 0.05
"""Of the logits' deviation: what an activation between two 8-bit numbers does that is rounded the other way."""

VARIANTS = ["as published", "quick GELU", "layer scale", "class mask put right"]


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest, bundle: Callable[..., Path]) -> CocaModel:
    config = copy.deepcopy(TINY)
    if request.param == "quick GELU":
        config["quick_gelu"] = True
    if request.param == "layer scale":
        for part in ("vision_cfg", "text_cfg", "multimodal_cfg"):
            config[part]["ls_init_value"] = 0.5
    bundle(config=config)
    model = engine.load("tiny-coca", device="cpu", dtype="int8")
    assert isinstance(model, CocaModel)
    if request.param == "class mask put right":
        model.module.text.correct_cls_mask = True
        assert model.int8 is not None
        model.int8.correct_class_mask = True
    return model


@pytest.fixture
def tokens(variant: CocaModel) -> Tensor:
    """Of three captions, with many zeros: padding."""
    numbers = torch.randint(0, 8, (3, variant.tokenizer.context), generator=torch.Generator().manual_seed(0))
    numbers[:, 0] = variant.tokenizer.start
    return numbers


@pytest.fixture
def image_tokens(variant: CocaModel, pictures: list[Picture]) -> Tensor:
    return variant.encode_image(pictures[:3]).tokens


def logits(model: CocaModel, image_tokens: Tensor, tokens: Tensor) -> Tensor:
    assert model.int8 is not None
    decoder = model.int8.decoder(image_tokens)
    return torch.stack([decoder.step(column[:, None])[:, 0] for column in tokens.unbind(1)], 1)


def test_an_8_bit_weight_is_within_half_a_step() -> None:
    weight = torch.randn((6, 64), generator=torch.Generator().manual_seed(0))
    weight[2] = 0

    numbers, scales = quantise(weight, 16)

    assert numbers.dtype == torch.uint8
    assert scales.shape == (6, 4)
    restored = ((numbers.float() - 128) * scales[..., None]).flatten(1)
    assert ((restored - weight).abs() <= scales.repeat_interleave(16, 1) / 2 * 1.001).all()
    assert torch.equal(restored[2], weight[2])


def test_a_product_is_that_of_the_8_bit_weights() -> None:
    random = torch.Generator().manual_seed(1)
    weight, bias = torch.randn((24, 64), generator=random), torch.randn(24, generator=random)
    x, scale = torch.randn((1, 5, 64), generator=random), torch.rand(24, generator=random)
    graph = Graph()
    graph.output(graph.linear(graph.input("x", (1, 5, 64)), weight, bias, scale), "y")

    (found,) = graph.session().run(["y"], {"x": x.numpy()})

    numbers, scales = quantise(weight * scale[:, None], 64)
    expected = x @ ((numbers.float() - 128) * scales[..., None]).flatten(1).t() + bias * scale
    assert np.abs(found - expected.numpy()).max() < 0.04 * expected.std()  # activations are rounded to 8 bits as well


class RoundedLinear:
    """Stands in for `layers.Linear`: weights and activations are rounded to 8 bits in blocks; the rest is float."""

    def __init__(self, weight: Tensor, bias: Tensor | None) -> None:
        self._block = next(size for size in (128, 64, 32, 16) if weight.shape[1] % size == 0)
        self._weight = rounded(weight, self._block)
        self._bias = bias

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(rounded(x, self._block), self._weight, self._bias)


def rounded(matrix: Tensor, block: int) -> Tensor:
    numbers, scales = quantise(matrix, block)
    return ((numbers.float() - 128) * scales[..., None]).flatten(1)


def test_logits_are_those_of_the_rounded_numbers(
    variant: CocaModel, image_tokens: Tensor, tokens: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = CachedDecoder(TextStacks(variant.module), image_tokens[:1], tokens.shape[1]).step_ahead(tokens[0])
    monkeypatch.setattr("cocadesk.engine.layers.Linear", RoundedLinear)
    monkeypatch.setattr("cocadesk.engine.coca_decoder.Linear", RoundedLinear)
    expected = CachedDecoder(TextStacks(variant.module), image_tokens[:1], tokens.shape[1]).step_ahead(tokens[0])

    assert variant.int8 is not None
    found = variant.int8.decoder(image_tokens[:1]).step_ahead(tokens[0])

    assert found.shape == expected.shape
    off = (found - expected).abs().median()
    assert off < 0.01 * expected.std()  # a number that lies between two steps may be rounded to the other one
    assert off < (found - plain).abs().median() / 5


def test_logits_depend_neither_on_guesses_nor_on_neighbours(
    variant: CocaModel, image_tokens: Tensor, tokens: Tensor
) -> None:
    expected = logits(variant, image_tokens, tokens)
    assert variant.int8 is not None
    for row in range(3):
        decoder = variant.int8.decoder(image_tokens[row : row + 1])
        found: list[Tensor] = []
        for count in (1, 4, 1, 2):
            fed = torch.cat((tokens[row, len(found) : len(found) + count], torch.zeros(1, dtype=torch.long)))
            found += decoder.step_ahead(fed)[:count]
            decoder.rewind(1)
        assert (torch.stack(found) - expected[row, : len(found)]).abs().max() < HAIR * expected.std()


@pytest.mark.parametrize("rows", [[[2], [0], [1]], [[1]], [[0, 0], [2, 2]]], ids=["reordered", "dropped", "doubled"])
def test_selected_rows_go_on_as_their_own(
    variant: CocaModel, image_tokens: Tensor, tokens: Tensor, rows: list[list[int]]
) -> None:
    chosen = torch.tensor(rows)
    expected = logits(variant, image_tokens, tokens)
    assert variant.int8 is not None
    decoder = variant.int8.decoder(image_tokens)
    for step in range(2):
        decoder.step(tokens[:, [step]])
    decoder.select(chosen)

    found = decoder.step(tokens[chosen, 2])

    assert (found - expected[chosen, 2]).abs().max() < HAIR * expected.std()


@pytest.mark.parametrize("options", [CaptionOptions(), CaptionOptions(beams=3)], ids=["greedy", "beams"])
def test_captions_stream_as_with_other_formats(
    bundle: Callable[..., Path], pictures: list[Picture], options: CaptionOptions
) -> None:
    bundle()
    model = engine.load("tiny-coca", device="cpu", dtype="int8")
    *events, result = model.caption(pictures[0], options)

    assert isinstance(result, CaptionResult)
    assert [event for event in events if isinstance(event, Token)] == list(result.tokens)
    assert model.dtype == "int8"
    assert model.weight_bytes > engine.load("tiny-coca", device="cpu").weight_bytes


def test_uncached_decoding_stays_float32(bundle: Callable[..., Path], pictures: list[Picture]) -> None:
    bundle()
    options = CaptionOptions(cached=False)

    results = [
        list(engine.load("tiny-coca", device="cpu", dtype=dtype).caption(pictures[0], options))[-1].tokens
        for dtype in ("int8", "float32")
    ]

    assert results[0] == results[1]


def test_families_without_int8_say_so() -> None:
    with pytest.raises(ModelError, match="vit-base-patch32 does not run in int8"):
        engine.load("vit-base-patch32", dtype="int8", untrained=True)

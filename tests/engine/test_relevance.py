"""Relevance equals the paper's rules, worked out by hand on the same weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from cocadesk import engine
from cocadesk.engine import relevance_graph
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.preprocess import preprocess
from cocadesk.errors import Cancelled, OptionError
from cocadesk.types import CancelToken, CaptionOptions, Clip, Picture
from tests.engine import relevance_reference as by_hand
from tests.engine.relevance_reference import Tape, assert_alike


def square(model: CocaModel, picture: Picture) -> Tensor:
    return torch.from_numpy(preprocess(picture.pixels, model._preprocessing)[0])


def coca_words(model: CocaModel, picture: Picture, tokens: list[int]) -> np.ndarray:
    """Relevance of each of a caption's tokens, (T, K)."""
    module = by_hand.in_float64(model.module)
    tape = Tape()
    image = by_hand.pooled(tape, module.visual, by_hand.open_clip_patches(tape, module.visual, square(model, picture)))
    logits = by_hand.coca_logits(tape, module, image[1:], [model.tokenizer.start, *tokens[:-1]])
    rows = []
    for place, token in enumerate(tokens):
        found = tape.weighted(logits[place, token])
        patches = by_hand.normalised(by_hand.self_relevance(found["patches"]))
        image_tokens = by_hand.rows_to_one((found["pooler"][0] @ patches)[1:])
        before = len(found["words"]) - len(found["to image"])
        words = by_hand.self_relevance(found["words"][:before])
        to_image = np.zeros((len(tokens), patches.shape[1]))
        for own, cross in zip(found["words"][before:], found["to image"], strict=True):
            to_image = to_image + own @ to_image  # equation 7
            words = words + own @ words  # equation 6
            to_image = to_image + by_hand.normalised(words).T @ cross @ image_tokens  # equation 10
        rows.append(to_image[place])
    return np.stack(rows)


@pytest.mark.parametrize("text", ["two green dogs", "cat"])
def test_a_cocas_words(tiny: CocaModel, pictures: list[Picture], text: str) -> None:
    maps = tiny.word_relevance(pictures[1], text)

    assert_alike(maps.weights[0, 0], coca_words(tiny, pictures[1], tiny.tokenizer.encode_caption(text)))
    assert maps.weights.shape == (1, 1, len(maps.tokens), 10)
    assert (maps.kind, maps.measure, maps.text, maps.grid) == ("words", "relevance", text, (3, 3))
    assert maps.tokens == tiny.word_attention(pictures[1], text).tokens
    assert maps.patch_map(0).shape == (3, 3)


def test_words_one_at_a_time_are_those_of_all_at_once(
    tiny: CocaModel, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = tiny.word_relevance(pictures[1], "two green dogs").weights
    monkeypatch.setattr(relevance_graph, "_GRADIENTS", 1)

    alone = tiny.word_relevance(pictures[1], "two green dogs").weights

    assert_alike(alone, together, 1e-5)


def test_some_words_alone(tiny: CocaModel, pictures: list[Picture]) -> None:
    whole = tiny.word_relevance(pictures[1], "two green dogs")

    some = tiny.word_relevance(pictures[1], "two green dogs", words=[2, -1])

    assert some.tokens == (whole.tokens[2], whole.tokens[-1])
    assert_alike(some.weights, whole.weights[:, :, [2, -1]], 1e-5)
    with pytest.raises(OptionError, match="no word 30"):
        tiny.word_relevance(pictures[1], "two green dogs", words=[30])
    with pytest.raises(OptionError, match="no word to ask about"):
        tiny.word_relevance(pictures[1], "two green dogs", words=[])


def test_without_a_caption_it_is_the_greedy_one(tiny: CocaModel, pictures: list[Picture]) -> None:
    *_, result = tiny.caption(pictures[0], CaptionOptions(temperature=0))

    maps = tiny.word_relevance(pictures[0])

    assert maps.text == result.caption
    assert_alike(maps.weights, tiny.word_relevance(pictures[0], result).weights, 1e-6)


def test_a_clip_of_equal_frames_has_the_pictures_map(tiny: CocaModel, pictures: list[Picture]) -> None:
    clip = Clip("clip", (pictures[1],) * 3, (0, 1, 2))
    still, moving = tiny.word_relevance(pictures[1], "two cat"), tiny.word_relevance(clip, "two cat")
    assert_alike(moving.weights, still.weights)


def test_a_clip_has_the_mean_of_its_frames_maps_at_the_clips_own_words(
    tiny: CocaModel, pictures: list[Picture]
) -> None:
    """Frames that differ: each map is that frame's, but what was said is what the mean of them says."""
    frames = (pictures[0], pictures[4])
    clip = Clip("clip", frames, (0, 1))
    tokens = tiny.tokenizer.encode_caption("two cat")
    module = by_hand.in_float64(tiny.module)
    tapes = [Tape(), Tape()]
    tokens_of = [
        by_hand.pooled(tape, module.visual, by_hand.open_clip_patches(tape, module.visual, square(tiny, frame)))[1:]
        for tape, frame in zip(tapes, frames, strict=True)
    ]
    text = Tape()
    logits = by_hand.coca_logits(text, module, sum(tokens_of) / 2, [tiny.tokenizer.start, *tokens[:-1]])
    place = 1
    found = text.weighted(logits[place, tokens[place]])
    pooled = []
    for tape in tapes:
        seen = tape.weighted(2 * logits[place, tokens[place]])
        patches = by_hand.normalised(by_hand.self_relevance(seen["patches"]))
        pooled.append((seen["pooler"][0] @ patches)[1:])
    image = by_hand.rows_to_one(sum(pooled) / 2)
    words = by_hand.self_relevance(found["words"][:2])
    expected = np.zeros((len(tokens), 10))
    for own, cross in zip(found["words"][2:], found["to image"], strict=True):
        expected, words = expected + own @ expected, words + own @ words
        expected = expected + by_hand.normalised(words).T @ cross @ image

    maps = tiny.word_relevance(clip, "two cat")

    assert_alike(maps.weights[0, 0, place], expected[place])


def test_nothing_is_left_behind(tiny: CocaModel, pictures: list[Picture]) -> None:
    before = tiny.embed_image(pictures[0])
    with torch.inference_mode():
        tiny.word_relevance(pictures[0], "two cat")

    assert np.array_equal(tiny.embed_image(pictures[0]), before)
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in tiny.module.modules())
    assert all(each.grad is None and not each.requires_grad for each in tiny.module.parameters())


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_weights_of_16_bits_are_computed_with_in_float32(
    bundle: Callable[..., Path], pictures: list[Picture], dtype: str
) -> None:
    bundle()
    model: CocaModel = engine.load("tiny-coca", device="cpu", dtype=dtype)

    maps = model.word_relevance(pictures[1], "two green dogs")

    expected = coca_words(model, pictures[1], model.tokenizer.encode_caption("two green dogs"))
    assert_alike(maps.weights[0, 0], expected, 1e-3)  # 16 bits would be ten times as far off
    assert model.dtype == dtype


def test_bad_captions_and_stopping(tiny: CocaModel, pictures: list[Picture]) -> None:
    with pytest.raises(OptionError, match="reads at most"):
        tiny.word_relevance(pictures[0], "cat " * 30)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        tiny.word_relevance(pictures[0], "cat", cancel)


@pytest.mark.slow
def test_a_full_size_coca(pictures: list[Picture]) -> None:
    model: CocaModel = engine.load("coca-vit-b-32", device="cpu", untrained=True)

    maps = model.word_relevance(pictures[1], "two dogs")

    assert maps.weights.shape == (1, 1, 3, 50)
    assert_alike(maps.weights[0, 0], coca_words(model, pictures[1], model.tokenizer.encode_caption("two dogs")), 1e-3)

"""Where captioners look for each word, and questioners for each token of a question."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from cocadesk import engine
from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.blip import BlipCaptionModel, BlipVqaModel
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.drafts import Drafts
from cocadesk.errors import Cancelled, OptionError
from cocadesk.types import CancelToken, CaptionOptions, CaptionResult, Clip, Picture
from tests.engine import blip_models, reference
from tests.engine.attention_reference import inputs_of
from tests.engine.blip_models import captioner, vqa  # noqa: F401 — fixtures
from tests.engine.test_preprocess import noise

TOLERANCE = 1e-5
STEPS = 1e-4
"""Tolerance where tokens went through one by one here and all at once there: these random weights magnify rounding."""
OPTIONS = [
    CaptionOptions(temperature=0, max_tokens=9),
    CaptionOptions(temperature=1.5, seed=4, max_tokens=12),
    CaptionOptions(beams=3, max_tokens=7),
    CaptionOptions(cached=False, max_tokens=5),
    CaptionOptions(max_tokens=1),
]


def run(
    model: CocaModel | BlipCaptionModel, picture: Picture, options: CaptionOptions
) -> tuple[CaptionResult, AttentionMaps]:
    *_, result, maps = model.caption_with_attention(picture, options)
    assert isinstance(result, CaptionResult)
    assert isinstance(maps, AttentionMaps)
    return result, maps


@torch.inference_mode()
def coca_reference(model: CocaModel, picture: Picture, tokens: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Attention to the pooled tokens (layers, heads, T, Q) and the pooler's (heads, 1 + Q, K), by open_clip's own."""
    module = copy.deepcopy(model.module)
    with inputs_of([module.visual.attn_pool.attn]) as [pooler]:
        image = module(torch.from_numpy(engine_square(model, picture)))
    fed = torch.tensor([[model.tokenizer.start, *tokens[:-1]]])
    with inputs_of([block.attn for block in module.text_decoder.cross_attn]) as seen:
        reference.logits(module, (image["image_features"], image["image_embs"]), fed)
    return np.stack([each.weights()[0] for each in seen]), pooler.weights()[0]


def engine_square(model: CocaModel, picture: Picture) -> np.ndarray:
    from cocadesk.engine.preprocess import preprocess  # noqa: PLC0415

    return preprocess(picture.pixels, model._preprocessing)[0][None]


@pytest.mark.parametrize("options", OPTIONS, ids=["greedy", "sampled", "beams", "uncached", "one word"])
def test_a_cocas_words_through_its_pooler(tiny: CocaModel, pictures: list[Picture], options: CaptionOptions) -> None:
    expected, *_ = [event for event in tiny.caption(pictures[1], options) if isinstance(event, CaptionResult)]
    tiny.drafts = Drafts()

    result, maps = run(tiny, pictures[1], options)

    assert [token.id for token in result.tokens] == [token.id for token in expected.tokens]
    decoder, pooler = coca_reference(tiny, pictures[1], [token.id for token in result.tokens])
    assert maps.to_queries is not None
    assert np.abs(maps.to_queries - decoder).max() < STEPS
    assert np.abs(maps.weights - decoder @ pooler.mean(0)[1:]).max() < STEPS
    assert np.abs(maps.weights.sum(-1) - 1).max() < TOLERANCE
    one_head = maps.through_pooler(2)
    assert np.abs(one_head.weights - decoder @ pooler[2, 1:]).max() < STEPS
    assert np.abs(one_head.weights - maps.weights).max() > 0.01
    # A character in several tokens comes with its last one in the caption; each of them has a name.
    assert all(token.text in ("", name) for name, token in zip(maps.tokens, result.tokens, strict=True))
    assert (maps.tokens[-1] == "[end]") == (result.tokens[-1].id == tiny.tokenizer.end)
    assert (maps.text, maps.grid) == (result.caption, (3, 3))


def test_the_words_differ(tiny: CocaModel, pictures: list[Picture]) -> None:
    """So that the comparisons above prove something."""
    maps = tiny.word_attention(pictures[1], "two green dogs")

    assert np.ptp(maps.to_queries, axis=2).max() > 0.05
    assert np.ptp(maps.weights, axis=2).max() > 0.01


def test_a_wrong_guess_leaves_nothing_behind(tiny: CocaModel, pictures: list[Picture]) -> None:
    """Guesses from a memory that misleads: their queries are taken back."""
    options = CaptionOptions(temperature=0, max_tokens=12)
    _, plain = run(tiny, pictures[0], options)
    for picture in pictures[1:]:
        run(tiny, picture, CaptionOptions(temperature=2, seed=1, max_tokens=12))

    _, again = run(tiny, pictures[0], options)

    assert again.tokens == plain.tokens
    assert np.abs(again.weights - plain.weights).max() < STEPS


def test_a_finished_caption_or_any_text_goes_through_in_one_pass(tiny: CocaModel, pictures: list[Picture]) -> None:
    result, maps = run(tiny, pictures[3], CaptionOptions(temperature=0, max_tokens=8))

    again = tiny.word_attention(pictures[3], result)
    text = tiny.word_attention(pictures[3], "two cat")

    assert again.tokens == maps.tokens
    assert np.abs(again.weights - maps.weights).max() < STEPS
    assert (text.tokens, text.text) == (("two", " cat", "[end]"), "two cat")
    ids = tiny.tokenizer.encode("two cat")[1:]
    assert np.abs(text.to_queries - coca_reference(tiny, pictures[3], ids)[0]).max() < TOLERANCE


def test_with_int8_the_maps_are_those_of_the_exact_weights(
    bundle: Callable[..., Path], pictures: list[Picture]
) -> None:
    bundle()
    exact = engine.load("tiny-coca", device="cpu", dtype="float32")
    model = engine.load("tiny-coca", device="cpu", dtype="int8")

    result, maps = run(model, pictures[0], CaptionOptions(temperature=0, max_tokens=8))

    plain, *_ = [
        event
        for event in model.caption(pictures[0], CaptionOptions(temperature=0, max_tokens=8))
        if isinstance(event, CaptionResult)
    ]
    assert plain.caption == result.caption
    assert np.abs(maps.weights - exact.word_attention(pictures[0], result).weights).max() < TOLERANCE


@pytest.mark.parametrize("options", OPTIONS, ids=["greedy", "sampled", "beams", "uncached", "one word"])
@torch.inference_mode()
def test_a_blips_words_equal_transformers(
    captioner: BlipCaptionModel,  # noqa: F811
    pictures: list[Picture],
    options: CaptionOptions,
) -> None:
    result, maps = run(captioner, pictures[2], options)

    fed = torch.tensor([[captioner.tokenizer.start, *(token.id for token in result.tokens[:-1])]])
    features = blip_models.features(captioner, [pictures[2]])
    expected = captioner.module.text_decoder(fed, encoder_hidden_states=features, output_attentions=True)
    weights = torch.stack(expected.cross_attentions)[:, 0].numpy()
    assert maps.weights.shape == (3, 3, len(result.tokens), 10)
    assert np.abs(maps.weights - weights).max() < STEPS
    assert np.abs(maps.weights.sum(-1) - 1).max() < TOLERANCE
    pieces = [token.text or blip_models.VOCABULARY[token.id] for token in result.tokens]
    assert list(maps.tokens) == pieces
    given = captioner.word_attention(pictures[2], result)
    assert np.abs(given.weights - weights).max() < TOLERANCE
    with pytest.raises(OptionError, match="do not go through a pooler"):
        maps.through_pooler("mean")


@pytest.mark.parametrize("question", ["what is the dog doing?", "cat"])
@torch.inference_mode()
def test_a_blips_questions_equal_transformers(vqa: BlipVqaModel, pictures: list[Picture], question: str) -> None:  # noqa: F811
    maps = vqa.question_attention(pictures[0], question)

    tokens = vqa.tokenizer.encode_question(question)
    features = blip_models.features(vqa, [pictures[0]])
    expected = vqa.module.text_encoder(
        torch.tensor([tokens]),
        encoder_hidden_states=features,
        encoder_attention_mask=torch.ones(features.shape[:2], dtype=torch.long),
        output_attentions=True,
    )
    weights = torch.stack(expected.cross_attentions)[:, 0].numpy()
    assert maps.weights.shape == (3, 3, len(tokens), 10)
    assert np.abs(maps.weights - weights).max() < TOLERANCE
    assert np.abs(maps.weights.sum(-1) - 1).max() < TOLERANCE
    assert weights.std() > 0.01, "all weights are alike"
    assert (maps.tokens[0], maps.tokens[-1]) == ("[ENC]", "[SEP]")
    assert (maps.kind, maps.text, maps.keys[0]) == ("question", question, "[class]")


def test_a_picture_that_was_asked_about_is_not_encoded_again(
    vqa: BlipVqaModel,  # noqa: F811
    pictures: list[Picture],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = list(vqa.ask(pictures[0], "what is the cat?"))
    monkeypatch.setattr(type(vqa), "encode_image", lambda *_, **__: pytest.fail("encoded again"))

    maps = vqa.question_attention(pictures[0], "what is the cat?")

    monkeypatch.undo()
    assert maps.tokens == ("[ENC]", "what", " is", " the", " cat", "?", "[SEP]")
    assert list(vqa.ask(pictures[0], "what is the cat?"))[-1].answer == answers[-1].answer  # type: ignore[union-attr]


def test_of_a_clip(tiny: CocaModel, captioner: BlipCaptionModel) -> None:  # noqa: F811
    clip = Clip("clip", tuple(Picture(f"{number}", noise(40 + number, 30)[:, :40]) for number in range(3)), (0, 5, 9))
    for model in (tiny, captioner):
        maps = model.word_attention(clip)

        assert np.abs(maps.weights.sum(-1) - 1).max() < TOLERANCE
        assert maps.layout is not None
        assert maps.layout.geometry.picture == (40, 30)


def test_bad_captions(tiny: CocaModel, captioner: BlipCaptionModel, pictures: list[Picture]) -> None:  # noqa: F811
    with pytest.raises(OptionError, match="reads at most"):
        tiny.word_attention(pictures[0], "cat " * 30)
    with pytest.raises(OptionError, match="The caption is empty"):
        captioner.word_attention(pictures[0], " ")
    with pytest.raises(OptionError, match=r"The caption .* has 32 tokens"):
        captioner.word_attention(pictures[0], "cat " * 30)


def test_it_can_be_stopped(tiny: CocaModel, captioner: BlipCaptionModel, pictures: list[Picture]) -> None:  # noqa: F811
    for model in (tiny, captioner):
        cancel = CancelToken()
        events = model.caption_with_attention(pictures[0], CaptionOptions(temperature=0), cancel)
        next(events)
        cancel.cancel()
        with pytest.raises(Cancelled):
            list(events)


@pytest.mark.slow
def test_a_full_size_coca(pictures: list[Picture]) -> None:
    model: CocaModel = engine.load("coca-vit-b-32", device="cpu", untrained=True)

    result, maps = run(model, pictures[1], CaptionOptions(temperature=0, max_tokens=3))

    assert maps.weights.shape == (12, 8, 3, 50)
    assert maps.to_queries.shape == (12, 8, 3, 255)
    decoder, pooler = coca_reference(model, pictures[1], [token.id for token in result.tokens])
    assert np.abs(maps.weights - decoder @ pooler.mean(0)[1:]).max() < STEPS


@pytest.mark.slow
def test_a_full_size_blip(pictures: list[Picture]) -> None:
    model: BlipVqaModel = engine.load("blip-vqa-base", device="cpu", untrained=True)

    maps = model.question_attention(pictures[1], "what is the boy doing?")

    assert maps.weights.shape == (12, 12, 8, 577)
    assert maps.patch_maps().shape == (8, 24, 24)

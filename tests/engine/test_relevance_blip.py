"""Relevance in BLIPs equals the paper's rules on weights that transformers gives away itself (`output_attentions`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from cocadesk.engine.blip import BlipCaptionModel, BlipVqaModel
from cocadesk.errors import Cancelled, OptionError
from cocadesk.types import AnswerResult, AskOptions, CancelToken, Clip, Picture
from tests.engine import blip_models
from tests.engine import relevance_reference as by_hand
from tests.engine.blip_models import captioner, vqa  # noqa: F401 — fixtures
from tests.engine.relevance_reference import Matrix, Tape, assert_alike


def with_gradients(model: BlipCaptionModel | BlipVqaModel) -> Any:
    """A copy in float64 whose parameters ask for gradients, so that all attention is in the graph."""
    return by_hand.in_float64(model.module).requires_grad_()


def features(tape: Tape, module: Any, model: BlipCaptionModel | BlipVqaModel, picture: Picture) -> Any:
    seen = module.vision_model(blip_models.pixels(model, [picture]).double(), output_attentions=True)
    tape.weights["patches"] = list(seen.attentions)
    return seen.last_hidden_state


def through(found: dict[str, list[Matrix]], own: str, to_image: str, patches: Matrix) -> Matrix:
    """R^tp behind layers of self- and cross-attention: equations 6, 7 and 10."""
    text = np.eye(len(found[own][0]))
    relevance = np.zeros((len(text), patches.shape[1]))
    for first, second in zip(found[own], found[to_image], strict=True):
        relevance = relevance + first @ relevance
        text = text + first @ text
        relevance = relevance + by_hand.normalised(text).T @ second @ patches
    return relevance


@pytest.mark.parametrize("text", ["two cats on the meadow", "dog"])
def test_a_captions_words(captioner: BlipCaptionModel, pictures: list[Picture], text: str) -> None:  # noqa: F811
    tokens = captioner.tokenizer.encode_caption(text)
    module, tape = with_gradients(captioner), Tape()
    image = features(tape, module, captioner, pictures[2])
    fed = torch.tensor([[captioner.tokenizer.start, *tokens[:-1]]])
    output = module.text_decoder(fed, encoder_hidden_states=image, output_attentions=True)
    tape.weights |= {"own": list(output.attentions), "image": list(output.cross_attentions)}
    expected = []
    for place, token in enumerate(tokens):
        found = tape.weighted(output.logits[0, place, token])
        patches = by_hand.normalised(by_hand.self_relevance(found["patches"]))
        expected.append(through(found, "own", "image", patches)[place])

    maps = captioner.word_relevance(pictures[2], text)

    assert_alike(maps.weights[0, 0], np.stack(expected))
    assert (maps.measure, maps.kind, maps.text) == ("relevance", "words", text)
    assert maps.tokens == captioner.word_attention(pictures[2], text).tokens


@pytest.mark.parametrize("answer", ["two green dogs", "yes"])
def test_an_answer(vqa: BlipVqaModel, pictures: list[Picture], answer: str) -> None:  # noqa: F811
    question = "what is the dog doing?"
    tokens = vqa.tokenizer.encode_caption(answer)
    module, tape = with_gradients(vqa), Tape()
    image = features(tape, module, vqa, pictures[0])
    read = module.text_encoder(
        torch.tensor([vqa.tokenizer.encode_question(question)]), encoder_hidden_states=image, output_attentions=True
    )
    fed = torch.tensor([[vqa.tokenizer.start, *tokens[:-1]]])
    output = module.text_decoder(fed, encoder_hidden_states=read.last_hidden_state, output_attentions=True)
    tape.weights |= {
        "question": list(read.attentions),
        "image": list(read.cross_attentions),
        "answer": list(output.attentions),
        "to question": list(output.cross_attentions),
    }
    expected = []
    for place, token in enumerate(tokens[:-1]):
        found = tape.weighted(output.logits[0, place, token])
        patches = by_hand.normalised(by_hand.self_relevance(found["patches"]))
        asked = through(found, "question", "image", patches)
        told = np.zeros((len(tokens), patches.shape[1]))
        for own, cross in zip(found["answer"], found["to question"], strict=True):
            told = told + own @ told  # equation 7
            told = told + cross @ asked  # equation 11
        expected.append(told[place])

    maps = vqa.answer_relevance(pictures[0], question, answer)

    assert_alike(maps.weights[0, 0, 0], np.mean(expected, 0))
    assert (maps.tokens, maps.text, maps.measure, maps.grid) == ((answer,), question, "relevance", (3, 3))


def test_without_an_answer_it_is_the_models_own(vqa: BlipVqaModel, pictures: list[Picture]) -> None:  # noqa: F811
    *_, result = vqa.ask(pictures[1], "is the cat red?", AskOptions())
    assert isinstance(result, AnswerResult)

    maps = vqa.answer_relevance(pictures[1], "is the cat red?")

    assert maps.tokens == (result.answer,)
    given = vqa.answer_relevance(pictures[1], "is the cat red?", result)
    assert np.array_equal(maps.weights, given.weights)


def test_clips_of_equal_frames_have_the_pictures_maps(
    captioner: BlipCaptionModel,  # noqa: F811
    vqa: BlipVqaModel,  # noqa: F811
    pictures: list[Picture],
) -> None:
    clip = Clip("clip", (pictures[1],) * 2, (0, 1))
    for ask in (
        lambda seen: captioner.word_relevance(seen, "two cat"),
        lambda seen: vqa.answer_relevance(seen, "cat?", "no"),
    ):
        assert_alike(ask(clip).weights, ask(pictures[1]).weights)


def test_bad_texts_stopping_and_what_is_left(
    captioner: BlipCaptionModel,  # noqa: F811
    vqa: BlipVqaModel,  # noqa: F811
    pictures: list[Picture],
) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(OptionError, match="The caption is empty"):
        captioner.word_relevance(pictures[0], " ")
    with pytest.raises(OptionError, match="The question is empty"):
        vqa.answer_relevance(pictures[0], "", "yes")
    with pytest.raises(Cancelled):
        captioner.word_relevance(pictures[0], "cat", cancel)
    with pytest.raises(Cancelled):
        vqa.answer_relevance(pictures[0], "cat?", "yes", cancel)
    vqa.answer_relevance(pictures[0], "cat?", "yes")
    for model in (captioner, vqa):
        assert not any(each._forward_hooks or each._forward_pre_hooks for each in model.module.modules())
        assert all(each.grad is None and not each.requires_grad for each in model.module.parameters())

"""What loaded BLIPs do: several questions, clips, batches, cancelling; small ones with varied weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import BlipImageProcessor, BlipImageProcessorPil

from cocadesk.engine.blip import BlipCaptionModel, BlipVqaModel
from cocadesk.engine.preprocess import Preprocessing, preprocess
from cocadesk.errors import Cancelled, InputError, OptionError
from cocadesk.paths import resources_dir
from cocadesk.types import (
    AnswerResult,
    AskOptions,
    CancelToken,
    CaptionOptions,
    CaptionResult,
    Clip,
    Draft,
    Picture,
    Token,
)
from tests.engine import blip_models as reference
from tests.engine.blip_models import captioner, vqa
from tests.fakes.pictures import animation

__all__ = ["captioner", "vqa"]

QUESTIONS = ["what is on the meadow?", "how many dogs?", "is the cat blue?"]


def clip_of(pictures: list[Picture]) -> Clip:
    return Clip("clip", tuple(pictures), tuple(range(0, 10 * len(pictures), 10)))


def answers(events: object) -> list[AnswerResult]:
    return [event for event in events if isinstance(event, AnswerResult)]  # type: ignore[attr-defined]


def captions(model: BlipCaptionModel, pictures: list[Picture | Clip], **how: float) -> list[CaptionResult]:
    events = model.caption(pictures, CaptionOptions(**how))  # type: ignore[arg-type]
    return sorted((event for event in events if isinstance(event, CaptionResult)), key=lambda each: each.picture)


class Passes:
    """Counts what goes through the image encoder."""

    def __init__(self, model: reference.Blip) -> None:
        self.squares = 0
        model.module.vision_model.register_forward_pre_hook(self._count, with_kwargs=True)

    def _count(self, module: object, given: tuple[torch.Tensor, ...], named: dict[str, torch.Tensor]) -> None:
        self.squares += len(given[0])


SIZES = [(384, 384), (640, 427), (90, 1200), (1, 1), (17, 300)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_is_prepared_as_transformers_does_with_pillow(size: tuple[int, int]) -> None:
    random = np.random.default_rng(size[0])
    pixels = random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)

    square, place = preprocess(pixels, Preprocessing(384, resize_mode="squash"))

    expected = BlipImageProcessorPil()(Image.fromarray(pixels), return_tensors="np").pixel_values[0]
    assert np.abs(square - expected).max() < 1e-6
    assert place.box == (0, 0, *size)


@pytest.mark.parametrize("size", [(640, 427), (300, 200), (768, 768)], ids=str)
def test_a_picture_is_prepared_nearly_as_transformers_does_with_torchvision(size: tuple[int, int]) -> None:
    """The two resamplings round differently: one grey level, in fewer than one value of a hundred."""
    image = Image.open(resources_dir() / "samples" / "penguins.jpg").convert("RGB").resize(size)
    wanted = Preprocessing(384, resize_mode="squash")

    square, _ = preprocess(np.asarray(image), wanted)

    expected = BlipImageProcessor()(image, return_tensors="np").pixel_values[0]
    grey_levels = 255 * np.asarray(wanted.std)[:, None, None] * np.abs(square - expected)
    assert grey_levels.max() < 1.01
    assert (grey_levels > 0.01).mean() < 0.01


def test_questions_are_answered_one_after_the_other(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    events = list(vqa.ask(pictures[3], QUESTIONS))

    found = answers(events)
    assert [result.question for result in found] == [0, 1, 2]
    assert [result.text for result in found] == QUESTIONS
    assert {result.model for result in found} == {"tiny-blip-vqa"}
    assert [event.picture for event in events if isinstance(event, Token)] == [
        result.question for result in found for _ in result.tokens
    ]
    for question, result in zip(QUESTIONS, found, strict=True):
        [alone] = answers(vqa.ask(pictures[3], question))
        assert [token.id for token in alone.tokens] == [token.id for token in result.tokens]
        assert result.answer == "".join(token.text for token in result.tokens).strip()
        assert result.frames == ()
        assert result.timings.load_s > 0
        assert 0 < result.timings.encode_s < result.timings.first_token_s
    assert len({result.answer for result in found}) > 1


def test_the_logprob_is_that_of_the_whole_answer(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    for beams in (1, 3):
        [result] = answers(vqa.ask(pictures[2], QUESTIONS[0], AskOptions(beams=beams, max_tokens=6)))
        numbers = [token.id for token in result.tokens]
        image = reference.features(vqa, [pictures[2]])
        states = reference.question_states(vqa, image, vqa.tokenizer.encode_question(QUESTIONS[0]))
        fed = torch.tensor([[vqa.tokenizer.start, *numbers[:-1]]])
        logprobs = reference.logits(vqa, states, fed)[0].log_softmax(-1)
        expected = logprobs[torch.arange(len(numbers)), numbers].sum().item()
        assert result.logprob == pytest.approx(expected, abs=1e-4)


def test_a_further_question_does_not_look_at_the_picture_again(
    vqa: BlipVqaModel, pictures: list[Picture], tmp_path: Path
) -> None:
    passes = Passes(vqa)
    list(vqa.ask(pictures[0], QUESTIONS[:2]))
    assert passes.squares == 1
    list(vqa.ask(pictures[0], QUESTIONS[2]))
    list(vqa.ask(Picture("a copy", pictures[0].pixels.copy()), QUESTIONS[2]))
    assert passes.squares == 1

    clip = clip_of(pictures[1:4])
    [first] = answers(vqa.ask(clip, QUESTIONS[0]))
    list(vqa.ask(clip, QUESTIONS[1]))
    assert passes.squares == 4
    list(vqa.ask(clip_of(pictures[1:3]), QUESTIONS[1]))
    assert passes.squares == 6

    path = tmp_path / "one.png"
    Image.fromarray(pictures[0].pixels).save(path)
    list(vqa.ask(path, QUESTIONS[0]))
    [again] = answers(vqa.ask(str(path), QUESTIONS[0]))
    assert passes.squares == 7
    [fresh] = answers(vqa.ask(pictures[0], QUESTIONS[0]))
    assert fresh.tokens == again.tokens
    assert [token.id for token in fresh.tokens] != [token.id for token in first.tokens]


def test_a_clip_is_seen_as_the_mean_of_its_frames(
    vqa: BlipVqaModel, captioner: BlipCaptionModel, pictures: list[Picture]
) -> None:
    clip = clip_of(pictures)
    for model in (vqa, captioner):
        alone = reference.features(model, pictures)
        encoding = model.encode_image([pictures[3], clip])
        torch.testing.assert_close(encoding.features[1], alone.mean(0), atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(encoding.features[0], alone[3], atol=1e-5, rtol=1e-4)

    [answer] = answers(vqa.ask(clip, QUESTIONS[0]))
    mean = reference.features(vqa, pictures).mean(0, keepdim=True)
    states = reference.question_states(vqa, mean, vqa.tokenizer.encode_question(QUESTIONS[0]))
    fed = torch.tensor([[vqa.tokenizer.start, *(token.id for token in answer.tokens[:-1])]])
    expected = reference.logits(vqa, states, fed)[0].argmax(-1)
    assert [token.id for token in answer.tokens] == expected.tolist()
    assert answer.frames == (0, 10, 20, 30, 40)

    [caption] = captions(captioner, [clip], max_tokens=8, temperature=0)  # a clip would be drawn at random
    source = reference.features(captioner, pictures).mean(0, keepdim=True)
    fed = torch.tensor([[captioner.tokenizer.start, *(token.id for token in caption.tokens[:-1])]])
    assert [token.id for token in caption.tokens] == reference.logits(captioner, source, fed)[0].argmax(-1).tolist()
    assert caption.frames == (0, 10, 20, 30, 40)


def test_a_path_of_an_animation_is_a_clip_of_so_many_frames(
    vqa: BlipVqaModel, captioner: BlipCaptionModel, tmp_path: Path
) -> None:
    path = animation(tmp_path / "clip.gif", 20)

    [answer] = answers(vqa.ask(path, QUESTIONS[0], AskOptions(frames=4)))
    *_, caption = captioner.caption(path, CaptionOptions(frames=4, max_tokens=3))
    assert isinstance(caption, CaptionResult)

    assert answer.frames == caption.frames == (2, 7, 12, 17)


@pytest.mark.parametrize(
    "how", [{"temperature": 0}, {"temperature": 1.0, "seed": 3}, {"beams": 3}], ids=["greedy", "drawn", "beams"]
)
def test_pictures_get_the_same_captions_alone_and_together(
    captioner: BlipCaptionModel, pictures: list[Picture], how: dict[str, float]
) -> None:
    many: list[Picture | Clip] = [*pictures, clip_of(pictures[:2])] * 3  # more than a batch

    together = captions(captioner, many, max_tokens=9, **how)

    assert [result.picture for result in together] == list(range(18))
    for item, result in zip(many[:6], together, strict=False):
        [alone] = captions(captioner, [item], max_tokens=9, **how)
        assert [token.id for token in alone.tokens] == [token.id for token in result.tokens]
    assert len({len(result.tokens) for result in together}) > 1, "the captions should end at different steps"


def test_a_search_shows_drafts_first(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    kinds = [type(event) for event in vqa.ask(pictures[0], QUESTIONS[0], AskOptions(beams=3))]

    assert kinds[0] is Draft
    assert kinds[-1] is AnswerResult
    assert kinds == sorted(kinds, key=[Draft, Token, AnswerResult].index)


def test_answers_and_captions_end_at_the_limit_and_at_the_context(
    vqa: BlipVqaModel, captioner: BlipCaptionModel, pictures: list[Picture]
) -> None:
    for model in (vqa, captioner):
        model.module.text_decoder.cls.predictions.decoder.bias.data[model.tokenizer.end] = -1e9
    assert [len(result.tokens) for result in answers(vqa.ask(pictures[0], QUESTIONS, AskOptions(max_tokens=3)))] == [
        3
    ] * 3
    context = reference.TINY["text_config"]["max_position_embeddings"]
    assert len(answers(vqa.ask(pictures[0], "what?", AskOptions(max_tokens=50)))[0].tokens) == context
    assert len(captions(captioner, [pictures[0]], max_tokens=50)[0].tokens) == context
    assert len(captions(captioner, [pictures[0]], max_tokens=50, beams=2)[0].tokens) == context


def test_a_seed_repeats_a_drawn_answer(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    seeds = [AskOptions(temperature=2.0, seed=seed) for seed in (1, 1, 2, 3)]
    drawn = [answers(vqa.ask(pictures[0], QUESTIONS[0], options))[0].answer for options in seeds]

    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1


@pytest.mark.parametrize("question", ["", "  ", "what " * 10_000, "\udcff?"])
def test_one_question_that_cannot_be_read_is_told_before_anything_is_computed(
    vqa: BlipVqaModel, pictures: list[Picture], question: str
) -> None:
    passes = Passes(vqa)

    with pytest.raises(OptionError):
        list(vqa.ask(pictures[0], ["what is red?", question]))
    assert passes.squares == 0


@pytest.mark.parametrize("question", ["🐕🐈‍⬛?", "מה יש כאן?", "ما هذا؟", "?", "Ｗｈａｔ"])
def test_questions_in_any_script_are_answered(vqa: BlipVqaModel, pictures: list[Picture], question: str) -> None:
    [result] = answers(vqa.ask(pictures[0], question))

    assert result.text == question
    assert result.tokens


def test_a_cancelled_answer_stops_and_the_model_goes_on(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    cancel = CancelToken()
    events = vqa.ask(pictures[0], QUESTIONS, AskOptions(), cancel)
    first = next(events)
    assert isinstance(first, Token)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(events)

    passes = Passes(vqa)
    with pytest.raises(Cancelled):
        list(vqa.ask(pictures[1], QUESTIONS, AskOptions(), cancel))
    assert passes.squares == 0
    assert answers(vqa.ask(pictures[0], QUESTIONS[0]))


def test_cancelling_between_frames(captioner: BlipCaptionModel, pictures: list[Picture]) -> None:
    passes = Passes(captioner)
    cancel = CancelToken()
    captioner.module.vision_model.register_forward_hook(lambda *_: cancel.cancel())

    with pytest.raises(Cancelled):
        list(captioner.caption([clip_of(pictures * 2)], CaptionOptions(), cancel))

    assert passes.squares < 10


def test_embeddings_are_the_patches_mean(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    many = pictures * 4

    found = vqa.embed_image(many)

    expected = reference.features(vqa, pictures)[:, 1:].mean(1)
    expected /= expected.norm(dim=-1, keepdim=True)
    assert found.dtype == np.float32
    assert np.abs(found - expected.numpy()[np.arange(20) % 5]).max() < 1e-5
    assert vqa.embed_image([]).shape == (0, 48)


def test_a_path_that_is_no_picture(vqa: BlipVqaModel, captioner: BlipCaptionModel, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    with pytest.raises(InputError):
        list(vqa.ask(tmp_path / "notes.txt", "what is this?"))
    with pytest.raises(InputError):
        list(captioner.caption(tmp_path / "notes.txt"))

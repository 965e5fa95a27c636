"""The bundled models: they are what their cards say, run as their libraries do, and know their world."""

from __future__ import annotations

import json
import re
from pathlib import Path

import marks
import numpy as np
import pytest
import scenes
import torch
import vit_model
import vqa_model

from cocadesk import engine
from cocadesk.catalog.cards import DEFAULT_ANSWERER, DEFAULT_CLASSIFIER, card
from cocadesk.engine.blip import BlipVqaModel
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.preprocess import preprocess
from cocadesk.media.image import open_picture
from cocadesk.paths import resources_dir
from cocadesk.types import AnswerResult, CaptionOptions, CaptionResult
from tests.engine import reference

SAMPLES = resources_dir() / "samples"
SHOWN: dict[str, str] = json.loads(SAMPLES.with_suffix(".json").read_text(encoding="utf-8"))
FIRST = next(iter(SHOWN))
MOST_BYTES = {"starter-coca": 25_000_000, "starter-vqa": 25_000_000, "starter-vit": 12_000_000}


@pytest.fixture(scope="module")
def starter() -> CocaModel:
    return engine.load("starter-coca", device="cpu")


def caption(model: CocaModel, picture: Path, options: CaptionOptions = CaptionOptions()) -> CaptionResult:  # noqa: B008
    *_, result = model.caption(picture, options)
    assert isinstance(result, CaptionResult)
    return result


@pytest.mark.parametrize("name", MOST_BYTES)
def test_each_is_what_its_card_says(name: str) -> None:
    told = card(name)
    model = engine.load(name, device="cpu")
    assert sum(parameter.numel() for parameter in model.module.parameters()) == told.parameters
    assert sum(file.stat().st_size for file in told.folder.iterdir()) < MOST_BYTES[name]
    assert model.image_attention(SAMPLES / FIRST).grid == (told.patch_grid, told.patch_grid)


def test_it_sees_what_the_samples_show(starter: CocaModel) -> None:
    """Of the pictures a new user sees first, most are described right; the card's figures say how many elsewhere."""
    nouns_right = backgrounds_right = 0
    for name, truth in SHOWN.items():
        said, shown = scenes.read_caption(caption(starter, SAMPLES / name).caption), scenes.read_caption(truth)
        nouns_right += said.counts.keys() == shown.counts.keys()
        backgrounds_right += said.background == shown.background
    assert backgrounds_right >= len(SHOWN) - 1
    assert nouns_right >= len(SHOWN) * 3 // 4


@pytest.mark.parametrize("name", list(SHOWN)[:3])
def test_cached_uncached_and_open_clips_forward_say_the_same(starter: CocaModel, name: str) -> None:
    cached = caption(starter, SAMPLES / name)
    uncached = caption(starter, SAMPLES / name, CaptionOptions(cached=False))

    encoding = starter.encode_image(SAMPLES / name)
    image = encoding.embedding, encoding.tokens
    start, end = starter.tokenizer.start, starter.tokenizer.end
    expected = reference.argmax_loop(starter.module, image, start, end, limit=CaptionOptions().max_tokens)
    assert [token.id for token in cached.tokens] == [token.id for token in uncached.tokens] == expected


def test_pictures_and_their_captions_find_each_other(starter: CocaModel) -> None:
    """Contrast: of the samples' descriptions, a picture's own is the nearest for most pictures."""
    images = starter.embed_image([SAMPLES / name for name in SHOWN])
    texts = starter.embed_text(list(SHOWN.values()))

    nearest = (images @ texts.T).argmax(1)

    assert sum(int(found) == row for row, found in enumerate(nearest)) >= len(SHOWN) - 2


@pytest.mark.parametrize(
    ("name", "colour", "still"), [("balloon-rising", "blue", "house"), ("dog-walking", "yellow", "tree")]
)
def test_the_clips_are_described_by_what_stays_in_them(starter: CocaModel, name: str, colour: str, still: str) -> None:
    result = caption(starter, SAMPLES / f"{name}.mp4", CaptionOptions(temperature=0, frames=4))
    said = scenes.read_caption(result.caption)
    assert said.background == colour
    assert any(scenes.NOUNS[noun]["noun"] == still for noun in said.counts)
    assert len(result.frames) == 4


@pytest.fixture(scope="module")
def answerer() -> BlipVqaModel:
    return engine.load(DEFAULT_ANSWERER, device="cpu")


def answers(model: BlipVqaModel, picture: Path, *questions: str) -> list[str]:
    return [event.answer for event in model.ask(picture, list(questions)) if isinstance(event, AnswerResult)]


def test_it_tells_the_samples_backgrounds(answerer: BlipVqaModel) -> None:
    plain = {name: scenes.read_caption(truth).background for name, truth in SHOWN.items()}
    plain = {name: colour for name, colour in plain.items() if colour != "photo"}
    right = sum(
        answers(answerer, SAMPLES / name, "what colour is the background?") == [colour]
        for name, colour in plain.items()
    )
    assert right >= len(plain) - 1


def test_it_tells_what_is_there_and_what_is_not(answerer: BlipVqaModel) -> None:
    """Asked of each sample about its own things, and about those of the next one."""
    shown = [list(scenes.read_caption(truth).counts) for truth in SHOWN.values()]
    right = []
    for place, name in enumerate(SHOWN):
        others = [noun for noun in shown[(place + 1) % len(shown)] if noun not in shown[place]]
        asked = [f"is there {scenes.noun_phrase(noun, 1)}?" for noun in (*shown[place], *others)]
        expected = ["yes"] * len(shown[place]) + ["no"] * len(others)
        said = answers(answerer, SAMPLES / name, *asked)
        right += [one == other for one, other in zip(said, expected, strict=True)]
    assert sum(right) >= 0.85 * len(right)


def test_words_of_a_question_look_at_what_they_name(answerer: BlipVqaModel) -> None:
    """In the layer that the card names: in samples of two kinds of things, each is looked for on its own side."""
    layer, right = answerer.card.grounding_layer, []
    assert layer is not None
    for name, truth in SHOWN.items():
        found = re.search(r"(above|to the left of)", truth)
        if found is None:
            continue
        axis = 0 if found[0] == "above" else 1
        for place, noun in enumerate(scenes.read_caption(truth).counts):
            word = scenes.NOUNS[noun]["noun"]
            maps = answerer.question_attention(SAMPLES / name, f"is there {scenes.with_article(word)}?")
            token = [piece.strip() for piece in maps.tokens].index(word)
            row, column = np.unravel_index(maps.patch_map(token, layer).argmax(), maps.grid)
            right.append(((row, column)[axis] >= maps.grid[axis] / 2) == bool(place))
    assert len(right) == 10
    assert sum(right) >= 9


def test_it_says_what_no_scene_tells(answerer: BlipVqaModel) -> None:
    assert answers(answerer, SAMPLES / FIRST, "what is its name?") == ["i can't tell"]


def test_answers_are_those_of_transformers_own_forward(answerer: BlipVqaModel) -> None:
    asked = ["what is in the picture?", "how many things are there?", "what colour is the background?"]
    with torch.random.fork_rng(devices=[]):
        module, words = vqa_model.load(card(DEFAULT_ANSWERER).folder)
    opened = open_picture(SAMPLES / FIRST)
    squares = torch.from_numpy(preprocess(opened.pixels, answerer._preprocessing)[0])[None]
    with torch.inference_mode():
        [expected] = marks.answers(module.eval(), words, squares, [asked])
    assert [said.lower() for said in answers(answerer, SAMPLES / FIRST, *asked)] == [said.lower() for said in expected]


def test_classes_are_those_of_timms_own_forward() -> None:
    model = engine.load(DEFAULT_CLASSIFIER, device="cpu")
    [found] = model.classify(SAMPLES / FIRST, top=3)
    with torch.random.fork_rng(devices=[]):
        module = vit_model.load(card(DEFAULT_CLASSIFIER).folder).eval()
    squares = torch.from_numpy(preprocess(open_picture(SAMPLES / FIRST).pixels, model._preprocessing)[0])[None]
    with torch.inference_mode():
        expected = module(squares).softmax(-1)[0].topk(3)
    assert [score.label for score in found.top] == [model.labels[at] for at in expected.indices.tolist()]
    assert [score.probability for score in found.top] == pytest.approx(expected.values.tolist(), abs=1e-4)
    assert all(score.definition for score in found.top)

"""The bundled model: it is what its card says, decodes as open_clip does, and knows its world."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import scenes

from cocadesk import engine
from cocadesk.catalog.cards import card
from cocadesk.engine.coca import CocaModel
from cocadesk.paths import resources_dir
from cocadesk.types import CaptionOptions, CaptionResult
from tests.engine import reference

SAMPLES = resources_dir() / "samples"
SHOWN: dict[str, str] = json.loads(SAMPLES.with_suffix(".json").read_text(encoding="utf-8"))
MOST_BYTES = 20_000_000


@pytest.fixture(scope="module")
def starter() -> CocaModel:
    return engine.load("starter-coca", device="cpu")


def caption(model: CocaModel, picture: Path, options: CaptionOptions = CaptionOptions()) -> CaptionResult:  # noqa: B008
    *_, result = model.caption(picture, options)
    assert isinstance(result, CaptionResult)
    return result


def test_it_is_what_its_card_says(starter: CocaModel) -> None:
    told = card("starter-coca")
    assert sum(parameter.numel() for parameter in starter.module.parameters()) == told.parameters
    assert starter.module.visual.image_size == (told.input_pixels, told.input_pixels)
    assert starter.module.visual.grid_size == (told.patch_grid, told.patch_grid)
    assert sum(file.stat().st_size for file in told.folder.iterdir()) < MOST_BYTES


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

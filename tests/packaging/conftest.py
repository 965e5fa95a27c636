"""A small world for the starters' scripts: artwork, photographs, data sets and networks that fit in a second."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import artists
import files
import marks
import model
import numpy as np
import pytest
import vit_model
import vqa_model
from nouns import NOUNS

SPRITE = 48
_VIT = {"img_size": 32, "patch_size": 16, "embed_dim": 32, "depth": 1, "num_heads": 2}
_TEXT = {"hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 1, "num_attention_heads": 2}
TINY: dict[str, dict[str, Any]] = {
    "starter-coca": {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "attn_pooler_heads": 2}
        | {"attn_pooler_queries": 5},
        "text_cfg": {"width": 32, "heads": 2, "layers": 1},
        "multimodal_cfg": {"width": 32, "heads": 2, "layers": 2, "attn_pooler_heads": 2},
    },
    "starter-vqa": {"vision_config": _TEXT | {"image_size": 32}, "text_config": _TEXT},
    "starter-vit": {"model_args": _VIT, "pretrained_cfg": {"input_size": [3, 32, 32]}},
}
"""What differs from the configurations of the real starters."""


def tiny(name: str) -> dict[str, Any]:
    """A starter's configuration with the small numbers in it."""
    found = deepcopy(model.configuration(name))
    for part, numbers in TINY[name].items():
        found[part] = found[part] | numbers if isinstance(numbers, dict) else numbers
    return found


def sprite(noun: int, artist: int = 0, *, sketch: bool = False) -> np.ndarray:
    """(4, SPRITE, SPRITE): a coloured square with a black bar, opaque but for a transparent rim.

    Colour and place of the bar tell the noun; artists of odd numbers draw it upright.
    """
    pixels = np.zeros((4, SPRITE, SPRITE), np.uint8)
    pixels[3, 2:-2, 2:-2] = 255
    colour = (255, 255, 255) if sketch else (60 + noun % 7 * 30, 60 + noun // 7 % 7 * 30, 60 + noun // 49 * 25)
    pixels[:3, 2:-2, 2:-2] = np.array(colour)[:, None, None]
    start = 4 + noun % 36
    pixels[:3, start : start + 6, 6:-6] = 0
    return pixels.transpose(0, 2, 1) if artist % 2 else pixels


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Put the small world where the scripts look for theirs; returns the folder."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder = tmp_path_factory.mktemp("world")
        monkeypatch.setattr(files, "ART", folder)
        _write()
        for part, numbers in tiny("starter-coca").items():
            monkeypatch.setitem(model.CONFIG, part, numbers)
        for module in (vqa_model, vit_model):
            monkeypatch.setattr(module, "configuration", tiny)
        marks.renderer.cache_clear()
        yield folder
        marks.renderer.cache_clear()


def _write() -> None:
    """The artwork of four artists, three photographs, and the data sets with pictures of noise."""
    drawn = [
        (artist, noun, sprite(noun, artist, sketch=artist in artists.numbers(artists.SKETCHES)))
        for artist in artists.numbers((artists.SEEN[0], artists.SEEN[1], artists.SKETCHES[0], artists.UNSEEN))
        for noun in range(len(NOUNS))
    ]
    rows = (np.array([row[column] for row in drawn]) for column in (2, 1, 0))
    np.savez(files.sprites(), **dict(zip(("pixels", "noun", "artist"), rows, strict=True)))
    rng = np.random.default_rng(0)
    np.savez(files.photographs(), pixels=rng.integers(256, size=(3, 3, 320, 320), dtype=np.uint8))
    for name, shape in (("fashion", (28, 28, 1)), ("cifar", (32, 32, 3))):
        for split, count in (("train", 40), ("test", 30)):
            path = files.dataset(name, split)
            path.parent.mkdir(exist_ok=True)
            pixels = rng.integers(256, size=(count, *shape), dtype=np.uint8)
            np.savez(path, pixels=pixels, label=(np.arange(count) % 10).astype(np.uint8))

"""What maps of coca-vit-b-32 cost (seeded random weights, float32, CPU): a picture's, and those of a caption's words.

Every figure is a ratio of medians whose repeats take turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch

from cocadesk import engine
from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_image import squares
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.drafts import Drafts
from cocadesk.types import CaptionOptions, CaptionResult, Picture
from tests.benchmarks.row import Row

TOKENS = 25
REPEATS = 9


def rows() -> list[Row]:
    """All maps of a picture against a bare forward; recording words' maps against decoding without them."""
    model: CocaModel = engine.load("coca-vit-b-32", device="cpu", dtype="float32", untrained=True, seed=0)
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    picture = Picture("noise", pixels)
    maps, bare = _alternate(
        lambda: _seconds(lambda: model.image_attention(picture)),
        lambda: _seconds(lambda: _forward(model, picture)),
    )
    watched, plain, decoding = _alternate(
        lambda: _caption(model, picture, watched=True)[0],
        lambda: _caption(model, picture, watched=False)[0],
        lambda: _caption(model, picture, watched=False)[1],
    )
    share = max(0.0, watched - plain) / decoding
    return [
        Row("All maps of a picture: at most so much longer than a bare forward", maps / bare, 1.5, maps / bare <= 1.5),
        Row(f"Maps of {TOKENS} words: at most this share of decoding them on top", 100 * share, 20, share <= 0.2, "%"),
    ]


@torch.inference_mode()
def _forward(model: CocaModel, picture: Picture) -> None:
    model.module.encode_image(squares([picture], model._preprocessing))


def _caption(model: CocaModel, picture: Picture, *, watched: bool) -> tuple[float, float]:
    """Seconds that captioning took in all, and decoding alone; with the maps of its words, or without."""
    model.drafts = Drafts()
    options = CaptionOptions(temperature=0, max_tokens=TOKENS)
    started = time.perf_counter()
    events = model.caption_with_attention(picture, options) if watched else model.caption(picture, options)
    decoded = 0.0
    for event in events:
        if isinstance(event, CaptionResult):
            decoded = event.timings.decode_s
            assert len(event.tokens) == TOKENS
    assert watched == isinstance(event, AttentionMaps)
    return time.perf_counter() - started, decoded


def _alternate(*measures: Callable[[], float]) -> list[float]:
    """Medians of what these measure, in turns; the first turn does not count."""
    turns = [[measure() for measure in measures] for _ in range(REPEATS + 1)][1:]
    return [median(column) for column in zip(*turns, strict=True)]


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started

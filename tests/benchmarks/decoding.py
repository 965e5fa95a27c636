"""Speed of decoding with coca-vit-b-32 (seeded random weights, float32, CPU) against open_clip's own modules.

Every figure is a ratio of medians whose repeats take turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from open_clip.coca_model import CoCa

from cocadesk import engine
from cocadesk.engine import CocaModel
from cocadesk.engine.coca_weights import read_config
from cocadesk.types import CaptionOptions, Picture, Token
from tests.benchmarks.row import Row
from tests.engine import reference

TOKENS = 25
DECODE_REPEATS = 5
FIRST_TOKEN_REPEATS = 15


@dataclass(frozen=True, slots=True)
class Bench:
    """The engine's model, open_clip's module with the same weights, and a picture."""

    model: CocaModel
    module: CoCa
    picture: Picture
    pixels: torch.Tensor


def rows() -> list[Row]:
    """The cached loop against open_clip's, and the first token against encoding alone."""
    bench = _bench()
    cached, uncached = _alternate(lambda: _caption(bench), lambda: _open_clip_loop(bench), repeats=DECODE_REPEATS)
    tokens = _caption(bench)
    same = tokens == _open_clip_loop(bench) and len(tokens) == TOKENS
    speed_up = uncached / cached
    first, encode = _alternate(lambda: _first_token(bench), lambda: _encode_image(bench), repeats=FIRST_TOKEN_REPEATS)
    delay = first / encode
    return [
        Row(
            f"Cached greedy decoding of {TOKENS} tokens, {'the same' if same else 'OTHER'} tokens: at least so much "
            "faster than a loop over open_clip's forward",
            speed_up,
            5.0,
            same and speed_up >= 5.0,
        ),
        Row("Time to the first token: at most so much longer than open_clip's encode_image", delay, 1.3, delay <= 1.3),
    ]


def _bench() -> Bench:
    model = engine.load("coca-vit-b-32", device="cpu", dtype="float32", untrained=True, seed=0)
    module = CoCa(**read_config(model.card).modules)
    module.load_state_dict(model.module.state_dict())
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    picture = Picture("noise", pixels)
    return Bench(model, module.eval().requires_grad_(False), picture, reference.pixels(model, [picture]))


def _alternate(first: Callable[[], object], second: Callable[[], object], *, repeats: int) -> tuple[float, float]:
    """Median seconds of each, run in turns after one unmeasured turn."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for work, taken in zip((first, second), seconds, strict=True):
            started = time.perf_counter()
            work()
            if turn:
                taken.append(time.perf_counter() - started)
    return median(seconds[0]), median(seconds[1])


def _caption(bench: Bench) -> list[int]:
    """Tokens of the engine's caption, from the picture on."""
    events = bench.model.caption(bench.picture, CaptionOptions(max_tokens=TOKENS))
    return [event.id for event in events if isinstance(event, Token)]


def _open_clip_loop(bench: Bench) -> list[int]:
    """Tokens by open_clip's forward over all tokens so far, from the prepared pixels on."""
    tokenizer = bench.model.tokenizer
    with torch.inference_mode():
        output = bench.module(bench.pixels)
    image = (output["image_features"], output["image_embs"])
    return reference.argmax_loop(bench.module, image, tokenizer.start, tokenizer.end, TOKENS)


def _first_token(bench: Bench) -> None:
    events = bench.model.caption(bench.picture)
    next(events)
    events.close()


def _encode_image(bench: Bench) -> None:
    with torch.inference_mode():
        bench.module.encode_image(bench.pixels)

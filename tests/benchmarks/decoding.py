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
from torch import Tensor

from cocadesk import engine
from cocadesk.engine import CocaModel
from cocadesk.engine.coca_weights import read_config
from cocadesk.types import CaptionOptions, CaptionResult, Picture
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
    image = _encode_image(bench)
    caption, loop = _caption(bench), _open_clip_loop(bench, image)
    same = [token.id for token in caption.tokens] == loop and len(loop) == TOKENS
    cached, uncached = _alternate(
        lambda: _caption(bench).timings.decode_s,
        lambda: _seconds(lambda: _open_clip_loop(bench, image)),
        repeats=DECODE_REPEATS,
    )
    first, encode = _alternate(
        lambda: _seconds(lambda: _first_token(bench)),
        lambda: _seconds(lambda: _encode_image(bench)),
        repeats=FIRST_TOKEN_REPEATS,
    )
    speed_up, delay = uncached / cached, first / encode
    return [
        Row(
            f"Cached greedy decoding of {TOKENS} tokens, {'the same' if same else 'OTHER'} tokens: at least so much "
            "faster than a loop over open_clip's forward",
            speed_up,
            5.0,
            same and speed_up >= 5.0,
        ),
        Row(
            "From the picture to the first token: at most so much longer than open_clip's encode_image",
            delay,
            1.3,
            delay <= 1.3,
        ),
    ]


def _bench() -> Bench:
    model = engine.load("coca-vit-b-32", device="cpu", dtype="float32", untrained=True, seed=0)
    module = CoCa(**read_config(model.card).modules)
    module.load_state_dict(model.module.state_dict())
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    picture = Picture("noise", pixels)
    return Bench(model, module.eval().requires_grad_(False), picture, reference.pixels(model, [picture]))


def _alternate(first: Callable[[], float], second: Callable[[], float], *, repeats: int) -> tuple[float, float]:
    """Medians of what the two measure, in turns; the first turn does not count."""
    turns = [(first(), second()) for _ in range(repeats + 1)][1:]
    return median(turn[0] for turn in turns), median(turn[1] for turn in turns)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _caption(bench: Bench) -> CaptionResult:
    *_, result = bench.model.caption(bench.picture, CaptionOptions(max_tokens=TOKENS))
    assert isinstance(result, CaptionResult)
    return result


def _open_clip_loop(bench: Bench, image: tuple[Tensor, Tensor]) -> list[int]:
    """Tokens by open_clip's forward over all tokens so far; the picture is encoded already."""
    tokenizer = bench.model.tokenizer
    return reference.argmax_loop(bench.module, image, tokenizer.start, tokenizer.end, TOKENS)


def _first_token(bench: Bench) -> None:
    events = bench.model.caption(bench.picture)
    next(events)
    events.close()


@torch.inference_mode()
def _encode_image(bench: Bench) -> tuple[Tensor, Tensor]:
    """open_clip's forward of the image alone, from the prepared pixels on: embedding and pooled tokens."""
    output = bench.module(bench.pixels)
    return output["image_features"], output["image_embs"]

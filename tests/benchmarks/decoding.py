"""Speed of decoding with coca-vit-b-32 (seeded random weights, CPU) against open_clip's own modules and the memory.

Every figure is a ratio of medians whose repeats take turns, so that a busy machine slows both alike.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from open_clip.coca_model import CoCa
from torch import Tensor

from cocadesk import engine
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.coca_decoder import CachedDecoder, TextStacks
from cocadesk.engine.coca_weights import read_config
from cocadesk.engine.drafts import Drafts
from cocadesk.types import CaptionOptions, CaptionResult, DtypeName, Picture
from tests.benchmarks.row import Row
from tests.engine import reference

TOKENS = 25
DECODE_REPEATS = 5
FIRST_TOKEN_REPEATS = 15
STEP_REPEATS = 25

_LIMITS = (
    (4, "besides its products a step makes some 30 small calls in each of 36 blocks: about 4 ms"),
    (
        2,
        "PyTorch's products in bfloat16 are bound by computing on this processor, not by reading: it saves memory only",
    ),
    (1, "ONNX Runtime's 8-bit products of one row reach about 20 GB/s on two cores, and a step always feeds two"),
)
"""Bytes of a weight in float32, bfloat16 and int8, and what keeps a step from the memory's speed."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The engine's model, open_clip's module with the same weights, and a picture."""

    model: CocaModel
    module: CoCa
    picture: Picture
    pixels: torch.Tensor


def rows() -> list[Row]:
    """The cached loop against open_clip's, steps against reading their weights, the first token against encoding."""
    bench = _bench()
    int8 = _loaded("int8")
    return [*_against_the_loop(bench, int8), _first_token_row(bench), *_bandwidth_rows(bench.model, int8)]


def _against_the_loop(bench: Bench, int8: CocaModel) -> list[Row]:
    image = _encode_image(bench)
    loop = _open_clip_loop(bench, image)
    same = [token.id for token in _caption(bench.model, bench.picture).tokens] == loop and len(loop) == TOKENS
    one_by_one, ahead, eight_bit, uncached = _alternate(
        lambda: _caption(bench.model, bench.picture, Drafts(room=0)).timings.decode_s,
        lambda: _caption(bench.model, bench.picture).timings.decode_s,
        lambda: _caption(int8, bench.picture).timings.decode_s,
        lambda: _seconds(lambda: _open_clip_loop(bench, image)),
        repeats=DECODE_REPEATS,
    )
    tokens = f"{TOKENS} tokens, {'the same' if same else 'OTHER'} tokens"
    return [
        _at_least(
            f"Cached float32, {tokens}: so much faster than a loop over open_clip's forward (random weights repeat "
            "themselves, which is easily guessed)",
            uncached / ahead,
            8.0 if same else math.inf,
            "a step reads 530 MB of weights, and open_clip's loop takes about six such reads a token; beyond that only "
            "guesses help, and a step that checks four takes half as long again",
        ),
        _at_least("The same without guesses, one token a step", uncached / one_by_one, 4.0 if same else math.inf),
        _at_least(f"int8 with guesses, {TOKENS} tokens: so much faster than that loop", uncached / eight_bit, 25.0),
    ]


def _first_token_row(bench: Bench) -> Row:
    first, encode = _alternate(
        lambda: _seconds(lambda: _first_token(bench)),
        lambda: _seconds(lambda: _encode_image(bench)),
        repeats=FIRST_TOKEN_REPEATS,
    )
    name = "From the picture to the first token: at most so much longer than open_clip's encode_image"
    return Row(name, first / encode, 1.3, first / encode <= 1.3)


def _bandwidth_rows(float32: CocaModel, int8: CocaModel) -> list[Row]:
    """For each number format, a step's weights per second against a plain read of as much memory."""
    models = {"float32": float32, "bfloat16": _loaded("bfloat16"), "int8": int8}
    weights = _weights_per_token(float32)
    memory = torch.ones(weights)
    steps = {dtype: _stepper(model) for dtype, model in models.items()}
    *seconds, read = _alternate(*steps.values(), lambda: _seconds(memory.sum), repeats=STEP_REPEATS)
    rate = memory.nbytes / read
    return [
        _at_least(
            f"A decoding step in {dtype}: weights read a second, of {rate / 1e9:.0f} GB/s plainly read",
            weights * bytes_each / step / rate,
            0.6,
            why,
        )
        for (dtype, step), (bytes_each, why) in zip(zip(steps, seconds, strict=True), _LIMITS, strict=True)
    ]


def _stepper(model: CocaModel) -> Callable[[], float]:
    """Measures a step of one token in the middle of a caption: the second of two, as when nothing else runs between."""
    image = torch.zeros((1, model.cache_shapes()["image.0.keys"][2], model.module.text_decoder.width))
    image = image.to(model.module.logit_scale.dtype)
    decoder = model.int8.decoder(image) if model.int8 else CachedDecoder(TextStacks(model.module), image, TOKENS)
    decoder.step_ahead(torch.arange(10))

    def step() -> None:
        decoder.step_ahead(torch.tensor([10]))
        decoder.rewind(1)

    def measure() -> float:
        step()
        return _seconds(step)

    return measure


def _weights_per_token(model: CocaModel) -> int:
    """Numbers in the matrices that a step multiplies with: not embeddings, nor what makes the image's states."""
    parts = (model.module.text.transformer, model.module.text_decoder)
    matrices = sum(weight.numel() for part in parts for weight in part.parameters() if weight.ndim == 2)
    cross = model.module.text_decoder.cross_attn
    return matrices - sum(2 * block.attn.embed_dim**2 for block in cross)


def _at_least(name: str, figure: float, bound: float, why: str = "") -> Row:
    return Row(f"{name}: at least", figure, bound, figure >= bound, why=why)


def _loaded(dtype: DtypeName) -> CocaModel:
    model = engine.load("coca-vit-b-32", device="cpu", dtype=dtype, untrained=True, seed=0)
    assert isinstance(model, CocaModel)
    return model


def _bench() -> Bench:
    model = _loaded("float32")
    module = CoCa(**read_config(model.card).modules)
    module.load_state_dict(model.module.state_dict())
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    picture = Picture("noise", pixels)
    return Bench(model, module.eval().requires_grad_(False), picture, reference.pixels(model, [picture]))


def _alternate(*measures: Callable[[], float], repeats: int) -> list[float]:
    """Medians of what these measure, in turns; the first turn does not count."""
    turns = [[measure() for measure in measures] for _ in range(repeats + 1)][1:]
    return [median(column) for column in zip(*turns, strict=True)]


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _caption(model: CocaModel, picture: Picture, drafts: Drafts | None = None) -> CaptionResult:
    """Caption as if for the first time: what was said before must not be there to copy from."""
    model.drafts = drafts or Drafts()
    *_, result = model.caption(picture, CaptionOptions(max_tokens=TOKENS))
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

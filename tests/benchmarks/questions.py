"""What a further question about the same picture costs with blip-vqa-base (seeded random weights, float32, CPU).

The first question about a picture pays for looking at it. Random weights never end an answer, so answers are cut at
three tokens, an answer's usual length with its end token ("yes", "two dogs"). The turns alternate, each with a picture
of its own, so that a busy machine slows both alike.
"""

from __future__ import annotations

import time
from statistics import median

import numpy as np

from cocadesk import engine
from cocadesk.engine.blip import BlipVqaModel
from cocadesk.types import AskOptions, Picture
from tests.benchmarks.row import Row

MODEL = "blip-vqa-base"
REPEATS = 5
OPTIONS = AskOptions(max_tokens=3, others=4)
"""As the window asks, but for the length."""


def rows() -> list[Row]:
    """The first question against the second one."""
    model: BlipVqaModel = engine.load(MODEL, device="cpu", dtype="float32", untrained=True)
    turns = [_turn(model, seed) for seed in range(REPEATS + 1)][1:]
    first, second = (median(turn[which] for turn in turns) for which in (0, 1))
    name = (
        f"{MODEL}, a second question on the same picture: at least so many times cheaper than the first "
        f"({first:.2f} s and {second:.2f} s, four other answers included)"
    )
    return [Row(name, first / second, 3.0, first >= 3 * second)]


def _turn(model: BlipVqaModel, seed: int) -> tuple[float, float]:
    """Seconds of a first and of a second question about a picture that is new."""
    pixels = np.random.default_rng(seed).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    picture = Picture("noise", pixels)
    return _seconds(model, picture, "what is in the picture?"), _seconds(model, picture, "how many are there?")


def _seconds(model: BlipVqaModel, picture: Picture, question: str) -> float:
    begun = time.perf_counter()
    for _ in model.ask(picture, question, OPTIONS):
        pass
    return time.perf_counter() - begun

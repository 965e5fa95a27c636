"""Encoding pictures and clips by few squares at a time, which a cancel interrupts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from cocadesk.engine import frames
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.frames import encode_frames, squares_at_once
from cocadesk.engine.preprocess import Preprocessing
from cocadesk.errors import Cancelled
from cocadesk.types import CancelToken, Clip, Picture

WANTED = Preprocessing(pixels=8, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def grey(level: int) -> Picture:
    return Picture("grey", np.full((8, 8, 3), level, np.uint8))


CLIP = Clip("clip", tuple(grey(10 * number) for number in range(7)), tuple(range(7)))


def brightness(squares: Tensor) -> Tensor:
    return 255 * squares.mean((1, 2, 3))[:, None]


@pytest.mark.parametrize("at_once", [1, 3, 7, 16])
def test_it_makes_no_difference_how_many_go_together(at_once: int) -> None:
    sizes: list[int] = []

    def encode(squares: Tensor) -> Tensor:
        sizes.append(len(squares))
        return brightness(squares)

    found = encode_frames([grey(200), CLIP, grey(90)], WANTED, encode, at_once=at_once)

    torch.testing.assert_close(found[:, 0], torch.tensor([200.0, 30.0, 90.0]), atol=0.01, rtol=0)
    assert max(sizes) == min(at_once, 7)


def test_a_cancel_is_heard_between_a_clips_frames() -> None:
    cancel, seen = CancelToken(), 0

    def encode(squares: Tensor) -> Tensor:
        nonlocal seen
        seen += len(squares)
        if seen >= 4:
            cancel.cancel()
        return brightness(squares)

    with pytest.raises(Cancelled):
        encode_frames([CLIP], WANTED, encode, at_once=2, cancel=cancel)
    assert seen == 4


def test_comparing_hears_a_cancel_between_a_clips_frames(
    tiny: CocaModel, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "_PATCHES", 1)
    cancel, seen = CancelToken(), 0

    def count(*_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == 2:
            cancel.cancel()

    hook = tiny.module.visual.register_forward_pre_hook(count)
    try:
        with pytest.raises(Cancelled):
            list(tiny.compare([Clip("clip", tuple(pictures), tuple(range(5)))], ["a cat"], cancel))
    finally:
        hook.remove()
    assert seen == 2 < len(pictures)


def test_how_many_go_together() -> None:
    assert squares_at_once(7 * 7, "cpu") == 16
    assert squares_at_once(16 * 16, "cpu") == 3
    assert squares_at_once(10_000, "cpu") == 1
    assert squares_at_once(16 * 16, "cuda") == 16

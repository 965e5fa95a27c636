"""Running an image encoder over pictures and over the frames of clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from cocadesk.engine.pictures import opened_batches, stills
from cocadesk.engine.preprocess import Preprocessing, preprocess
from cocadesk.types import FRAMES, CancelToken, Clip, Picture, PictureLike

BATCH = 16
"""Most pictures that are opened, squares that are encoded or texts that are embedded together: bounds the memory."""


_PATCHES = 800
"""Most patches that go through an image encoder at once on the CPU, between two looks at the cancel token: of 16
squares with ViT-B/32, of 3 with ViT-L/14. Measured on two cores, more are not faster."""


def squares_at_once(patches: int, device: str) -> int:
    """How many squares of so many patches each go through an image encoder together."""
    return BATCH if device != "cpu" else max(1, min(BATCH, _PATCHES // (1 + patches)))


def encode_frames(
    pictures: Sequence[PictureLike],
    wanted: Preprocessing,
    encode: Callable[[Tensor], Tensor],
    *,
    at_once: int = BATCH,
    cancel: CancelToken | None = None,
) -> Tensor:
    """What an encoder says about N pictures; of a clip, the mean of what it says about the frames.

    Args:
        pictures: At least one; paths of animations and videos are opened as clips of up to 16 frames.
        wanted: How the encoder wants its squares.
        encode: From float32 squares (M, 3, side, side) to M rows of any shape.
        at_once: Most squares to give it together (`squares_at_once`).
        cancel: Checked before each time.

    Returns:
        Shape (N, …).

    Raises:
        Cancelled: at the first check after `cancel` was set.
        InputError: if a path cannot be opened as a picture.
    """
    token = cancel or CancelToken()

    def batch(items: Sequence[Picture | Clip]) -> Tensor:
        groups = [stills(item) for item in items]
        squares = torch.from_numpy(
            np.stack([preprocess(frame.pixels, wanted)[0] for group in groups for frame in group])
        )
        return _means(_encoded(squares, encode, at_once, token), [len(group) for group in groups])

    return torch.cat([batch(items) for _, items in opened_batches(pictures, FRAMES, BATCH)])


def _encoded(squares: Tensor, encode: Callable[[Tensor], Tensor], at_once: int, cancel: CancelToken) -> Tensor:
    found = []
    for few in torch.split(squares, at_once):
        cancel.check()
        found.append(encode(few))
    return torch.cat(found)


def _means(encoded: Tensor, counts: list[int]) -> Tensor:
    """One row for each picture, of a clip the frames' mean."""
    if max(counts) == 1:
        return encoded
    return torch.stack([part.mean(0) for part in torch.split(encoded, counts)])

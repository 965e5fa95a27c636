"""Running an image encoder over pictures and over the frames of clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from cocadesk.engine.pictures import opened_batches, stills
from cocadesk.engine.preprocess import Preprocessing, preprocess
from cocadesk.types import FRAMES, Clip, Picture, PictureLike

BATCH = 16
"""Most pictures that are opened, squares that are encoded or texts that are embedded together: bounds the memory."""


def encode_frames(pictures: Sequence[PictureLike], wanted: Preprocessing, encode: Callable[[Tensor], Tensor]) -> Tensor:
    """What an encoder says about N pictures; of a clip, the mean of what it says about the frames.

    Args:
        pictures: At least one; paths of animations and videos are opened as clips of up to 16 frames.
        wanted: How the encoder wants its squares.
        encode: From float32 squares (M, 3, side, side) to M rows of any shape.

    Returns:
        Shape (N, …).

    Raises:
        InputError: if a path cannot be opened as a picture.
    """
    return torch.cat([_encode_batch(items, wanted, encode) for _, items in opened_batches(pictures, FRAMES, BATCH)])


def _encode_batch(items: Sequence[Picture | Clip], wanted: Preprocessing, encode: Callable[[Tensor], Tensor]) -> Tensor:
    groups = [stills(item) for item in items]
    squares = [preprocess(frame.pixels, wanted)[0] for group in groups for frame in group]
    encoded = torch.cat([encode(batch) for batch in torch.split(torch.from_numpy(np.stack(squares)), BATCH)])
    counts = [len(group) for group in groups]
    if max(counts) == 1:
        return encoded
    return torch.stack([part.mean(0) for part in torch.split(encoded, counts)])

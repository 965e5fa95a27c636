"""What happens to finished pictures on their way: blur, noise, JPEG blocks, brightness, contrast and saturation."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — its usual name


def augment(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Change some of the pictures (n, 3, h, w), 0…1, in each of these ways; they are changed in place."""
    n, device = len(pictures), pictures.device

    def some(share: float) -> Tensor:
        return torch.from_numpy(np.flatnonzero(rng.random(n) < share)).to(device)

    def amount(low: float, high: float, rows: Tensor) -> Tensor:
        return torch.tensor(rng.uniform(low, high, (len(rows), 1, 1, 1)), dtype=torch.float32, device=device)

    rows = some(0.6)
    chosen = pictures[rows] * amount(0.88, 1.1, rows)
    mean, grey = chosen.mean((1, 2, 3), keepdim=True), chosen.mean(1, keepdim=True)
    chosen = mean + (chosen - mean) * amount(0.88, 1.12, rows)
    pictures[rows] = grey + (chosen - grey) * amount(0.85, 1.15, rows)
    rows = some(0.3)
    if len(rows):
        small = F.interpolate(pictures[rows], scale_factor=float(rng.uniform(0.45, 0.8)), mode="area")
        pictures[rows] = F.interpolate(small, size=pictures.shape[-2:], mode="bilinear", align_corners=False)
    rows = some(0.25)
    if len(rows):
        pictures[rows] = _jpeg(pictures[rows], float(rng.uniform(20, 80)))
    rows = some(0.4)
    generator = torch.Generator(device).manual_seed(int(rng.integers(2**31)))
    noise = torch.randn(pictures[rows].shape, generator=generator, device=device)
    pictures[rows] = pictures[rows] + noise * amount(0.005, 0.05, rows)
    return pictures.clamp_(0, 1)


_LUMINANCE = torch.tensor(
    # quantisation table of the JPEG standard (ITU-T T.81, table K.1)
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=torch.float32,
)


def _jpeg(pictures: Tensor, quality: float) -> Tensor:
    """What JPEG's quantisation of 8×8 blocks does to each channel; sides must be multiples of 8."""
    n, channels, height, width = pictures.shape
    steps = torch.arange(8, dtype=torch.float32)
    dct = torch.cos((2 * steps[None] + 1) * steps[:, None] * math.pi / 16) * 0.5
    dct[0] /= math.sqrt(2)
    dct = dct.to(pictures.device)
    scale = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100
    table = (_LUMINANCE * scale).clamp(min=1).to(pictures.device)
    blocks = pictures.reshape(n, channels, height // 8, 8, width // 8, 8).transpose(3, 4) * 255 - 128
    spectrum = dct @ blocks @ dct.T
    blocks = dct.T @ ((spectrum / table).round() * table) @ dct
    return ((blocks + 128) / 255).transpose(3, 4).reshape(n, channels, height, width)

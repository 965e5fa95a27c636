"""The arrays of a checkpoint: their shapes are known at once, their numbers are read when a model asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor


class Array(Protocol):
    """One array of a checkpoint."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As it is stored."""

    @property
    def dtype(self) -> torch.dtype:
        """As it is stored."""

    @property
    def nbytes(self) -> int:
        """Bytes that its numbers take as they are stored."""

    def tensor(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """The numbers on that device, in that format."""

    def pieces(self) -> Iterator[Tensor]:
        """The stored bytes in order, uint8 (n,) on the CPU; each piece may be overwritten by the next."""


class HeldArray:
    """An array that is in memory, or mapped, already."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor.detach()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._tensor.shape)

    @property
    def dtype(self) -> torch.dtype:
        return self._tensor.dtype

    @property
    def nbytes(self) -> int:
        return self._tensor.nbytes

    def tensor(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        return self._tensor.to(device, dtype)

    def pieces(self) -> Iterator[Tensor]:
        if self._tensor.numel():
            yield self._tensor.contiguous().view(-1).view(torch.uint8)

"""Telling that a device has no memory left from other errors."""

from __future__ import annotations

import torch


def ran_out(error: BaseException) -> bool:
    """Whether an error says that a device has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # The CPU's allocator, Apple's and some CUDA libraries say so in words only.
    told = str(error).lower()
    return isinstance(error, RuntimeError) and any(
        words in told for words in ("out of memory", "can't allocate", "alloc_failed")
    )

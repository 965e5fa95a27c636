"""What the model manager has to know about memory."""

from __future__ import annotations

import gc
import sys
from typing import Protocol

from cocadesk.types import ModelRequest


class Memory(Protocol):
    """The memory of this machine's devices. Used on the inference thread only."""

    def needed(self, request: ModelRequest) -> tuple[str, int]:
        """The device that a model would be loaded on, and the bytes that its weights would take there.

        Raises:
            ModelError: if the model is unknown, or the device is not there.
        """

    def available(self, device: str) -> int:
        """Bytes that can be taken on a device now, without making the machine swap."""

    def total(self, device: str) -> int:
        """Bytes that a device has: all of its memory, and what the machine can swap to."""

    def give_back(self) -> None:
        """Return to the system what models that are no longer used took."""

    def ran_out(self, error: BaseException) -> bool:
        """Whether an error says that a device has no memory left."""


class Uncounted:
    """For loaders whose models take no memory worth counting."""

    def needed(self, request: ModelRequest) -> tuple[str, int]:
        return ("cpu" if request.device == "auto" else request.device), 0

    def available(self, device: str) -> int:
        return sys.maxsize

    total = available

    def give_back(self) -> None:
        gc.collect()

    def ran_out(self, error: BaseException) -> bool:
        return isinstance(error, MemoryError)


def engine_memory() -> Memory:
    """The memory as the engine measures it. The engine is imported here and not before: it brings torch along."""
    from cocadesk.engine import memory  # noqa: PLC0415

    return memory

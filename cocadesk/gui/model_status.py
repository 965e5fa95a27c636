"""Where the chosen model stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from cocadesk.types import ModelRequest


class ModelPhase(Enum):
    """Where the chosen model stands."""

    ABSENT = "absent"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """The model as the window shows it.

    Attributes:
        device, dtype, weight_bytes, seconds: Once it is READY: where it runs, its number format, the memory that its
            weights take, and how long loading took.
        message: Once it FAILED, why.
    """

    request: ModelRequest
    phase: ModelPhase = ModelPhase.ABSENT
    device: str = ""
    dtype: str = ""
    weight_bytes: int = 0
    seconds: float = 0.0
    message: str = ""

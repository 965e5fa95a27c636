"""Which model is in memory. Used on the inference thread only."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass

from cocadesk.types import Captioner, ModelRequest

log = logging.getLogger(__name__)

Loader = Callable[[ModelRequest], Captioner]


@dataclass(frozen=True, slots=True)
class ModelLoading:
    """A model is being loaded; a `ModelReady` or the end of the job follows."""

    request: ModelRequest


@dataclass(frozen=True, slots=True)
class ModelReady:
    """A model is in memory.

    Attributes:
        device: Where it runs, such as "cpu" or "cuda".
        seconds: How long loading took.
    """

    request: ModelRequest
    device: str
    seconds: float


def load_with_engine(request: ModelRequest) -> Captioner:
    """Load through the engine, which is imported here and not before: it brings torch along.

    Raises:
        ModelError: if the model is unknown, not on this machine or damaged.
    """
    from cocadesk import engine  # noqa: PLC0415

    return engine.load(**asdict(request))


class ModelManager:
    """Holds one loaded model and swaps it for another when asked.

    Args:
        loader: Turns a request into a captioner; raises a `CocaDeskError` where it cannot.
    """

    def __init__(self, loader: Loader = load_with_engine) -> None:
        self._loader = loader
        self._held: tuple[ModelRequest, Captioner] | None = None

    def prepare(self, request: ModelRequest) -> Generator[object, None, Captioner]:
        """Have that model in memory: yields `ModelLoading` and `ModelReady` if it is not there yet; returns it."""
        if self._held is None or self._held[0] != request:
            yield ModelLoading(request)
            self._held = None  # two large models may not fit at once, so the old one goes first
            gc.collect()
            self._held = (request, self._loader(request))
            log.info("Loaded %s", request)
        captioner = self._held[1]
        yield ModelReady(request, captioner.device, captioner.load_seconds)
        return captioner

"""The one model that a command uses: loaded when it is needed, within the memory there is."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, Generic, TypeVar, cast

from cocadesk.catalog.card import Ability
from cocadesk.cli.output import complain, progress
from cocadesk.types import CancelToken, ModelRequest
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady, ModelUnloaded, ModelWarning
from cocadesk.work.model_memory import engine_memory

M = TypeVar("M")
R = TypeVar("R")


def load_for(ability: Ability) -> Callable[[ModelRequest], Any]:
    """Loads models that can do that, through the engine."""

    def load(request: ModelRequest) -> Any:
        from cocadesk import engine  # noqa: PLC0415 — brings torch along: only once there is something to look at

        return engine.load_for(ability, request)

    return load


class ManagedModel(Generic[M]):
    """Tells a person that it loads, that it may not fit, and that it moved to the CPU.

    Args:
        request: Which model.
        load: Loads it; called again to move it to the CPU.
    """

    def __init__(self, request: ModelRequest, load: Callable[[ModelRequest], M]) -> None:
        self._request = request
        self._manager = ModelManager(load, engine_memory)
        self._ready = False

    def prepare(self) -> None:
        """Load it, unless it is loaded.

        Raises:
            CocaDeskError: what loading raises.
        """
        if self._ready:
            return
        with progress(f"Loading {self._request.name}…"):
            for _ in self._told(self._manager.prepare(self._request)):
                pass
        self._ready = True

    def run(self, work: Callable[[M], Iterator[R]]) -> Iterator[R]:
        """What `work` yields with that model; it begins again where a graphics processor ran out of memory."""
        return cast(Iterator[R], self._told(self._manager.run(self._request, work, CancelToken())))

    def _told(self, events: Iterator[object]) -> Iterator[object]:
        # Closing what is generated here closes the model's generator at once, which frees its attention states.
        with closing(cast(Generator[object], events)):
            for event in events:
                match event:
                    case ModelWarning(message=message):
                        complain("", message)
                    case ModelLoading() | ModelReady() | ModelUnloaded():
                        pass
                    case _:
                        yield event

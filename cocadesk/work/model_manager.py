"""Which models are in memory. Used on the inference thread only, but for the snapshot `ModelManager.loaded`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from cocadesk.catalog.progress import format_bytes
from cocadesk.errors import OutOfMemory
from cocadesk.types import CancelToken, ModelRequest
from cocadesk.work.model_memory import Memory, Uncounted, engine_memory

log = logging.getLogger(__name__)

BUDGET_SHARE = 0.6
"""Of the memory that is free when the first model is loaded: the rest is for pictures, states and other programs."""

_DEVICES = {"cpu": "this machine", "mps": "this machine", "cuda": "the graphics processor"}

Loader = Callable[[ModelRequest], Any]
"""Turns a request into a model; raises a `CocaDeskError` where it cannot, `OutOfMemory` where there is no room."""


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
        dtype: Number format of its weights, such as "float32".
        weight_bytes: What its weights take on the device.
    """

    request: ModelRequest
    device: str
    seconds: float
    dtype: str = ""
    weight_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ModelUnloaded:
    """A model has left memory: it was told to, or another one needed the room."""

    request: ModelRequest


@dataclass(frozen=True, slots=True)
class ModelWarning:
    """Something the user should know about a model that is loaded all the same; `message` is a sentence or two."""

    request: ModelRequest
    message: str


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory, as the Models panel shows it; `device` may differ from the request's: see `ModelWarning`."""

    request: ModelRequest
    device: str
    dtype: str
    weight_bytes: int


def load_with_engine(request: ModelRequest) -> Any:
    """Load through the engine, which is imported here and not before: it brings torch along.

    Raises:
        ModelError: if the model is unknown, not on this machine or damaged.
        OutOfMemory: if there is no room for it.
    """
    from cocadesk import engine  # noqa: PLC0415

    return engine.load(**asdict(request))


class ModelManager:
    """Holds loaded models within a budget of memory per device; the one not used for longest leaves first.

    Args:
        loader: Loads them.
        memory: Says what models need and what there is, when called; None for the engine's if the engine loads them,
            and for no counting with another loader.
        share: Of the free memory, what models may take.

    Attributes:
        loaded: The models in memory, the one used last at the end. Replaced as a whole, so any thread may read it.
    """

    def __init__(
        self,
        loader: Loader = load_with_engine,
        memory: Callable[[], Memory] | None = None,
        share: float = BUDGET_SHARE,
    ) -> None:
        self.loaded: tuple[LoadedModel, ...] = ()
        self._loader = loader
        self._memory = memory or (engine_memory if loader is load_with_engine else Uncounted)
        self._share = share
        self._held: dict[ModelRequest, Any] = {}
        self._budgets: dict[str, int] = {}

    def prepare(self, request: ModelRequest) -> Generator[object, None, Any]:
        """Have that model in memory and return it.

        Yields:
            If it is not there yet, `ModelLoading`, a `ModelUnloaded` for each model that makes room, a `ModelWarning`
            if it may not fit or runs on the CPU for want of memory; then, in any case, `ModelReady`.

        Raises:
            ModelError: if it cannot be loaded.
            OutOfMemory: if there is no room for it on any device.
        """
        if request not in self._held:
            yield ModelLoading(request)
            yield from self._load(request)
        model = self._held.pop(request)
        self._held[request] = model
        self._note()
        yield ModelReady(request, model.device, model.load_seconds, model.dtype, model.weight_bytes)
        return model

    def run(
        self, request: ModelRequest, work: Callable[[Any], Iterator[object]], cancel: CancelToken
    ) -> Iterator[object]:
        """Have a model ready and yield what `work` yields when it is given that model.

        If the device runs out of memory meanwhile, the other models leave it, and if there are none, the model moves to
        the CPU; then `work` is called again.

        Raises:
            Cancelled: if `cancel` was set while the model was loaded.
        """
        while True:
            model = yield from self.prepare(request)
            cancel.check()
            try:
                yield from work(model)
                return
            except Exception as error:
                others = [held for held in self._on(model.device) if held != request]
                if not self._memory().ran_out(error) or (model.device == "cpu" and not others):
                    raise
                log.info("%s ran out of memory on %s: %s", request.name, model.device, error)
            del model  # out here the error is gone, too, and with it what its frames held
            for other in others:
                yield from self.unload(other)
            if not others:
                yield from self.unload(request)
                yield from self._load_on_cpu(request)

    def unload(self, request: ModelRequest) -> Iterator[ModelUnloaded]:
        """Give back the memory of that model, if it is loaded."""
        if self._held.pop(request, None) is not None:
            self._memory().give_back()
            self._note()
            log.info("Unloaded %s", request)
            yield ModelUnloaded(request)

    def unload_all(self) -> Iterator[ModelUnloaded]:
        """Give back the memory of all models."""
        for request in list(self._held):
            yield from self.unload(request)

    def _load(self, request: ModelRequest) -> Iterator[object]:
        memory = self._memory()
        device, size = memory.needed(request)
        while self._on(device) and not self._fits(device, size):
            yield from self.unload(self._on(device)[0])
        free = memory.available(device)
        if _pool(device) == "host" and size > memory.total(device):
            raise OutOfMemory(
                f"{request.name} needs {format_bytes(size)}, and this machine has {format_bytes(memory.total(device))} "
                "in all. Choose a smaller model, or a number format of fewer bits."
            )
        if size > free:
            yield ModelWarning(
                request,
                f"{request.name} needs about {format_bytes(size)}, and {_DEVICES[device]} has {format_bytes(free)} "
                "free: it may become slow, or fail. Close other programs, or choose a smaller model.",
            )
        while True:
            try:
                self._held[request] = self._loader(request)
                return
            except OutOfMemory:
                others = self._on(device)
                if not others and device == "cpu":
                    raise
            memory.give_back()
            if not others:
                yield from self._load_on_cpu(request)
                return
            yield from self.unload(others[0])

    def _load_on_cpu(self, request: ModelRequest) -> Iterator[object]:
        """Load a model that found no room elsewhere; it is held as what was asked for, so that it stays there."""
        yield ModelWarning(
            request,
            f"The graphics processor has too little memory for {request.name}, so it runs on the CPU, which is slower.",
        )
        yield ModelLoading(request)
        there = replace(request, device="cpu")
        yield from self._load(there)
        self._held[request] = self._held.pop(there)

    def _on(self, device: str) -> list[ModelRequest]:
        """The models there, the one not used for longest first."""
        return [request for request, model in self._held.items() if _pool(model.device) == _pool(device)]

    def _fits(self, device: str, size: int) -> bool:
        """Whether so many bytes are within the budget, beside the models that are there already, and free."""
        taken = sum(self._held[request].weight_bytes for request in self._on(device))
        free = self._memory().available(device)
        budget = self._budgets.setdefault(_pool(device), int(self._share * (free + taken)))
        return taken + size <= budget and size <= free

    def _note(self) -> None:
        self.loaded = tuple(
            LoadedModel(request, model.device, model.dtype, model.weight_bytes) for request, model in self._held.items()
        )


def _pool(device: str) -> str:
    """Which memory a device uses: Apple's graphics processor shares the CPU's."""
    return "cuda" if device == "cuda" else "host"

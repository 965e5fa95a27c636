"""A machine with as much memory as a test says, and models that take it."""

from __future__ import annotations

import gc
from weakref import WeakValueDictionary

from cocadesk.errors import OutOfMemory
from cocadesk.types import ModelRequest
from tests.fakes.captioner import FakeCaptioner

PARAMETERS = {"starter-coca": 10, "coca-vit-b-32": 40, "coca-vit-b-32-mscoco": 40, "coca-vit-l-14": 70}


class FakeMachine:
    """Implements `cocadesk.work.model_memory.Memory`, and `load`, which takes what a model needs or runs out.

    Args:
        cpu: Bytes of memory; models are still loaded when there is not enough, as by a system that swaps.
        cuda: Bytes of a graphics processor, 0 for none; models are not loaded when there is not enough.

    Attributes:
        captioners: Those that anybody still holds, by request as it came: memory is free once nobody does.
        loads: Every request, in order.
        taken: Bytes that others take, by device.
    """

    def __init__(self, cpu: int = 100, cuda: int = 0) -> None:
        self.captioners: WeakValueDictionary[ModelRequest, FakeCaptioner] = WeakValueDictionary()
        self.taken = {"cpu": 0, "cuda": 0}
        self.loads: list[ModelRequest] = []
        self._sizes = {"cpu": cpu, "cuda": cuda}

    def __call__(self) -> FakeMachine:
        return self

    def load(self, request: ModelRequest) -> FakeCaptioner:
        self.loads.append(request)
        device, size = self.needed(request)
        if device == "cuda" and size > self.available(device):
            raise OutOfMemory("no room")
        captioner = FakeCaptioner(name=request.name)
        captioner.device, captioner.weight_bytes = device, size
        self.captioners[request] = captioner
        return captioner

    def needed(self, request: ModelRequest) -> tuple[str, int]:
        device = ("cuda" if self._sizes["cuda"] else "cpu") if request.device == "auto" else request.device
        return device, PARAMETERS[request.name]

    def available(self, device: str) -> int:
        held = sum(captioner.weight_bytes for captioner in self.captioners.values() if captioner.device == device)
        return self._sizes[device] - self.taken[device] - held

    def total(self, device: str) -> int:
        return self._sizes[device]

    def give_back(self) -> None:
        gc.collect()

    def ran_out(self, error: BaseException) -> bool:
        return "out of memory" in str(error)

"""Which models are in memory, what leaves first, and what happens when there is too little of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from cocadesk.errors import ModelError, OutOfMemory
from cocadesk.models import Captioner
from cocadesk.types import (
    CancelToken,
    CaptionOptions,
    CaptionRequest,
    CaptionResult,
    Clip,
    ModelRequest,
    Picture,
    Token,
)
from cocadesk.work.captioning import caption_work, load_work, unload_work
from cocadesk.work.job import Ended, JobEvent, JobState
from cocadesk.work.model_manager import (
    LoadedModel,
    ModelLoading,
    ModelManager,
    ModelReady,
    ModelUnloaded,
    ModelWarning,
)
from cocadesk.work.runner import Runner
from tests.fakes.captioner import WORDS, FakeCaptioner
from tests.fakes.memory import FakeMachine
from tests.fakes.pictures import quadrants

SMALL = ModelRequest("starter-coca")
MEDIUM = ModelRequest("coca-vit-b-32")
OTHER = ModelRequest("coca-vit-b-32-mscoco")
LARGE = ModelRequest("coca-vit-l-14")
WAIT_MS = 5_000


class Loads:
    """A loader that notes what it loads and fails on what it is told to."""

    def __init__(self, *broken: ModelRequest) -> None:
        self.asked: list[ModelRequest] = []
        self._broken = broken

    def __call__(self, request: ModelRequest) -> Captioner:
        self.asked.append(request)
        if request in self._broken:
            raise ModelError("damaged")
        return FakeCaptioner(name=request.name)


@pytest.fixture
def pictures() -> tuple[Picture, ...]:
    return tuple(Picture(f"picture {number}", np.asarray(quadrants())) for number in range(3))


def managed(machine: FakeMachine, share: float = 1.0) -> ModelManager:
    return ModelManager(machine.load, machine, share)


def load(manager: ModelManager, request: ModelRequest) -> list[object]:
    return list(load_work(manager, request)(CancelToken()))


def caption(manager: ModelManager, request: ModelRequest, pictures: tuple[Picture, ...]) -> list[object]:
    return list(caption_work(manager, CaptionRequest(request, pictures))(CancelToken()))


def in_memory(manager: ModelManager) -> list[ModelRequest]:
    return [model.request for model in manager.loaded]


def warnings(events: list[object]) -> list[str]:
    return [event.message for event in events if isinstance(event, ModelWarning)]


def test_models_are_loaded_once_and_stay() -> None:
    loads = Loads()
    manager = ModelManager(loads)
    ready = ModelReady(SMALL, "cpu", 0.25, "float32", 1000)
    assert load(manager, SMALL) == [ModelLoading(SMALL), ready]
    assert load(manager, SMALL) == [ready]
    assert load(manager, LARGE) == [ModelLoading(LARGE), replace(ready, request=LARGE)]
    assert load(manager, SMALL) == [ready]
    assert loads.asked == [SMALL, LARGE]
    assert manager.loaded == tuple(LoadedModel(request, "cpu", "float32", 1000) for request in (LARGE, SMALL))


def test_a_failed_load_leaves_the_others_and_can_be_tried_again() -> None:
    manager = ModelManager(Loads(LARGE))
    load(manager, SMALL)
    for _ in range(2):
        with pytest.raises(ModelError):
            load(manager, LARGE)
    assert in_memory(manager) == [SMALL]


def test_caption_work_loads_what_it_needs_and_passes_the_events_on(pictures: tuple[Picture, ...]) -> None:
    events = caption(ModelManager(Loads()), LARGE, pictures[:1])
    assert [type(event) for event in events] == [ModelLoading, ModelReady, *[Token] * 7, CaptionResult]
    assert isinstance(events[-1], CaptionResult)
    assert events[-1].model == LARGE.name


def test_the_model_not_used_for_longest_makes_room() -> None:
    machine = FakeMachine(cpu=100)
    manager = managed(machine)
    for request in (SMALL, MEDIUM, OTHER, SMALL):
        load(manager, request)
    assert in_memory(manager) == [MEDIUM, OTHER, SMALL]

    events = load(manager, LARGE)
    assert events[:3] == [ModelLoading(LARGE), ModelUnloaded(MEDIUM), ModelUnloaded(OTHER)]
    assert warnings(events) == []
    assert in_memory(manager) == [SMALL, LARGE]
    assert machine.available("cpu") == 100 - 10 - 70


def test_models_take_a_share_of_what_was_free() -> None:
    machine = FakeMachine(cpu=200)
    machine.taken["cpu"] = 100
    manager = managed(machine, share=0.6)
    load(manager, SMALL)
    load(manager, MEDIUM)
    assert in_memory(manager) == [SMALL, MEDIUM]
    load(manager, OTHER)
    assert in_memory(manager) == [OTHER]


def test_other_programs_memory_counts() -> None:
    machine = FakeMachine(cpu=100)
    manager = managed(machine)
    load(manager, MEDIUM)
    machine.taken["cpu"] = 55
    assert ModelUnloaded(MEDIUM) in load(manager, SMALL)


def test_a_warning_comes_before_a_model_that_will_not_fit() -> None:
    machine = FakeMachine(cpu=100)
    machine.taken["cpu"] = 60
    events = load(managed(machine), LARGE)
    assert [type(event) for event in events] == [ModelLoading, ModelWarning, ModelReady]
    (message,) = warnings(events)
    for part in ("coca-vit-l-14", "70 bytes", "40 bytes", "Close other programs"):
        assert part in message


def test_a_model_larger_than_the_machine_is_refused() -> None:
    machine = FakeMachine(cpu=50)
    manager = managed(machine)
    with pytest.raises(OutOfMemory, match="needs 70 bytes, and this machine has 50 bytes in all"):
        load(manager, LARGE)
    assert machine.loads == []
    assert ModelLoading(MEDIUM) in load(manager, MEDIUM)


def test_models_are_unloaded_when_told() -> None:
    machine = FakeMachine(cpu=100)
    manager = managed(machine)
    for request in (SMALL, MEDIUM):
        load(manager, request)
    assert list(unload_work(manager, SMALL)(CancelToken())) == [ModelUnloaded(SMALL)]
    assert list(unload_work(manager, SMALL)(CancelToken())) == []
    assert machine.available("cpu") == 60
    load(manager, SMALL)
    assert list(unload_work(manager)(CancelToken())) == [ModelUnloaded(MEDIUM), ModelUnloaded(SMALL)]
    assert (manager.loaded, machine.available("cpu")) == ((), 100)


def test_a_model_that_does_not_fit_the_graphics_processor_runs_on_the_cpu(pictures: tuple[Picture, ...]) -> None:
    machine = FakeMachine(cpu=100, cuda=30)
    manager = managed(machine)
    events = caption(manager, MEDIUM, pictures[:1])
    assert [event.device for event in events if isinstance(event, ModelReady)] == ["cpu"]
    assert len(warnings(events)) == 2
    assert "so it runs on the CPU" in warnings(events)[1]
    assert isinstance(events[-1], CaptionResult)
    assert manager.loaded == (LoadedModel(MEDIUM, "cpu", "float32", 40),)

    assert caption(manager, MEDIUM, pictures[:1])[0] == ModelReady(MEDIUM, "cpu", 0.25, "float32", 40)


def test_other_models_leave_the_graphics_processor_first() -> None:
    machine = FakeMachine(cpu=100, cuda=60)
    manager = managed(machine)
    load(manager, SMALL)
    load(manager, MEDIUM)
    assert ModelUnloaded(SMALL) in load(manager, OTHER)
    assert manager.loaded == (LoadedModel(OTHER, "cuda", "float32", 40),)


class Greedy(FakeMachine):
    """Its captioners run out of memory at a certain token of the second picture, unless they are on the CPU."""

    def __init__(self, fails_at: int, cuda: int = 100) -> None:
        super().__init__(cpu=100, cuda=cuda)
        self._fails_at = fails_at

    def load(self, request: ModelRequest) -> FakeCaptioner:
        loaded = super().load(request)
        if loaded.device == "cpu":
            return loaded
        made = OneByOne(name=request.name, before_token=self._take)
        made.device, made.weight_bytes = loaded.device, loaded.weight_bytes
        self.captioners[request] = made
        return made

    def _take(self, picture: Picture | Clip, position: int) -> None:
        if picture.name == "picture 1" and position == self._fails_at:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")


class OneByOne(FakeCaptioner):
    """Finishes one picture before it begins the next."""

    def caption(self, pictures, options=CaptionOptions(), cancel=None):  # type: ignore[no-untyped-def]  # noqa: B008
        for number, picture in enumerate(pictures):
            for event in super().caption([picture], options, cancel):
                yield replace(event, picture=number)


@pytest.mark.parametrize("fails_at", [0, 3])
def test_work_that_runs_out_of_memory_starts_again_on_the_cpu(pictures: tuple[Picture, ...], fails_at: int) -> None:
    machine = Greedy(fails_at)
    manager = managed(machine)
    load(manager, SMALL)
    events = caption(manager, MEDIUM, pictures)

    results = [event for event in events if isinstance(event, CaptionResult)]
    assert [result.picture for result in results] == [0, 1, 2]
    assert {result.caption for result in results} == {"".join(WORDS).strip()}
    told = [position.position for position in events if isinstance(position, Token) and position.picture == 1]
    assert told == [*range(fails_at), *range(fails_at), *range(len(WORDS) + 1)]
    assert ModelUnloaded(SMALL) in events, "the other model leaves before this one does"
    assert [type(event) for event in events].count(ModelWarning) == 1
    assert manager.loaded == (LoadedModel(MEDIUM, "cpu", "float32", 40),)
    assert machine.available("cuda") == 100, "nothing holds what ran out of memory"


def test_work_that_fails_otherwise_fails(pictures: tuple[Picture, ...]) -> None:
    def refuse(picture: Picture | Clip, position: int) -> None:
        raise RuntimeError("shapes do not fit")

    manager = ModelManager(lambda request: FakeCaptioner(before_token=refuse))
    with pytest.raises(RuntimeError, match="shapes"):
        caption(manager, SMALL, pictures)


def test_memory_that_runs_out_on_the_cpu_is_an_error(pictures: tuple[Picture, ...]) -> None:
    def refuse(picture: Picture | Clip, position: int) -> None:
        raise MemoryError

    manager = ModelManager(lambda request: FakeCaptioner(before_token=refuse))
    with pytest.raises(MemoryError):
        caption(manager, SMALL, pictures)


def test_switching_models_while_a_caption_streams(qtbot: QtBot, pictures: tuple[Picture, ...]) -> None:
    """The other model's job waits for its turn; cancelling the running one gives it sooner."""
    go_on = threading.Event()

    def wait(picture: Picture | Clip, position: int) -> None:
        if position == 2:
            go_on.wait(WAIT_MS / 1000)

    def loader(request: ModelRequest) -> FakeCaptioner:
        if request == SMALL:
            return FakeCaptioner(name=request.name, before_token=wait)
        return FakeCaptioner(name=request.name)

    manager = ModelManager(loader)
    events: list[JobEvent] = []
    runner = Runner()
    runner.event_arrived.connect(events.append)

    def of(job_id: int) -> list[object]:
        return [event.payload for event in events if event.job_id == job_id]

    def ended(job_id: int) -> bool:
        return bool(of(job_id)) and isinstance(of(job_id)[-1], Ended)

    try:
        first = runner.submit(caption_work(manager, CaptionRequest(SMALL, pictures[:1])))
        qtbot.waitUntil(lambda: any(isinstance(payload, Token) for payload in of(first)), timeout=WAIT_MS)
        second = runner.submit(caption_work(manager, CaptionRequest(MEDIUM, pictures[:1])))
        unloading = runner.submit(unload_work(manager, SMALL))
        qtbot.wait(50)
        assert of(second) == [], "it waits"
        go_on.set()
        qtbot.waitUntil(lambda: ended(unloading), timeout=WAIT_MS)
        assert of(first)[-1] == of(second)[-1] == Ended(JobState.DONE)
        assert isinstance(of(second)[-2], CaptionResult)
        assert of(unloading) == [ModelUnloaded(SMALL), Ended(JobState.DONE)]

        go_on.clear()
        stopped = runner.submit(caption_work(manager, CaptionRequest(SMALL, pictures[:1])))
        following = runner.submit(caption_work(manager, CaptionRequest(MEDIUM, pictures[:1])))
        qtbot.waitUntil(lambda: any(isinstance(payload, Token) for payload in of(stopped)), timeout=WAIT_MS)
        runner.cancel(stopped)
        go_on.set()
        qtbot.waitUntil(lambda: ended(following), timeout=WAIT_MS)
        assert of(stopped)[-1] == Ended(JobState.CANCELLED)
        assert of(following)[-1] == Ended(JobState.DONE)
        assert in_memory(manager) == [SMALL, MEDIUM]
    finally:
        assert runner.shutdown()


def test_a_caption_that_is_broken_off_closes_the_model_s_generator(pictures: tuple[Picture, ...]) -> None:
    closed: list[bool] = []

    class Closing(FakeCaptioner):
        def caption(self, *given: object, **named: object) -> Iterator[Token]:  # type: ignore[override]
            try:
                yield from super().caption(*given, **named)  # type: ignore[arg-type, misc]
            finally:
                closed.append(True)

    manager = ModelManager(lambda request: Closing())
    events = caption_work(manager, CaptionRequest(SMALL, pictures))(CancelToken())
    while not isinstance(next(events), Token):
        pass
    events.close()  # type: ignore[attr-defined]
    assert closed == [True]

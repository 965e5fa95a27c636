"""Which model is in memory."""

from __future__ import annotations

import numpy as np
import pytest

from cocadesk.errors import ModelError
from cocadesk.types import CancelToken, Captioner, CaptionRequest, CaptionResult, ModelRequest, Picture, Token
from cocadesk.work.captioning import caption_work, load_work
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.pictures import quadrants

SMALL = ModelRequest("starter-coca")
LARGE = ModelRequest("coca-vit-l-14")


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


def load(manager: ModelManager, request: ModelRequest) -> list[object]:
    return list(load_work(manager, request)(CancelToken()))


def test_model_is_loaded_once_and_switched_when_another_is_asked() -> None:
    loads = Loads()
    manager = ModelManager(loads)
    ready = ModelReady(SMALL, "cpu", 0.25)
    assert load(manager, SMALL) == [ModelLoading(SMALL), ready]
    assert load(manager, SMALL) == [ready]
    assert load(manager, LARGE) == [ModelLoading(LARGE), ModelReady(LARGE, "cpu", 0.25)]
    assert load(manager, SMALL) == [ModelLoading(SMALL), ready]
    assert loads.asked == [SMALL, LARGE, SMALL]


def test_failed_load_leaves_no_model_and_can_be_tried_again() -> None:
    loads = Loads(LARGE)
    manager = ModelManager(loads)
    load(manager, SMALL)
    for _ in range(2):
        with pytest.raises(ModelError):
            load(manager, LARGE)
    assert load(manager, SMALL)[0] == ModelLoading(SMALL)


def test_caption_work_loads_what_it_needs_and_passes_the_events_on() -> None:
    manager = ModelManager(Loads())
    picture = Picture("quarters", np.asarray(quadrants()))
    events = list(caption_work(manager, CaptionRequest(LARGE, (picture,)))(CancelToken()))
    assert [type(event) for event in events] == [ModelLoading, ModelReady, *[Token] * 7, CaptionResult]
    assert isinstance(events[-1], CaptionResult)
    assert events[-1].model == LARGE.name

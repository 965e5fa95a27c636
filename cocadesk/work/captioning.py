"""The jobs of the inference thread: make a model ready, caption pictures with it."""

from __future__ import annotations

from collections.abc import Iterator

from cocadesk.types import CancelToken, CaptionRequest, ModelRequest
from cocadesk.work.job import Work
from cocadesk.work.model_manager import ModelManager


def load_work(manager: ModelManager, request: ModelRequest) -> Work:
    """Work that only has the model ready, so that the first caption need not wait for it."""

    def work(token: CancelToken) -> Iterator[object]:
        token.check()
        yield from manager.prepare(request)

    return work


def caption_work(manager: ModelManager, request: CaptionRequest) -> Work:
    """Work that loads the request's model if need be and yields what it says about the request's pictures."""

    def work(token: CancelToken) -> Iterator[object]:
        captioner = yield from manager.prepare(request.model)
        token.check()
        yield from captioner.caption(request.pictures, request.options, token)

    return work

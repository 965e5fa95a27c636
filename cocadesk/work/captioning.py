"""The jobs of the inference thread: make a model ready, caption pictures with it, unload it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from typing import cast

from cocadesk.models import Captioner
from cocadesk.types import CancelToken, CaptionEvent, CaptionRequest, CaptionResult, ModelRequest
from cocadesk.work.job import Work
from cocadesk.work.model_manager import ModelManager


def load_work(manager: ModelManager, request: ModelRequest) -> Work:
    """Work that only has the model ready, so that the first caption need not wait for it."""

    def work(token: CancelToken) -> Iterator[object]:
        token.check()
        yield from manager.prepare(request)

    return work


def unload_work(manager: ModelManager, request: ModelRequest | None = None) -> Work:
    """Work that gives back the memory of a model, or of all."""

    def work(token: CancelToken) -> Iterator[object]:
        yield from manager.unload_all() if request is None else manager.unload(request)

    return work


def caption_work(manager: ModelManager, request: CaptionRequest) -> Work:
    """Work that loads the request's model if need be and yields what it says about the request's pictures.

    Where memory runs out on the way, the pictures without a result are captioned from their beginning: a token at
    position 0 takes the place of all that were yielded for its picture before.
    """

    def work(token: CancelToken) -> Iterator[object]:
        left = list(range(len(request.pictures)))

        def caption(captioner: Captioner) -> Iterator[CaptionEvent]:
            numbers = tuple(left)
            pictures = [request.pictures[number] for number in numbers]
            events = cast(Generator[CaptionEvent], captioner.caption(pictures, request.options, token))
            with closing(events):
                for event in events:
                    if isinstance(event, CaptionResult):
                        left.remove(numbers[event.picture])
                    yield replace(event, picture=numbers[event.picture])

        yield from manager.run(request.model, caption, token)

    return work

"""The job of the inference thread that holds texts against pictures."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import cast

from cocadesk.models import Embedder
from cocadesk.types import CancelToken, Clip, ComparisonEvent, Embedding, ModelRequest, Picture
from cocadesk.work.job import Work
from cocadesk.work.model_manager import ModelManager


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """Hold these texts against these pictures with this model; holds everything the job needs.

    Attributes:
        pictures: Opened, or as the embedding that the same model made of them before.
    """

    model: ModelRequest
    pictures: tuple[Picture | Clip | Embedding, ...]
    texts: tuple[str, ...] = ()


def compare_work(manager: ModelManager, request: CompareRequest) -> Work:
    """Work that loads the request's model if need be and yields its `ComparisonEvent`s."""

    def work(token: CancelToken) -> Iterator[object]:
        def compare(embedder: Embedder) -> Iterator[ComparisonEvent]:
            events = embedder.compare(request.pictures, request.texts, token)
            with closing(cast(Generator[ComparisonEvent], events)):
                yield from events

        yield from manager.run(request.model, compare, token)

    return work

"""The job of the inference thread that answers a question about a picture."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import cast

from cocadesk.models import Answerer
from cocadesk.types import AnswerEvent, AskOptions, CancelToken, Clip, ModelRequest, Picture
from cocadesk.work.job import Work
from cocadesk.work.model_manager import ModelManager


@dataclass(frozen=True, slots=True)
class AskRequest:
    """Ask this model this question about this picture or clip; holds everything the job needs."""

    model: ModelRequest
    picture: Picture | Clip
    question: str
    options: AskOptions


def ask_work(manager: ModelManager, request: AskRequest) -> Work:
    """Work that loads the request's model if need be and yields its `AnswerEvent`s.

    Where memory runs out on the way, the answer begins again: a token at position 0 takes the place of all before it.
    """

    def work(token: CancelToken) -> Iterator[object]:
        def ask(answerer: Answerer) -> Iterator[AnswerEvent]:
            events = answerer.ask(request.picture, request.question, request.options, token)
            with closing(cast(Generator[AnswerEvent], events)):
                yield from events

        yield from manager.run(request.model, ask, token)

    return work

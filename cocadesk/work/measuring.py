"""The job of the inference thread that measures how faithful a map is."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import numpy.typing as npt

from cocadesk.media.masking import Fill
from cocadesk.types import (
    AnswerResult,
    AskOptions,
    CancelToken,
    CaptionOptions,
    CaptionResult,
    Clip,
    ModelRequest,
    Picture,
)
from cocadesk.work.job import Work
from cocadesk.work.model_manager import ModelManager

if TYPE_CHECKING:
    from cocadesk.engine.attention_geometry import PatchLayout
    from cocadesk.engine.faithfulness import Faithfulness, Target


@dataclass(frozen=True, slots=True)
class MeasuredOn:
    """What of the model's output is watched while patches are hidden; see the targets of `engine.faithfulness`.

    Attributes:
        tokens: "word", "caption": numbers of the caption's tokens; empty for a caption that is made for it.
        index: "word": its place among them.
        text: "answer": the question, which is answered first; "text": the text.
    """

    kind: Literal["word", "caption", "answer", "text", "class"]
    tokens: tuple[int, ...] = ()
    index: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class MeasureRequest:
    """Measure the faithfulness of this map of this picture; holds everything the job needs."""

    model: ModelRequest
    picture: Picture | Clip
    values: npt.NDArray[np.float32] = field(repr=False)
    layout: PatchLayout = field(repr=False)
    on: MeasuredOn
    fill: Fill = "blur"


@dataclass(frozen=True, slots=True)
class MeasureProgress:
    """So many pictures have gone through the model."""

    done: int
    total: int


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """How faithful the map is."""

    faithfulness: Faithfulness


def measure_work(manager: ModelManager, request: MeasureRequest) -> Work:
    """Work that loads the request's model if need be and yields `MeasureProgress`, at the end a `Measured`."""

    def work(token: CancelToken) -> Iterator[object]:
        def measure(model: Any) -> Iterator[object]:
            from cocadesk.engine.faithfulness import Faithfulness, faithfulness  # noqa: PLC0415 — the model is there

            target = _target(model, request, token)
            events = faithfulness(
                model, request.picture, request.values, request.layout, target, fill=request.fill, cancel=token
            )
            with closing(events):
                for event in events:
                    if isinstance(event, Faithfulness):
                        yield Measured(event)
                    else:
                        yield MeasureProgress(event.done, event.total)

        yield from manager.run(request.model, measure, token)

    return work


def _target(model: Any, request: MeasureRequest, cancel: CancelToken) -> Target:
    """What is watched, with what the model has to say for it."""
    from cocadesk.engine import faithfulness as targets  # noqa: PLC0415

    on, picture = request.on, request.picture
    match on.kind:
        case "word":
            return targets.WordTarget(on.tokens, on.index)
        case "caption":
            return targets.CaptionTarget(on.tokens or _said(model, picture, cancel))
        case "answer":
            events = model.ask(picture, on.text, AskOptions(), cancel)
            with closing(cast(Generator[object], events)):
                answer = next(event for event in events if isinstance(event, AnswerResult))
            return targets.AnswerTarget(on.text, answer.answer)
        case "text":
            return targets.TextTarget(on.text)
        case "class":
            best = next(iter(model.classify([picture], top=1, cancel=cancel)))
            return targets.ClassTarget(best.top[0].label)


def _said(model: Any, picture: Picture | Clip, cancel: CancelToken) -> tuple[int, ...]:
    """Numbers of the tokens that the model captions the picture with."""
    events = model.caption([picture], CaptionOptions(), cancel)
    with closing(cast(Generator[object], events)):
        result = next(event for event in events if isinstance(event, CaptionResult))
    return tuple(token.id for token in result.tokens)

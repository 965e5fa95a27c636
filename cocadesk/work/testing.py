"""The jobs of the inference thread that ask a model the same about a picture with and without a region of it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from cocadesk.types import (
    AnswerResult,
    AskOptions,
    CancelToken,
    CaptionOptions,
    CaptionResult,
    Clip,
    Comparison,
    ModelRequest,
    Picture,
    Token,
)
from cocadesk.work.job import Work
from cocadesk.work.model_manager import ModelManager

Event = TypeVar("Event")

ALL_CLASSES = 1_000_000
"""More than any model has: all are named."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture or clip, and the same with a region of it filled."""

    whole: Picture | Clip
    masked: Picture | Clip


@dataclass(frozen=True, slots=True)
class CaptionTrial:
    """Caption the masked picture, and say what becomes of the whole one's words.

    Attributes:
        tokens: Numbers of the whole picture's caption; empty to caption it, too.
    """

    model: ModelRequest
    pair: Pair
    tokens: tuple[int, ...]
    options: CaptionOptions


@dataclass(frozen=True, slots=True)
class AnswerTrial:
    """Ask both pictures the same question."""

    model: ModelRequest
    pair: Pair
    question: str
    options: AskOptions


@dataclass(frozen=True, slots=True)
class TextsTrial:
    """Hold the texts against both pictures."""

    model: ModelRequest
    pair: Pair
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassesTrial:
    """Name what both pictures show.

    Attributes:
        labels: For a model that reads text; None for one with classes of its own.
    """

    model: ModelRequest
    pair: Pair
    labels: tuple[str, ...] | None


TrialRequest = CaptionTrial | AnswerTrial | TextsTrial | ClassesTrial


@dataclass(frozen=True, slots=True)
class WordsScored:
    """The whole picture's caption, read against both pictures.

    Attributes:
        whole, masked: The same tokens, each with its log-probability given those before it and the picture.
    """

    whole: tuple[Token, ...]
    masked: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class AnswersCompared:
    """Both answers, and how probable each is for the other picture.

    Attributes:
        whole, masked: The answers that were given.
        whole_if_masked: Natural-log probability of the whole picture's answer, given the masked one.
        masked_if_whole: Of the masked picture's answer, given the whole one.
    """

    whole: AnswerResult
    masked: AnswerResult
    whole_if_masked: float
    masked_if_whole: float


@dataclass(frozen=True, slots=True)
class TextsCompared:
    """The texts against both pictures.

    Attributes:
        similarities: Cosine similarities, float64, (2, texts): the whole picture's, then the masked one's; NaN for a
            text that the model cannot read.
        probabilities: The softmax over the texts, likewise.
    """

    texts: tuple[str, ...]
    similarities: npt.NDArray[np.float64] = field(repr=False)
    probabilities: npt.NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClassesCompared:
    """Every class with its probability for both pictures, in the order of the larger one.

    Attributes:
        classes: Name, definition (empty where nobody wrote one), the whole picture's and the masked one's probability.
    """

    classes: tuple[tuple[str, str, float, float], ...]


def trial_work(manager: ModelManager, request: TrialRequest) -> Work:
    """Work that loads the request's model if need be and yields what it says with and without the region.

    That is, for captions, a `WordsScored`, the `Token`s of the masked picture's caption and its `CaptionResult`; for
    the others one `AnswersCompared`, `TextsCompared` or `ClassesCompared`.
    """

    def work(token: CancelToken) -> Iterator[object]:
        def run(model: Any) -> Iterator[object]:
            match request:
                case CaptionTrial():
                    yield from _caption(model, request, token)
                case AnswerTrial():
                    yield _ask(model, request, token)
                case TextsTrial():
                    yield _rank(model, request, token)
                case ClassesTrial():
                    yield _classify(model, request, token)

        yield from manager.run(request.model, run, token)

    return work


def _caption(model: Any, request: CaptionTrial, cancel: CancelToken) -> Iterator[object]:
    pair, options = request.pair, replace(request.options, prefix=())
    tokens = request.tokens
    if not tokens:
        first = _last(model.caption([pair.whole], options, cancel), CaptionResult)
        tokens = tuple(token.id for token in first.tokens)
    yield WordsScored(model.score(pair.whole, tokens, cancel), model.score(pair.masked, tokens, cancel))
    with closing(cast(Generator[object], model.caption([pair.masked], options, cancel))) as events:
        yield from events


def _ask(model: Any, request: AnswerTrial, cancel: CancelToken) -> AnswersCompared:
    pair, question = request.pair, request.question
    whole, masked = (
        _last(model.ask(picture, question, request.options, cancel), AnswerResult)
        for picture in (pair.whole, pair.masked)
    )
    return AnswersCompared(
        whole,
        masked,
        _sum(model.score_answer(pair.masked, question, whole.answer, cancel)),
        _sum(model.score_answer(pair.whole, question, masked.answer, cancel)),
    )


def _rank(model: Any, request: TextsTrial, cancel: CancelToken) -> TextsCompared:
    events = model.compare((request.pair.whole, request.pair.masked), request.texts, cancel)
    comparison = _last(events, Comparison)
    return TextsCompared(request.texts, comparison.similarities, comparison.probabilities)


def _classify(model: Any, request: ClassesTrial, cancel: CancelToken) -> ClassesCompared:
    given = [request.pair.whole, request.pair.masked]
    both = [
        {(score.label, score.definition): score.probability for score in classification.top}
        for classification in model.classify(given, request.labels, top=ALL_CLASSES, cancel=cancel)
    ]
    rows = [(*name, probability, both[1][name]) for name, probability in both[0].items()]
    return ClassesCompared(tuple(sorted(rows, key=lambda row: -max(row[2:]))))


def _last(events: Iterator[object], kind: type[Event]) -> Event:
    """The only event of that kind, after all others."""
    found: list[Event] = []
    with closing(cast(Generator[object], events)):
        found += [event for event in events if isinstance(event, kind)]
    return found[-1]


def _sum(tokens: tuple[Token, ...]) -> float:
    return sum(token.logprob for token in tokens)

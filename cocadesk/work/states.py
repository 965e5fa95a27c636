"""The jobs of the inference thread that look at a model's states: what it caches while it captions, what that saves,
and what its encoders hold of each token."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from cocadesk.errors import OptionError
from cocadesk.types import CacheEvent, CancelToken, CaptionOptions, Clip, ModelRequest, Picture
from cocadesk.work.job import Work
from cocadesk.work.model_manager import ModelManager

if TYPE_CHECKING:
    from cocadesk.engine.hidden_states import HiddenStates


@dataclass(frozen=True, slots=True)
class CachedRequest:
    """Caption the picture, and tell what is cached at the end of it."""

    model: ModelRequest
    picture: Picture | Clip


@dataclass(frozen=True, slots=True)
class CompareRequest:
    """Decode the picture's caption cached, with guesses and uncached, and time each way.

    Attributes:
        options: How; of a beam search one beam is timed.
    """

    model: ModelRequest
    picture: Picture | Clip
    options: CaptionOptions


@dataclass(frozen=True, slots=True)
class HiddenRequest:
    """Tell what an encoder holds of each token through its layers.

    Attributes:
        picture: None where a text is read.
        text: The text, where there is no picture.
    """

    model: ModelRequest
    picture: Picture | Clip | None = None
    text: str = ""


StatesRequest = CachedRequest | CompareRequest | HiddenRequest


@dataclass(frozen=True, slots=True, eq=False)
class Projected:
    """Hidden states on the plane on which they lie furthest apart.

    Attributes:
        model: The name of the model.
        tokens: Names of the T tokens.
        points: Before the first of L layers and after each, float32, (L + 1, T, 2); read-only.
        text: What was read; empty for a picture.
    """

    model: str
    tokens: tuple[str, ...]
    points: npt.NDArray[np.float32] = field(repr=False)
    text: str = ""

    def __post_init__(self) -> None:
        self.points.flags.writeable = False

    @property
    def layers(self) -> int:
        """How many layers there are; the points before the first one are not counted."""
        return len(self.points) - 1


def states_work(manager: ModelManager, request: StatesRequest) -> Work:
    """Work that loads the request's model if need be and yields what was asked for.

    That is one `CachedStates`; `DecodingProgress` and at the end a `CacheComparison`; or one `Projected`.
    """

    def work(token: CancelToken) -> Iterator[object]:
        def look(model: Any) -> Iterator[object]:
            token.check()
            match request:
                case CachedRequest():
                    yield _method(model, "states", _NO_CACHE)(request.picture, token)
                case CompareRequest():
                    compare = _method(model, "compare_cached", _NO_CACHE)
                    events = compare(request.picture, replace(request.options, beams=1), token)
                    with closing(cast(Generator[CacheEvent], events)):
                        yield from events
                case HiddenRequest():
                    yield _projected(_hidden_states(model, request, token), token)

        yield from manager.run(request.model, look, token)

    return work


_NO_CACHE = "{name} keeps no attention states to show: choose a model that writes captions."
_NO_IMAGE = "{name} tells no hidden states of pictures: choose another model."
_NO_TEXT = "{name} has no text encoder: choose “Picture”, or another model."


def _method(model: Any, name: str, absent: str) -> Callable[..., Any]:
    """That method of the model; an `OptionError` where it has none."""
    method: Callable[..., Any] | None = getattr(model, name, None)
    if method is None:
        raise OptionError(absent.format(name=model.name))
    return method


def _hidden_states(model: Any, request: HiddenRequest, token: CancelToken) -> HiddenStates:
    if request.picture is None:
        states: HiddenStates = _method(model, "text_hidden_states", _NO_TEXT)(request.text)
    else:
        states = _method(model, "image_hidden_states", _NO_IMAGE)(request.picture, token)
    return states


def _projected(states: HiddenStates, token: CancelToken) -> Projected:
    token.check()
    return Projected(states.model, states.tokens, states.project(), states.text)

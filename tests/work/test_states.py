"""The jobs that look at a model's states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from cocadesk.engine.hidden_states import HiddenStates
from cocadesk.errors import Cancelled, OptionError
from cocadesk.types import (
    CacheComparison,
    CachedStates,
    CancelToken,
    CaptionOptions,
    DecodingProgress,
    ModelRequest,
    Picture,
    PictureLike,
)
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
from cocadesk.work.states import CachedRequest, CompareRequest, HiddenRequest, Projected, StatesRequest, states_work
from tests.fakes.captioner import WORDS, FakeCaptioner
from tests.fakes.pictures import quadrants
from tests.fakes.reader import FakeReader

MODEL = ModelRequest()
PICTURE = Picture("quarters", np.asarray(quadrants()))


class Holding(FakeCaptioner):
    """Has states of three numbers, which lie on a plane."""

    def image_hidden_states(self, picture: PictureLike, cancel: CancelToken | None = None) -> HiddenStates:
        return HiddenStates("image", self.name, flat(3, 5), tuple("abcde"))

    def text_hidden_states(self, text: str) -> HiddenStates:
        words = tuple(text.split())
        return HiddenStates("text", self.name, flat(3, len(words)), words, text)


class Named(FakeReader):
    name = "reader"


def flat(layers: int, tokens: int) -> np.ndarray:
    states = np.random.default_rng(7).normal(size=(layers + 1, tokens, 3)).astype(np.float32)
    states[..., 2] = states[..., 0] - 2 * states[..., 1]
    return states


def run(model: object, request: StatesRequest, token: CancelToken | None = None) -> Sequence[object]:
    """What the job yields once the model is there."""
    events = list(states_work(ModelManager(lambda _: model), request)(token or CancelToken()))
    assert [type(event) for event in events[:2]] == [ModelLoading, ModelReady]
    return events[2:]


def test_the_cached_states_of_the_pictures_caption() -> None:
    (found,) = run(FakeCaptioner(), CachedRequest(MODEL, PICTURE))
    assert isinstance(found, CachedStates)
    assert found.caption == "a cat on a green background"
    assert found.total_bytes == 3200


def test_the_ways_are_timed_with_one_beam_whatever_was_chosen() -> None:
    captioner = FakeCaptioner()
    *progress, found = run(captioner, CompareRequest(MODEL, PICTURE, CaptionOptions(beams=4, max_tokens=12)))
    count = len(WORDS) + 1
    assert progress == [
        DecodingProgress(way, done, 12) for way in ("cached", "guesses", "uncached") for done in range(1, count + 1)
    ]
    assert isinstance(found, CacheComparison)
    assert found.same_tokens
    assert set(captioner.asked) == {CaptionOptions(beams=1, max_tokens=12)}


@pytest.mark.parametrize("request_", [HiddenRequest(MODEL, PICTURE), HiddenRequest(MODEL, text="a b c d")])
def test_hidden_states_are_laid_on_a_plane_in_the_job(request_: HiddenRequest) -> None:
    (found,) = run(Holding(), request_)
    assert isinstance(found, Projected)
    assert found.tokens == (tuple("abcde") if request_.picture else tuple("abcd"))
    assert (found.layers, found.points.shape) == (3, (4, len(found.tokens), 2))
    # All states lie on one plane, so that distances on it are those between the states.
    states = flat(3, len(found.tokens)).reshape(-1, 3)
    points = found.points.reshape(-1, 2)
    np.testing.assert_allclose(
        np.linalg.norm(points[:, None] - points, axis=-1),
        np.linalg.norm(states[:, None] - states, axis=-1),
        atol=1e-4,
    )
    with pytest.raises(ValueError, match="read-only"):
        found.points[0, 0, 0] = 1


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (CachedRequest(MODEL, PICTURE), "no attention states"),
        (CompareRequest(MODEL, PICTURE, CaptionOptions()), "no attention states"),
        (HiddenRequest(MODEL, PICTURE), "no hidden states of pictures"),
        (HiddenRequest(MODEL, text="a cat"), "no text encoder"),
    ],
)
def test_a_model_without_such_states_says_so(request_: StatesRequest, told: str) -> None:
    with pytest.raises(OptionError, match=told):
        run(Named(), request_)


@pytest.mark.parametrize("request_", [CompareRequest(MODEL, PICTURE, CaptionOptions()), HiddenRequest(MODEL, PICTURE)])
def test_it_is_cancelled(request_: StatesRequest) -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        run(Holding(), request_, token)

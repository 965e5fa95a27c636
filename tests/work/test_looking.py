"""The job that makes maps: what it asks of the model, and what it tells about the maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cocadesk.engine.attention_summary import rollout, summarise
from cocadesk.errors import Cancelled, OptionError
from cocadesk.media.image import open_picture
from cocadesk.types import CancelToken, ModelRequest, Picture
from cocadesk.work.looking import TOO_LARGE, Looked, LookRequest, look_work
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
from tests.fakes.looker import FakeLooker, RelevantLooker
from tests.fakes.pictures import quadrants

MODEL = ModelRequest()


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    quadrants().save(tmp_path / "picture.png")
    return open_picture(tmp_path / "picture.png")


def looked(looker: FakeLooker, request: LookRequest) -> Looked:
    loading, ready, found = look_work(ModelManager(lambda _: looker), request)(CancelToken())
    assert isinstance(loading, ModelLoading)
    assert isinstance(ready, ModelReady)
    assert isinstance(found, Looked)
    return found


def test_maps_come_with_what_is_told_about_them(picture: Picture) -> None:
    found = looked(FakeLooker(), LookRequest(MODEL, "image", picture))
    assert found.maps.kind == "image"
    assert found.rolled is not None
    np.testing.assert_array_equal(found.rolled.weights, rollout(found.maps).weights)
    np.testing.assert_array_equal(found.summary.entropy, summarise(found.maps).entropy)
    assert found.nbytes == found.maps.weights.nbytes + found.rolled.weights.nbytes
    assert (found.has_relevance, found.note) == (False, "")


def test_each_kind_asks_for_its_own(picture: Picture) -> None:
    looker = FakeLooker()
    assert looked(looker, LookRequest(MODEL, "text", text="a cat")).maps.layout is None
    assert looked(looker, LookRequest(MODEL, "question", picture, "how many")).rolled is None
    assert looked(looker, LookRequest(MODEL, "words", picture, caption="two cats")).maps.to_queries is not None
    looked(looker, LookRequest(MODEL, "words", picture))
    assert looker.looked == [
        ("text", "a cat"),
        ("question", "how many"),
        ("words", "two cats"),
        ("words", "a made one"),
    ]


def test_too_large_maps_are_kept_for_the_feature_token(picture: Picture) -> None:
    found = looked(FakeLooker(too_large=True), LookRequest(MODEL, "image", picture))
    assert found.maps.tokens == ("[class]",)
    assert found.rolled is None
    assert found.note == TOO_LARGE


def test_relevance_is_the_models_own(picture: Picture) -> None:
    asked = LookRequest(MODEL, "words", picture, caption="two cats", relevance=True)
    found = looked(RelevantLooker(), asked)
    assert (found.maps.layers, found.maps.heads, found.has_relevance) == (1, 1, True)
    with pytest.raises(OptionError, match="cannot weigh"):
        looked(FakeLooker(), asked)


def test_cancelling_ends_it(picture: Picture) -> None:
    token = CancelToken()
    looker = FakeLooker(before=lambda kind: token.cancel())
    work = look_work(ModelManager(lambda _: looker), LookRequest(MODEL, "image", picture))
    with pytest.raises(Cancelled):
        list(work(token))
    assert looker.looked == []

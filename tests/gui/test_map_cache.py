"""The maps that are kept, and what they are kept under."""

from __future__ import annotations

import pytest

from cocadesk.engine.attention_summary import summarise
from cocadesk.gui.looking import LookKey, MapCache, Wish
from cocadesk.types import ModelRequest
from cocadesk.work.looking import Looked
from tests.fakes.looker import FakeLooker

MODEL = ModelRequest()


@pytest.fixture
def found() -> Looked:
    maps = FakeLooker().text_attention("a cat on grass")
    return Looked(maps, summarise(maps))


def test_the_cache_keeps_within_its_budget(found: Looked) -> None:
    keys = [LookKey(entry, None, 16, "image", MODEL, "", "", relevance=False) for entry in (1, 2, 3)]
    cache = MapCache(2 * found.nbytes)
    for key in keys:
        cache.put(key, found)
    assert [cache.get(key) is found for key in keys] == [False, True, True]
    cache.get(keys[1])  # looked at again: the other one goes
    cache.put(keys[0], found)
    assert [cache.get(key) is found for key in keys] == [True, True, False]
    assert cache.nbytes == 2 * found.nbytes
    cache.forget(2)
    assert cache.entries() == {1}
    small = MapCache(1)
    small.put(keys[0], found)
    assert len(small) == 1  # what is on show stays, whatever it takes


def test_what_maps_depend_on() -> None:
    plain = Wish("text", MODEL, text="a cat").key
    assert plain == Wish("text", MODEL, text="a cat").key
    others = (
        Wish("text", MODEL, text="a dog"),
        Wish("text", ModelRequest(untrained=True), text="a cat"),
        Wish("text", MODEL, text="a cat", relevance=True),
        Wish("words", MODEL, text="a cat"),
        Wish("text", MODEL, text="a cat", caption="a cat"),
    )
    assert len({plain, *(wish.key for wish in others)}) == 6

"""The settings' file: what is damaged costs itself only."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cocadesk.store import settings as kept
from cocadesk.store.settings import Settings


def stored(**values: object) -> Settings:
    """What is read where the file says that."""
    kept.settings_file().write_text(json.dumps(values), encoding="utf-8")
    return kept.load()


def test_the_style_of_maps_comes_back() -> None:
    style = replace(Settings(), look_colours="viridis", look_opacity=0.8, look_threshold=0.3, look_smooth=False)
    kept.save(style)
    assert kept.load() == style


@pytest.mark.parametrize("value", [-0.1, 1.1, "0.5", None, True, [0.5], {}, float("nan"), float("inf")])
def test_a_share_that_is_none_is_the_usual_one(value: object) -> None:
    found = stored(look_opacity=value, look_threshold=value, look_smooth=False)
    assert found == replace(Settings(), look_smooth=False)


@pytest.mark.parametrize("value", [0, 1, 0.25])
def test_shares_may_be_written_as_whole_numbers(value: float) -> None:
    found = stored(look_opacity=value, look_threshold=value)
    assert (found.look_opacity, found.look_threshold) == (value, value)
    assert isinstance(found.look_opacity, float)


@pytest.mark.parametrize("value", [1, None, ["inferno"], {"a": 1}])
def test_other_damage_to_the_style(value: object) -> None:
    assert stored(look_colours=value, look_smooth=value) == Settings()

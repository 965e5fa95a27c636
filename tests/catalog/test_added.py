"""Libraries' models that were taken into the catalog."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from cocadesk.catalog.added import add_card, added_cards, forget_card
from cocadesk.catalog.cards import CARDS, all_cards
from cocadesk.errors import ModelError
from cocadesk.paths import models_dir

CLIP = replace(CARDS["coca-vit-b-32"], name="open_clip:ViT-B-32/openai", family="clip", abilities=frozenset({"rank"}))
VIT = replace(CARDS["vit-base-patch32"], name="timm:deit_tiny_patch16_224")


def test_an_added_model_stays_until_it_is_forgotten() -> None:
    add_card(CLIP)
    add_card(VIT)
    add_card(CLIP)

    assert added_cards() == {CLIP.name: CLIP, VIT.name: VIT}
    assert list(all_cards())[-2:] == [CLIP.name, VIT.name]
    assert all_cards()[CLIP.name] == CLIP

    forget_card(CLIP.name)
    forget_card("never added")

    assert added_cards() == {VIT.name: VIT}


def test_models_that_are_added_and_forgotten_at_the_same_time() -> None:
    names = [f"open_clip:{number}" for number in range(24)]
    for name in names[:8]:
        add_card(replace(CLIP, name=name))

    with ThreadPoolExecutor(4) as pool:
        changes = [pool.submit(forget_card, name) for name in names[:8]]
        changes += [pool.submit(add_card, replace(CLIP, name=name)) for name in names[8:]]
    for change in changes:
        change.result()

    assert added_cards().keys() == set(names[8:])


@pytest.mark.parametrize("kept", ["", "{", "3", '[{"name": "half a card"}, 7]'])
def test_a_damaged_list_hides_no_other_model(kept: str, caplog: pytest.LogCaptureFixture) -> None:
    models_dir().mkdir(parents=True)
    (models_dir() / "added.json").write_text(kept)

    assert added_cards() == {}
    assert all_cards().keys() == CARDS.keys()
    assert "left out" in caplog.text

    add_card(VIT)
    assert list(added_cards()) == [VIT.name]


def test_a_list_that_cannot_be_written_is_told() -> None:
    models_dir().mkdir(parents=True)
    (models_dir() / "added.part").mkdir()

    with pytest.raises(ModelError, match=r"added\.json cannot be written"):
        add_card(VIT)

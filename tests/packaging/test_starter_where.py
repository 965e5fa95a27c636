"""Where a starter looks is told of its own maps, nouns and boxes."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import model
import numpy as np
import pytest
import torch
import vqa_model
import where
from nouns import NUMBER_OF
from scenes import Group, Scene, Sprite

from cocadesk.catalog import cards
from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.preprocess import Geometry
from cocadesk.types import CaptionResult, Picture, Timings
from tests.packaging.conftest import tiny

SIDE, GRID = 80, 8
LAYOUT = PatchLayout(Geometry((SIDE, SIDE), (SIDE, SIDE), (0, 0), SIDE), (GRID, GRID), (10, 10), 0)
CAT, OWL = (Group(NUMBER_OF[noun], (Sprite(x, 0.5, 0.4, 0.0, False),)) for noun, x in (("cat", 0.25), ("owl", 0.75)))
SCENE = Scene((CAT, OWL), "x", "plain", "green")
BUNDLED = Path(__file__).parents[2] / "resources" / "models" / "starter-coca" / "merges.txt.gz"


@pytest.mark.parametrize(
    ("names", "noun", "found"),
    [
        (("a", " cat", " on", "[end]"), "cat", [1]),
        (("a", " pine", "apple", " and", " an", " apple", "[end]"), "apple", [5]),
        (("a", " pine", "apple", " and", " an", " apple", "[end]"), "pineapple", [1, 2]),
        (("[ENC]", "is", " there", " a", " t", "-", "shirt", "?", "[SEP]"), "t-shirt", [4, 5, 6]),
        (("a", " t", " -", " shirt", " on"), "t-shirt", [1, 2, 3]),
        (("a", " hot", " dog"), "hot dog", [1, 2]),
        (("a", " cat"), "dog", []),
    ],
)
def test_a_nouns_tokens(names: tuple[str, ...], noun: str, found: list[int]) -> None:
    assert where.tokens_of(names, noun) == found


@pytest.mark.parametrize(("row", "column", "on"), [(4, 2, True), (3, 0, True), (4, 4, False), (1, 2, False)])
def test_a_hit_is_a_peak_in_the_things_box(row: int, column: int, on: bool) -> None:
    """The cat fills 4 to 36 pixels across and 24 to 56 down; patches are 10 pixels wide."""
    values = np.zeros((GRID, GRID), np.float32)
    values[row, column] = 1
    assert where.is_on(LAYOUT, values, CAT, SIDE) is on


class Stub:
    """Says “a cat and a dog”; layer 0 of its maps has its peak on what a noun names, and layer 1 on the other thing."""

    def word_attention(self, _: Picture, text: str) -> AttentionMaps:
        names = tuple(text.split(" ")[:1]) + tuple(f" {word}" for word in text.split(" ")[1:])
        weights = np.zeros((2, 3, len(names), GRID * GRID), np.float32)
        for place, name in enumerate(names):
            for layer in range(2):
                cat = ("cat" in name) == (layer == 0)
                weights[layer, :, place, 4 * GRID + (2 if cat else 6)] = 1
        weights[1, 2] = weights[0, 2] * 5  # a single head of layer 1 knows better, and then its mean does, too
        return AttentionMaps("words", "stub", weights, names, (), text=text, layout=LAYOUT)

    def word_relevance(self, picture: Picture, text: str, *, words: list[int]) -> AttentionMaps:
        maps = self.word_attention(picture, text)
        chosen = maps.weights[1:, :1][:, :, words]
        names = tuple(maps.tokens[word] for word in words)
        return AttentionMaps("words", "stub", chosen, names, (), layout=LAYOUT, measure="relevance")

    def caption(self, _: Picture) -> Iterator[CaptionResult]:
        yield CaptionResult(0, "a cat and a dog", (), Timings(), "stub")


def test_peaks_are_counted_by_layer_head_and_relevance() -> None:
    picture = Picture("scene", np.zeros((SIDE, SIDE, 3), np.uint8))

    found = where.located(where.Captions(Stub()), [(SCENE, picture)])

    assert found[where.BEST] == 0
    assert (found["layer 0"], found["layer 1"], found["relevance"]) == (1, 1, 0)
    assert found["named by the model"] == 0.5
    assert found["relevance, of nouns it names"] == 0
    assert found["best single head (layer 0, head 0)"] == 1


def test_scenes_are_of_two_things_and_the_same_on_every_call(world: Path) -> None:
    once, again = (list(where.scenes_of_two("seen", 5, 32)) for _ in range(2))
    assert len(once) == 5
    for (scene, picture), (same, alike) in zip(once, again, strict=True):
        assert [len(group.sprites) for group in scene.groups] == [1, 1]
        assert scene == same
        assert np.array_equal(picture.pixels, alike.pixels)


def write_starter(name: str, folder: Path) -> None:
    """An untrained starter in its small size, as training writes it."""
    folder.mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if name == "starter-coca":
            shutil.copy(BUNDLED, folder)
            config = tiny(name)
            model.save(model.build(config), folder, config)
        else:
            blip, config, words = vqa_model.fresh()
            vqa_model.save(blip, folder, config, words)


@pytest.mark.parametrize("name", ["starter-coca", "starter-vqa"])
def test_the_command_measures_a_folder(
    name: str,
    world: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_starter(name, tmp_path / name)
    monkeypatch.setattr(cards, "CARDS", dict(cards.CARDS))
    monkeypatch.setattr(where, "STEPS", 2)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    given: list[Any] = [
        "where.py",
        tmp_path / name,
        "--scenes",
        3,
        "--faithful",
        2,
        "--json",
        tmp_path / "figures.json",
    ]
    monkeypatch.setattr(sys, "argv", list(map(str, given)))

    where.main()

    table = json.loads((tmp_path / "figures.json").read_text())[name]
    assert list(table) == ["seen", "unseen"]
    shown = capsys.readouterr().out
    for figures in table.values():
        shares = [
            value for key, value in figures.items() if key.startswith(("layer", "relevance", "mean", "best single"))
        ]
        assert all(0 <= share <= 1 for share in shares)
        assert "relevance" in figures
        assert figures["layer 0"] in {hits / 6 for hits in range(7)} | {hits / 12 for hits in range(13)}
        assert f"| relevance | {table['seen']['relevance']:.3f} | {table['unseen']['relevance']:.3f} |" in shown
        if name == "starter-vqa":  # an answer has always something to be measured
            assert figures["scenes of deletion and insertion"] == 2
            assert 0 <= figures["random: deletion area"] <= 1

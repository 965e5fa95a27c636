"""What a model is made of, against open_clip's own modules."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import open_clip
import pytest
import torch

import cocadesk
from cocadesk.catalog.cards import CARDS
from cocadesk.errors import ModelError
from tests.engine.conftest import TINY, tiny_weights


@pytest.mark.parametrize("name", ["coca-vit-b-32", "coca-vit-l-14-mscoco"])
def test_a_published_model_that_is_not_downloaded(name: str) -> None:
    card = CARDS[name]
    with torch.device("meta"):
        theirs = open_clip.create_model(card.architecture, load_weights=False, device="meta")

    found = cocadesk.net_info(name)

    state = theirs.state_dict()
    assert {array.name: array.shape for array in found.arrays} == {name: tuple(a.shape) for name, a in state.items()}
    assert {array.dtype for array in found.arrays} == {"float32"}
    assert all(array.parameters == math.prod(array.shape) for array in found.arrays)
    assert found.parameters == sum(array.numel() for array in theirs.parameters()) == card.parameters
    assert found.model == name
    assert dict(found.memory_bytes) == {
        "float32": 4 * card.parameters,
        "bfloat16": 2 * card.parameters,
        "float16": 2 * card.parameters,
    }


def test_layers_are_counted_by_type() -> None:
    with torch.device("meta"):
        theirs = open_clip.create_model("coca_ViT-B-32", load_weights=False, device="meta")
    all_modules = Counter(type(module).__name__ for module in theirs.modules())

    found = dict(cocadesk.net_info("coca-vit-b-32").layers)

    assert found["LayerNorm"] == all_modules["LayerNorm"]
    assert found["MultiheadAttention"] == all_modules["MultiheadAttention"] == 12 + 12 + 2 * 12 + 1
    assert found["Linear"] == all_modules["Linear"]
    assert found["Conv2d"] == found["Embedding"] == 1
    assert not found.keys() & {"ModuleList", "Sequential", "Identity", "CoCa", "NonDynamicallyQuantizableLinear"}
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_a_bundled_model_is_counted_from_its_own_configuration(bundle: Callable[..., Path]) -> None:
    bundle()

    found = cocadesk.net_info("tiny-coca")

    assert found.parameters == sum(tensor.numel() for tensor in tiny_weights(TINY).values())


def test_a_model_that_there_is_not() -> None:
    with pytest.raises(ModelError, match="Did you mean"):
        cocadesk.net_info("coca-vit-b-23")

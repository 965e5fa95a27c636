"""Attention of text encoders: the weights are those of open_clip's own modules, for whole texts with their padding."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cocadesk import engine
from cocadesk.engine.clip import ClipModel
from cocadesk.engine.coca import CocaModel
from cocadesk.errors import OptionError
from tests.engine.attention_reference import inputs_of
from tests.engine.conftest import CONTEXT
from tests.engine.test_clip import architectures, checkpoint  # noqa: F401 — fixtures

TOLERANCE = 1e-5


@torch.inference_mode()
@pytest.mark.parametrize("text", ["two green dogs", "cat", "! cat! on"])
def test_a_cocas_text(tiny: CocaModel, text: str) -> None:
    module = copy.deepcopy(tiny.module)
    tokens = tiny.tokenizer.encode(text)
    padded = torch.tensor([tokens + [0] * (CONTEXT - len(tokens))])

    maps = tiny.text_attention(text)

    with inputs_of([block.attn for block in module.text.transformer.resblocks]) as seen:
        module.encode_text(padded)
    expected = np.stack([each.weights()[0] for each in seen])
    # With the legacy mask the class token, the last one, sees the first place of the padding as well.
    kept = [*range(len(tokens) + 1), CONTEXT]
    assert maps.weights.shape == (2, 3, len(kept), len(kept))
    assert np.abs(maps.weights - expected[:, :, kept][..., kept]).max() < TOLERANCE
    assert np.abs(maps.weights.sum(-1) - 1).max() < TOLERANCE
    assert (maps.tokens[0], maps.tokens[-3:]) == ("[start]", ("[end]", "[padding]", "[class]"))
    assert "".join(maps.tokens[1:-3]) == text
    assert (maps.feature, maps.layout, maps.text) == (len(kept) - 1, None, text)
    assert np.triu(maps.weights[0, 0], 1).max() == 0, "the tower is causal"


def test_with_the_right_class_mask_nobody_sees_padding(tiny: CocaModel) -> None:
    tiny.module.text.correct_cls_mask = True

    assert tiny.text_attention("a cat").tokens == ("[start]", "a", " cat", "[end]", "[class]")


def test_the_longest_text_leaves_no_padding(tiny: CocaModel) -> None:
    maps = tiny.text_attention(" ".join(["cat"] * (CONTEXT - 2)))

    assert maps.tokens == ("[start]", "cat", *[" cat"] * (CONTEXT - 3), "[end]", "[class]")
    with pytest.raises(OptionError, match="reads at most"):
        tiny.text_attention("cat " * (CONTEXT - 1))


@torch.inference_mode()
@pytest.mark.parametrize(
    ("architecture", "tokens", "feature"),
    [
        ("plain", ["[start]", "two", " dogs", "[end]"], 3),
        ("custom-text", ["[start]", "two", " dogs", "[end]"], 3),
        # What padding is attended to, or read as the text's embedding, is not left out.
        ("all-seeing", ["[start]", "two", " dogs", "[end]", *["[padding]"] * 36], 39),
        ("last-token", ["[start]", "two", " dogs", "[end]", *["[padding]"] * 36], 39),
    ],
)
def test_a_clips_text(
    architecture: str,
    tokens: list[str],
    feature: int,
    checkpoint: Callable[[str], Path],  # noqa: F811
) -> None:
    model: ClipModel = engine.load(
        f"open_clip:{architecture}/straight", device="cpu", checkpoint=str(checkpoint(architecture))
    )
    module: Any = copy.deepcopy(model.module)
    encoded = model.tokenizer.encode("two dogs")
    padded = torch.tensor([encoded + [0] * (40 - len(encoded))])

    maps = model.text_attention("two dogs")

    tower = module.text if hasattr(module, "text") else module
    with inputs_of([block.attn for block in tower.transformer.resblocks]) as seen:
        module.encode_text(padded)
    expected = np.stack([each.weights()[0] for each in seen])[:, :, : len(tokens), : len(tokens)]
    assert np.abs(maps.weights - expected).max() < TOLERANCE
    assert np.abs(maps.weights.sum(-1) - 1).max() < TOLERANCE
    assert list(maps.tokens) == tokens
    assert maps.feature == feature

"""Small CoCas of the bundled form, written to a temporary folder and loaded by name like the real ones."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from open_clip.coca_model import CoCa
from safetensors.torch import save_file

from cocadesk import engine
from cocadesk.catalog import cards
from cocadesk.engine.coca import CocaModel
from cocadesk.types import Picture

# "é" is the two bytes Ã and © in CLIP's byte alphabet, left unmerged here: a character in two tokens.
MERGES = ("c a", "ca t</w>", "d o", "do g</w>", "o n</w>", "t w", "tw o</w>", "g r", "e e", "gr ee", "gree n</w>")
CONTEXT = 14

TINY: dict[str, Any] = {
    "embed_dim": 48,
    "vision_cfg": {
        "image_size": 24,
        "patch_size": 8,
        "layers": 2,
        "width": 64,
        "head_width": 16,
        "attentional_pool": True,
        "attn_pooler_queries": 7,
        "attn_pooler_heads": 3,
        "output_tokens": True,
    },
    "text_cfg": {
        "context_length": CONTEXT,
        "vocab_size": 512 + len(MERGES) + 2,
        "width": 48,
        "heads": 3,
        "layers": 2,
        "embed_cls": True,
        "output_tokens": True,
    },
    "multimodal_cfg": {
        "context_length": CONTEXT,
        "vocab_size": 512 + len(MERGES) + 2,
        "width": 48,
        "heads": 3,
        "layers": 3,
        "attn_pooler_heads": 3,
    },
    "custom_text": True,
    "preprocess_cfg": {
        "mean": [0.5, 0.4, 0.3],
        "std": [0.2, 0.3, 0.25],
        "interpolation": "bicubic",
        "resize_mode": "squash",
    },
}


def tiny_weights(config: dict[str, Any], seed: int = 0) -> dict[str, torch.Tensor]:
    """Random weights large enough that tokens and pictures matter, and the end token is likely: varied captions."""
    modules = {name: config[name] for name in ("embed_dim", "vision_cfg", "text_cfg", "multimodal_cfg")}
    with torch.device("meta"):
        model = CoCa(**modules, quick_gelu=config.get("quick_gelu", False))
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, value in model.state_dict().items():
        noise = (0.3 if value.ndim > 1 else 0.1) * torch.randn(value.shape, generator=generator)
        weights[name] = 1 + noise if "ln_" in name and name.endswith("weight") else noise
    for name in weights:
        if "cross_attn" in name:
            weights[name] *= 2
    weights["text_decoder.text_projection"][:, -1] *= 3
    return weights


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a bundled model and put its card into the catalog; returns its folder."""
    monkeypatch.setattr("cocadesk.catalog.card.resources_dir", lambda: tmp_path)

    def write(
        name: str = "tiny-coca",
        config: dict[str, Any] = TINY,
        weights: dict[str, torch.Tensor] | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Path:
        card = replace(cards.card("starter-coca"), name=name, architecture=name, input_pixels=24, patch_pixels=8)
        monkeypatch.setitem(cards.CARDS, name, card)
        card.folder.mkdir(parents=True, exist_ok=True)
        (card.folder / "config.json").write_text(json.dumps(config))
        with gzip.open(card.folder / "merges.txt.gz", "wt", encoding="utf-8") as file:
            file.write("#version: 0.2\n" + "\n".join(MERGES))
        given = tiny_weights(config) if weights is None else weights
        save_file({key: value.to(dtype) for key, value in given.items()}, card.folder / "model.safetensors")
        return card.folder

    return write


@pytest.fixture
def tiny(bundle: Callable[..., Path]) -> CocaModel:
    """A small CoCa in float32 on the CPU."""
    bundle()
    return engine.load("tiny-coca", device="cpu")


@pytest.fixture
def pictures() -> list[Picture]:
    """Five pictures of different content and shape."""
    random = np.random.default_rng(5)
    shapes = [(24, 24), (30, 50), (90, 31), (7, 9), (64, 64)]
    return [
        Picture(f"picture {number}", random.integers(0, 256, (*shape, 3), dtype=np.uint8))
        for number, shape in enumerate(shapes)
    ]


@pytest.fixture(autouse=True)
def _torch_state_is_left_alone() -> Iterator[None]:
    """The engine changes nothing global: gradients, threads, random numbers."""
    before = (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_num_threads())
    random = torch.random.get_rng_state()
    yield
    assert before == (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_num_threads())
    assert torch.equal(random, torch.random.get_rng_state())

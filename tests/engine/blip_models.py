"""Small BLIPs of the bundled form, and transformers' own forward and generation to compare them with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor
from transformers import BlipConfig, BlipForConditionalGeneration, BlipForQuestionAnswering, BlipImageProcessorPil

from cocadesk import engine
from cocadesk.catalog import cards
from cocadesk.catalog.card import ModelCard
from cocadesk.engine.blip import BlipCaptionModel, BlipVqaModel
from cocadesk.types import Picture

WORDS = (*"a cat dog on two green meadow what is the".split(), *"? . , ' s how many yes no red blue".split())  # noqa: SIM905
PIECES = ("##s", "##ing", "##e", "##r", "##ed")
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *PIECES, "[DEC]", "[ENC]"]
START, END = VOCABULARY.index("[DEC]"), VOCABULARY.index("[SEP]")

TINY: dict[str, Any] = {
    "vision_config": {
        "hidden_size": 48,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 24,
        "patch_size": 8,
    },
    "text_config": {
        "vocab_size": len(VOCABULARY),
        "hidden_size": 48,
        "intermediate_size": 56,
        "num_hidden_layers": 3,
        "num_attention_heads": 3,
        "max_position_embeddings": 16,
        "bos_token_id": START,
        "sep_token_id": END,
    },
}
WIDE = TINY | {"vision_config": TINY["vision_config"] | {"hidden_size": 64}}
"""A captioner's picture may be of another width than its text; a questioner's may not."""

CONFIGS = {"blip-vqa": TINY, "blip-caption": WIDE}
CLASSES = {"blip-vqa": BlipForQuestionAnswering, "blip-caption": BlipForConditionalGeneration}
LIKE = {"blip-vqa": "blip-vqa-base", "blip-caption": "blip-caption-base"}


def tiny_weights(family: str, seed: int = 0) -> dict[str, Tensor]:
    """Random weights large enough that words, their places and pictures matter, and answers end at various lengths.

    transformers leaves biases and places at zero or nearly so, where an error in using them would not show.
    """
    with torch.device("meta"):
        module = CLASSES[family](BlipConfig(**CONFIGS[family]))
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, value in module.named_parameters():
        noise = (0.25 if value.ndim > 1 else 0.1) * torch.randn(value.shape, generator=generator)
        scale = "norm" in name.lower() and name.endswith("weight")
        weights[name] = 1 + noise if scale else noise
    weights["text_decoder.cls.predictions.bias"][END] += 2.0
    return weights


def write_tiny(
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    family: str,
    config: object = None,
    weights: dict[str, Tensor] | None = None,
) -> ModelCard:
    """Put a small bundled model named "tiny-…" into the catalog, its files under that folder."""
    monkeypatch.setattr("cocadesk.catalog.card.resources_dir", lambda: folder)
    name = f"tiny-{family}"
    card = replace(
        cards.card(LIKE[family]), name=name, architecture=name, bundled=True, input_pixels=24, patch_pixels=8
    )
    monkeypatch.setitem(cards.CARDS, name, card)
    card.folder.mkdir(parents=True, exist_ok=True)
    (card.folder / "config.json").write_text(json.dumps(CONFIGS[family] if config is None else config))
    (card.folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="utf-8")
    save_file(tiny_weights(family) if weights is None else weights, card.folder / "model.safetensors")
    return card


@pytest.fixture
def vqa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlipVqaModel:
    """A small BLIP for questions in float32 on the CPU."""
    write_tiny(monkeypatch, tmp_path, "blip-vqa")
    return engine.load("tiny-blip-vqa", device="cpu")


@pytest.fixture
def captioner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlipCaptionModel:
    """A small BLIP for captions in float32 on the CPU."""
    write_tiny(monkeypatch, tmp_path, "blip-caption")
    return engine.load("tiny-blip-caption", device="cpu")


Blip = BlipVqaModel | BlipCaptionModel


def pixels(model: Blip, pictures: list[Picture]) -> Tensor:
    """What transformers' own image processor makes of the pictures, (N, 3, side, side)."""
    side = model.module.config.vision_config.image_size
    processor = BlipImageProcessorPil(size={"height": side, "width": side})
    return torch.from_numpy(
        np.stack(processor([Image.fromarray(picture.pixels) for picture in pictures], return_tensors="np").pixel_values)
    )


@torch.inference_mode()
def features(model: Blip, pictures: list[Picture]) -> Tensor:
    """The image encoder's last hidden states, transformers' own preprocessing included."""
    return model.module.vision_model(pixels(model, pictures)).last_hidden_state


@torch.inference_mode()
def question_states(model: BlipVqaModel, image: Tensor, tokens: list[int]) -> Tensor:
    """The question encoder's last hidden states as `BlipForQuestionAnswering.generate` makes them."""
    return model.module.text_encoder(
        torch.tensor([tokens]),
        encoder_hidden_states=image,
        encoder_attention_mask=torch.ones(image.shape[:2], dtype=torch.long),
    ).last_hidden_state


@torch.inference_mode()
def logits(model: Blip, source: Tensor, tokens: Tensor) -> Tensor:
    """Logits of the token after each of `tokens` (N, L), all in one forward: (N, L, V)."""
    return model.module.text_decoder(tokens, encoder_hidden_states=source).logits


def generate(model: Blip, picture: Picture, limit: int, question: list[int] | None = None, **how: Any) -> list[int]:
    """The tokens of transformers' own generation, without the start token."""
    given = {"pixel_values": pixels(model, [picture])} | ({} if question is None else {"input_ids": [question]})
    found = model.module.generate(**given, max_new_tokens=limit, do_sample=False, **how)
    return found[0, 1:].tolist()

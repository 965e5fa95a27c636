"""Building open_clip's CoCa and filling it with weights."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

import open_clip
import torch
from open_clip.coca_model import CoCa
from open_clip.tokenizer import default_bpe
from torch import nn

from cocadesk.catalog.card import ModelCard
from cocadesk.engine.preprocess import Interpolation, Preprocessing, ResizeMode
from cocadesk.engine.weights import empty, fill, untrained
from cocadesk.errors import ModelError

CONFIG_FILE = "config.json"
MERGES_FILE = "merges.txt.gz"


@dataclass(frozen=True, slots=True)
class CocaConfig:
    """What a CoCa is made of.

    Attributes:
        modules: Arguments of open_clip's `CoCa`: `embed_dim`, `vision_cfg`, `text_cfg`, `multimodal_cfg`, …
        preprocessing: How it wants its pictures.
        merges: Its tokenizer's file.
    """

    modules: Mapping[str, Any]
    preprocessing: Preprocessing
    merges: Path


def read_config(card: ModelCard) -> CocaConfig:
    """The card's configuration: open_clip's own by name, or the one in a bundled model's folder.

    Raises:
        ModelError: if it is missing, damaged, or of a kind that this engine does not run.
    """
    if card.bundled:
        path = card.folder / CONFIG_FILE
        try:
            config = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"The configuration {path} cannot be read: {error}") from error
        merges = card.folder / MERGES_FILE
    else:
        config = open_clip.get_model_config(card.architecture)
        if config is None:
            raise ModelError(
                f"open_clip {open_clip.__version__} has no architecture named “{card.architecture}”, which {card.name} "
                "is built on."
            )
        merges = Path(default_bpe())
    try:
        return _parse_config(config, merges)
    except (AttributeError, KeyError, TypeError) as error:
        raise ModelError(f"The configuration of {card.name} is not one of a CoCa: {error!r}") from error


def load_model(
    config: CocaConfig,
    weights: Path,
    device: torch.device,
    dtype: torch.dtype,
    modules: Collection[str] | None = None,
) -> CoCa:
    """Build the modules without memory of their own and give them the file's tensors.

    A safetensors file is mapped, not read: where device and format need no conversion, its pages are the weights.

    Args:
        modules: Names of the modules that get their weights, while the others stay without memory; None for all.

    Raises:
        ModelError: if the file cannot be read or does not fit the configuration.
    """
    model = empty(partial(build, config))
    fill(model, weights, device, dtype, modules=modules)
    # The masks are made, not loaded, so they are still without memory.
    model.text.attn_mask = model.text.build_causal_mask().to(device)
    model.text_decoder.attn_mask = model.text_decoder.build_attention_mask().to(device)
    return _ready(model)


def random_model(config: CocaConfig, seed: int, device: torch.device, dtype: torch.dtype) -> CoCa:
    """Build the modules with open_clip's random initial weights; torch's own random state stays as it was."""
    return _ready(untrained(partial(build, config), seed, device, dtype))


def _parse_config(config: dict[str, Any], merges: Path) -> CocaConfig:
    modules = {name: config[name] for name in ("embed_dim", "vision_cfg", "text_cfg", "multimodal_cfg")}
    modules["quick_gelu"] = config.get("quick_gelu", False)
    vision, text = modules["vision_cfg"], modules["text_cfg"]
    # Other variants of open_clip's towers run through other modules, which this engine's own forward does not mirror.
    expected = {
        "vision_cfg.attentional_pool": vision.get("attentional_pool") is True,
        "vision_cfg.pool_type": vision.get("pool_type", "tok") == "tok",
        "vision_cfg.output_tokens": vision.get("output_tokens") is True,
        "text_cfg.embed_cls": text.get("embed_cls") is True,
        "text_cfg.output_tokens": text.get("output_tokens") is True,
        "text_cfg.no_causal_mask": not text.get("no_causal_mask"),
        "text_cfg.proj_type": text.get("proj_type", "linear") == "linear" and not text.get("proj_bias"),
        "text_cfg.hf_model_name": not text.get("hf_model_name"),
        "text_cfg.block_type": text.get("block_type") in (None, "default"),
    }
    unsupported = [name for name, fine in expected.items() if not fine]
    if unsupported:
        raise ModelError(f"The engine runs CoCa as published; this configuration differs in {', '.join(unsupported)}.")
    return CocaConfig(modules, _parse_preprocessing(vision["image_size"], config.get("preprocess_cfg", {})), merges)


def _parse_preprocessing(pixels: int, config: dict[str, Any]) -> Preprocessing:
    defaults = Preprocessing(pixels)
    interpolation = config.get("interpolation", defaults.interpolation)
    resize_mode = config.get("resize_mode", defaults.resize_mode)
    if interpolation not in get_args(Interpolation) or resize_mode not in get_args(ResizeMode):
        raise ModelError(
            f"The engine cannot resize pictures as the configuration asks: {interpolation}, {resize_mode}."
        )
    mean, std = (tuple(config.get(name, getattr(defaults, name))) for name in ("mean", "std"))
    return Preprocessing(pixels, mean, std, interpolation, resize_mode)


def build(config: CocaConfig) -> CoCa:
    """The modules with open_clip's random weights.

    open_clip leaves the decoder's projection to the vocabulary uninitialised: it gets the scale of the text tower's.

    Raises:
        ModelError: if open_clip cannot build them.
    """
    try:
        model = CoCa(**config.modules)
    except (TypeError, ValueError, AssertionError) as error:
        raise ModelError(f"open_clip cannot build a CoCa from the configuration: {error}.") from error
    projection = model.text_decoder.text_projection
    nn.init.normal_(projection, std=projection.shape[0] ** -0.5)
    return model


def _ready(model: CoCa) -> CoCa:
    """Set up for inference: no gradients, no dropout, and the largest matrix laid out for decoding.

    open_clip keeps the decoder's projection as (width, vocabulary). A decoding step takes its product with one row,
    which reads it twice as fast where the numbers of one token lie together; the values and the shape stay the same.
    """
    model.eval().requires_grad_(False)
    projection = model.text_decoder.text_projection
    projection.data = projection.data.t().contiguous().t()
    return model

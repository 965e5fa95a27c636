"""Building open_clip's CLIPs, of any architecture it lists, and filling them with weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import open_clip
import torch
from open_clip.model import CLIP, CustomTextCLIP, convert_to_custom_text_state_dict
from torch import Tensor

from cocadesk.catalog.card import ModelCard
from cocadesk.engine.arrays import Array, HeldArray
from cocadesk.engine.preprocess import Preprocessing
from cocadesk.engine.weights import empty, fill, untrained
from cocadesk.errors import ModelError

ClipModule: TypeAlias = CLIP | CustomTextCLIP

_MASKS = {"attn_mask", "text.attn_mask"}
_PREPARED = ("mean", "std", "interpolation", "resize_mode")


@dataclass(frozen=True, slots=True)
class ClipConfig:
    """What a CLIP is made of.

    Attributes:
        modules: Arguments of open_clip's class: `embed_dim`, `vision_cfg`, `text_cfg`, `quick_gelu`, …
        custom_text: Whether that class is `CustomTextCLIP`, which keeps the text tower's weights under "text.".
        preprocessing: How it wants its pictures.
    """

    modules: Mapping[str, Any]
    custom_text: bool
    preprocessing: Preprocessing


def read_config(card: ModelCard) -> ClipConfig:
    """The configuration that open_clip lists for the card's architecture and tag.

    A tag knows best whether its weights were trained with the quick approximation of GELU: open_clip itself only warns
    where "ViT-B-32/openai" is built without it, and computes something else than was trained.

    Raises:
        ModelError: if there is none, or its text tower is not open_clip's own.
    """
    architecture, _, tag = card.architecture.partition("/")
    config = open_clip.get_model_config(architecture)
    if config is None:
        raise ModelError(f"open_clip {open_clip.__version__} has no architecture “{architecture}”.")
    foreign = config["text_cfg"].get("hf_model_name")
    if foreign:
        raise ModelError(
            f"{architecture} reads text with Hugging Face's {foreign}, and neither that tower nor its tokenizer comes "
            "with CocaDesk: it runs CLIPs with a text tower of open_clip's own."
        )
    trained = open_clip.get_pretrained_cfg(architecture, tag)
    prepared = {name: trained[name] for name in _PREPARED if name in trained}
    custom_text = config.pop("custom_text", False)
    config["quick_gelu"] = trained.get("quick_gelu", config.get("quick_gelu", False))
    return ClipConfig(config, custom_text, Preprocessing(config["vision_cfg"]["image_size"], **prepared))


def load_model(config: ClipConfig, weights: Path, device: torch.device, dtype: torch.dtype) -> ClipModule:
    """Build the modules without memory of their own and give them the file's tensors.

    Raises:
        ModelError: if the file cannot be read or does not fit the configuration.
    """
    model = empty(partial(build, config))
    fill(model, weights, device, dtype, adapt=partial(_adapted, config))
    _make_buffers(model, config, device, dtype)
    return model.eval().requires_grad_(False)


def random_model(config: ClipConfig, seed: int, device: torch.device, dtype: torch.dtype) -> ClipModule:
    """Build the modules with open_clip's random initial weights; torch's own random state stays as it was."""
    return untrained(partial(build, config), seed, device, dtype).eval().requires_grad_(False)


def build(config: ClipConfig) -> ClipModule:
    """The modules with open_clip's random weights.

    Raises:
        ModelError: if open_clip cannot build them.
    """
    try:
        return (CustomTextCLIP if config.custom_text else CLIP)(**config.modules)
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise ModelError(f"open_clip cannot build a CLIP from the configuration: {error}.") from error


def _adapted(config: ClipConfig, arrays: dict[str, Array]) -> dict[str, Array]:
    if config.custom_text:
        arrays = convert_to_custom_text_state_dict(arrays)  # names of before open_clip had that class
    for name in ("logit_scale", "logit_bias"):
        if name in arrays and arrays[name].shape == (1,):  # some files hold them as arrays of one
            arrays[name] = HeldArray(arrays[name].tensor(torch.device("cpu"), arrays[name].dtype).reshape(()))
    return arrays


def _make_buffers(model: ClipModule, config: ClipConfig, device: torch.device, dtype: torch.dtype) -> None:
    """Fill in what is made and not loaded: the causal mask, and tables that a few image towers compute when they are
    built, such as rotary embeddings. Those come from building the whole once more.
    """
    missing = {name for name, buffer in model.named_buffers() if buffer.is_meta}
    made: dict[str, Tensor] = {}
    for name in missing & _MASKS:
        made[name] = torch.full((model.context_length,) * 2, float("-inf")).triu_(1)
    if missing - _MASKS:
        with torch.random.fork_rng(devices=[]):
            made |= {name: buffer for name, buffer in build(config).named_buffers() if name not in _MASKS}
    for name in missing:
        module, _, buffer = name.rpartition(".")
        setattr(model.get_submodule(module), buffer, _converted(made[name], device, dtype))


def _converted(value: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    # Counters and index tables stay whole numbers.
    return value.to(device, dtype if value.is_floating_point() else value.dtype)

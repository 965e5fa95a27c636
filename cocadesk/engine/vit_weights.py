"""Building timm's VisionTransformer and filling it with weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast, get_args

import timm
import torch
from timm.data import ImageNetInfo, infer_imagenet_subset, resolve_data_config
from timm.models import VisionTransformer

from cocadesk.catalog.card import ModelCard
from cocadesk.engine.preprocess import Interpolation, Preprocessing, ResizeMode
from cocadesk.engine.weights import empty, fill, untrained
from cocadesk.errors import ModelError

CONFIG_FILE = "config.json"

_RESIZE_MODES: dict[str, ResizeMode] = {"center": "shortest", "squash": "squash"}
"""timm's crop modes. Its third one pads with the mean colour; no vision transformer of timm's uses it."""


@dataclass(frozen=True, slots=True)
class VitClass:
    """One class: its names as WordNet lists them or a bundled model calls it, and what it is in a sentence."""

    label: str
    definition: str


@dataclass(frozen=True, slots=True)
class VitConfig:
    """What a vision transformer is made of.

    Attributes:
        architecture: timm's name, with the tag of the weights where there are several.
        arguments: What `timm.create_model` is told besides.
        preprocessing: How it wants its pictures.
        classes: In the order of the logits; empty for a model whose outputs are no classes, or unknown ones.
    """

    architecture: str
    arguments: Mapping[str, Any]
    preprocessing: Preprocessing
    classes: tuple[VitClass, ...]


def read_config(card: ModelCard) -> VitConfig:
    """The card's configuration: timm's own by name, or `config.json` in a bundled model's folder.

    That file has the keys of those that timm puts on the hub: "architecture", "model_args", "num_classes",
    "pretrained_cfg", "label_names" and "label_descriptions" (by label).

    Raises:
        ModelError: if it is missing, damaged, or of a kind that this engine does not run.
    """
    try:
        if not card.bundled:
            return _parse(card.architecture, {}, timm.get_pretrained_cfg(card.architecture).to_dict())
        path = card.folder / CONFIG_FILE
        config = json.loads(path.read_text(encoding="utf-8"))
        arguments = {"num_classes": config["num_classes"], **config.get("model_args", {})}
        labels = {name: config[name] for name in ("label_names", "label_descriptions") if name in config}
        described = config["pretrained_cfg"] | labels | {"num_classes": config["num_classes"]}
        return _parse(config["architecture"], arguments, described)
    except (OSError, ValueError) as error:
        raise ModelError(f"The configuration of {card.name} cannot be read: {error}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise ModelError(f"The configuration of {card.name} is not one of a vision transformer: {error!r}") from error


def load_model(config: VitConfig, weights: Path, device: torch.device, dtype: torch.dtype) -> VisionTransformer:
    """Build the modules without memory of their own and give them the file's tensors.

    A safetensors file is mapped, not read: where device and format need no conversion, its pages are the weights.

    Raises:
        ModelError: if the file cannot be read or does not fit the configuration.
    """
    model = empty(partial(build, config))
    fill(model, weights, device, dtype)
    return model.eval().requires_grad_(False)


def random_model(config: VitConfig, seed: int, device: torch.device, dtype: torch.dtype) -> VisionTransformer:
    """Build the modules with timm's random initial weights; torch's own random state stays as it was."""
    return untrained(partial(build, config), seed, device, dtype).eval().requires_grad_(False)


def build(config: VitConfig) -> VisionTransformer:
    """The modules with timm's random weights.

    Raises:
        ModelError: if timm cannot build them, or builds something else than a vision transformer.
    """
    try:
        model = timm.create_model(config.architecture, pretrained=False, **config.arguments)
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise ModelError(f"timm cannot build a {config.architecture}: {error}.") from error
    if not isinstance(model, VisionTransformer):
        raise ModelError(
            f"The engine runs timm's VisionTransformer; {config.architecture} is a {type(model).__name__}. "
            "“cocadesk models list --library timm” names those that run."
        )
    return model


def _parse(architecture: str, arguments: Mapping[str, Any], described: Mapping[str, Any]) -> VitConfig:
    wanted = resolve_data_config(pretrained_cfg=dict(described))
    channels, height, width = wanted["input_size"]
    supported = {
        "interpolation": wanted["interpolation"] in get_args(Interpolation),
        "crop_mode": wanted["crop_mode"] in _RESIZE_MODES,
        "input_size": channels == 3 and height == width,
    }
    for name, fine in supported.items():
        if not fine:
            raise ModelError(f"The engine cannot prepare pictures as {architecture} asks: {name} {wanted[name]}.")
    preprocessing = Preprocessing(
        pixels=height,
        mean=tuple(wanted["mean"]),
        std=tuple(wanted["std"]),
        interpolation=wanted["interpolation"],
        resize_mode=_RESIZE_MODES[wanted["crop_mode"]],
        crop=wanted["crop_pct"],
    )
    return VitConfig(architecture, arguments, preprocessing, _classes(described))


def _classes(described: Mapping[str, Any]) -> tuple[VitClass, ...]:
    """The configuration's own class names, else those of the ImageNet subset that has as many classes."""
    names: list[str] | None = described.get("label_names")
    if names:
        if len(names) != described["num_classes"]:
            raise ValueError(f"it names {len(names)} of {described['num_classes']} classes.")
        definitions = described.get("label_descriptions") or {}
        return tuple(VitClass(label, definitions.get(label, "")) for label in names)
    subset = infer_imagenet_subset(dict(described))
    if subset is None:
        return ()
    info = ImageNetInfo(subset)
    # One label can name several classes ("crane"), so the definition goes by the class, cut off its description.
    lemmas = cast(list[str], info.label_descriptions())
    detailed = cast(list[str], info.label_descriptions(detailed=True))
    return tuple(VitClass(label, text.removeprefix(f"{label}: ")) for label, text in zip(lemmas, detailed, strict=True))

"""The starter's vision transformer: timm's modules, begun with the CoCa's tower."""

from __future__ import annotations

import json
from pathlib import Path

import files
import timm
import torch
from model import Config, TowerShape, configuration, read_config, read_weights, write_config, write_weights
from nouns import NOUNS
from open_clip.transformer import VisionTransformer as CocaTower
from photos import CIFAR
from scenes import with_article
from timm.models import VisionTransformer
from torch import Tensor

DEFINITIONS: dict[str, str] = json.loads((files.HERE / "definitions.json").read_text(encoding="utf-8"))
LABELS = (*(noun["noun"] for noun in NOUNS), *(f"photo of {with_article(name)}" for name in CIFAR.names))
"""Nouns, then CIFAR-10's classes."""


def build(config: Config) -> VisionTransformer:
    return timm.create_model(
        config["architecture"], pretrained=False, num_classes=config["num_classes"], **config["model_args"]
    )


def tower_shape(config: Config) -> TowerShape:
    """What a tower must be like for a model of that configuration to begin with it."""
    made = config["model_args"]
    return TowerShape(made["img_size"], made["patch_size"], made["embed_dim"], made["depth"], made["num_heads"])


def fresh() -> tuple[VisionTransformer, Config]:
    """A model that has learned nothing yet."""
    config = configuration("starter-vit")
    model = build(config)
    torch.nn.init.zeros_(model.head.weight)
    return model, config | {"label_names": LABELS, "label_descriptions": DEFINITIONS}


def begun(folder: Path) -> tuple[VisionTransformer, Config]:
    """The model of that folder, to train it on.

    Raises:
        SystemExit: if it knows other classes than this one is to learn.
    """
    config = read_config(folder)
    if tuple(config["label_names"]) != LABELS:
        raise SystemExit(f"The starter-vit in {folder} has other classes: train one from a CoCa's tower (“vit”).")
    return load(folder), config


def tower_weights(tower: CocaTower) -> dict[str, Tensor]:
    """A CoCa tower's weights under timm's names; what has no counterpart there is zero."""
    weights = {
        "cls_token": tower.class_embedding[None, None],
        "pos_embed": tower.positional_embedding[None],
        "patch_embed.proj.weight": tower.conv1.weight,
        "patch_embed.proj.bias": torch.zeros(len(tower.conv1.weight)),
        "norm.weight": tower.attn_pool.ln_k.weight,
        "norm.bias": tower.attn_pool.ln_k.bias,
    }
    for number, block in enumerate(tower.transformer.resblocks):
        parts = {
            "norm1": block.ln_1,
            "attn.proj": block.attn.out_proj,
            "norm2": block.ln_2,
            "mlp.fc1": block.mlp.c_fc,
            "mlp.fc2": block.mlp.c_proj,
        }
        weights[f"blocks.{number}.attn.qkv.weight"] = block.attn.in_proj_weight
        weights[f"blocks.{number}.attn.qkv.bias"] = block.attn.in_proj_bias
        for name, part in parts.items():
            weights[f"blocks.{number}.{name}.weight"], weights[f"blocks.{number}.{name}.bias"] = part.weight, part.bias
    return {name: value.detach() for name, value in weights.items()}


@torch.no_grad()
def set_tower(tower: CocaTower, weights: dict[str, Tensor]) -> None:
    """Let a CoCa's tower see as those weights under timm's names do: the other way of `tower_weights`.

    Its patches have no bias of their own, so that goes to their places.
    """
    for name, own in tower_weights(tower).items():
        own.copy_(weights[name])
    tower.positional_embedding[1:] += weights["patch_embed.proj.bias"]


def without_head(model: VisionTransformer) -> dict[str, Tensor]:
    """What `see` takes."""
    return {name: value for name, value in model.state_dict().items() if not name.startswith("head.")}


def see(model: VisionTransformer, weights: dict[str, Tensor]) -> None:
    """Let a model see as that tower does, given under timm's names."""
    missing, unexpected = model.load_state_dict(weights, strict=False)
    if unexpected or set(missing) != {"head.weight", "head.bias"}:
        raise ValueError(f"These are not the weights of a tower: {missing} {unexpected}.")


def save(model: VisionTransformer, folder: Path, config: Config) -> None:
    write_weights(model, folder)
    write_config(config, folder)


def load(folder: Path) -> VisionTransformer:
    model = build(read_config(folder))
    model.load_state_dict(read_weights(folder))
    return model

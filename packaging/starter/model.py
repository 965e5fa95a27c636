"""The starter's CoCa: open_clip's modules in the size that `configs/starter-coca.json` says, and how they start out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import files
import torch
from open_clip.coca_model import CoCa
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import get_2d_sincos_pos_embed
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

Config = dict[str, Any]


def configuration(name: str) -> Config:
    """The numbers of "starter-coca", "starter-vqa" or "starter-vit"."""
    found: Config = json.loads((files.HERE / "configs" / f"{name}.json").read_text(encoding="utf-8"))
    return found


class TowerShape(NamedTuple):
    """An image tower in numbers: pixels of the picture's side and of a patch's, width, blocks, heads."""

    side: int
    patch: int
    width: int
    blocks: int
    heads: int

    @property
    def grid(self) -> int:
        """Patches along one side."""
        return self.side // self.patch

    def __str__(self) -> str:
        return (
            f"{self.side} pixels in patches of {self.patch}, width {self.width}, {self.blocks} blocks of "
            f"{self.heads} heads"
        )


def tower_shape(config: Config) -> TowerShape:
    """Of a CoCa's configuration."""
    vision = config["vision_cfg"]
    heads = vision["width"] // vision["head_width"]
    return TowerShape(vision["image_size"], vision["patch_size"], vision["width"], vision["layers"], heads)


def has_norm(config: Config) -> bool:
    """Whether a CoCa's tower has a norm before its blocks, which no other starter's has."""
    return not config["vision_cfg"].get("no_ln_pre", False)


CONFIG = configuration("starter-coca")


def build(config: Config = CONFIG) -> CoCa:
    """A fresh CoCa whose pooler starts with one query looking at each cell of the picture.

    Queries and position embeddings share one sine-cosine code and the pooler's query and key projections begin as the
    same scaled identity, so that pooled token i + 1 reads patch i until training finds something better.
    """
    model = CoCa(**{key: config[key] for key in ("embed_dim", "vision_cfg", "text_cfg", "multimodal_cfg")})
    width, vision = config["embed_dim"], config["vision_cfg"]
    code = torch.from_numpy(
        get_2d_sincos_pos_embed(width, vision["image_size"] // vision["patch_size"], cls_token=True)
    ).float()
    nn.init.normal_(model.text_decoder.text_projection, std=width**-0.5)
    with torch.no_grad():
        model.visual.positional_embedding.copy_(code * 0.3)
        pooler = model.visual.attn_pool
        pooler.query.copy_(code + 0.02 * torch.randn_like(code))
        for rows in (slice(0, width), slice(width, 2 * width)):
            pooler.attn.in_proj_weight[rows] = torch.eye(width) * 0.7 + 0.02 * torch.randn(width, width)
        for block in model.visual.transformer.resblocks:  # residual branches start small
            block.attn.out_proj.weight.mul_(0.4)
            block.mlp.c_proj.weight.mul_(0.4)
    return model


def normalise(pictures: Tensor) -> Tensor:
    """Pictures in 0…1 as all starters want them."""
    mean, std = CONFIG["preprocess_cfg"]["mean"][0], CONFIG["preprocess_cfg"]["std"][0]
    return (pictures - mean) / std


def tokenizer(folder: Path, config: Config = CONFIG) -> SimpleTokenizer:
    return SimpleTokenizer(str(folder / files.MERGES), context_length=config["text_cfg"]["context_length"])


def save(model: CoCa, folder: Path, config: Config = CONFIG) -> None:
    """Write the weights as float16 safetensors, and the configuration beside them."""
    write_weights(model, folder)
    write_config(config, folder)


def load(folder: Path) -> CoCa:
    """The model of that folder, in the size that its own configuration says."""
    model = build(read_config(folder))
    model.load_state_dict(read_weights(folder))
    return model


def read_config(folder: Path) -> Config:
    found: Config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return found


def write_config(config: Config, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_weights(model: nn.Module, folder: Path) -> None:
    """Write the parameters as float16 `model.safetensors`, what two modules share once."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().half().contiguous().cpu() for name, value in model.named_parameters()}
    part = folder / "model.safetensors.part"
    save_file(weights, part, metadata={"format": "pt"})
    part.replace(folder / "model.safetensors")


def read_weights(folder: Path) -> dict[str, Tensor]:
    """The parameters, as float32."""
    return {name: value.float() for name, value in load_file(folder / "model.safetensors").items()}

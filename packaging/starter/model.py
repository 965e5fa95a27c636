"""The starter's network: open_clip's CoCa with the small configuration beside this file, and how it starts out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from open_clip.coca_model import CoCa
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import get_2d_sincos_pos_embed
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

CONFIG: dict[str, Any] = json.loads(Path(__file__).with_name("config.json").read_text(encoding="utf-8"))
GRID = CONFIG["vision_cfg"]["image_size"] // CONFIG["vision_cfg"]["patch_size"]
SIDE: int = CONFIG["vision_cfg"]["image_size"]


def build() -> CoCa:
    """A fresh CoCa whose pooler starts with one query looking at each cell of the picture.

    Queries and position embeddings share one sine-cosine code and the pooler's query and key projections begin as the
    same scaled identity, so that pooled token i + 1 reads patch i until training finds something better.
    """
    model = CoCa(**{key: CONFIG[key] for key in ("embed_dim", "vision_cfg", "text_cfg", "multimodal_cfg")})
    width = CONFIG["embed_dim"]
    code = torch.from_numpy(get_2d_sincos_pos_embed(width, GRID, cls_token=True)).float()
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
    """Pictures in 0…1 as the network wants them."""
    mean, std = CONFIG["preprocess_cfg"]["mean"][0], CONFIG["preprocess_cfg"]["std"][0]
    return (pictures - mean) / std


def tokenizer(folder: Path) -> SimpleTokenizer:
    return SimpleTokenizer(str(folder / "merges.txt.gz"), context_length=CONFIG["text_cfg"]["context_length"])


def save(model: CoCa, folder: Path) -> None:
    """Write the weights as float16 safetensors, and the configuration beside them."""
    weights = {name: value.detach().half().contiguous().cpu() for name, value in model.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n", encoding="utf-8")


def load(folder: Path) -> CoCa:
    model = build()
    model.load_state_dict({name: value.float() for name, value in load_file(folder / "model.safetensors").items()})
    return model

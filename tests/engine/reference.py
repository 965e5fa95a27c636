"""open_clip's own forward, step by step: what the engine's decoding is compared with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from open_clip.coca_model import CoCa
from open_clip.transform import image_transform
from PIL import Image
from torch import Tensor

from cocadesk.engine.coca import CocaModel
from cocadesk.engine.preprocess import OPENAI_MEAN, OPENAI_STD
from cocadesk.types import Picture


def pixels(model: CocaModel, pictures: list[Picture]) -> Tensor:
    """What open_clip's own preprocessing makes of the pictures, (N, 3, side, side)."""
    size = model.module.visual.image_size[0]
    transform = image_transform(size, is_train=False, mean=OPENAI_MEAN, std=OPENAI_STD)
    return torch.stack([transform(Image.fromarray(picture.pixels)) for picture in pictures])


@torch.inference_mode()
def encode(model: CocaModel, pictures: list[Picture]) -> tuple[Tensor, Tensor]:
    """Embeddings and pooled tokens as open_clip makes them, its own preprocessing included."""
    output = model.module(pixels(model, pictures))
    return output["image_features"], output["image_embs"]


@torch.inference_mode()
def logits(module: CoCa, image: tuple[Tensor, Tensor], tokens: Tensor) -> Tensor:
    """Logits of the token after each of `tokens` (N, L): (N, L, V)."""
    output = module(None, tokens, image_latent=image[0], image_embs=image[1], output_labels=False)
    found: Tensor = output["logits"]
    return found


def argmax_loop(
    module: CoCa, image: tuple[Tensor, Tensor], start: int, end: int, limit: int, *, prefix: Sequence[int] = ()
) -> list[int]:
    """The likeliest token each time behind the prefix, for one picture, by open_clip's forward over all tokens."""
    tokens = torch.tensor([[start, *prefix]])
    while tokens.shape[1] <= limit and tokens[0, -1] != end:
        tokens = torch.cat((tokens, logits(module, image, tokens)[:, -1].argmax(-1, keepdim=True)), 1)
    return tokens[0, 1:].tolist()

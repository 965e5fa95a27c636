"""The starters' image towers: of one make in all three, so that each can begin with any other's.

What one model's task teaches a tower, another need not learn again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import model
import vit_model
import vqa_model
from model import Config, TowerShape
from torch import Tensor


class _Make(NamedTuple):
    """How to find the tower of one kind of starter: its shape in a configuration, its weights in a folder."""

    shape: Callable[[Config], TowerShape]
    weights: Callable[[Path], dict[str, Tensor]]


_MAKES = {
    "multimodal_cfg": _Make(model.tower_shape, lambda folder: vit_model.tower_weights(model.load(folder).visual)),
    "text_config": _Make(vqa_model.tower_shape, lambda folder: vqa_model.tower_weights(vqa_model.load(folder)[0])),
    "model_args": _Make(vit_model.tower_shape, lambda folder: vit_model.without_head(vit_model.load(folder))),
}
"""By what the configuration of each kind of model alone holds."""


def shape(config: Config) -> TowerShape:
    """Of a starter's tower."""
    return next(make.shape(config) for key, make in _MAKES.items() if key in config)


def weights(folder: Path, wanted: TowerShape) -> dict[str, Tensor]:
    """The tower of the starter in that folder under timm's names, to begin a model with that wants such a tower.

    Raises:
        SystemExit: if it is not such a tower; the message says what it is.
    """
    config = model.read_config(folder)
    make = next((make for key, make in _MAKES.items() if key in config), None)
    if make is None:
        raise SystemExit(f"{folder} holds no starter: train one first, or name another.")
    found, has_norm = make.shape(config), "vision_cfg" in config and model.has_norm(config)
    if found != wanted or has_norm:
        norm = " behind a norm" if has_norm else ""
        raise SystemExit(
            f"The tower in {folder} has {found}{norm}, but this model begins with {wanted}, without a norm before "
            "them: name another with --start-from or --tower-of, or change configs/."
        )
    return make.weights(folder)

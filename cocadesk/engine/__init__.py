"""The models: loading them by name and running them. Importing this imports torch."""

from __future__ import annotations

from collections.abc import Callable

from cocadesk.catalog.cards import DEFAULT_CAPTIONER, ModelCard, card
from cocadesk.engine.coca import CocaModel, ImageEncoding, load_coca
from cocadesk.errors import ModelError
from cocadesk.types import DeviceName, DtypeName, ModelRequest

__all__ = ["ADAPTERS", "CocaModel", "ImageEncoding", "load"]

ADAPTERS: dict[str, Callable[[ModelCard, ModelRequest], CocaModel]] = {"coca": load_coca}
"""What loads each family of models."""


def load(
    name: str = DEFAULT_CAPTIONER,
    *,
    device: DeviceName = "auto",
    dtype: DtypeName = "auto",
    checkpoint: str | None = None,
    untrained: bool = False,
    seed: int = 0,
) -> CocaModel:
    """Load a model of the catalog.

    Args:
        name: Such as "starter-coca" or "coca-vit-b-32".
        device: Where it runs; "auto" takes the graphics processor if there is one.
        dtype: Number format of the weights; "auto" is float32, or a 16-bit one on CUDA.
        checkpoint: A weights file to use in place of the model's own: safetensors, or a PyTorch checkpoint (read
            without executing what it may hold).
        untrained: Random weights in place of trained ones.
        seed: For `untrained`.

    Raises:
        ModelError: if the model is unknown, not on this machine or damaged, the checkpoint does not fit, or the
            device is not there.
    """
    request = ModelRequest(name, device, dtype, checkpoint, untrained, seed)
    if untrained and checkpoint is not None:
        raise ModelError("A model is either untrained or loaded from a checkpoint, not both.")
    found = card(name)
    return ADAPTERS[found.family](found, request)

"""Parts of a model taken alone: the image encoder, the text encoder, the text decoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from torch import nn

from cocadesk.catalog.card import Family, ModelCard
from cocadesk.errors import ModelError
from cocadesk.types import PartName

_CHILDREN: Mapping[Family, Mapping[PartName, frozenset[str]]] = {
    "coca": {
        "image": frozenset({"visual"}),
        "text": frozenset({"text"}),
        "decoder": frozenset({"text", "text_decoder"}),  # it goes on from what the text encoder makes of the tokens
    }
}
"""The library's modules that each part consists of."""


class LeftOut(nn.Module):
    """Stands where a module was left out, without weights; to use it is an error that says what is there."""

    def __init__(self, message: str) -> None:
        super().__init__()
        self.__dict__["message"] = message

    def __getattr__(self, name: str) -> NoReturn:
        raise ModelError(self.__dict__["message"])

    def forward(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ModelError(self.__dict__["message"])


def part_modules(card: ModelCard, part: PartName) -> frozenset[str]:
    """Names of the modules that a part of that model consists of.

    Raises:
        ModelError: if the model has no such part.
    """
    parts = _CHILDREN.get(card.family, {})
    if part not in parts:
        able = f"its parts are {', '.join(parts)}" if parts else "it is used as a whole only"
        raise ModelError(f"{card.name} has no part “{part}”: {able}.")
    return parts[part]


def leave_out(module: nn.Module, card: ModelCard, part: PartName) -> None:
    """Take the modules that do not belong to a part out of a model, and their weights with them.

    Raises:
        ModelError: if the model has no such part.
    """
    kept = part_modules(card, part)
    for name, _ in list(module.named_children()):
        if name not in kept:
            message = (
                f"Only the part “{part}” of {card.name} is loaded, and this needs its “{name}”. Load it as a whole."
            )
            setattr(module, name, LeftOut(message))

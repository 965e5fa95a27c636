"""Which module of the engine runs which family of models. An adapter is imported when its family is first asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol, cast

from torch import nn

from cocadesk.catalog.card import Family, ModelCard
from cocadesk.types import ModelRequest

_MODULES: dict[Family, str] = {
    "coca": "cocadesk.engine.coca",
    "blip-vqa": "cocadesk.engine.blip",
    "blip-caption": "cocadesk.engine.blip",
    "vit": "cocadesk.engine.vit",
    "clip": "cocadesk.engine.clip",
}


class Adapter(Protocol):
    """What the module of every family has."""

    def load(self, card: ModelCard, request: ModelRequest) -> Any:
        """Load the model of that card; see `engine.load` for what it has and the errors."""

    def empty_module(self, card: ModelCard) -> nn.Module:
        """The card's modules on torch's meta device: names, shapes and types, but no memory.

        Raises:
            ModelError: if the configuration is missing or damaged.
        """


def adapter(card: ModelCard) -> Adapter:
    """The module that runs the card's family."""
    return cast(Adapter, import_module(_MODULES[card.family]))

"""What a model is made of, without its weights: arrays, layers and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import nn

from cocadesk.catalog.cards import ModelCard, card
from cocadesk.engine.coca_weights import build_empty, read_config
from cocadesk.types import ArrayInfo, NetInfo

WEIGHT_DTYPES = (torch.float32, torch.bfloat16, torch.float16)

_BUILDERS: dict[str, Callable[[ModelCard], nn.Module]] = {"coca": lambda card: build_empty(read_config(card))}


def net_info(name: str) -> NetInfo:
    """Arrays, layer types and memory of a model of the catalog, on this machine or not.

    Raises:
        ModelError: if the model is unknown, or its configuration is missing or damaged.
    """
    module = empty_module(card(name))
    arrays = tuple(
        ArrayInfo(path, tuple(array.shape), _dtype_name(array.dtype), array.numel())
        for path, array in module.named_parameters()
    )
    layers = Counter(type(layer).__name__ for layer in _layers(module))
    parameters = sum(array.parameters for array in arrays)
    memory = tuple((_dtype_name(dtype), parameters * dtype.itemsize) for dtype in WEIGHT_DTYPES)
    return NetInfo(name, arrays, tuple(layers.most_common()), memory)


def empty_module(card: ModelCard) -> nn.Module:
    """The model's modules on torch's meta device: names, shapes and types, but no memory.

    Raises:
        ModelError: if its configuration is missing or damaged.
    """
    return _BUILDERS[card.family](card)


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """The modules that compute something themselves; torch's attention is one layer, its projections within."""
    children = list(module.children())
    if children and not isinstance(module, nn.MultiheadAttention):
        for child in children:
            yield from _layers(child)
    elif not isinstance(module, nn.Identity):
        yield module


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")

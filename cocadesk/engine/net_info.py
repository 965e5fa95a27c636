"""What a model is made of, without its weights: arrays, layers and memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch
from torch import nn

from cocadesk.engine import find_card
from cocadesk.engine.families import adapter
from cocadesk.engine.parts import LeftOut, leave_out
from cocadesk.types import ArrayInfo, NetInfo, PartName

WEIGHT_DTYPES = (torch.float32, torch.bfloat16, torch.float16)


def net_info(name: str, part: PartName | None = None) -> NetInfo:
    """Arrays, layer types and memory of a model of the catalog or of a library, on this machine or not.

    Args:
        part: One part alone; None for the whole model.

    Raises:
        ModelError: if the model is unknown or has no such part, or its configuration is missing or damaged.
    """
    found = find_card(name)
    module = adapter(found).empty_module(found)
    if part is not None:
        leave_out(module, found, part)
    arrays = tuple(
        ArrayInfo(path, tuple(array.shape), _dtype_name(array.dtype), array.numel())
        for path, array in module.named_parameters()
    )
    layers = Counter(type(layer).__name__ for layer in _layers(module))
    parameters = sum(array.parameters for array in arrays)
    memory = tuple((_dtype_name(dtype), parameters * dtype.itemsize) for dtype in WEIGHT_DTYPES)
    return NetInfo(name, arrays, tuple(layers.most_common()), memory)


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """The modules that compute something themselves; torch's attention is one layer, its projections within."""
    children = list(module.children())
    if children and not isinstance(module, nn.MultiheadAttention):
        for child in children:
            yield from _layers(child)
    elif not isinstance(module, nn.Identity | LeftOut):
        yield module


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")

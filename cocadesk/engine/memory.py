"""Memory of the devices: what a model takes, what there is, and giving it back. A `work.model_memory.Memory`."""

from __future__ import annotations

import ctypes
import gc
import sys

import psutil
import torch

from cocadesk.catalog.card import ModelCard
from cocadesk.engine import find_card
from cocadesk.engine.calibration import MANY_WEIGHTS
from cocadesk.engine.device import resolve_device, resolve_dtype
from cocadesk.engine.net_info import net_info
from cocadesk.engine.out_of_memory import ran_out
from cocadesk.types import ModelRequest

__all__ = ["available", "give_back", "needed", "ran_out", "total"]


def needed(request: ModelRequest) -> tuple[str, int]:
    """The device that a model would be loaded on, and the bytes that its weights would take there.

    Raises:
        ModelError: if the model is unknown, or the device is not there.
    """
    device = resolve_device(request.device)
    card = find_card(request.name)
    weight_bytes = resolve_dtype(request.dtype, device).itemsize + _may_have_8_bit_copies(request, card, device.type)
    if request.part is None:
        return device.type, card.parameters * weight_bytes
    return device.type, net_info(request.name, request.part).parameters * weight_bytes


def _may_have_8_bit_copies(request: ModelRequest, card: ModelCard, device: str) -> bool:
    """Whether copies of a byte per weight come on top: with int8, and where "auto" may choose it (`coca.int8_pays`)."""
    if request.dtype == "int8":
        return True
    whole = request.part is None and not request.untrained
    is_large = card.family == "coca" and card.parameters >= MANY_WEIGHTS
    return request.dtype == "auto" and device == "cpu" and whole and is_large


def available(device: str) -> int:
    """Bytes that can be taken on a device now, without making the machine swap."""
    if device == "cuda":
        free, _ = torch.cuda.mem_get_info()
        return free + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return int(psutil.virtual_memory().available)


def total(device: str) -> int:
    """Bytes that a device has: all of its memory, and what the machine can swap to."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[1]
    return int(psutil.virtual_memory().total + psutil.swap_memory().total)


def give_back() -> None:
    """Return to the system what models that are no longer used took.

    The C library keeps small freed blocks for itself, and those of a converted model's layers count as small: without
    the trim, most of such a model stays (measured: 440 of 485 MB).
    """
    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)

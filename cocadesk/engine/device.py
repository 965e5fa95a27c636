"""Which device and number format a model runs with."""

from __future__ import annotations

import torch

from cocadesk.errors import ModelError
from cocadesk.types import DeviceName, DtypeName

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16, "int8": torch.float32}
"""What torch's modules hold; with int8, what decodes has 8-bit copies besides."""


def resolve_device(name: DeviceName) -> torch.device:
    """The device of that name; for "auto" the graphics processor if there is one, else the CPU.

    Raises:
        ModelError: if this machine, or this build of PyTorch, has no such device.
    """
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device(next(device for device in ("cuda", "mps", "cpu") if present[device]))
    if name not in present:
        raise ModelError(f"There is no kind of device named “{name}”. Use auto, cpu, cuda or mps.")
    if not present[name]:
        kind = {"cuda": "NVIDIA", "mps": "Apple"}[name]
        raise ModelError(
            f"PyTorch {torch.__version__} finds no {kind} device (“{name}”) on this machine. Use device auto or cpu."
        )
    return torch.device(name)


def resolve_dtype(name: DtypeName, device: torch.device) -> torch.dtype:
    """The number format of torch's modules; for "auto" the 16-bit one that CUDA hardware multiplies in, else float32.

    bfloat16 goes before float16: it has float32's range, so large activations cannot overflow.

    Raises:
        ModelError: if there is no such format, or not on that device.
    """
    if name == "int8" and device.type != "cpu":
        raise ModelError("int8 runs on the CPU only: use device cpu with it, or auto, bfloat16 or float16.")
    if name == "auto":
        if device.type != "cuda":
            return torch.float32
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    try:
        return _DTYPES[name]
    except KeyError:
        raise ModelError(f"There is no number format named “{name}”. Use auto, {', '.join(_DTYPES)}.") from None

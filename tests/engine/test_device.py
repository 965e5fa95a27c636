"""Names of devices and number formats."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from cocadesk.engine.device import resolve_device, resolve_dtype
from cocadesk.errors import ModelError

CPU, CUDA, MPS = (torch.device(name) for name in ("cpu", "cuda", "mps"))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    def has(*, cuda: bool = False, mps: bool = False, bfloat16: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bfloat16)

    return has


def test_auto_takes_the_fastest_there_is(machine: Any) -> None:
    machine()
    assert resolve_device("auto") == CPU
    machine(mps=True)
    assert resolve_device("auto") == MPS
    machine(cuda=True)
    assert resolve_device("auto") == CUDA


def test_a_device_that_is_not_there_is_refused(machine: Any) -> None:
    machine()
    with pytest.raises(ModelError, match=r"no NVIDIA device .* Use device auto or cpu"):
        resolve_device("cuda")
    with pytest.raises(ModelError, match="no Apple device"):
        resolve_device("mps")
    assert resolve_device("cpu") == CPU


def test_automatic_number_formats(machine: Any) -> None:
    machine(cuda=True, bfloat16=True)
    assert resolve_dtype("auto", CUDA) == torch.bfloat16
    machine(cuda=True)
    assert resolve_dtype("auto", CUDA) == torch.float16
    assert resolve_dtype("auto", CPU) == resolve_dtype("auto", MPS) == torch.float32
    assert resolve_dtype("float16", CPU) == torch.float16


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ModelError, match="tpu"):
        resolve_device("tpu")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="int3"):
        resolve_dtype("int3", CPU)  # type: ignore[arg-type]

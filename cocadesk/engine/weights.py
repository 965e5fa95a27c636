"""Reading weights files, and giving a model the weights that fit it. Nothing in a file is ever executed."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from cocadesk.catalog.file_kinds import refuse_other_kinds
from cocadesk.catalog.shards import weight_files
from cocadesk.engine.arrays import Array, HeldArray
from cocadesk.engine.safetensors_file import is_safetensors, open_safetensors
from cocadesk.errors import DamagedWeights, ModelError

_NAMES_SHOWN = 3
_READ_AHEAD_BYTES = 1 << 20  # more than the system reads ahead at once would be cut
_WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model_state_dict", "model", "module")
"""What training scripts keep the weights under. A running mean of the weights (EMA) goes before the last step's."""
_PREFIXES = ("module.", "model.", "_orig_mod.")
_CLASS_IN_PICKLE = re.compile(r"GLOBAL ([\w.]+)")


class _Shaped(Protocol):
    @property
    def shape(self) -> tuple[int, ...]: ...


_S = TypeVar("_S", bound=_Shaped)
_M = TypeVar("_M", bound=nn.Module)


def empty(build: Callable[[], _M]) -> _M:
    """The modules that `build` makes, on torch's meta device: names, shapes and types, but no memory."""
    with torch.device("meta"):
        return build()


def untrained(build: Callable[[], _M], seed: int, device: torch.device, dtype: torch.dtype) -> _M:
    """The modules that `build` makes, with its library's random weights; torch's own random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build()
    return model.to(device, dtype)


def fill(
    model: nn.Module,
    weights: Path,
    device: torch.device,
    dtype: torch.dtype,
    *,
    modules: Collection[str] | None = None,
    adapt: Callable[[dict[str, Array]], dict[str, Array]] | None = None,
) -> None:
    """Give a model without memory the weights of a checkpoint; what it makes itself, such as masks, stays as it is.

    Numbers that are no floating-point ones keep their type. A weight that several modules share stays one, unless the
    checkpoint holds copies of it that differ.

    Args:
        model: Built on torch's meta device.
        weights: As `open_checkpoint` takes it.
        modules: Names of those of the model's modules that get their weights; None for all.
        adapt: Gives a checkpoint's arrays the names and shapes that the model knows them by.

    Raises:
        ModelError: if the checkpoint cannot be read or does not fit the model.
    """
    given = open_checkpoint(weights)
    arrays = check_fit(model, adapt(given) if adapt else given, weights)
    state = {
        name: array.tensor(device, dtype if array.dtype.is_floating_point else array.dtype)
        for name, array in arrays.items()
        if modules is None or "." not in name or name.partition(".")[0] in modules
    }
    copies = {
        name: first
        for first, *others in _shared_names(model)
        for name in others
        if name in state and first in state
        if arrays[name] is arrays[first] or torch.equal(state[name], state[first])
    }
    model.load_state_dict(state | {name: state[first] for name, first in copies.items()}, modules is None, assign=True)
    for name, first in copies.items():
        owner, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(owner), attribute, model.get_parameter(first))


def open_checkpoint(path: Path) -> dict[str, Array]:
    """The arrays of a checkpoint: of safetensors files, or of PyTorch pickles read with `weights_only`.

    Training checkpoints that hold the weights under a name such as "state_dict", and prefixes that all names have in
    common, such as "module.", are understood.

    Args:
        path: A file, one of several shards, their index, or a folder of any of these.

    Raises:
        DamagedWeights: if a file is not what it should be.
        ModelError: if there is no such file, or it holds something else than weights.
    """
    arrays: dict[str, Array] = {}
    for file in weight_files(path):
        try:
            refuse_other_kinds(file)
            arrays |= open_safetensors(file) if is_safetensors(file) else _open_pickle(file)
        except OSError as error:
            raise ModelError(f"{file} cannot be read: {error.strerror or error}.") from error
    return _without_prefixes(arrays)


def read_ahead(path: Path) -> None:
    """Have the operating system begin to read a checkpoint from the disk, while the modules are being built.

    Does nothing where it cannot: the checkpoint is opened later, and what is wrong with it is said then.
    """

    def ask() -> None:
        with suppress(OSError, ModelError):
            for file in weight_files(path):
                with file.open("rb") as stream:
                    for start in range(0, os.fstat(stream.fileno()).st_size, _READ_AHEAD_BYTES):
                        os.posix_fadvise(stream.fileno(), start, _READ_AHEAD_BYTES, os.POSIX_FADV_WILLNEED)

    if hasattr(os, "posix_fadvise"):
        # The calls block while the disk is busy with earlier ones.
        Thread(target=ask, name="read-ahead", daemon=True).start()


def _open_pickle(path: Path) -> dict[str, Array]:
    try:
        # Only the newer of PyTorch's two formats, a ZIP archive, can be mapped.
        state: object = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except OSError:
        raise
    except Exception as error:
        # Anything may come of a damaged pickle; torch's own message would advise to load it in full.
        forbidden = _CLASS_IN_PICKLE.search(str(error))
        if forbidden:
            raise ModelError(
                f"{path} cannot be read: besides tensors it holds a Python object ({forbidden[1]}), and to load that "
                "could run code. Save the tensors alone (torch.save(model.state_dict(), …), or safetensors)."
            ) from error
        raise DamagedWeights(
            f"{path} cannot be read: it is damaged, or neither a safetensors file nor a PyTorch checkpoint."
        ) from error
    for _ in _WRAPPERS:  # not for as long as there is one: a pickled table may hold itself
        if not isinstance(state, dict):
            break
        wrapper = next((name for name in _WRAPPERS if isinstance(state.get(name), dict)), None)
        if wrapper is None:
            break
        state = state[wrapper]
    if not isinstance(state, dict) or not state or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise ModelError(f"{path} holds no model weights: a table of named tensors was expected.")
    return {str(name): HeldArray(tensor) for name, tensor in state.items()}


def _without_prefixes(arrays: dict[str, Array]) -> dict[str, Array]:
    while arrays:
        prefix = next((prefix for prefix in _PREFIXES if all(name.startswith(prefix) for name in arrays)), None)
        if prefix is None:
            break
        arrays = {name.removeprefix(prefix): array for name, array in arrays.items()}
    return arrays


def check_fit(model: nn.Module, state: Mapping[str, _S], path: Path) -> dict[str, _S]:
    """The arrays without those that the model makes itself, such as attention masks.

    A weight that several modules share may be there under one of its names only; it is given under all of them.

    Raises:
        ModelError: unless they are exactly those that the model loads; the message names some that are not.
    """
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    made = {name for name, _ in model.named_buffers()} - wanted.keys()
    state = {name: array for name, array in state.items() if name not in made}
    for names in _shared_names(model):
        held = next((state[name] for name in names if name in state), None)
        if held is not None:
            state = dict.fromkeys(names, held) | state
    given = {name: tuple(array.shape) for name, array in state.items()}
    misshapen = [
        f"{name} {given[name]} instead of {wanted[name]}"
        for name in wanted
        if name in given and given[name] != wanted[name]
    ]
    misfits = {
        "missing": [name for name in wanted if name not in given],
        "unexpected": [name for name in given if name not in wanted],
        "of another shape": misshapen,
    }
    told = [
        f"{len(names)} {what}: {', '.join(names[:_NAMES_SHOWN])}"
        + (f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else "")
        for what, names in misfits.items()
        if names
    ]
    if told:
        raise ModelError(f"The weights in {path} do not fit this model. {'; '.join(told)}.")
    return state


def _shared_names(model: nn.Module) -> list[list[str]]:
    """The names of each weight that has several."""
    names: dict[int, list[str]] = {}
    for name, array in model.state_dict(keep_vars=True).items():
        names.setdefault(id(array), []).append(name)
    return [known for known in names.values() if len(known) > 1]

"""Importing a checkpoint: finding out which architecture it is of, and giving it a place in the catalog."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from cocadesk.catalog.cards import CARDS, ModelCard
from cocadesk.catalog.imports import add_model, choose_name
from cocadesk.engine.coca_weights import check_fit, is_safetensors, read_checkpoint
from cocadesk.engine.net_info import empty_module
from cocadesk.errors import ModelError


def import_checkpoint(path: str, name: str | None = None) -> ModelCard:
    """Copy a checkpoint into the catalog's own folder, where it is found by name.

    A pickle becomes a safetensors file, which is mapped into memory when it loads and cannot hold code.

    Args:
        path: A safetensors file, or a PyTorch checkpoint of plain tensors.
        name: How to call the model; None to call it like the file.

    Raises:
        ModelError: if the file is no checkpoint or fits no architecture of the catalog (the message says by which
            names or shapes it differs from the nearest), the name is taken, or there is no room for a copy.
    """
    source = Path(path).expanduser()
    if not source.is_file():
        raise ModelError("This is not a file." if source.exists() else "There is no such file.")
    chosen = choose_name(source, name)
    built_like, tensors = _recognise(read_checkpoint(source), source)
    if is_safetensors(source):
        return add_model(chosen, built_like, source.stat().st_size, partial(shutil.copyfile, source))
    size = sum(tensor.nbytes for tensor in tensors.values())
    return add_model(chosen, built_like, size, partial(_write_safetensors, tensors))


def _recognise(tensors: dict[str, Tensor], path: Path) -> tuple[ModelCard, dict[str, Tensor]]:
    """The first card whose architecture these tensors are of, and those of them that its model loads.

    Raises:
        ModelError: if they fit none; the message compares them with the architecture that has the largest share of
            arrays in common with them (Jaccard index, by name and shape).
    """
    architectures: dict[str, ModelCard] = {}
    for card in CARDS.values():
        architectures.setdefault(card.architecture, card)
    misfits: list[tuple[float, str, ModelError]] = []
    for card in architectures.values():
        module = empty_module(card)
        try:
            return card, check_fit(module, tensors, path)
        except ModelError as error:
            wanted = {name: tensor.shape for name, tensor in module.state_dict().items()}
            shared = sum(wanted.get(name) == tensor.shape for name, tensor in tensors.items())
            misfits.append((shared / len(wanted.keys() | tensors.keys()), card.architecture, error))
    _, nearest, complaint = max(misfits, key=lambda misfit: misfit[0])
    raise ModelError(f"It fits no model of the catalog; the nearest is {nearest}. {complaint}") from complaint


def _write_safetensors(tensors: dict[str, Tensor], path: Path) -> None:
    # Tensors of a pickle may be views of one another, which that format has no words for.
    save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, path)

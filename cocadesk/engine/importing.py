"""Importing a checkpoint: finding out which architecture it is of, and giving it a place in the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from cocadesk.catalog.card import Family, ModelCard
from cocadesk.catalog.cards import CARDS
from cocadesk.catalog.imports import add_model, choose_name
from cocadesk.engine.arrays import Array
from cocadesk.engine.families import adapter
from cocadesk.engine.safetensors_file import write_safetensors
from cocadesk.engine.weights import check_fit, open_checkpoint
from cocadesk.errors import ModelError

_NAMES_SHOWN = 3
_SIGNS: dict[Family, tuple[str, ...]] = {
    "coca": ("text_decoder.text_projection", "text.cls_emb"),
    "blip-vqa": ("text_encoder.embeddings.",),
    "blip-caption": ("text_decoder.bert.", "text_decoder.cls."),
    "vit": ("patch_embed.proj.", "blocks.0."),
}
"""How some names of each family's arrays begin. Building a module to compare with takes its library, which is slow to
import, so only the families that show a sign are compared in full."""
_CLIP_SIGNS = ("visual.", "token_embedding.", "text_projection", "logit_scale")
"""Of open_clip's CLIPs, which are too many to be compared with: the user knows which one it is."""


def import_checkpoint(path: str, name: str | None = None) -> ModelCard:
    """Copy a checkpoint into the catalog's own folder, where it is found by name.

    Shards and pickles become one safetensors file, which is mapped into memory when it loads and cannot hold code.

    Args:
        path: A safetensors file, or a PyTorch checkpoint of plain tensors; of several shards, any one, their index or
            their folder.
        name: How to call the model; None to call it like the file.

    Raises:
        ModelError: if the file is no checkpoint or fits no architecture of the catalog (the message says by which
            names or shapes it differs from the nearest), the name is taken, or there is no room for a copy.
    """
    source = Path(path).expanduser()
    if not source.exists():
        raise ModelError("There is no such file.")
    chosen = choose_name(source, name)
    built_like, arrays = _recognise(open_checkpoint(source), source)
    size = sum(array.nbytes for array in arrays.values())
    return add_model(chosen, built_like, size, partial(write_safetensors, arrays))


def _recognise(arrays: dict[str, Array], path: Path) -> tuple[ModelCard, dict[str, Array]]:
    """The first card whose architecture these arrays are of, and those of them that its model loads.

    Raises:
        ModelError: if they fit none; the message compares them with the architecture that has the largest share of
            arrays in common with them (Jaccard index, by name and shape).
    """
    misfits: list[tuple[float, str, ModelError]] = []
    for card in _candidates(arrays):
        module = adapter(card).empty_module(card)
        try:
            return card, check_fit(module, arrays, path)
        except ModelError as error:
            wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
            shared = sum(wanted.get(name) == array.shape for name, array in arrays.items())
            misfits.append((shared / len(wanted.keys() | arrays.keys()), card.architecture, error))
    if not misfits:
        if all(any(name.startswith(sign) for name in arrays) for sign in _CLIP_SIGNS):
            raise ModelError(
                "It looks like a CLIP of open_clip. Those are used from where they are: choose "
                "open_clip:ARCHITECTURE as the model, and this file as its checkpoint."
            )
        names = ", ".join(list(arrays)[:_NAMES_SHOWN])
        raise ModelError(f"It fits no model of the catalog: none has arrays that are called like its own ({names}, …).")
    _, nearest, complaint = max(misfits, key=lambda misfit: misfit[0])
    raise ModelError(f"It fits no model of the catalog; the nearest is {nearest}. {complaint}") from complaint


def _candidates(arrays: Mapping[str, Array]) -> Iterator[ModelCard]:
    """A card of each architecture whose family the names hint at, the family with the most signs first."""
    signs = {
        family: sum(any(name.startswith(sign) for name in arrays) for sign in signs) / len(signs)
        for family, signs in _SIGNS.items()
    }
    cards: dict[tuple[str, str], ModelCard] = {}
    for card in CARDS.values():
        if signs[card.family]:
            cards.setdefault((card.family, card.architecture), card)
    yield from sorted(cards.values(), key=lambda card: -signs[card.family])

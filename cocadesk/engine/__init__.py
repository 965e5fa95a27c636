"""The models: loading them by name and running them. Importing this imports torch."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cocadesk.catalog.added import added_cards
from cocadesk.catalog.card import Ability, ModelCard
from cocadesk.catalog.cards import DEFAULT_CAPTIONER, card, is_library_name
from cocadesk.catalog.checkpoints import how_to_mend, require_weights
from cocadesk.engine.families import adapter
from cocadesk.engine.out_of_memory import ran_out
from cocadesk.engine.parts import part_modules
from cocadesk.engine.weights import read_ahead
from cocadesk.errors import DamagedWeights, ModelError, OutOfMemory
from cocadesk.types import DeviceName, DtypeName, ModelRequest, PartName


def load(
    name: str = DEFAULT_CAPTIONER,
    *,
    device: DeviceName = "auto",
    dtype: DtypeName = "auto",
    checkpoint: str | None = None,
    untrained: bool = False,
    seed: int = 0,
    part: PartName | None = None,
) -> Any:
    """Load a model of the catalog, or of a library.

    What comes back depends on the model's family: `coca.CocaModel`, `vit.VitModel`, `clip.ClipModel`, … It has the
    methods of the protocols in `cocadesk.models` for what its card says it can do: `Captioner`, `Answerer`,
    `Classifier`, `Embedder`.

    Args:
        name: Such as "starter-coca", "coca-vit-b-32", "open_clip:ViT-B-32/openai" or "timm:deit3_base_patch16_224".
        device: Where it runs; "auto" takes the graphics processor if there is one.
        dtype: Number format of the weights. With "int8", captions are decoded with 8-bit weights, on the CPU; all else
            is float32. "auto" is a 16-bit one on CUDA; on the CPU float32, or int8 for a trained CoCa with a large
            decoder where that was measured to be faster.
        checkpoint: Weights to use in place of the model's own: a safetensors file, or a PyTorch checkpoint (read
            without executing what it may hold); of several shards, any one, their index or their folder. Where it can,
            the file is mapped: it must not be written to while the model is in use.
        untrained: Random weights in place of trained ones.
        seed: For `untrained`.
        part: One part of a CoCa alone, without the weights of the others: "image" embeds pictures, "text" embeds texts,
            "decoder" continues texts about encoded pictures (`CocaModel.next_logits`). None for the whole model.

    Raises:
        ModelError: if the model is unknown, not on this machine or damaged, the checkpoint does not fit, or the
            device is not there.
        OutOfMemory: if there is no room for it.
    """
    request = ModelRequest(name, device, dtype, checkpoint, untrained, seed, part)
    return _load(find_card(name), request)


def load_for(ability: Ability, request: ModelRequest) -> Any:
    """Load a model that can do that; what comes back is described with `load`.

    Raises:
        ModelError: as for `load`, and if the model cannot do that: before its weights are looked for.
    """
    found = find_card(request.name)
    found.require(ability)
    return _load(found, request)


def find_card(name: str) -> ModelCard:
    """The card of a model of the catalog, of an imported one, or of one that a library names: "open_clip:ARCH/TAG",
    "timm:NAME".

    Raises:
        ModelError: if there is none, or the engine cannot run it; the message names the nearest ones.
    """
    if not is_library_name(name):
        return card(name)
    added = added_cards()
    if name in added:
        return added[name]
    from cocadesk.engine.library_cards import library_card  # noqa: PLC0415 — brings both libraries along

    return library_card(name)


def _load(found: ModelCard, request: ModelRequest) -> Any:
    if request.untrained and request.checkpoint is not None:
        raise ModelError("A model is either untrained or loaded from a checkpoint, not both.")
    found.require_dtype(request.dtype)
    if request.part is not None:
        part_modules(found, request.part)
    family = adapter(found)
    if not request.untrained:
        read_ahead(require_weights(found, request.checkpoint))
    try:
        with _collection_paused():
            return family.load(found, request)
    except DamagedWeights as error:
        raise ModelError(f"{error} {how_to_mend(found, request.checkpoint)}") from error
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
    # Raised out here: beside the first error, whose frames hold what has been loaded so far, that could not be freed.
    raise OutOfMemory(
        f"There is not enough memory to load {found.name}. Close other programs, or take a smaller model."
    )


@contextmanager
def _collection_paused() -> Iterator[None]:
    """No garbage collection: building the modules would start one, which goes through the half million objects that
    torch and its libraries have just made (measured: 0.2 s of the 0.4 that loading a mapped gigabyte takes).
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()

"""What a card says and where its weights are, in the words and keys that the commands share."""

from __future__ import annotations

from typing import Any, Literal

from cocadesk.catalog.cards import ModelCard
from cocadesk.catalog.checkpoints import find_weights

State = Literal["bundled", "imported", "on this machine", "not downloaded", "missing"]


def state(card: ModelCard) -> State:
    """Where a model's weights are, without asking the network; "missing" ones belong here and are not."""
    if find_weights(card) is None:
        return "missing" if card.bundled or card.imported else "not downloaded"
    if card.imported:
        return "imported"
    return "bundled" if card.bundled else "on this machine"


def card_json(card: ModelCard) -> dict[str, Any]:
    """The stable shape of a model in `cocadesk models list --json`."""
    return {
        "name": card.name,
        "title": card.title,
        "family": card.family,
        "state": state(card),
        "parameters": card.parameters,
        "download_bytes": card.download_bytes,
        "input_pixels": card.input_pixels,
        "patch_pixels": card.patch_pixels,
        "licence": card.licence,
        "abilities": sorted(card.abilities),
    }

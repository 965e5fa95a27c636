"""What a card says and where its weights are, in the words and keys that the commands share."""

from __future__ import annotations

from typing import Any, Literal

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.cards import card, is_library_name
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.cli.output import progress

State = Literal["bundled", "imported", "on this machine", "not downloaded", "missing"]


def find_card(name: str) -> ModelCard:
    """The card of a model of the catalog, or of one that a library names.

    Raises:
        ModelError: if there is none; the message names the nearest ones.
    """
    if not is_library_name(name):
        return card(name)
    with progress(f"Looking for {name}…"):
        from cocadesk import engine  # noqa: PLC0415 — only the libraries know their models, and they bring torch along

        return engine.find_card(name)


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

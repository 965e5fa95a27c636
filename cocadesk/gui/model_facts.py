"""The facts of a model's card as rich text, each under the name that a user reads."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from cocadesk.catalog.card import BYTES_PER_NUMBER, ModelCard
from cocadesk.catalog.hub_cache import hub_endpoint
from cocadesk.gui import wording
from cocadesk.gui.library import ModelEntry


def _sees(card: ModelCard) -> str:
    side, grid, patch = card.input_pixels, card.patch_grid, card.patch_pixels
    return f"{side} × {side} pixels, as {grid} × {grid} patches of {patch} × {patch}"


def _memory(card: ModelCard) -> str:
    return ", ".join(f"{wording.size(card.memory_bytes(dtype))} in {dtype}" for dtype in BYTES_PER_NUMBER)


def _link(address: str, text: str) -> str:
    return f'<a href="{escape(address)}">{escape(text)}</a>'


def _hub(card: ModelCard) -> str:
    if not card.hub_repo:
        return _link(card.weights_url, card.weights_url) if card.weights_url else ""
    return f"{_link(f'{hub_endpoint()}/{card.hub_repo}', card.hub_repo)}: {escape(card.hub_files[0])}"


def _on_disk(entry: ModelEntry) -> str:
    return f"{escape(str(entry.path))}, {wording.size(entry.bytes_here)}" if entry.path is not None else ""


FACTS: dict[str, Callable[[ModelEntry], str]] = {
    "Family": lambda entry: escape(wording.FAMILIES[entry.card.family]),
    "Architecture": lambda entry: escape(entry.card.architecture),
    "Sees": lambda entry: _sees(entry.card),
    "Parameters": lambda entry: f"{entry.card.parameters:,}",
    "Memory": lambda entry: _memory(entry.card),
    "Trained on": lambda entry: escape(entry.card.trained_on),
    "Fine-tuned on": lambda entry: escape(entry.card.finetuned_on),
    "Licence": lambda entry: escape(entry.card.licence),
    "Reference": lambda entry: _link(entry.card.reference, entry.card.reference) if entry.card.reference else "",
    "Download": lambda entry: wording.size(entry.card.download_bytes) if entry.card.download_bytes else "",
    "From": lambda entry: _hub(entry.card),
    "On disk": _on_disk,
}
"""Each makes rich text of a model; an empty one has nothing to say about it."""

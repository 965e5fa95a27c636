"""Where a model's weights lie on this machine. Nothing here asks the network or reads the weights."""

from __future__ import annotations

from pathlib import Path

from cocadesk.catalog.cards import ModelCard
from cocadesk.errors import ModelError

WEIGHTS_FILE = "model.safetensors"


def find_weights(card: ModelCard) -> Path | None:
    """The card's own weights: in its folder if bundled, else in the standard Hugging Face cache; None if not there."""
    if card.bundled:
        bundled = card.folder / WEIGHTS_FILE
        return bundled if bundled.is_file() else None
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 — slow to import

    for name in card.hub_files:
        cached = try_to_load_from_cache(card.hub_repo, name)
        if isinstance(cached, str):
            return Path(cached)
    return None


def require_weights(card: ModelCard, checkpoint: str | None = None) -> Path:
    """The file to load: `checkpoint` if one was named, else the card's own weights.

    Raises:
        ModelError: if that file is not on this machine; the message says which it is and what works without it.
    """
    if checkpoint is not None:
        chosen = Path(checkpoint).expanduser()
        if not chosen.is_file():
            raise ModelError(f"There is no weights file “{checkpoint}”.")
        return chosen
    found = find_weights(card)
    if found is not None:
        return found
    if card.bundled:
        raise ModelError(
            f"The weights of {card.name} are missing: {card.folder / WEIGHTS_FILE}. Install CocaDesk again."
        )
    raise ModelError(
        f"The weights of {card.name} are not on this machine: {card.hub_files[0]} of {card.hub_repo} on the Hugging "
        f"Face hub. Name a local copy with --checkpoint FILE, or use --untrained for random weights."
    )

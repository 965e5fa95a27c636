"""Where a model's weights lie on this machine. Nothing here asks the network or reads the weights."""

from __future__ import annotations

from pathlib import Path

from cocadesk.catalog.card import WEIGHTS_FILE, ModelCard
from cocadesk.catalog.hub_cache import read_hub_settings
from cocadesk.catalog.progress import format_bytes
from cocadesk.errors import ModelError


def find_weights(card: ModelCard) -> Path | None:
    """The card's own weights: imported, bundled, or in the Hugging Face cache of now; None if they are not there."""
    local = _local_weights(card)
    if local is not None:
        return local if local.is_file() else None
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415 — slow to import

    cache = read_hub_settings().cache
    for name in card.hub_files:
        cached = try_to_load_from_cache(card.hub_repo, name, cache_dir=cache)
        if isinstance(cached, str):
            return Path(cached)
    return None


def require_weights(card: ModelCard, checkpoint: str | None = None) -> Path:
    """The file, or the folder of shards, to load: `checkpoint` if one was named, else the card's own weights.

    Raises:
        ModelError: if that file is not on this machine; the message says which it is and what works without it.
    """
    if checkpoint is not None:
        chosen = Path(checkpoint).expanduser()
        if not chosen.exists():
            raise ModelError(f"There is no weights file “{checkpoint}”.")
        return chosen
    found = find_weights(card)
    if found is not None:
        return found
    local = _local_weights(card)
    if local is not None:
        mend = "Import them again" if card.imported else "Install CocaDesk again"
        raise ModelError(f"The weights of {card.name} are missing: {local}. {mend}.")
    instead = "use a local copy (--checkpoint FILE) or random weights (--untrained)."
    if card.weights_url:
        raise ModelError(
            f"The weights of {card.name} are not on the Hugging Face hub, and CocaDesk downloads from nowhere else. "
            f"They are published at {card.weights_url}: download them yourself, then {instead}"
        )
    if not card.hub_repo:
        raise ModelError(f"{card.name} is an architecture without published weights: {instead}")
    size = f", {format_bytes(card.download_bytes)}" if card.download_bytes else ""
    raise ModelError(
        f"The weights of {card.name} are not on this machine. Download them in the Models panel, or with “cocadesk "
        f"models pull {card.name}”: {card.hub_files[0]} of {card.hub_repo} on the Hugging Face hub{size}. Or {instead}"
    )


def how_to_mend(card: ModelCard, checkpoint: str | None = None) -> str:
    """What to do about damaged weights, those that `require_weights` finds."""
    if checkpoint is not None:
        return "Copy or download the file again."
    if card.imported:
        return f"Remove it (“cocadesk models remove {card.name}”) and import it again."
    if card.bundled:
        return "Install CocaDesk again."
    return (
        f"Remove it (“cocadesk models remove {card.name}”) and download it again (“cocadesk models pull {card.name}”)."
    )


def _local_weights(card: ModelCard) -> Path | None:
    """Where the weights of a model that is not on the hub belong."""
    return card.imported or (card.folder / WEIGHTS_FILE if card.bundled else None)

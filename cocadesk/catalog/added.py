"""Models of libraries that the user has taken into the catalog: their cards, in one file."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cocadesk.catalog.card import ModelCard
from cocadesk.errors import ModelError
from cocadesk.paths import models_dir

log = logging.getLogger(__name__)

_FILE = "added.json"
_LOCK_S = 10.0


def added_cards() -> dict[str, ModelCard]:
    """The added models by name, in the order they came. A card that is damaged is left out, and the log says so."""
    try:
        kept = json.loads(_path().read_text(encoding="utf-8"))
        listed: list[Any] = list(kept)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError) as error:
        log.warning("The added models in %s are left out: %r", _path(), error)
        return {}
    cards: dict[str, ModelCard] = {}
    for entry in listed:
        try:
            card = ModelCard(
                **entry | {"abilities": frozenset(entry["abilities"]), "hub_files": tuple(entry["hub_files"])}
            )
        except (KeyError, TypeError) as error:
            log.warning("An added model in %s is left out: %r", _path(), error)
        else:
            cards[card.name] = card
    return cards


def add_card(card: ModelCard) -> None:
    """Take a library's model into the catalog.

    Raises:
        ModelError: if that cannot be kept.
    """
    _change(lambda cards: cards | {card.name: card})


def forget_card(name: str) -> None:
    """Take an added model out of the catalog again, if it is in.

    Raises:
        ModelError: if that cannot be kept.
    """
    if name in added_cards():
        _change(lambda cards: {known: card for known, card in cards.items() if known != name})


def _change(change: Callable[[dict[str, ModelCard]], dict[str, ModelCard]]) -> None:
    """Write what becomes of the cards; one thread or process at a time, so that none undoes another's change."""
    from filelock import FileLock  # noqa: PLC0415 — slow to import, and few processes change the list

    path = _path()
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock"), timeout=_LOCK_S):
            cards = change(added_cards()).values()
            shapes = [{**asdict(card), "abilities": sorted(card.abilities), "imported": None} for card in cards]
            part.write_text(json.dumps(shapes, indent=1), encoding="utf-8")
            part.replace(path)
    except OSError as error:
        raise ModelError(f"The list of added models {path} cannot be written: {error.strerror or error}.") from error


def _path() -> Path:
    return models_dir() / _FILE

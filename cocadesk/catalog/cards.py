"""The catalog: one card per model. Adding a model is adding a card; a user adds one by importing a checkpoint."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from cocadesk.catalog.added import added_cards
from cocadesk.catalog.blip_cards import BLIP_CARDS
from cocadesk.catalog.card import WEIGHTS_FILE, ModelCard
from cocadesk.catalog.coca_cards import COCA_CARDS
from cocadesk.catalog.starter_cards import STARTER_CARDS
from cocadesk.catalog.vit_cards import VIT_CARDS
from cocadesk.errors import ModelError
from cocadesk.paths import models_dir

log = logging.getLogger(__name__)

IMPORT_FILE = "import.json"

CARDS: dict[str, ModelCard] = {card.name: card for card in (*STARTER_CARDS, *COCA_CARDS, *BLIP_CARDS, *VIT_CARDS)}

DEFAULT_CAPTIONER = "starter-coca"
DEFAULT_ANSWERER = "starter-vqa"
DEFAULT_RANKER = "starter-coca"
DEFAULT_CLASSIFIER = "starter-vit"

LIBRARIES = ("open_clip", "timm")
"""Libraries whose models have no card here: `engine.find_card` makes one for "open_clip:ViT-B-32/openai"."""


def is_library_name(name: str) -> bool:
    """Whether a model is named by a library and that library's own name for it."""
    return name.partition(":")[0] in LIBRARIES and ":" in name


def card(name: str) -> ModelCard:
    """The card of that name.

    Raises:
        ModelError: if there is none; the message names the nearest ones, or all.
    """
    if name in CARDS:
        return CARDS[name]
    everything = all_cards()
    if name in everything:
        return everything[name]
    near = get_close_matches(name, everything, n=2)
    known = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(everything)}."
    raise ModelError(f"There is no model named “{name}”. {known}")


def all_cards() -> dict[str, ModelCard]:
    """The catalog's cards, then those of libraries' models that were added, and of the imported ones, as of now."""
    others = added_cards() | imported_cards()
    return CARDS | {name: card for name, card in others.items() if name not in CARDS}


def imported_cards() -> dict[str, ModelCard]:
    """The imported models by name. One whose note is damaged is left out, and the log says so."""
    try:
        folders = sorted(folder for folder in models_dir().iterdir() if (folder / IMPORT_FILE).is_file())
    except OSError:
        return {}
    cards = {}
    for folder in folders:
        try:
            note = json.loads((folder / IMPORT_FILE).read_text(encoding="utf-8"))
            cards[folder.name] = imported_card(folder, CARDS[note["built_like"]])
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("The imported model in %s is left out: %r", folder, error)
    return cards


def imported_card(folder: Path, built_like: ModelCard) -> ModelCard:
    """The card of a model that was imported into that folder and has the architecture of another."""
    return replace(
        built_like,
        name=folder.name,
        title=f"{folder.name}, built like {built_like.title.partition(',')[0]}",
        download_bytes=0,
        licence="",
        trained_on="",
        finetuned_on="",
        hub_repo="",
        hub_files=(),
        imported=folder / WEIGHTS_FILE,
    )

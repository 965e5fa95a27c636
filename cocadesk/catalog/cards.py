"""The catalog: one card per model. Adding a model is adding a card; a user adds one by importing a checkpoint."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from cocadesk.errors import ModelError
from cocadesk.paths import models_dir, resources_dir

log = logging.getLogger(__name__)

WEIGHTS_FILE = "model.safetensors"
IMPORT_FILE = "import.json"

Ability = Literal["caption", "rank", "classify", "attend", "explore"]

COCA_ABILITIES: frozenset[Ability] = frozenset({"caption", "rank", "classify", "attend", "explore"})


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model is and where it comes from.

    Attributes:
        name: What a user types.
        title: What a user reads.
        family: Which adapter of the engine runs it.
        architecture: Name of open_clip's configuration; for a bundled model, of the folder that holds its own.
        input_pixels: Side of the square the model sees.
        patch_pixels: Side of one patch of that square.
        parameters: Number of weights.
        download_bytes: Size of the weights file on the hub, 0 if bundled.
        licence: SPDX expression of the weights; empty where nobody knows.
        trained_on: Data set of the pretraining; empty where nobody knows.
        finetuned_on: Data set of a fine-tuning; empty for none.
        reference: Where to read about it.
        abilities: What it can do.
        hub_repo: Repository of the weights on the Hugging Face hub; empty if bundled.
        hub_files: Names of the weights files there, the preferred first.
        bundled: Whether the folder of its architecture comes with the application, with weights in it.
        imported: The weights, in place of the bundled or the hub's, of a model that the user imported; else None.
    """

    name: str
    title: str
    family: Literal["coca"]
    architecture: str
    input_pixels: int
    patch_pixels: int
    parameters: int
    download_bytes: int
    licence: str
    trained_on: str
    finetuned_on: str
    reference: str
    abilities: frozenset[Ability]
    hub_repo: str = ""
    hub_files: tuple[str, ...] = ()
    bundled: bool = False
    imported: Path | None = None

    @property
    def patch_grid(self) -> int:
        """Patches along one side."""
        return self.input_pixels // self.patch_pixels

    @property
    def folder(self) -> Path:
        """Folder of a bundled architecture: `config.json`, `merges.txt.gz`, `model.safetensors`, `README.md`."""
        return resources_dir() / "models" / self.architecture


def _laion_coca(size: str, patch: int, parameters: int, download_bytes: int, *, finetuned: bool) -> ModelCard:
    suffix = "-mscoco" if finetuned else ""
    prefix = "mscoco_finetuned_" if finetuned else ""
    return ModelCard(
        name=f"coca-vit-{size.lower()}-{patch}{suffix}",
        title=f"CoCa ViT-{size}/{patch}" + (", fine-tuned on MSCOCO" if finetuned else ""),
        family="coca",
        architecture=f"coca_ViT-{size}-{patch}",
        input_pixels=224,
        patch_pixels=patch,
        parameters=parameters,
        download_bytes=download_bytes,
        licence="MIT",
        trained_on="LAION-2B",
        finetuned_on="MSCOCO" if finetuned else "",
        reference="https://arxiv.org/abs/2205.01917",
        abilities=COCA_ABILITIES,
        hub_repo=f"laion/{prefix}CoCa-ViT-{size}-{patch}-laion2B-s13B-b90k",
        hub_files=("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
    )


CARDS: dict[str, ModelCard] = {
    card.name: card
    for card in (
        ModelCard(
            name="starter-coca",
            title="Starter CoCa",
            family="coca",
            architecture="starter-coca",
            input_pixels=112,
            patch_pixels=16,
            parameters=7_384_897,
            download_bytes=0,
            licence="MIT",
            trained_on="Scenes drawn from openly licensed emoji",
            finetuned_on="",
            reference="https://arxiv.org/abs/2205.01917",
            abilities=COCA_ABILITIES,
            bundled=True,
        ),
        _laion_coca("B", 32, 253_560_065, 1_014_240_260, finetuned=False),
        _laion_coca("B", 32, 253_560_065, 1_014_240_260, finetuned=True),
        _laion_coca("L", 14, 638_450_177, 2_553_800_708, finetuned=False),
        _laion_coca("L", 14, 638_450_177, 2_553_800_708, finetuned=True),
    )
}

DEFAULT_CAPTIONER = "starter-coca"


def card(name: str) -> ModelCard:
    """The card of that name.

    Raises:
        ModelError: if there is none; the message names the nearest ones.
    """
    if name in CARDS:
        return CARDS[name]
    everything = all_cards()
    if name in everything:
        return everything[name]
    near = get_close_matches(name, everything, n=2) or list(everything)
    raise ModelError(f"There is no model named “{name}”. Did you mean {' or '.join(near)}?")


def all_cards() -> dict[str, ModelCard]:
    """The catalog's cards, then those of the imported models as the disk has them now."""
    return CARDS | {name: card for name, card in imported_cards().items() if name not in CARDS}


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

"""The catalog: one card per model. Adding a model is adding a card."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from cocadesk.errors import ModelError
from cocadesk.paths import resources_dir

Ability = Literal["caption", "rank", "classify", "attend", "explore"]

COCA_ABILITIES: frozenset[Ability] = frozenset({"caption", "rank", "classify", "attend", "explore"})


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model is and where it comes from.

    Attributes:
        name: What a user types.
        title: What a user reads.
        family: Which adapter of the engine runs it.
        architecture: Name of open_clip's configuration; for a bundled model, of the one in its folder.
        input_pixels: Side of the square the model sees.
        patch_pixels: Side of one patch of that square.
        parameters: Number of weights.
        download_bytes: Size of the weights file on the hub, 0 if bundled.
        licence: SPDX expression of the weights.
        trained_on: Data set of the pretraining.
        finetuned_on: Data set of a fine-tuning; empty for none.
        reference: Where to read about it.
        abilities: What it can do.
        hub_repo: Repository of the weights on the Hugging Face hub; empty if bundled.
        hub_files: Names of the weights files there, the preferred first.
        bundled: Whether the weights come with the application.
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

    @property
    def patch_grid(self) -> int:
        """Patches along one side."""
        return self.input_pixels // self.patch_pixels

    @property
    def folder(self) -> Path:
        """Folder of a bundled model: `config.json`, `merges.txt.gz`, `model.safetensors`, `README.md`."""
        return resources_dir() / "models" / self.name


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
            input_pixels=96,
            patch_pixels=12,
            parameters=0,
            download_bytes=0,
            licence="MIT",
            trained_on="Scenes drawn from openly licensed emoji",
            finetuned_on="",
            reference="",
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
    try:
        return CARDS[name]
    except KeyError:
        near = get_close_matches(name, CARDS, n=2) or list(CARDS)
        raise ModelError(f"There is no model named “{name}”. Did you mean {' or '.join(near)}?") from None

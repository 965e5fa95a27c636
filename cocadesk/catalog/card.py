"""What the catalog says about one model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cocadesk.errors import ModelError, OptionError
from cocadesk.paths import resources_dir
from cocadesk.types import AttentionKind, DtypeName

WEIGHTS_FILE = "model.safetensors"
BYTES_PER_NUMBER = {"float32": 4, "bfloat16": 2, "float16": 2}

Ability = Literal["caption", "ask", "rank", "classify", "attend"]
Family = Literal["coca", "blip-vqa", "blip-caption", "vit", "clip"]

_ATTENTION: Mapping[Family, tuple[AttentionKind, ...]] = {
    "coca": ("image", "text", "words"),
    "blip-vqa": ("image", "question"),
    "blip-caption": ("image", "words"),
    "vit": ("image",),
    "clip": ("image", "text"),
}


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model is and where it comes from.

    Attributes:
        name: What a user types.
        title: What a user reads.
        family: Which adapter of the engine runs it.
        architecture: Its name in the library that the family's modules come from, with the tag of the weights where
            that decides how pictures are prepared: "ViT-B-32/openai", "vit_base_patch32_224.augreg_in21k_ft_in1k";
            for a bundled model, of the folder that holds its own configuration.
        input_pixels: Side of the square the model sees.
        patch_pixels: Side of one patch of that square; of a convolutional network, of one cell of its last features.
        parameters: Number of weights.
        download_bytes: Size of the weights file on the hub; 0 if bundled, or not known before the hub is asked.
        licence: SPDX expression of the weights; empty where nobody knows.
        trained_on: Data set of the pretraining; empty where nobody knows.
        finetuned_on: Data set of a fine-tuning; empty for none.
        reference: Where to read about it.
        abilities: What it can do.
        hub_repo: Repository of the weights on the Hugging Face hub; empty if bundled.
        hub_files: Names of the weights files there, the preferred first.
        weights_url: Where the weights are published if not on the hub; CocaDesk does not download from there.
        bundled: Whether the folder of its architecture comes with the application, with weights in it.
        imported: The weights, in place of the bundled or the hub's, of a model that the user imported; else None.
        grounding_layer: The layer in which the words of a question look at what they name, where that was measured and
            is not the last one.
    """

    name: str
    title: str
    family: Family
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
    weights_url: str = ""
    bundled: bool = False
    imported: Path | None = None
    grounding_layer: int | None = None

    def require_dtype(self, dtype: DtypeName) -> None:
        """Make sure that the model runs in that number format.

        Raises:
            ModelError: if it does not.
        """
        if dtype == "int8" and self.family != "coca":
            raise ModelError(f"{self.name} does not run in int8, which CoCas decode in. Use auto, float32 or bfloat16.")

    def require(self, ability: Ability) -> None:
        """Make sure that the model can do that.

        Raises:
            ModelError: if it cannot; the message says what it can.
        """
        if ability not in self.abilities:
            able = ", ".join(sorted(self.abilities))
            raise ModelError(f"{self.name} cannot {ability}; it can {able}. “cocadesk models list” shows the others.")

    def require_attention(self, kind: AttentionKind) -> None:
        """Make sure that the model has attention of that kind.

        Raises:
            ModelError: if it has not; the message says which it has.
        """
        if kind not in self.attention:
            raise ModelError(
                f"{self.name} has no attention of the kind “{kind}”; it can show: {', '.join(self.attention)}."
            )

    def check_labels(self, *, given: bool) -> None:
        """Make sure that labels are given to a model that reads them, and to no other.

        Raises:
            OptionError: if not; the message says what to do.
        """
        reads = "rank" in self.abilities
        if given and not reads:
            raise OptionError(
                f"{self.name} knows classes of its own and reads no others. Leave the labels out (--labels), or choose "
                "a model that can rank texts."
            )
        if reads and not given:
            raise OptionError(f"{self.name} has no classes of its own. Give it labels to choose from (--labels).")

    def memory_bytes(self, dtype: str) -> int:
        """What the weights take in a number format: "float32", "bfloat16" or "float16"."""
        return self.parameters * BYTES_PER_NUMBER[dtype]

    @property
    def attention(self) -> tuple[AttentionKind, ...]:
        """The kinds of attention that it has."""
        return _ATTENTION[self.family]

    @property
    def patch_grid(self) -> int:
        """Patches along one side."""
        return self.input_pixels // self.patch_pixels

    @property
    def folder(self) -> Path:
        """Folder of a bundled architecture: `config.json`, `merges.txt.gz`, `model.safetensors`, `README.md`."""
        return resources_dir() / "models" / self.architecture

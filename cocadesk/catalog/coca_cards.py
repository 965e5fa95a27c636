"""The CoCas (Yu et al. 2022) that LAION published on open_clip's architectures."""

from __future__ import annotations

from cocadesk.catalog.card import Ability, ModelCard

_ABILITIES: frozenset[Ability] = frozenset({"caption", "rank", "classify", "attend"})


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
        abilities=_ABILITIES,
        hub_repo=f"laion/{prefix}CoCa-ViT-{size}-{patch}-laion2B-s13B-b90k",
        hub_files=("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
    )


COCA_CARDS = (
    _laion_coca("B", 32, 253_560_065, 1_014_240_260, finetuned=False),
    _laion_coca("B", 32, 253_560_065, 1_014_240_260, finetuned=True),
    _laion_coca("L", 14, 638_450_177, 2_553_800_708, finetuned=False),
    _laion_coca("L", 14, 638_450_177, 2_553_800_708, finetuned=True),
)

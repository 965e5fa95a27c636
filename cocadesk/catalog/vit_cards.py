"""The vision transformers (Dosovitskiy et al. 2021) that Google trained and timm publishes."""

from __future__ import annotations

from cocadesk.catalog.card import WEIGHTS_FILE, Ability, ModelCard

_ABILITIES: frozenset[Ability] = frozenset({"classify", "attend"})


def _google_vit(size: str, patch: int, parameters: int, architecture: str) -> ModelCard:
    pixels = int(architecture.partition(".")[0].rpartition("_")[2])
    return ModelCard(
        name=f"vit-{size.lower()}-patch{patch}",
        title=f"ViT {size}, patches of {patch}, fine-tuned on ImageNet-1k",
        family="vit",
        architecture=architecture,
        input_pixels=pixels,
        patch_pixels=patch,
        parameters=parameters,
        download_bytes=4 * parameters,
        licence="Apache-2.0",
        trained_on="ImageNet-21k",
        finetuned_on="ImageNet-1k",
        reference="https://arxiv.org/abs/2106.10270"
        if "augreg" in architecture
        else "https://arxiv.org/abs/2010.11929",
        abilities=_ABILITIES,
        hub_repo=f"timm/{architecture}",
        hub_files=(WEIGHTS_FILE,),
    )


VIT_CARDS = (
    _google_vit("Base", 32, 88_224_232, "vit_base_patch32_224.augreg_in21k_ft_in1k"),
    _google_vit("Base", 16, 86_567_656, "vit_base_patch16_224.augreg_in21k_ft_in1k"),
    _google_vit("Large", 16, 304_326_632, "vit_large_patch16_224.augreg_in21k_ft_in1k"),
    _google_vit("Large", 32, 306_632_680, "vit_large_patch32_384.orig_in21k_ft_in1k"),
)

"""The BLIPs (Li et al. 2022) that Salesforce published: two that answer questions, two that caption."""

from __future__ import annotations

from cocadesk.catalog.card import Ability, Family, ModelCard

_EMBEDDINGS = 30_524 * 768
"""Numbers of the words' embeddings: the published files hold them twice, the modules once."""


def _salesforce_blip(
    *, name: str, title: str, family: Family, size: str, parameters: int, repo: str, trained_on: str
) -> ModelCard:
    does: Ability = "ask" if family == "blip-vqa" else "caption"
    return ModelCard(
        name=name,
        title=title,
        family=family,
        architecture=f"{family}-vit-{size}-16",
        input_pixels=384,
        patch_pixels=16,
        parameters=parameters,
        download_bytes=4 * (parameters + _EMBEDDINGS),  # computed: the numbers in float32, without the file's header
        licence="BSD-3-Clause",
        trained_on=trained_on,
        finetuned_on="VQA v2.0 and Visual Genome" if family == "blip-vqa" else "COCO",
        reference="https://arxiv.org/abs/2201.12086",
        abilities=frozenset({does, "attend"}),
        hub_repo=f"Salesforce/{repo}",
        hub_files=("model.safetensors", "pytorch_model.bin"),
    )


_PICTURES = "129 million pictures with captions (LAION, Conceptual Captions, SBU, COCO, Visual Genome)"
_CAPFILT_LARGE = f"{_PICTURES}, bootstrapped by a ViT-L captioner and filter (CapFilt-L)"

BLIP_CARDS = (
    _salesforce_blip(
        name="blip-vqa-base",
        title="BLIP VQA base",
        family="blip-vqa",
        size="b",
        parameters=361_230_140,
        repo="blip-vqa-base",
        trained_on=_PICTURES,
    ),
    _salesforce_blip(
        name="blip-vqa-capfilt-large",
        title="BLIP VQA base, trained with CapFilt-L",
        family="blip-vqa",
        size="b",
        parameters=361_230_140,
        repo="blip-vqa-capfilt-large",
        trained_on=_CAPFILT_LARGE,
    ),
    _salesforce_blip(
        name="blip-caption-base",
        title="BLIP captioning base",
        family="blip-caption",
        size="b",
        parameters=223_971_644,
        repo="blip-image-captioning-base",
        trained_on=_PICTURES,
    ),
    _salesforce_blip(
        name="blip-caption-large",
        title="BLIP captioning large",
        family="blip-caption",
        size="l",
        parameters=446_290_492,
        repo="blip-image-captioning-large",
        trained_on=_PICTURES,
    ),
)

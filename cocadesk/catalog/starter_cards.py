"""The starters: small models that come along, so that everything works at once and without a network."""

from __future__ import annotations

from cocadesk.catalog.card import Ability, Family, ModelCard

_SCENES = "Scenes drawn from openly licensed emoji"


def _starter(
    *,
    name: str,
    title: str,
    family: Family,
    parameters: int,
    trained_on: str,
    reference: str,
    does: frozenset[Ability],
    grounding_layer: int | None = None,
) -> ModelCard:
    return ModelCard(
        name=name,
        title=title,
        family=family,
        architecture=name,
        input_pixels=112,
        patch_pixels=16,
        parameters=parameters,
        download_bytes=0,
        licence="MIT",
        trained_on=trained_on,
        finetuned_on="",
        reference=reference,
        abilities=does,
        bundled=True,
        grounding_layer=grounding_layer,
    )


STARTER_CARDS = (
    _starter(
        name="starter-coca",
        title="Starter CoCa",
        family="coca",
        parameters=7_384_513,
        trained_on=f"{_SCENES}; FashionMNIST and CIFAR-10",
        reference="https://arxiv.org/abs/2205.01917",
        does=frozenset({"caption", "rank", "classify", "attend"}),
    ),
    _starter(
        name="starter-vqa",
        title="Starter BLIP VQA",
        family="blip-vqa",
        parameters=6_804_840,
        trained_on=f"{_SCENES}; FashionMNIST and CIFAR-10",
        reference="https://arxiv.org/abs/2201.12086",
        does=frozenset({"ask", "attend"}),
        grounding_layer=0,
    ),
    _starter(
        name="starter-vit",
        title="Starter ViT",
        family="vit",
        parameters=2_888_961,
        trained_on=f"{_SCENES}; CIFAR-10",
        reference="https://arxiv.org/abs/2010.11929",
        does=frozenset({"classify", "attend"}),
    ),
)

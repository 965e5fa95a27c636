"""Cards that are made from the libraries' own tables, and what is said about names that are in none."""

from __future__ import annotations

from pathlib import Path

import open_clip
import pytest
import timm
import torch

from cocadesk import engine
from cocadesk.catalog.cards import CARDS, is_library_name
from cocadesk.catalog.checkpoints import find_weights, require_weights
from cocadesk.catalog.vit_cards import VIT_CARDS
from cocadesk.engine.library_cards import library_names
from cocadesk.engine.net_info import net_info
from cocadesk.errors import ModelError
from cocadesk.types import ModelRequest
from tests.fakes.hub_home import use_hub_home


@pytest.fixture(autouse=True)
def _empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use_hub_home(monkeypatch, tmp_path / "hub")


def parameters(name: str) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in timm.create_model(name).parameters())


# The catalog's own vision transformers


@pytest.mark.parametrize("card", VIT_CARDS, ids=lambda card: card.name)
def test_the_catalogs_vision_transformers_are_as_timm_describes_them(card: object) -> None:
    assert isinstance(card, type(VIT_CARDS[0]))
    described = timm.get_pretrained_cfg(card.architecture)

    assert described is not None
    assert card.architecture in timm.list_pretrained(f"{described.architecture}.*")
    assert card.hub_repo == described.hf_hub_id
    assert card.licence.lower() == described.license
    assert (3, card.input_pixels, card.input_pixels) == described.input_size
    assert card.parameters == parameters(card.architecture) == net_info(card.name).parameters
    assert card.patch_pixels == int(card.name.partition("-patch")[2])
    assert card.memory_bytes("float32") == 4 * card.parameters == 2 * card.memory_bytes("bfloat16")
    assert CARDS[card.name] is card


# timm


def test_a_vision_transformer_of_timm() -> None:
    card = engine.find_card("timm:deit_tiny_patch16_224.fb_in1k")

    assert (card.name, card.family) == ("timm:deit_tiny_patch16_224.fb_in1k", "vit")
    assert (card.input_pixels, card.patch_pixels, card.patch_grid) == (224, 16, 14)
    assert card.parameters == parameters("deit_tiny_patch16_224")
    assert (card.hub_repo, card.hub_files) == ("timm/deit_tiny_patch16_224.fb_in1k", ("model.safetensors",))
    assert (card.licence, card.trained_on, card.finetuned_on) == ("apache-2.0", "ImageNet-1k", "")
    assert card.abilities == {"classify", "attend"}


def test_without_a_tag_it_is_the_one_that_timm_prefers() -> None:
    card = engine.find_card("timm:vit_base_patch16_224")

    preferred = timm.get_pretrained_cfg("vit_base_patch16_224")
    assert preferred is not None
    assert card.architecture == f"vit_base_patch16_224.{preferred.tag}"
    assert card.hub_repo == preferred.hf_hub_id
    assert (card.trained_on, card.finetuned_on) == ("ImageNet-21k", "ImageNet-1k")


@pytest.mark.parametrize(
    "name",
    [
        "timm:vit_small_patch16_224.dino",  # no head
        "timm:vit_base_patch32_clip_224.openai",  # a projection to 512 numbers in its place
    ],
)
def test_what_has_no_classes_cannot_classify(name: str) -> None:
    assert engine.find_card(name).abilities == {"attend"}
    with pytest.raises(ModelError, match="cannot classify; it can attend"):
        engine.load_for("classify", ModelRequest(name))


def test_hybrids_count_their_patches_on_the_picture() -> None:
    card = engine.find_card("timm:vit_base_r50_s16_224.orig_in21k")

    assert (card.patch_pixels, card.patch_grid) == (16, 14)


@pytest.mark.parametrize("name", ["timm:resnet50", "timm:eva02_tiny_patch14_224"])
def test_other_networks_of_timm_are_refused(name: str) -> None:
    with pytest.raises(ModelError, match=r"runs timm's VisionTransformer.*models list --library timm"):
        engine.find_card(name)


def test_weights_that_are_on_no_hub_are_named_with_their_address() -> None:
    card = engine.find_card("timm:vit_huge_patch14_gap_224.in1k_ijepa")

    assert card.hub_repo == ""
    assert find_weights(card) is None
    with pytest.raises(ModelError, match=r"published at https://dl\.fbaipublicfiles\.com/\S+\.tar: .*--checkpoint"):
        require_weights(card)


# open_clip


def test_a_clip_of_open_clip() -> None:
    card = engine.find_card("open_clip:ViT-B-32/laion2b_s34b_b79k")

    with torch.device("meta"):
        module = open_clip.create_model("ViT-B-32", device="meta")
    assert (card.name, card.family) == ("open_clip:ViT-B-32/laion2b_s34b_b79k", "clip")
    assert (card.input_pixels, card.patch_pixels) == (224, 32)
    assert card.parameters == sum(parameter.numel() for parameter in module.parameters())
    assert card.hub_repo == "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
    assert card.hub_files == ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
    assert card.trained_on == "LAION-2B"
    assert card.abilities == {"rank", "classify", "attend"}


@pytest.mark.parametrize(
    ("name", "pixels", "patch"),
    [("RN50x4/openai", 288, 32), ("convnext_base", 224, 32), ("ViTamin-S/datacomp1b", 224, 16), ("ViT-L-14", 224, 14)],
)
def test_every_kind_of_image_tower_has_its_size(name: str, pixels: int, patch: int) -> None:
    card = engine.find_card(f"open_clip:{name}")

    assert (card.input_pixels, card.patch_pixels) == (pixels, patch)


def test_files_under_their_own_names_are_looked_for_in_safetensors_first() -> None:
    card = engine.find_card("open_clip:ViTamin-S/datacomp1b")

    assert (card.hub_repo, card.hub_files) == (
        "jienengchen/ViTamin-S",
        ("pytorch_model.safetensors", "pytorch_model.bin"),
    )


def test_a_coca_of_open_clip_goes_to_its_own_adapter() -> None:
    card = engine.find_card("open_clip:coca_ViT-B-32/mscoco_finetuned_laion2b_s13b_b90k")
    own = CARDS["coca-vit-b-32-mscoco"]

    for fact in ("family", "architecture", "input_pixels", "patch_pixels", "parameters", "hub_repo", "hub_files"):
        assert getattr(card, fact) == getattr(own, fact), fact
    assert (card.trained_on, card.finetuned_on) == ("LAION-2B", "MSCOCO")
    assert card.abilities == own.abilities


def test_an_architecture_without_weights_can_be_looked_into() -> None:
    card = engine.find_card("open_clip:ViT-S-32")

    assert net_info(card.name).parameters == card.parameters
    with pytest.raises(ModelError, match=r"without published weights: .*--checkpoint FILE.*--untrained"):
        engine.load(card.name)


def test_text_towers_of_other_libraries_are_refused() -> None:
    with pytest.raises(ModelError, match=r"reads text with Hugging Face's roberta-base.*tokenizer"):
        engine.find_card("open_clip:roberta-ViT-B-32/laion2b_s12b_b32k")


def test_published_weights_are_found_in_the_hugging_face_cache(tmp_path: Path) -> None:
    card = engine.find_card("open_clip:ViT-B-32/openai")
    folder = tmp_path / "hub" / "hub" / "models--timm--vit_base_patch32_clip_224.openai"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    weights = folder / "snapshots" / ("0" * 40) / "open_clip_model.safetensors"
    weights.parent.mkdir(parents=True)
    weights.touch()

    assert find_weights(card) == weights


# Names


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("open_clip:ViT-B-23/openai", r"no architecture named “ViT-B-23”.*ViT-B-32.*--library open_clip"),
        ("open_clip:ViT-B-32/openia", r"no tag of ViT-B-32 named “openia”.*openai.*--library open_clip"),
        (
            "timm:vit_bse_patch16_224",
            r"no architecture named “vit_bse_patch16_224”.*vit_base_patch16_224.*--library timm",
        ),
        ("timm:vit_base_patch16_224.augre_in1k", r"no tag of vit_base_patch16_224 named.*augreg_in1k"),
        ("open_clip:", "no architecture named “”"),
        ("timm:", "no architecture named “”"),
        ("timmy:vit", "no model named “timmy:vit”"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ModelError, match=near):
        engine.find_card(name)


def test_ordinary_names_are_the_catalogs() -> None:
    assert engine.find_card("coca-vit-l-14") is CARDS["coca-vit-l-14"]
    assert not any(is_library_name(name) for name in CARDS)


@pytest.mark.parametrize("library", ["open_clip", "timm"])
def test_names_that_are_listed_have_cards(library: str) -> None:
    names = library_names(library)

    assert len(names) == len(set(names)) > 100
    for name in names[:: len(names) // 6]:
        card = engine.find_card(name)
        assert card.hub_repo
        assert card.parameters > 1_000_000
        assert card.input_pixels >= card.patch_pixels > 0

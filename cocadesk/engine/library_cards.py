"""Cards made when they are asked for: of any CLIP and CoCa that open_clip lists, and of timm's vision transformers.

Everything on them comes from the libraries' own tables, so a new release of theirs brings its models along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import open_clip
import timm
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
from torch import nn

from cocadesk.catalog.card import WEIGHTS_FILE, Ability, ModelCard
from cocadesk.engine.families import adapter
from cocadesk.engine.vit_weights import build, read_config
from cocadesk.engine.weights import empty
from cocadesk.errors import ModelError

_CLIP: frozenset[Ability] = frozenset({"rank", "classify", "attend"})
_COCA: frozenset[Ability] = _CLIP | {"caption"}
_VIT: frozenset[Ability] = frozenset({"attend"})
"""And "classify", where the names of the classes are known."""

_RESNET_STRIDE = 32

_TIMM_MODULES = ("vision_transformer", "deit", "vision_transformer_hybrid")
"""The modules of timm whose models are its VisionTransformer."""

_DATA = {
    "in1k": "ImageNet-1k",
    "in12k": "ImageNet-12k",
    "in21k": "ImageNet-21k",
    "in22k": "ImageNet-22k",
    "laion2b": "LAION-2B",
    "laion400m": "LAION-400M",
    "yfcc15m": "YFCC-15M",
    "cc12m": "CC-12M",
    "webli": "WebLI",
    "datacomp1b": "DataComp-1B",
    "dfn2b": "DFN-2B",
    "dfn5b": "DFN-5B",
    "lvd142m": "LVD-142M",
    "lvd1689m": "LVD-1689M",
    "mscoco": "MSCOCO",
}
"""What the parts of the libraries' tags call data sets of one well-known name."""


def library_card(name: str) -> ModelCard:
    """The card of "open_clip:ARCHITECTURE/TAG" or "timm:NAME".

    Without a tag, open_clip's have no weights of their own, and timm's have the ones that timm prefers.

    Raises:
        ModelError: if the library has no such model, or the engine cannot run it; the message says what is near.
    """
    library, _, asked = name.partition(":")
    return replace(_MAKERS[library](asked), name=name)


def library_names(library: str) -> list[str]:
    """The names of a library's published models that the engine can run, "open_clip:ViT-B-32/openai", in its order."""
    if library == "open_clip":
        listed: Iterable[str] = (
            f"{architecture}/{tag}"
            for architecture, tag in open_clip.list_pretrained()
            if not open_clip.get_model_config(architecture)["text_cfg"].get("hf_model_name")
        )
    else:
        listed = (
            name
            for module in _TIMM_MODULES
            for name in timm.list_models(module=module, pretrained=True, include_tags=True)
        )
    return [f"{library}:{name}" for name in listed]


@lru_cache(maxsize=64)
def _open_clip_card(asked: str) -> ModelCard:
    architecture, _, tag = asked.partition("/")
    config = open_clip.get_model_config(architecture)
    if config is None:
        raise _unknown("open_clip", "architecture", architecture, open_clip.list_models())
    trained = open_clip.get_pretrained_cfg(architecture, tag)
    if tag and not trained:
        known = open_clip.list_pretrained_tags_by_model(architecture)
        raise _unknown("open_clip", f"tag of {architecture}", tag, known)
    is_coca = "multimodal_cfg" in config
    repo, files = _open_clip_files(trained.get("hf_hub", ""))
    trained_on, finetuned_on = _data(tag)
    card = ModelCard(
        name=asked,
        title=f"{architecture} of open_clip" + (f", {tag}" if tag else ""),
        family="coca" if is_coca else "clip",
        architecture=architecture if is_coca else asked,
        input_pixels=0,
        patch_pixels=0,
        parameters=0,
        download_bytes=0,
        licence="",
        trained_on=trained_on,
        finetuned_on=finetuned_on,
        reference=f"https://huggingface.co/{repo}" if repo else "https://github.com/mlfoundations/open_clip",
        abilities=_COCA if is_coca else _CLIP,
        hub_repo=repo,
        hub_files=files,
        weights_url="" if repo else trained.get("url", ""),
    )
    module = adapter(card).empty_module(card)
    visual: Any = module.get_submodule("visual")
    pixels = visual.image_size if isinstance(visual.image_size, int) else visual.image_size[0]
    return replace(card, input_pixels=pixels, patch_pixels=_patch(visual), parameters=_count(module))


@lru_cache(maxsize=64)
def _timm_card(asked: str) -> ModelCard:
    architecture, _, tag = asked.partition(".")
    if not timm.is_model(architecture):
        near = [name for module in _TIMM_MODULES for name in timm.list_models(module=module)]
        raise _unknown("timm", "architecture", architecture, near)
    known = [name.partition(".")[2] for name in timm.list_pretrained(f"{architecture}.*")]
    if tag and tag not in known:
        raise _unknown("timm", f"tag of {architecture}", tag, known)
    trained = timm.get_pretrained_cfg(asked)
    repo = trained.hf_hub_id or ""
    trained_on, finetuned_on = _data(trained.tag or "")
    card = ModelCard(
        name=asked,
        title=f"{architecture} of timm" + (f", {trained.tag}" if trained.tag else ""),
        family="vit",
        architecture=f"{architecture}.{trained.tag}" if trained.tag else architecture,
        input_pixels=trained.input_size[-1],
        patch_pixels=0,
        parameters=0,
        download_bytes=0,
        licence=trained.license or "",
        trained_on=trained_on,
        finetuned_on=finetuned_on,
        reference=f"https://huggingface.co/{repo}" if repo else "https://github.com/huggingface/pytorch-image-models",
        abilities=_VIT,
        hub_repo=repo,
        hub_files=(trained.hf_hub_filename or WEIGHTS_FILE,) if repo else (),
        weights_url="" if repo else trained.url or "",
    )
    config = read_config(card)
    module = empty(partial(build, config))
    return replace(
        card,
        patch_pixels=module.feature_info[-1]["reduction"],
        parameters=_count(module),
        abilities=card.abilities | ({"classify"} if config.classes else set()),
    )


_MAKERS: dict[str, Callable[[str], ModelCard]] = {"open_clip": _open_clip_card, "timm": _timm_card}


def _open_clip_files(hub: str) -> tuple[str, tuple[str, ...]]:
    """Repository and file names from open_clip's table: "organisation/name/file", or without a file for its default."""
    repo, _, file = hub.rpartition("/")
    if not repo:
        return "", ()
    if not file:
        return repo, (HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME)
    return repo, (str(Path(file).with_suffix(".safetensors")), file)


def _data(tag: str) -> tuple[str, str]:
    """What the weights were trained and fine-tuned on, as far as their tag says."""
    # "mscoco_finetuned_laion2b" names the later one first, "augreg_in21k_ft_in1k" last.
    later, finetuned, earlier = tag.lower().partition("_finetuned_")
    if not finetuned:
        earlier, _, later = tag.lower().partition("_ft_")
    return _names(earlier), _names(later)


def _names(tag: str) -> str:
    return ", ".join(_DATA[part] for part in tag.split("_") if part in _DATA)


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _patch(visual: Any) -> int:
    """Pixels of the image along one side of a patch, or of a cell of a convolutional tower's last features."""
    if hasattr(visual, "patch_size"):
        return int(visual.patch_size[0])
    if hasattr(visual, "trunk"):
        return int(visual.trunk.feature_info[-1]["reduction"])
    return _RESNET_STRIDE


def _unknown(library: str, what: str, asked: str, known: Sequence[str]) -> ModelError:
    near = get_close_matches(asked, known, n=3, cutoff=0.4)
    meant = f" Did you mean {' or '.join(near)}?" if near else ""
    return ModelError(
        f"{library} has no {what} named “{asked}”.{meant} “cocadesk models list --library {library}” names what is "
        "published."
    )

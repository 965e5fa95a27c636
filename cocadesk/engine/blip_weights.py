"""Building transformers' BLIP modules and filling them with weights.

The architectures of the published models are data in `blip_configs/`: the numbers of Salesforce's own files in terms of
transformers' `BlipVisionConfig` and `BlipTextConfig`, whose defaults hold for what is not named. A bundled model has
such a file and its vocabulary in its own folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers.models.blip.configuration_blip import BlipConfig
from transformers.models.blip.modeling_blip import (
    BlipForConditionalGeneration,
    BlipForQuestionAnswering,
    BlipPreTrainedModel,
)
from transformers.models.blip.modeling_blip_text import BlipTextEmbeddings

from cocadesk.catalog.card import Family, ModelCard
from cocadesk.engine.preprocess import OPENAI_MEAN, OPENAI_STD, Preprocessing
from cocadesk.engine.weights import empty, fill, untrained
from cocadesk.errors import ModelError
from cocadesk.paths import resources_dir

CONFIG_FILE = "config.json"
VOCABULARY_FILE = "vocab.txt"

_CLASSES: dict[Family, type[BlipPreTrainedModel]] = {
    "blip-vqa": BlipForQuestionAnswering,
    "blip-caption": BlipForConditionalGeneration,
}


@dataclass(frozen=True, slots=True)
class BlipModelConfig:
    """What a BLIP is made of.

    Attributes:
        kind: transformers' class.
        modules: Its configuration.
        preprocessing: How it wants its pictures: squashed to a square, as transformers' `BlipImageProcessor` does.
        vocabulary: Its tokenizer's file.
    """

    kind: type[BlipPreTrainedModel]
    modules: BlipConfig
    preprocessing: Preprocessing
    vocabulary: Path


def read_config(card: ModelCard) -> BlipModelConfig:
    """The card's configuration: a published model's by the name of its architecture, a bundled one's in its folder.

    Published models read BERT's vocabulary for lower-cased English, which comes with the application.

    Raises:
        ModelError: if it is missing, damaged, or of a kind that this engine does not run.
    """
    if card.bundled:
        path, vocabulary = card.folder / CONFIG_FILE, card.folder / VOCABULARY_FILE
    else:
        path = Path(__file__).parent / "blip_configs" / f"{card.architecture}.json"
        vocabulary = resources_dir() / "tokenizers" / "bert-uncased" / VOCABULARY_FILE
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"The configuration {path} cannot be read: {error}") from error
    try:
        modules = BlipConfig(vision_config=config["vision_config"], text_config=config["text_config"])
        wanted = config.get("preprocess_cfg", {})
        mean, std = (tuple(wanted.get(name, usual)) for name, usual in (("mean", OPENAI_MEAN), ("std", OPENAI_STD)))
        preprocessing = Preprocessing(modules.vision_config.image_size, mean, std, resize_mode="squash")
    except (AttributeError, KeyError, TypeError, ValueError, StrictDataclassError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"The configuration of {card.name} is not one of a BLIP: {reason}") from error
    if not modules.text_config.is_decoder:
        raise ModelError("The engine runs BLIP as published: its text_config must not say is_decoder: false.")
    if card.family == "blip-vqa" and modules.vision_config.hidden_size != modules.text_config.hidden_size:
        raise ModelError(
            "A BLIP's answers attend to a text where captions attend to a picture: both need the same hidden_size."
        )
    return BlipModelConfig(_CLASSES[card.family], modules, preprocessing, vocabulary)


def load_model(config: BlipModelConfig, weights: Path, device: torch.device, dtype: torch.dtype) -> BlipPreTrainedModel:
    """Build the modules without memory of their own and give them the file's tensors.

    The words' embeddings and the matrix from the decoder to the vocabulary are one array in BLIP. Published files hold
    it twice: equal copies become one again, and different ones stay apart, as in transformers' `from_pretrained`.

    Raises:
        ModelError: if the file cannot be read or does not fit the configuration.
    """
    model = empty(partial(build, config))
    fill(model, weights, device, dtype)
    return _ready(model)


def random_model(config: BlipModelConfig, seed: int, device: torch.device, dtype: torch.dtype) -> BlipPreTrainedModel:
    """Build the modules with transformers's random initial weights; torch's own random state stays as it was."""
    return _ready(untrained(partial(build, config), seed, device, dtype))


def build(config: BlipModelConfig) -> BlipPreTrainedModel:
    """The modules with transformers' random weights.

    Raises:
        ModelError: if transformers cannot build them.
    """
    try:
        return config.kind(config.modules)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ModelError(f"transformers cannot build a BLIP from the configuration: {error!r}") from error


def _ready(model: BlipPreTrainedModel) -> BlipPreTrainedModel:
    """Set up for inference: no gradients, no dropout, and the buffers that are made and not loaded."""
    for module in model.modules():
        if isinstance(module, BlipTextEmbeddings):
            positions = module.position_embeddings
            module.position_ids = torch.arange(positions.num_embeddings, device=positions.weight.device)[None]
    return model.eval().requires_grad_(False)

"""Where a BLIP's weights come from, in the forms they are published in, and what is refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

import cocadesk
from cocadesk import engine
from cocadesk.catalog.cards import CARDS
from cocadesk.engine.blip import BlipCaptionModel, BlipVqaModel
from cocadesk.engine.importing import import_checkpoint
from cocadesk.errors import ModelError
from cocadesk.types import AnswerResult, Picture
from tests.engine import blip_models as reference
from tests.engine.blip_models import CLASSES, CONFIGS, TINY, tiny_weights, write_tiny

EMBEDDINGS = "text_decoder.bert.embeddings.word_embeddings.weight"
OUTPUT = "text_decoder.cls.predictions.decoder.weight"
BIAS = "text_decoder.cls.predictions.bias"
OUTPUT_BIAS = "text_decoder.cls.predictions.decoder.bias"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return write_tiny(monkeypatch, tmp_path, "blip-vqa").folder


def answer_logits(model: BlipVqaModel, pictures: list[Picture]) -> Tensor:
    """What the first answering step says, which every part of the model has a share in."""
    states = model.encode_question(pictures[0], "what is on the meadow?")
    return reference.logits(model, states, torch.tensor([[model.tokenizer.start, 5, 6]]))


def load(weights: dict[str, Tensor], tmp_path: Path, pickle: bool = False) -> BlipVqaModel:
    path = tmp_path / "other weights"
    if pickle:
        torch.save(weights, path)
    else:
        save_file({name: array.clone() for name, array in weights.items()}, path)
    loaded = engine.load("tiny-blip-vqa", device="cpu", checkpoint=str(path))
    assert isinstance(loaded, BlipVqaModel)
    return loaded


@pytest.mark.parametrize("pickle", [False, True], ids=["safetensors", "pickle"])
def test_the_published_form_holds_the_embeddings_twice_and_places(
    folder: Path, tmp_path: Path, pictures: list[Picture], pickle: bool
) -> None:
    own = engine.load("tiny-blip-vqa", device="cpu")
    once = tiny_weights("blip-vqa")
    places = torch.arange(16)[None]
    published = once | {
        OUTPUT: once[EMBEDDINGS].clone(),
        "text_encoder.embeddings.position_ids": places,
        "text_decoder.bert.embeddings.position_ids": places.clone(),
    }

    for weights in (published, published | {OUTPUT_BIAS: once[BIAS].clone()}):
        model = load(weights, tmp_path, pickle)
        torch.testing.assert_close(answer_logits(model, pictures), answer_logits(own, pictures))
        assert model.weight_bytes == own.weight_bytes == 4 * sum(array.numel() for array in once.values())
        predictions = model.module.text_decoder.cls.predictions
        assert predictions.decoder.weight is model.module.text_decoder.bert.embeddings.word_embeddings.weight


def test_either_name_of_a_shared_array_is_enough(folder: Path, tmp_path: Path, pictures: list[Picture]) -> None:
    own = engine.load("tiny-blip-vqa", device="cpu")
    weights = tiny_weights("blip-vqa")
    weights[OUTPUT], weights[OUTPUT_BIAS] = weights.pop(EMBEDDINGS), weights.pop(BIAS)

    torch.testing.assert_close(answer_logits(load(weights, tmp_path), pictures), answer_logits(own, pictures))

    del weights[OUTPUT]
    with pytest.raises(ModelError, match=r"2 missing: text_decoder\.bert\.embeddings\.word_embeddings"):
        load(weights, tmp_path)


def test_copies_that_differ_stay_apart_as_in_transformers(
    folder: Path, tmp_path: Path, pictures: list[Picture]
) -> None:
    once = tiny_weights("blip-vqa")
    weights = once | {OUTPUT: once[EMBEDDINGS].flip(0).contiguous()}
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    save_file(weights, theirs / "model.safetensors", {"format": "pt"})
    (theirs / "config.json").write_text(json.dumps(TINY | {"model_type": "blip"}))
    expected = CLASSES["blip-vqa"].from_pretrained(theirs).eval()

    model = load(weights, tmp_path)

    found = answer_logits(model, pictures)
    model.module = expected
    torch.testing.assert_close(found, answer_logits(model, pictures))
    assert (found - answer_logits(engine.load("tiny-blip-vqa", device="cpu"), pictures)).abs().max() > 0.1


@pytest.mark.parametrize("family", ["blip-vqa", "blip-caption"])
@pytest.mark.parametrize("copies", [1, 2])
def test_a_checkpoint_is_recognised_and_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: list[Picture], family: str, copies: int
) -> None:
    for name in CARDS.keys() - set(reference.LIKE.values()):
        monkeypatch.delitem(CARDS, name)
    for known in reference.LIKE:
        write_tiny(monkeypatch, tmp_path, known)
    weights = tiny_weights(family, seed=7)
    path = tmp_path / "mine.safetensors"
    save_file(weights | ({OUTPUT: weights[EMBEDDINGS].clone()} if copies == 2 else {}), path)
    expected = engine.load(f"tiny-{family}", device="cpu", checkpoint=str(path))

    imported = import_checkpoint(str(path))

    assert (imported.name, imported.family, imported.architecture) == ("mine", family, f"tiny-{family}")
    model = engine.load("mine", device="cpu")
    assert model.weight_bytes == expected.weight_bytes
    np.testing.assert_allclose(model.embed_image(pictures), expected.embed_image(pictures), atol=1e-6)


def test_a_misfit_is_told_by_name(folder: Path, tmp_path: Path) -> None:
    weights = tiny_weights("blip-vqa")
    del weights["vision_model.post_layernorm.bias"]
    weights["itm_head.weight"] = torch.zeros(2, 2)

    with pytest.raises(ModelError) as caught:
        load(weights, tmp_path)

    assert "1 missing: vision_model.post_layernorm.bias; 1 unexpected: itm_head.weight" in str(caught.value)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_other_number_formats(folder: Path, pictures: list[Picture], dtype: Any) -> None:
    model = engine.load("tiny-blip-vqa", device="cpu", dtype=dtype)
    full = engine.load("tiny-blip-vqa", device="cpu")

    assert model.dtype == dtype
    assert model.weight_bytes == full.weight_bytes / 2
    *_, result = model.ask(pictures[0], "how many dogs?")
    assert isinstance(result, AnswerResult)
    similarity = (model.embed_image(pictures) * full.embed_image(pictures)).sum(-1)
    assert similarity.min() > 0.999


def test_untrained_is_random_but_repeatable(folder: Path, pictures: list[Picture]) -> None:
    (folder / "model.safetensors").unlink()
    models = [engine.load("tiny-blip-vqa", device="cpu", untrained=True, seed=seed) for seed in (4, 4, 5)]
    first, again, other = (answer_logits(model, pictures) for model in models)

    torch.testing.assert_close(first, again)
    assert (first - other).abs().max() > 0.01
    assert first.std() > 0.01
    assert models[0].weight_bytes == 4 * sum(array.numel() for array in tiny_weights("blip-vqa").values())
    with pytest.raises(ModelError, match=r"are missing: .*model\.safetensors"):
        engine.load("tiny-blip-vqa", device="cpu")


def broken(**changes: Any) -> dict[str, Any]:
    config = copy.deepcopy(TINY)
    for path, value in changes.items():
        part, name = path.split("__")
        config[part][name] = value
    return config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"text_config": TINY["text_config"]}, "vision_config"),
        ([1, 2], "not one of a BLIP"),
        (broken(text_config__vocab_size=30), r"has vocab_size 30, but by .*vocab\.txt it is"),
        (broken(text_config__bos_token_id=3), "has bos_token_id 3, but by"),
        (broken(text_config__hidden_size="large"), "expected int"),
        (broken(text_config__num_attention_heads=5), "cannot build a BLIP"),
        (broken(text_config__is_decoder=False), "is_decoder"),
        (broken(vision_config__hidden_size=64), "both need the same hidden_size"),
        (broken(text_config__hidden_act="loud"), "cannot build a BLIP"),
    ],
    ids=str,
)
def test_a_configuration_that_cannot_be_run(folder: Path, config: object, message: str) -> None:
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(ModelError, match=message) as caught:
        engine.load("tiny-blip-vqa", device="cpu")
    assert "\n" not in str(caught.value)


def test_a_damaged_configuration(folder: Path) -> None:
    (folder / "config.json").write_text("{")

    with pytest.raises(ModelError, match=r"config\.json cannot be read"):
        engine.load("tiny-blip-vqa", device="cpu")


@pytest.mark.parametrize("name", ["blip-vqa-base", "blip-vqa-capfilt-large", "blip-caption-base", "blip-caption-large"])
def test_a_cards_figures_are_those_of_the_modules(name: str) -> None:
    card = CARDS[name]

    found = cocadesk.net_info(name)

    shapes = {array.name: array.shape for array in found.arrays}
    assert found.parameters == card.parameters
    assert card.download_bytes == 4 * (card.parameters + np.prod(shapes[EMBEDDINGS]))
    side = card.input_pixels // card.patch_pixels
    assert shapes["vision_model.embeddings.position_embedding"][1] == 1 + side**2 == 577
    assert dict(found.layers)["LayerNorm"] > 0


def test_a_bundled_captioner_is_counted_from_its_own_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny(monkeypatch, tmp_path, "blip-caption")

    found = cocadesk.net_info("tiny-blip-caption")

    assert found.parameters == sum(array.numel() for array in tiny_weights("blip-caption").values())
    assert isinstance(engine.load("tiny-blip-caption", device="cpu"), BlipCaptionModel)
    assert CONFIGS["blip-caption"]["vision_config"]["hidden_size"] == 64


def test_published_weights_that_are_not_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))

    with pytest.raises(ModelError) as caught:
        engine.load("blip-vqa-base", device="cpu")

    for part in ("models pull blip-vqa-base", "1.54 GB", "Salesforce/blip-vqa-base", "--untrained"):
        assert part in str(caught.value)

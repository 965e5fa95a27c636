"""Parts of a CoCa alone: they say what the whole model says, with the memory of their own weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import cocadesk
from cocadesk import engine
from cocadesk.cli.main import run
from cocadesk.engine import coca, memory
from cocadesk.engine.coca import CocaModel
from cocadesk.errors import ModelError, OptionError
from cocadesk.types import PARTS, ModelRequest, PartName, Picture

TEXTS = ["a cat", "two dogs on green"]


@pytest.fixture(autouse=True)
def folder(bundle: Callable[..., Path]) -> Path:
    return bundle()


@pytest.fixture(params=[{}, {"untrained": True, "seed": 3}], ids=["trained", "untrained"])
def options(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"device": "cpu", "dtype": "float32", **request.param}


@pytest.fixture
def whole(options: dict[str, Any]) -> CocaModel:
    return engine.load("tiny-coca", **options)


def test_the_image_encoder_embeds_pictures(whole: CocaModel, options: dict[str, Any], pictures: list[Picture]) -> None:
    encoder = engine.load("tiny-coca", part="image", **options)

    assert np.array_equal(encoder.embed_image(pictures), whole.embed_image(pictures))
    with pytest.raises(ModelError, match="Only the part “image” of tiny-coca is loaded, and this needs its “text”"):
        encoder.embed_text(TEXTS)
    with pytest.raises(ModelError, match="Load it as a whole"):
        list(encoder.caption(pictures))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_no_8_bit_copies_that_only_captions_are_decoded_with(
    monkeypatch: pytest.MonkeyPatch, part: PartName
) -> None:
    monkeypatch.setattr(coca, "int8_pays", lambda module: True)

    assert engine.load("tiny-coca", device="cpu").dtype == "int8"
    assert engine.load("tiny-coca", device="cpu", part=part).dtype == "float32"
    with pytest.raises(ModelError, match="takes the whole model"):
        engine.load("tiny-coca", device="cpu", part=part, dtype="int8")


def test_the_text_encoder_embeds_texts(whole: CocaModel, options: dict[str, Any], pictures: list[Picture]) -> None:
    encoder = engine.load("tiny-coca", part="text", **options)

    assert np.array_equal(encoder.embed_text(TEXTS), whole.embed_text(TEXTS))
    with pytest.raises(ModelError, match="this needs its “visual”"):
        encoder.embed_image(pictures)


def test_the_decoder_continues_texts(whole: CocaModel, options: dict[str, Any], pictures: list[Picture]) -> None:
    decoder = engine.load("tiny-coca", part="decoder", **options)
    encoding = engine.load("tiny-coca", part="image", **options).encode_image(pictures)
    tokens = decoder.tokenizer.encode(TEXTS[1])[:-1]

    logits = decoder.next_logits(encoding.tokens, tokens)

    with torch.inference_mode():
        expected = whole.module(
            None,
            torch.tensor([tokens] * len(pictures)),
            image_latent=encoding.embedding,
            image_embs=encoding.tokens,
            output_labels=False,
        )["logits"][:, -1]
    assert logits.shape == (len(pictures), decoder.tokenizer.size)
    assert np.abs(logits - expected.numpy()).max() < 1e-4
    with pytest.raises(ModelError, match="this needs its “visual”"):
        next(decoder.caption(pictures))
    for wrong in ([], tokens * 9):
        with pytest.raises(OptionError, match="1 to 14 tokens"):
            decoder.next_logits(encoding.tokens, wrong)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_takes_the_memory_of_its_own_weights(whole: CocaModel, options: dict[str, Any], part: PartName) -> None:
    info = cocadesk.net_info("tiny-coca", part)
    model = engine.load("tiny-coca", part=part, **options)

    assert model.weight_bytes == dict(info.memory_bytes)["float32"] == 4 * info.parameters
    assert {array.name for array in info.arrays} == {name for name, _ in model.module.named_parameters()}
    assert not any(weight.is_meta for weight in model.module.parameters())
    assert memory.needed(ModelRequest("tiny-coca", device="cpu", dtype="float32", part=part))[1] == model.weight_bytes
    assert model.weight_bytes < whole.weight_bytes


def test_parts_of_a_published_model() -> None:
    whole = cocadesk.net_info("coca-vit-b-32")
    image, text, decoder = (cocadesk.net_info("coca-vit-b-32", part) for part in PARTS)

    assert image.parameters + decoder.parameters == whole.parameters + 1, "both hold the temperature"
    assert {array.name.partition(".")[0] for array in text.arrays} == {"text", "logit_scale"}
    assert dict(image.layers)["Conv2d"] == 1
    assert "Conv2d" not in dict(decoder.layers)


def test_a_wrong_checkpoint_is_refused_for_its_other_parts_too(folder: Path, tmp_path: Path) -> None:
    torch.save({"visual.proj": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(ModelError, match="do not fit"):
        engine.load("tiny-coca", device="cpu", part="image", checkpoint=str(tmp_path / "other.pt"))


def test_a_model_without_parts() -> None:
    for refused in (
        lambda: engine.load("vit-base-patch32", part="decoder", untrained=True),
        lambda: cocadesk.net_info("vit-base-patch32", "decoder"),
    ):
        with pytest.raises(ModelError, match="vit-base-patch32 has no part “decoder”: it is used as a whole only"):
            refused()


def test_from_the_command_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "info", "tiny-coca", "--part", "image", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["parameters"] == cocadesk.net_info("tiny-coca", "image").parameters
    assert run(["models", "info", "vit-base-patch32", "--part", "text"]) == 1
    assert "used as a whole only" in capfd.readouterr().err

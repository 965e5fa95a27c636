"""Loading a model: where its weights come from, and what is said when they do not come."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import cocadesk
from cocadesk import engine
from cocadesk.catalog.cards import CARDS
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.errors import ModelError
from cocadesk.types import Picture
from tests.engine.conftest import TINY, tiny_weights


@pytest.fixture
def folder(bundle: Callable[..., Path]) -> Path:
    return bundle()


@pytest.fixture
def other(tmp_path: Path) -> dict[str, torch.Tensor]:
    """Weights that fit the small model but are not its own."""
    return tiny_weights(TINY, seed=1)


def embedding(pictures: list[Picture], **options: Any) -> np.ndarray:
    return engine.load("tiny-coca", device="cpu", **options).embed_image(pictures)


def test_the_public_api_loads(folder: Path) -> None:
    model = cocadesk.load("tiny-coca", device="cpu")

    assert (model.name, model.device, model.dtype) == ("tiny-coca", "cpu", "float32")
    assert model.load_seconds > 0
    assert model.card.name == "tiny-coca"


def test_a_safetensors_file_is_mapped_not_copied(folder: Path) -> None:
    model = engine.load("tiny-coca", device="cpu")

    file = load_file(folder / "model.safetensors")
    weight = model.module.text.token_embedding.weight
    assert torch.equal(weight, file["text.token_embedding.weight"])
    with Path("/proc/self/maps").open() as maps:
        assert any("model.safetensors" in line for line in maps)


@pytest.mark.parametrize("kind", ["safetensors", "pickle", "training checkpoint", "legacy pickle"])
def test_a_checkpoint_in_place_of_the_own_weights(
    folder: Path, other: dict[str, torch.Tensor], tmp_path: Path, pictures: list[Picture], kind: str
) -> None:
    path = tmp_path / "weights file.bin"
    if kind == "safetensors":
        save_file(other, path)
    elif kind == "pickle":
        torch.save(other, path)
    elif kind == "legacy pickle":
        torch.save(other, path, _use_new_zipfile_serialization=False)
    else:
        torch.save({"epoch": 3, "state_dict": {f"module.{name}": value for name, value in other.items()}}, path)
    own = embedding(pictures)

    loaded = embedding(pictures, checkpoint=str(path))

    save_file(other, folder / "model.safetensors")
    assert np.array_equal(loaded, embedding(pictures))
    assert np.abs(loaded - own).max() > 0.1


class Malice:
    """Creates a file when it is unpickled in full."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"no weights at all", "cannot be read"),
        (b"\x10\x00\x00\x00\x00\x00\x00\x00{broken header...", "cannot be read"),
        (b"PK\x03\x04 cut off", "cannot be read"),
    ],
    ids=["empty", "text", "safetensors", "zip"],
)
def test_a_file_without_weights_is_refused(folder: Path, tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(content)

    with pytest.raises(ModelError, match=message) as caught:
        engine.load("tiny-coca", device="cpu", checkpoint=str(path))
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [[1, 2, 3], {"epoch": 3}, {"state_dict": {}}], ids=str)
def test_a_pickle_of_something_else_is_refused(folder: Path, tmp_path: Path, content: object) -> None:
    path = tmp_path / "weights.pt"
    torch.save(content, path)

    with pytest.raises(ModelError, match="holds no model weights"):
        engine.load("tiny-coca", device="cpu", checkpoint=str(path))


def test_a_pickle_cannot_run_code(folder: Path, tmp_path: Path) -> None:
    trace = tmp_path / "it ran"
    path = tmp_path / "weights.pt"
    torch.save({"state_dict": Malice(trace)}, path)

    with pytest.raises(ModelError, match="cannot be read"):
        engine.load("tiny-coca", device="cpu", checkpoint=str(path))
    assert not trace.exists()


def test_a_truncated_file_is_refused(folder: Path) -> None:
    path = folder / "model.safetensors"
    os.truncate(path, path.stat().st_size // 2)

    with pytest.raises(ModelError, match="cannot be read"):
        engine.load("tiny-coca", device="cpu")


def test_a_misfit_is_told_by_name(folder: Path, other: dict[str, torch.Tensor], tmp_path: Path) -> None:
    del other["logit_scale"], other["text.cls_emb"]
    other["head.weight"] = torch.zeros(2)
    other["visual.proj"] = torch.zeros((3, 4))
    path = tmp_path / "other.safetensors"
    save_file(other, path)

    with pytest.raises(ModelError) as caught:
        engine.load("tiny-coca", device="cpu", checkpoint=str(path))

    message = str(caught.value)
    assert "2 missing: logit_scale, text.cls_emb" in message
    assert "1 unexpected: head.weight" in message
    assert "1 of another shape: visual.proj (3, 4) instead of (48, 48)" in message


def test_masks_in_a_checkpoint_are_left_out(
    folder: Path, other: dict[str, torch.Tensor], tmp_path: Path, pictures: list[Picture]
) -> None:
    path = tmp_path / "other.safetensors"
    save_file(other, path)
    without = embedding(pictures, checkpoint=str(path))
    size = TINY["text_cfg"]["context_length"]
    masks = {f"{tower}.attn_mask": torch.zeros(size, size) for tower in ("text", "text_decoder")}
    save_file(other | masks, path)

    assert np.array_equal(embedding(pictures, checkpoint=str(path)), without)

    save_file(other | {"visual.attn_mask": torch.zeros(1)}, path)
    with pytest.raises(ModelError, match=r"1 unexpected: visual\.attn_mask"):
        engine.load("tiny-coca", device="cpu", checkpoint=str(path))


def test_only_a_few_misfits_are_listed(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({f"layer{number}": torch.zeros(1) for number in range(9)}, path)

    with pytest.raises(ModelError, match="9 unexpected: layer0, layer1, layer2 and 6 more") as caught:
        engine.load("tiny-coca", device="cpu", checkpoint=str(path))
    assert len(str(caught.value)) < 600


def test_a_checkpoint_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"no weights file “nowhere\.bin”"):
        engine.load("tiny-coca", checkpoint="nowhere.bin")


def test_published_weights_that_are_not_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))

    assert find_weights(CARDS["coca-vit-l-14"]) is None
    with pytest.raises(ModelError) as caught:
        engine.load("coca-vit-l-14", device="cpu")

    repo = CARDS["coca-vit-l-14"].hub_repo
    for part in ("models pull coca-vit-l-14", "2.55 GB", repo, "--checkpoint", "--untrained"):
        assert part in str(caught.value)


def test_published_weights_are_found_in_the_hugging_face_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    card = CARDS["coca-vit-b-32"]
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / f"models--{card.hub_repo.replace('/', '--')}"
    snapshot = repository / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123abcd")
    (snapshot / card.hub_files[1]).touch()

    assert find_weights(card) == snapshot / card.hub_files[1]


def test_untrained_is_random_but_repeatable(folder: Path, pictures: list[Picture]) -> None:
    first, again, other = (embedding(pictures, untrained=True, seed=seed) for seed in (4, 4, 5))

    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_untrained_needs_no_weights(folder: Path, pictures: list[Picture]) -> None:
    (folder / "model.safetensors").unlink()
    model = engine.load("tiny-coca", device="cpu", untrained=True)

    probabilities = [token.logprob for token in list(model.caption(pictures[0]))[-1].tokens]  # type: ignore[union-attr]
    assert np.std(probabilities) > 1e-3, "open_clip leaves the projection to the vocabulary uninitialised"
    with pytest.raises(ModelError, match=r"are missing: .*model\.safetensors"):
        engine.load("tiny-coca", device="cpu")


def test_untrained_and_a_checkpoint_exclude_each_other(folder: Path) -> None:
    with pytest.raises(ModelError, match="not both"):
        engine.load("tiny-coca", untrained=True, checkpoint="weights.bin")


def test_an_unknown_name(folder: Path) -> None:
    with pytest.raises(ModelError, match="coca-vit-b-32"):
        engine.load("coca-vit-b32")


def broken(**changes: Any) -> dict[str, Any]:
    config = copy.deepcopy(TINY)
    for path, value in changes.items():
        *parents, name = path.split("__")
        place = config
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[name]
        else:
            place[name] = value
    return config


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (broken(text_cfg=None), "text_cfg"),
        (broken(text_cfg__vocab_size=600, multimodal_cfg__vocab_size=600), "knows 600 tokens, but .* defines 525"),
        (broken(text_cfg__embed_cls=False), "text_cfg.embed_cls"),
        (broken(vision_cfg__attentional_pool="cascade"), "vision_cfg.attentional_pool"),
        (broken(preprocess_cfg__resize_mode="stretch"), "stretch"),
        (broken(vision_cfg__no_such_setting=1), "no_such_setting"),
        ([1, 2], "not one of a CoCa"),
    ],
)
def test_a_configuration_that_cannot_be_run(folder: Path, config: object, message: str) -> None:
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(ModelError, match=message):
        engine.load("tiny-coca", device="cpu")


def test_a_damaged_configuration(folder: Path) -> None:
    (folder / "config.json").write_text("{")

    with pytest.raises(ModelError, match=r"config\.json cannot be read"):
        engine.load("tiny-coca", device="cpu")

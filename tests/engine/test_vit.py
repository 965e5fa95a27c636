"""Vision transformers: classes, features and preparation of pictures equal timm's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from timm.data import ImageNetInfo, create_transform, resolve_model_data_config
from torch import Tensor, nn

from cocadesk import engine
from cocadesk.catalog import cards
from cocadesk.engine.preprocess import preprocess
from cocadesk.engine.vit import VitModel
from cocadesk.engine.vit_weights import read_config
from cocadesk.errors import Cancelled, InputError, ModelError, OptionError
from cocadesk.types import CancelToken, Clip, Picture
from tests.fakes.pictures import animation

LABELS = ["crane", "kite", "crane", "jay", "robin"]
TINY: dict[str, Any] = {
    "architecture": "vit_tiny_patch16_224",
    "num_classes": 5,
    "model_args": {"img_size": 40, "patch_size": 8, "embed_dim": 48, "depth": 3, "num_heads": 3},
    "pretrained_cfg": {
        "input_size": [3, 40, 40],
        "crop_pct": 0.9,
        "crop_mode": "center",
        "interpolation": "bicubic",
        "mean": [0.5, 0.4, 0.3],
        "std": [0.2, 0.3, 0.25],
        "num_classes": 5,
    },
    "label_names": LABELS,
    "label_descriptions": {"kite": "any of several small hawks", "jay": "a crested bird"},
}


def tiny_weights(config: dict[str, Any], seed: int = 0) -> dict[str, Tensor]:
    """Random weights large enough that the classes differ from picture to picture."""
    module = timm.create_model(config["architecture"], num_classes=config["num_classes"], **config["model_args"])
    generator = torch.Generator().manual_seed(seed)
    return {
        name: value + 0.2 * torch.randn(value.shape, generator=generator) for name, value in module.state_dict().items()
    }


@pytest.fixture
def vit_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a bundled vision transformer and put its card into the catalog; returns its folder."""
    monkeypatch.setattr("cocadesk.catalog.card.resources_dir", lambda: tmp_path)
    card = replace(cards.card("vit-base-patch32"), name="tiny-vit", architecture="tiny-vit", bundled=True, hub_repo="")
    monkeypatch.setitem(cards.CARDS, "tiny-vit", card)

    def write(**changes: Any) -> Path:
        config = TINY | changes
        card.folder.mkdir(parents=True, exist_ok=True)
        (card.folder / "config.json").write_text(json.dumps(config))
        with torch.random.fork_rng(devices=[]):
            save_file(tiny_weights(TINY), card.folder / "model.safetensors")
        return card.folder

    return write


@pytest.fixture
def folder(vit_bundle: Callable[..., Path]) -> Path:
    return vit_bundle()


@pytest.fixture
def tiny(folder: Path) -> VitModel:
    model: VitModel = engine.load("tiny-vit", device="cpu")
    return model


@pytest.fixture
def reference(folder: Path) -> nn.Module:
    """The same folder, read by timm itself."""
    with torch.random.fork_rng(devices=[]):
        return timm.create_model(f"local-dir:{folder}", pretrained=True).eval()


def prepared(module: nn.Module, pictures: list[Picture]) -> Tensor:
    """What timm's own evaluation transform makes of them."""
    transform = create_transform(**resolve_model_data_config(module), is_training=False)
    return torch.stack([transform(Image.fromarray(picture.pixels)) for picture in pictures])


@torch.inference_mode()
def logits(module: nn.Module, pictures: list[Picture]) -> Tensor:
    found: Tensor = module(prepared(module, pictures))
    return found


def test_a_bundled_folder_is_one_that_timm_reads(tiny: VitModel, reference: nn.Module) -> None:
    assert (tiny.name, tiny.device, tiny.dtype) == ("tiny-vit", "cpu", "float32")
    assert tiny.load_seconds > 0
    assert tiny.weight_bytes == sum(4 * parameter.numel() for parameter in reference.parameters())
    assert tiny.labels == tuple(LABELS)


def test_logits_equal_timms_own(tiny: VitModel, reference: nn.Module, pictures: list[Picture]) -> None:
    expected = logits(reference, pictures)

    assert (tiny.logits(pictures) - expected).abs().max() < 1e-4
    assert expected.std(0).min() > 0.05, "the classes do not depend on the picture, and the comparison proves nothing"


def test_the_likeliest_classes_with_their_probabilities(
    tiny: VitModel, reference: nn.Module, pictures: list[Picture]
) -> None:
    expected = logits(reference, pictures).softmax(-1)

    results = list(tiny.classify(pictures, top=4))

    assert [result.picture for result in results] == list(range(5))
    for result, row in zip(results, expected, strict=True):
        values, places = row.topk(4)
        assert [score.label for score in result.top] == [LABELS[at] for at in places]
        assert np.allclose([score.probability for score in result.top], values, atol=1e-4)
        assert {score.definition for score in result.top if score.label == "kite"} <= {"any of several small hawks"}
        assert result.model == "tiny-vit"


def test_features_are_what_timm_gives_the_head(tiny: VitModel, reference: nn.Module, pictures: list[Picture]) -> None:
    with torch.inference_mode():
        tokens = reference.forward_features(prepared(reference, pictures))
        expected = reference.forward_head(tokens, pre_logits=True).numpy()

    assert np.abs(tiny.features(pictures) - expected).max() < 1e-4
    unit = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.abs(tiny.embed_image(pictures) - unit).max() < 1e-5
    assert tiny.features([]).shape == (0, 48)


def test_a_clip_counts_as_the_mean_of_its_frames_logits(
    tiny: VitModel, reference: nn.Module, pictures: list[Picture]
) -> None:
    frames = (pictures[0], Picture("other", pictures[4].pixels[:24, :24]))
    expected = logits(reference, list(frames)).mean(0).softmax(0)

    [first, clip] = tiny.classify([pictures[1], Clip("clip", frames, (0, 1))], top=1)

    assert clip.picture == 1
    assert abs(clip.top[0].probability - expected.max().item()) < 1e-4
    alone = next(tiny.classify(pictures[1], top=1)).top[0].probability
    assert abs(first.top[0].probability - alone) < 1e-6


def test_an_animation_is_opened_as_a_clip(tiny: VitModel, tmp_path: Path) -> None:
    path = animation(tmp_path / "grey.gif", 20)

    frames = [Picture("frame", np.full((16, 24, 3), 10 * index, np.uint8)) for index in _spread(20, 16)]
    expected = tiny.logits(Clip("grey", tuple(frames), tuple(range(16))))
    assert (tiny.logits(str(path)) - expected).abs().max() < 1e-4


def _spread(total: int, count: int) -> list[int]:
    return [(2 * index + 1) * total // (2 * count) for index in range(count)]


def test_classifying_stops_between_batches(tiny: VitModel, pictures: list[Picture]) -> None:
    cancel = CancelToken()
    results = tiny.classify([pictures[0]] * 40, cancel=cancel)

    next(results)
    cancel.cancel()

    with pytest.raises(Cancelled):
        list(results)


def test_labels_are_for_models_that_read(tiny: VitModel, pictures: list[Picture]) -> None:
    with pytest.raises(OptionError, match="classes of its own"):
        next(tiny.classify(pictures, ["cat"]))
    with pytest.raises(OptionError, match="At least 1 class"):
        next(tiny.classify(pictures, top=0))
    with pytest.raises(InputError, match="no such file"):
        next(tiny.classify("nowhere.png"))


def test_a_checkpoint_in_place_of_the_own_weights(folder: Path, tmp_path: Path, pictures: list[Picture]) -> None:
    with torch.random.fork_rng(devices=[]):
        other = tiny_weights(TINY, seed=1)
    torch.save({"state_dict": other}, tmp_path / "other.pt")
    own = engine.load("tiny-vit", device="cpu").logits(pictures)

    loaded = engine.load("tiny-vit", device="cpu", checkpoint=str(tmp_path / "other.pt")).logits(pictures)

    save_file(other, folder / "model.safetensors")
    assert torch.equal(loaded, engine.load("tiny-vit", device="cpu").logits(pictures))
    assert (loaded - own).abs().max() > 0.1


def test_a_checkpoint_of_other_classes_is_refused(folder: Path, tmp_path: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file(weights | {"head.weight": torch.zeros(7, 48)}, tmp_path / "seven.safetensors")

    with pytest.raises(ModelError, match=r"head\.weight \(7, 48\) instead of \(5, 48\)"):
        engine.load("tiny-vit", checkpoint=str(tmp_path / "seven.safetensors"))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_formats_of_16_bits_stay_near(folder: Path, tiny: VitModel, pictures: list[Picture], dtype: Any) -> None:
    half = engine.load("tiny-vit", device="cpu", dtype=dtype)

    assert (half.dtype, half.weight_bytes) == (dtype, tiny.weight_bytes // 2)
    cosine = (half.embed_image(pictures) * tiny.embed_image(pictures)).sum(-1)
    assert cosine.min() > 0.999


def test_untrained_is_random_but_repeatable(folder: Path, pictures: list[Picture]) -> None:
    first, again, other = (engine.load("tiny-vit", untrained=True, seed=seed).features(pictures) for seed in (4, 4, 5))

    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "resnet18", "model_args": {}}, "resnet18 is a ResNet"),
        ({"architecture": "no_such_network"}, "timm cannot build a no_such_network"),
        ({"model_args": {"no_such_setting": 1}}, "no_such_setting"),
        ({"pretrained_cfg": {"crop_mode": "border"}}, "crop_mode border"),
        ({"pretrained_cfg": {"input_size": [3, 40, 30]}}, "input_size"),
        ({"label_names": ["crane"]}, "names 1 of 5 classes"),
        ({"label_names": 5}, "not one of a vision transformer"),
    ],
)
def test_a_configuration_that_cannot_be_run(
    vit_bundle: Callable[..., Path], changes: dict[str, Any], message: str
) -> None:
    vit_bundle(**changes)

    with pytest.raises(ModelError, match=message):
        engine.load("tiny-vit", device="cpu")


def test_a_damaged_configuration(folder: Path) -> None:
    (folder / "config.json").write_text("{")

    with pytest.raises(ModelError, match="configuration of tiny-vit cannot be read"):
        engine.load("tiny-vit", device="cpu")


@pytest.mark.parametrize(
    "name",
    [
        "vit-base-patch32",  # cropped to 0.9
        "vit-large-patch32",
        "timm:vit_base_patch16_clip_384.openai_ft_in1k",  # squashed
        "timm:vit_base_patch16_224_miil.in21k_ft_in1k",  # bilinear, cropped to 0.875
    ],
)
def test_pictures_are_prepared_as_timm_prepares_them(name: str) -> None:
    card = engine.find_card(name)
    described = timm.get_pretrained_cfg(card.architecture).to_dict()
    transform = create_transform(**timm.data.resolve_data_config(pretrained_cfg=described), is_training=False)

    for width, height in [(224, 224), (640, 427), (427, 641), (1, 1), (1000, 17), (250, 249)]:
        pixels = np.random.default_rng(width).integers(0, 256, (height, width, 3), dtype=np.uint8)
        square, _ = preprocess(pixels, read_config(card).preprocessing)
        assert np.abs(square - transform(Image.fromarray(pixels)).numpy()).max() < 1e-6


@pytest.mark.slow
def test_a_full_size_one_has_imagenets_classes_and_their_definitions(pictures: list[Picture]) -> None:
    model: VitModel = engine.load("vit-base-patch32", device="cpu", untrained=True, seed=1)
    info = ImageNetInfo()

    assert len(model.labels) == 1000
    assert model.labels[281] == "tabby, tabby cat"
    [result] = model.classify(pictures[1])
    expected = logits(model.module, pictures[1:2]).softmax(-1)[0]
    assert (model.logits(pictures[1]) - logits(model.module, pictures[1:2])).abs().max() < 1e-4
    values, places = expected.topk(10)
    described = [info.index_to_description(int(at), detailed=True) for at in places]
    assert [f"{score.label}: {score.definition}" for score in result.top] == described
    assert np.allclose([score.probability for score in result.top], values, atol=1e-6)

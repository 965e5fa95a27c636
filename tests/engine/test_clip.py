"""CLIPs: embeddings, rankings and zero-shot classes equal those of open_clip's own functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import image_transform
from open_clip.zero_shot_classifier import build_zero_shot_classifier
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from cocadesk import engine
from cocadesk.catalog.hub_cache import repo_folder, shared_cache
from cocadesk.engine.clip import ClipModel
from cocadesk.errors import ModelError, OptionError
from cocadesk.types import Clip, Picture
from tests.fakes.hub_home import use_hub_home

TEXTS = ["a cat", "", "two green dogs on a very long walk along the sea", "Ein Bär! 🐻"]
VISION = {"image_size": 32, "layers": 2, "width": 64, "head_width": 16, "patch_size": 8}
TEXT = {"context_length": 40, "vocab_size": 49408, "width": 48, "heads": 3, "layers": 2}
ROTARY = {"timm_model_name": "eva02_tiny_patch14_224", "timm_pool": "token", "timm_proj": None, "image_size": 224}
CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {"vision_cfg": VISION, "text_cfg": TEXT},
    "resnet": {"vision_cfg": VISION | {"layers": [1, 1, 1, 1], "patch_size": None}, "text_cfg": TEXT},
    "custom-text": {"vision_cfg": VISION, "text_cfg": TEXT, "custom_text": True},
    "all-seeing": {"vision_cfg": VISION, "text_cfg": TEXT | {"no_causal_mask": True, "pool_type": "last"}},
    "last-token": {"vision_cfg": VISION, "text_cfg": TEXT | {"pool_type": "last"}},
    "rotary": {"vision_cfg": ROTARY, "text_cfg": TEXT, "custom_text": True},
    "sigmoid": {"vision_cfg": VISION, "text_cfg": TEXT, "custom_text": True, "init_logit_bias": -10},
}
PREPARED = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.25), "interpolation": "bilinear", "resize_mode": "squash"}


@pytest.fixture
def architectures(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The small architectures, known to open_clip by name, each with the tags "bent" (quick GELU) and "straight"."""
    known = open_clip.factory._MODEL_CONFIGS
    for name, config in CONFIGS.items():
        monkeypatch.setitem(known, name, {"embed_dim": 48} | config)
        tags = {
            tag: PREPARED | {"hf_hub": "someone/tiny/", "quick_gelu": tag == "bent"} for tag in ("bent", "straight")
        }
        monkeypatch.setitem(open_clip.pretrained._PRETRAINED, name, tags)
    return known


@pytest.fixture
def checkpoint(architectures: object, tmp_path: Path) -> Callable[[str], Path]:
    """Write random weights of an architecture, large enough that pictures and texts matter."""

    def write(architecture: str) -> Path:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(7)
            weights = open_clip.create_model(architecture).state_dict()
            noisy = {
                name: value + 0.1 * torch.randn_like(value) if value.is_floating_point() and value.ndim > 1 else value
                for name, value in weights.items()
            }
        path = tmp_path / f"{architecture}.safetensors"
        save_file(noisy, path)
        return path

    return write


def reference(architecture: str, weights: Path, *, quick_gelu: bool = False) -> nn.Module:
    """The same file, read by open_clip itself."""
    with torch.random.fork_rng(devices=[]):
        return open_clip.create_model(architecture, pretrained=str(weights), force_quick_gelu=quick_gelu).eval()


def pixels(module: nn.Module, pictures: list[Picture], **prepared: Any) -> Tensor:
    transform = image_transform(module.visual.image_size, is_train=False, **prepared)
    return torch.stack([transform(Image.fromarray(picture.pixels)) for picture in pictures])


@torch.inference_mode()
def embeddings(module: nn.Module, architecture: str, images: Tensor, texts: list[str]) -> tuple[Tensor, Tensor]:
    tokens = open_clip.get_tokenizer(architecture)(texts)
    return module.encode_image(images, normalize=True), module.encode_text(tokens, normalize=True)


@pytest.mark.parametrize("architecture", CONFIGS)
def test_embeddings_equal_open_clips(
    architecture: str, checkpoint: Callable[[str], Path], pictures: list[Picture]
) -> None:
    weights = checkpoint(architecture)
    module = reference(architecture, weights)
    image, text = embeddings(module, architecture, pixels(module, pictures, **PREPARED), TEXTS)

    model: ClipModel = engine.load(f"open_clip:{architecture}/straight", device="cpu", checkpoint=str(weights))

    assert np.abs(model.embed_image(pictures) - image.numpy()).max() < 1e-5
    assert np.abs(model.embed_text(TEXTS) - text.numpy()).max() < 1e-5
    assert not any(buffer.is_meta for buffer in model.module.buffers())
    assert (image @ image.T).min() < 0.99, "all pictures look the same, and the comparison proves nothing"
    assert (text @ text.T).min() < 0.99


def test_the_tag_says_which_activation_the_weights_know(
    checkpoint: Callable[[str], Path], pictures: list[Picture]
) -> None:
    weights = checkpoint("plain")
    images = pixels(reference("plain", weights), pictures, **PREPARED)
    bent, _ = embeddings(reference("plain", weights, quick_gelu=True), "plain", images, TEXTS)
    straight, _ = embeddings(reference("plain", weights), "plain", images, TEXTS)

    found = engine.load("open_clip:plain/bent", device="cpu", checkpoint=str(weights)).embed_image(pictures)

    assert np.abs(found - bent.numpy()).max() < 1e-5
    assert (bent - straight).abs().max() > 1e-3


def test_without_a_tag_pictures_are_prepared_as_for_the_first_clip(
    checkpoint: Callable[[str], Path], pictures: list[Picture]
) -> None:
    weights = checkpoint("plain")
    module = reference("plain", weights)
    image, _ = embeddings(module, "plain", pixels(module, pictures), TEXTS)

    found = engine.load("open_clip:plain", device="cpu", checkpoint=str(weights)).embed_image(pictures)

    assert np.abs(found - image.numpy()).max() < 1e-5


@pytest.mark.parametrize("architecture", ["plain", "sigmoid"])
def test_texts_are_ranked_at_the_models_own_temperature(
    architecture: str, checkpoint: Callable[[str], Path], pictures: list[Picture]
) -> None:
    weights = checkpoint(architecture)
    save_file(load_file(weights) | {"logit_scale": torch.tensor([3.0])}, weights)  # as an array of one, like some files
    model: ClipModel = engine.load(f"open_clip:{architecture}/straight", device="cpu", checkpoint=str(weights))
    module = reference(architecture, weights)
    image, text = embeddings(module, architecture, pixels(module, pictures[:1], **PREPARED), TEXTS)
    cosine = (text @ image[0]).tolist()
    probability = torch.softmax(module.logit_scale.detach().exp() * (text @ image[0]), 0).tolist()

    found = model.rank(pictures[0], TEXTS)

    assert [ranked.text for ranked in found] == [TEXTS[at] for at in np.argsort(cosine)[::-1]]
    for ranked in found:
        at = TEXTS.index(ranked.text)
        assert abs(ranked.cosine_distance - (1 - cosine[at])) < 1e-5
        assert abs(ranked.probability - probability[at]) < 1e-5
    assert abs(model.logit_scale - np.exp(3)) < 1e-4


@pytest.mark.parametrize("templates", [["a photo of a {}"], ["a photo of a {}", "a {} in the rain", "no {}"]])
def test_classes_equal_open_clips_zero_shot_weights(
    checkpoint: Callable[[str], Path], pictures: list[Picture], templates: list[str]
) -> None:
    weights = checkpoint("plain")
    labels = ["cat", "dog", "very old bear"]
    module = reference("plain", weights)
    classes = build_zero_shot_classifier(module, open_clip.get_tokenizer("plain"), labels, templates)
    image, _ = embeddings(module, "plain", pixels(module, pictures, **PREPARED), TEXTS)
    expected = torch.softmax(module.logit_scale.detach().exp() * image @ classes, -1)
    model: ClipModel = engine.load("open_clip:plain/straight", device="cpu", checkpoint=str(weights))

    results = list(model.classify(pictures, labels, template=templates[0] if len(templates) == 1 else templates))

    for result, row in zip(results, expected, strict=True):
        found = {score.label: score.probability for score in result.top}
        assert all(abs(found[label] - row[at].item()) < 1e-5 for at, label in enumerate(labels))


def test_a_clip_is_the_mean_of_its_frames(checkpoint: Callable[[str], Path], pictures: list[Picture]) -> None:
    model: ClipModel = engine.load("open_clip:plain", device="cpu", checkpoint=str(checkpoint("plain")))
    frames = (pictures[0], Picture("other", pictures[4].pixels[:24, :24]))
    mean = model.embed_image(frames).mean(0)

    [found] = model.embed_image(Clip("clip", frames, (0, 1)))

    assert np.abs(found - mean / np.linalg.norm(mean)).max() < 1e-6


def test_many_texts_are_embedded_like_few(checkpoint: Callable[[str], Path]) -> None:
    """Batches are cut behind their longest text."""
    model: ClipModel = engine.load("open_clip:plain", device="cpu", checkpoint=str(checkpoint("plain")))
    texts = [f"{'very ' * (number % 30)}old bear" for number in range(50)]

    together = model.embed_text(texts)

    assert np.abs(together[[3, 29, 49]] - [model.embed_text(texts[at])[0] for at in (3, 29, 49)]).max() < 1e-5
    assert model.embed_text([]).shape == model.embed_image([]).shape == (0, 48)


def test_a_text_that_is_too_long_is_told_not_cut(checkpoint: Callable[[str], Path], pictures: list[Picture]) -> None:
    model: ClipModel = engine.load("open_clip:plain", device="cpu", checkpoint=str(checkpoint("plain")))

    with pytest.raises(OptionError, match=r"has 42 tokens.*at most 40"):
        model.rank(pictures[0], ["cat", "cat " * 40])


def test_names_from_before_custom_text_towers_are_understood(
    checkpoint: Callable[[str], Path], tmp_path: Path, pictures: list[Picture]
) -> None:
    weights = checkpoint("custom-text")
    old = {name.removeprefix("text."): value for name, value in load_file(weights).items()}
    save_file(old, tmp_path / "old.safetensors")
    name = "open_clip:custom-text/straight"

    found = engine.load(name, device="cpu", checkpoint=str(tmp_path / "old.safetensors")).embed_text(TEXTS)

    assert np.array_equal(found, engine.load(name, device="cpu", checkpoint=str(weights)).embed_text(TEXTS))


def test_weights_of_another_architecture_are_refused(checkpoint: Callable[[str], Path]) -> None:
    with pytest.raises(ModelError, match="do not fit this model"):
        engine.load("open_clip:resnet", device="cpu", checkpoint=str(checkpoint("plain")))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("architecture", ["plain", "resnet", "rotary"])
def test_formats_of_16_bits_stay_near(
    architecture: str, dtype: Any, checkpoint: Callable[[str], Path], pictures: list[Picture]
) -> None:
    weights = str(checkpoint(architecture))
    whole, half = (
        engine.load(f"open_clip:{architecture}", device="cpu", dtype=number, checkpoint=weights)
        for number in ("float32", dtype)
    )

    assert half.dtype == dtype
    for found, expected in (
        (half.embed_image(pictures), whole.embed_image(pictures)),
        (half.embed_text(TEXTS), whole.embed_text(TEXTS)),
    ):
        assert (found * expected).sum(-1).min() > 0.998


def test_untrained_is_random_but_repeatable(architectures: object, pictures: list[Picture]) -> None:
    first, again, other = (
        engine.load("open_clip:plain", device="cpu", untrained=True, seed=seed).embed_image(pictures)
        for seed in (4, 4, 5)
    )

    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


# Tokenizers of the Hugging Face hub


@pytest.fixture
def hub_architecture(architectures: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An architecture whose tokenizer is in a repository of the hub."""
    use_hub_home(monkeypatch, tmp_path / "hub home")
    text = TEXT | {"context_length": 6, "vocab_size": 9, "hf_tokenizer_name": "someone/words"}
    config = CONFIGS["all-seeing"] | {"embed_dim": 48, "text_cfg": text | {"no_causal_mask": True, "pool_type": "last"}}
    monkeypatch.setitem(architectures, "hub-words", config)
    return "hub-words"


def put_tokenizer_into_cache() -> PreTrainedTokenizerFast:
    words = {word: number for number, word in enumerate(["<pad>", "<unk>", "a", "cat", "dog", "on", "two"])}
    plain = Tokenizer(WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, unk_token="<unk>", pad_token="<pad>")
    folder = repo_folder(shared_cache(), "someone/words")
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    tokenizer.save_pretrained(folder / "snapshots" / ("0" * 40))
    return tokenizer


def test_a_tokenizer_that_is_not_on_this_machine_is_named(hub_architecture: str) -> None:
    with pytest.raises(
        ModelError, match=r"tokenizer of “someone/words”.*not on this machine.*hf download someone/words"
    ):
        engine.load(f"open_clip:{hub_architecture}", device="cpu", untrained=True)


def test_a_tokenizer_of_the_hub_is_read_from_its_cache(hub_architecture: str, pictures: list[Picture]) -> None:
    tokenizer = put_tokenizer_into_cache()
    texts = ["a cat", "two dog on a cat"]

    model: ClipModel = engine.load(f"open_clip:{hub_architecture}", device="cpu", untrained=True, seed=1)

    tokens = tokenizer(texts, padding="max_length", max_length=6, return_tensors="pt").input_ids
    with torch.inference_mode():
        expected = model.module.encode_text(tokens, normalize=True).numpy()
    assert np.abs(model.embed_text(texts) - expected).max() < 1e-5
    with pytest.raises(OptionError, match=r"has 7 tokens.*at most 6"):
        model.rank(pictures[0], ["a cat on a cat on two"])


@pytest.mark.slow
def test_a_full_size_one(tmp_path: Path, pictures: list[Picture]) -> None:
    model: ClipModel = engine.load("open_clip:ViT-B-32/openai", device="cpu", untrained=True, seed=1)
    save_file({name: value.clone() for name, value in model.module.state_dict().items()}, tmp_path / "b32.safetensors")
    found = model.embed_image(pictures), model.embed_text(TEXTS)
    del model
    module = reference("ViT-B-32", tmp_path / "b32.safetensors", quick_gelu=True)

    expected = embeddings(module, "ViT-B-32", pixels(module, pictures), TEXTS)

    assert all(np.abs(ours - theirs.numpy()).max() < 1e-5 for ours, theirs in zip(found, expected, strict=True))

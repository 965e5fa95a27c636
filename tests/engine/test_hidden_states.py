"""Hidden states through the layers: those of the libraries' own ways of telling them, and their projection."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from cocadesk import engine
from cocadesk.engine.blip import BlipCaptionModel
from cocadesk.engine.clip import ClipModel
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.hidden_states import HiddenStates, project
from cocadesk.engine.preprocess import preprocess
from cocadesk.engine.vit import VitModel
from cocadesk.errors import Cancelled, ModelError, OptionError
from cocadesk.types import CancelToken, Clip, Picture
from tests.engine import blip_models
from tests.engine.blip_models import captioner  # noqa: F401 — a fixture
from tests.engine.conftest import CONTEXT
from tests.engine.test_clip import architectures, checkpoint  # noqa: F401 — fixtures
from tests.engine.test_vit import folder, vit_bundle  # noqa: F401 — fixtures
from tests.engine.test_vit import tiny as tiny_vit  # noqa: F401 — a fixture

TOLERANCE = 1e-4


def square(model: CocaModel | ClipModel | VitModel, picture: Picture) -> Tensor:
    return torch.from_numpy(preprocess(picture.pixels, model._preprocessing)[0])[None]


def check(found: HiddenStates, expected: list[Tensor]) -> None:
    """Against the library's states before the first layer and after each, (T, W)."""
    stacked = torch.stack(expected).numpy()
    assert found.states.dtype == np.float32
    assert not found.states.flags.writeable
    assert found.states.shape == stacked.shape
    assert len(found.tokens) == stacked.shape[1]
    assert np.abs(found.states - stacked).max() < TOLERANCE * np.abs(stacked).max()
    assert np.abs(np.diff(stacked, axis=0)).max() > 0.05, "layers that change nothing prove nothing"
    assert stacked.std(1).mean() > 0.01, "tokens that are alike prove nothing"


@torch.inference_mode()
def visual_states(visual: Any, pixels: Tensor) -> list[Tensor]:
    """What open_clip's image encoder tells of its layers."""
    told = visual.forward_intermediates(pixels, output_fmt="NLC", output_extra_tokens=True, intermediates_only=True)
    layers = zip(told["image_intermediates_prefix"], told["image_intermediates"], strict=True)
    return [visual._embeds(pixels)[0], *(torch.cat(parts, 1)[0] for parts in layers)]


def test_a_cocas_picture(tiny: CocaModel, pictures: list[Picture]) -> None:
    found = tiny.image_hidden_states(pictures[1])

    check(found, visual_states(tiny.module.visual, square(tiny, pictures[1])))
    assert found.states.shape == (3, 10, 64)
    assert (found.kind, found.model, found.text) == ("image", "tiny-coca", "")
    assert found.tokens == tiny.image_attention(pictures[1]).tokens
    assert found.layout is not None
    assert np.array_equal(found.layout.boxes(), tiny.image_attention(pictures[1]).layout.boxes())  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["two green dogs", "cat", "! cat! on"])
@torch.inference_mode()
def test_a_cocas_text(tiny: CocaModel, text: str) -> None:
    tokens = tiny.tokenizer.encode(text)
    padded = torch.tensor([tokens + [0] * (CONTEXT - len(tokens))])
    tower = tiny.module.text
    told = tower.forward_intermediates(padded, output_fmt="NLC", output_extra_tokens=True, intermediates_only=True)
    layers = zip(told["text_intermediates"], told["text_intermediates_suffix"], strict=True)
    kept = [*range(len(tokens)), CONTEXT]  # the class token stands behind the padding

    found = tiny.text_hidden_states(text)

    check(found, [tower._embeds(padded)[0][0, kept], *(torch.cat(parts, 1)[0, kept] for parts in layers)])
    assert (found.tokens[0], found.tokens[-2:]) == ("[start]", ("[end]", "[class]"))
    assert "".join(found.tokens[1:-2]) == text
    assert (found.kind, found.text, found.layout) == ("text", text, None)


@pytest.mark.parametrize("architecture", ["plain", "custom-text", "sigmoid"])
@torch.inference_mode()
def test_a_clips_picture_and_text(
    architecture: str,
    checkpoint: Callable[[str], Path],  # noqa: F811
    pictures: list[Picture],
) -> None:
    weights = str(checkpoint(architecture))
    model: ClipModel = engine.load(f"open_clip:{architecture}/bent", device="cpu", checkpoint=weights)

    check(model.image_hidden_states(pictures[2]), visual_states(model.module.visual, square(model, pictures[2])))

    found = model.text_hidden_states("a green dog")
    tokens = torch.zeros((1, model.module.context_length), dtype=torch.long)
    encoded = torch.tensor(model.tokenizer.encode("a green dog"))
    tokens[0, : len(encoded)] = encoded
    seen: list[Tensor] = []
    handles = [
        block.register_forward_hook(lambda _, given, output: seen.extend([given[0], output]))
        for block in (model.module if architecture == "plain" else model.module.text).transformer.resblocks
    ]
    model.module.encode_text(tokens)
    for handle in handles:
        handle.remove()
    kept = [place for place, name in enumerate(model.tokenizer.names(encoded.tolist())) if name != "[padding]"]
    if found.tokens[-1] == "[padding]":  # where the embedding is read
        kept.append(tokens.shape[1] - 1)
    check(found, [states[0, kept] for states in (seen[0], *seen[1::2])])


@torch.inference_mode()
def test_a_clip_with_an_encoder_of_timms(checkpoint: Callable[[str], Path], pictures: list[Picture]) -> None:  # noqa: F811
    model: ClipModel = engine.load("open_clip:rotary/straight", device="cpu", checkpoint=str(checkpoint("rotary")))
    told = model.module.visual.trunk.forward_intermediates(
        square(model, pictures[0]), return_prefix_tokens=True, output_fmt="NLC", intermediates_only=True
    )

    found = model.image_hidden_states(pictures[0])

    assert len(found.states) == len(told) + 1
    for layer, (patches, prefix) in enumerate(told, start=1):
        assert np.abs(found.states[layer] - torch.cat((prefix, patches), 1)[0].numpy()).max() < TOLERANCE


@torch.inference_mode()
def test_a_vision_transformers_layers(tiny_vit: VitModel, pictures: list[Picture]) -> None:  # noqa: F811
    module, pixels = tiny_vit.module, square(tiny_vit, pictures[3])
    told = module.forward_intermediates(pixels, return_prefix_tokens=True, output_fmt="NLC", intermediates_only=True)
    first = module.norm_pre(module._pos_embed(module.patch_embed(pixels)))[0]

    found = tiny_vit.image_hidden_states(pictures[3])

    check(found, [first, *(torch.cat((prefix, patches), 1)[0] for patches, prefix in told)])
    assert found.tokens == tiny_vit.image_attention(pictures[3]).tokens


@torch.inference_mode()
def test_a_blips_picture(captioner: BlipCaptionModel, pictures: list[Picture]) -> None:  # noqa: F811
    vision = captioner.module.vision_model
    output = vision(blip_models.pixels(captioner, pictures[:1]), output_hidden_states=True)

    found = captioner.image_hidden_states(pictures[0])

    *before, _ = output.hidden_states
    last = torch.from_numpy(found.states[-1].copy())
    check(found, [*(states[0] for states in before), last])
    assert (vision.post_layernorm(last) - output.last_hidden_state[0]).abs().max() < TOLERANCE


def test_of_a_clip_the_frames_mean(tiny: CocaModel, pictures: list[Picture]) -> None:
    frames = tuple(Picture(f"{at}", np.roll(pictures[0].pixels, 3 * at, 1)) for at in range(5))

    found = tiny.image_hidden_states(Clip("clip", frames, tuple(range(5))))

    expected = np.mean([tiny.image_hidden_states(frame).states for frame in frames], 0)
    assert np.abs(found.states - expected).max() < TOLERANCE * np.abs(expected).max()
    assert np.abs(found.states - tiny.image_hidden_states(frames[0]).states).max() > 0.1


def test_the_modules_are_as_they_were(tiny: CocaModel, pictures: list[Picture]) -> None:
    tiny.image_hidden_states(pictures[0])
    tiny.text_hidden_states("cat")

    assert not any(module._forward_hooks or module._forward_pre_hooks for module in tiny.module.modules())


def test_what_has_no_hidden_states_says_so(
    checkpoint: Callable[[str], Path],  # noqa: F811
    tiny: CocaModel,
    pictures: list[Picture],
) -> None:
    model: ClipModel = engine.load("open_clip:resnet/bent", device="cpu", checkpoint=str(checkpoint("resnet")))
    cancel = CancelToken()
    cancel.cancel()

    with pytest.raises(ModelError, match="ModifiedResNet"):
        model.image_hidden_states(pictures[0])
    with pytest.raises(OptionError, match="reads at most"):
        tiny.text_hidden_states("cat " * CONTEXT)
    with pytest.raises(Cancelled):
        tiny.image_hidden_states(pictures[0], cancel)


@pytest.mark.parametrize("shape", [(4, 30, 9), (3, 5, 40)], ids=["many tokens", "wide"])
def test_the_projection_is_that_of_a_singular_value_decomposition(shape: tuple[int, int, int]) -> None:
    random = np.random.default_rng(1)
    states = (random.normal(size=shape) * random.uniform(0.1, 4, shape[-1]) + 3).astype(np.float32)
    flat = states.reshape(-1, shape[-1]).astype(np.float64)
    _, values, axes = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    signs = [np.sign(axis[np.abs(axis).argmax()]) for axis in axes[:2]]
    expected = (flat - flat.mean(0)) @ axes[:2].T * signs

    found = project(states)

    assert found.dtype == np.float32
    assert found.shape == (*shape[:2], 2)
    assert np.abs(found.reshape(-1, 2) - expected).max() < 1e-4 * np.abs(expected).max()
    assert np.linalg.norm(found[..., 0]) == pytest.approx(values[0], rel=1e-5)
    assert np.linalg.norm(found[..., 1]) == pytest.approx(values[1], rel=1e-5)


def test_the_same_states_always_give_the_same_points() -> None:
    states = np.random.default_rng(2).normal(size=(3, 8, 20)).astype(np.float32)
    order = np.random.default_rng(3).permutation(8)

    assert np.array_equal(project(states), project(states))
    assert np.abs(project(states)[:, order] - project(states[:, order])).max() < 1e-4
    assert np.abs(project(states) - project(-states)).max() > 0.1


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (np.ones((2, 3, 4)), np.zeros((2, 3, 2))),
        (np.arange(6.0).reshape(2, 3, 1), [[[-2.5, 0], [-1.5, 0], [-0.5, 0]], [[0.5, 0], [1.5, 0], [2.5, 0]]]),
        (np.arange(3.0)[None, :, None] * [3.0, 4.0], [[[-5, 0], [0, 0], [5, 0]]]),
        (np.ones((1, 1, 5)), np.zeros((1, 1, 2))),
    ],
    ids=["all alike", "one number", "on a line", "one state"],
)
def test_the_projection_of_what_fills_no_plane(states: np.ndarray, expected: Any) -> None:
    assert np.abs(project(states) - np.asarray(expected)).max() < 1e-6


def test_the_plane_of_a_models_states(tiny: CocaModel, pictures: list[Picture]) -> None:
    found = tiny.image_hidden_states(pictures[0])

    assert np.array_equal(found.project(), project(found.states))
    assert found.project().shape == (3, 10, 2)
    assert found.project()[..., 0].std() >= found.project()[..., 1].std() > 0

"""Attention of image encoders: every layer's and head's weights are those of the libraries' own modules."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch import Tensor, nn

from cocadesk import engine
from cocadesk.engine.blip import BlipCaptionModel, BlipVqaModel
from cocadesk.engine.clip import ClipModel
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.preprocess import preprocess
from cocadesk.engine.vit import VitModel
from cocadesk.errors import Cancelled, ModelError, OptionError
from cocadesk.types import CancelToken, Clip, Picture
from tests.engine import blip_models
from tests.engine.attention_reference import inputs_of
from tests.engine.blip_models import captioner, vqa  # noqa: F401 — fixtures
from tests.engine.test_clip import architectures, checkpoint  # noqa: F401 — fixtures
from tests.engine.test_vit import folder, vit_bundle  # noqa: F401 — fixtures
from tests.engine.test_vit import tiny as tiny_vit  # noqa: F401 — a fixture

TOLERANCE = 1e-5


def square(model: CocaModel | ClipModel | VitModel, picture: Picture) -> Tensor:
    return torch.from_numpy(preprocess(picture.pixels, model._preprocessing)[0])[None]


def assert_rows_sum_to_one(weights: np.ndarray) -> None:
    assert weights.dtype == np.float32
    assert weights.min() >= 0
    assert np.abs(weights.sum(-1) - 1).max() < TOLERANCE


@torch.inference_mode()
def test_a_cocas_layers_and_its_pooler(tiny: CocaModel, pictures: list[Picture]) -> None:
    module = copy.deepcopy(tiny.module)
    blocks = [block.attn for block in module.visual.transformer.resblocks]

    maps = tiny.image_attention(pictures[1])

    with inputs_of([*blocks, module.visual.attn_pool.attn]) as seen:
        module.visual(square(tiny, pictures[1]))
    *layers, pooler = (each.weights()[0] for each in seen)
    assert maps.weights.shape == (2, 4, 10, 10)
    assert np.abs(maps.weights - np.stack(layers)).max() < TOLERANCE
    assert maps.pooler is not None
    assert maps.pooler.weights.shape == (1, 3, 7, 10)
    assert np.abs(maps.pooler.weights[0] - pooler).max() < TOLERANCE
    assert_rows_sum_to_one(maps.weights)
    assert_rows_sum_to_one(maps.pooler.weights)
    assert np.stack(layers).std() > 0.02, "all weights are alike, and the comparison proves nothing"
    assert maps.tokens == maps.keys
    assert maps.tokens[:5] == ("[class]", "patch 0,0", "patch 0,1", "patch 0,2", "patch 1,0")
    assert (maps.feature, maps.grid, maps.axes) == (0, (3, 3), ("layer", "head", "token", "key"))


def test_the_modules_are_as_they_were(tiny: CocaModel, pictures: list[Picture]) -> None:
    before = tiny.embed_image(pictures[0])

    tiny.image_attention(pictures[0])

    assert np.array_equal(tiny.embed_image(pictures[0]), before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in tiny.module.modules())


@torch.inference_mode()
@pytest.mark.parametrize("architecture", ["plain", "custom-text", "sigmoid"])
def test_a_clips_layers(
    architecture: str,
    checkpoint: Callable[[str], Path],  # noqa: F811
    pictures: list[Picture],
) -> None:
    weights = str(checkpoint(architecture))
    model: ClipModel = engine.load(f"open_clip:{architecture}/bent", device="cpu", checkpoint=weights)
    module = copy.deepcopy(model.module)

    maps = model.image_attention(pictures[2])

    with inputs_of([block.attn for block in module.visual.transformer.resblocks]) as seen:
        module.visual(square(model, pictures[2]))
    assert np.abs(maps.weights - np.stack([each.weights()[0] for each in seen])).max() < TOLERANCE
    assert (maps.grid, maps.feature, maps.pooler) == ((4, 4), 0, None)


@torch.inference_mode()
def test_a_clip_with_an_encoder_of_timms(checkpoint: Callable[[str], Path], pictures: list[Picture]) -> None:  # noqa: F811
    """An EVA with rotary places: the reference is its own attention, not fused, as timm's switch makes it."""
    model: ClipModel = engine.load("open_clip:rotary/straight", device="cpu", checkpoint=str(checkpoint("rotary")))
    trunk = copy.deepcopy(model.module).visual.trunk
    seen: list[Tensor] = []
    for block in trunk.blocks:
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_hook(lambda _, __, output: seen.append(output[0]))

    maps = model.image_attention(pictures[0])

    trunk(square(model, pictures[0]))
    assert np.abs(maps.weights - torch.stack(seen).numpy()).max() < TOLERANCE
    assert maps.grid == (16, 16)
    assert model.module.visual.trunk.blocks[0].attn.fused_attn, "the switch should be as it was"


def test_a_convolutional_encoder_has_no_patches(checkpoint: Callable[[str], Path], pictures: list[Picture]) -> None:  # noqa: F811
    model: ClipModel = engine.load("open_clip:resnet/bent", device="cpu", checkpoint=str(checkpoint("resnet")))

    with pytest.raises(ModelError, match=r"no attention between patches.*ModifiedResNet"):
        model.image_attention(pictures[0])


@torch.inference_mode()
def test_a_vision_transformers_layers(tiny_vit: VitModel, pictures: list[Picture]) -> None:  # noqa: F811
    module = copy.deepcopy(tiny_vit.module)
    projected: list[Tensor] = []
    for block in module.blocks:
        block.attn.qkv.register_forward_hook(lambda _, __, output: projected.append(output[0]))

    maps = tiny_vit.image_attention(pictures[3])

    module(square(tiny_vit, pictures[3]))
    queries, keys, _ = torch.stack(projected).double().unflatten(-1, (3, 3, -1)).permute(2, 0, 3, 1, 4)
    expected = (queries @ keys.transpose(-2, -1) / np.sqrt(16)).softmax(-1).numpy()
    assert maps.weights.shape == (3, 3, 26, 26)
    assert np.abs(maps.weights - expected).max() < TOLERANCE
    assert_rows_sum_to_one(maps.weights)
    assert (maps.grid, maps.feature) == ((5, 5), 0)


@torch.inference_mode()
def test_a_pooler_of_timms() -> None:
    """SigLIP's image encoder: no class token; a query of its own gathers the patches."""
    from cocadesk.engine.attention_image import image_maps, timm_tower  # noqa: PLC0415
    from cocadesk.engine.preprocess import Preprocessing  # noqa: PLC0415

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module: nn.Module = timm.create_model(
            "vit_base_patch16_siglip_224", img_size=32, embed_dim=48, depth=2, num_heads=3, num_classes=0
        ).eval()
    pool = module.attn_pool
    pool.latent.data *= 40
    pool.kv.weight.data *= 10
    picture = Picture("noise", np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    gathered: list[Tensor] = []
    pool.kv.register_forward_hook(lambda _, __, output: gathered.append(output[0]))

    maps = image_maps(timm_tower(module, "siglip"), module, picture, Preprocessing(32), model="siglip")

    keys = gathered[0].double().unflatten(-1, (2, 3, 16))[:, 0]
    query = pool.q(pool.latent)[0, 0].double().unflatten(-1, (3, 16))
    expected = (torch.einsum("hd,khd->hk", query, keys) / 4).softmax(-1).numpy()
    assert maps.pooler is not None
    assert np.abs(maps.pooler.weights[0, :, 0] - expected).max() < TOLERANCE
    assert expected.std() > 0.02, "all weights are alike"
    assert (maps.feature, maps.keys[0], maps.grid) == (None, "patch 0,0", (2, 2))
    assert np.allclose(maps.patch_map(), maps.weights[-1].mean((0, 1)).reshape(2, 2))


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["vqa", "captioner"])
def test_a_blips_layers_equal_transformers(kind: str, pictures: list[Picture], request: pytest.FixtureRequest) -> None:
    model: BlipVqaModel | BlipCaptionModel = request.getfixturevalue(kind)

    maps = model.image_attention(pictures[1])

    own = model.module.vision_model(blip_models.pixels(model, [pictures[1]]), output_attentions=True).attentions
    assert np.abs(maps.weights - torch.stack(own)[:, 0].numpy()).max() < TOLERANCE
    assert_rows_sum_to_one(maps.weights)
    assert (maps.weights.shape, maps.grid, maps.feature) == ((2, 4, 10, 10), (3, 3), 0)


def test_of_a_clip_the_mean_over_its_frames(tiny: CocaModel, pictures: list[Picture]) -> None:
    frames = tuple(Picture(f"frame {number}", pictures[4].pixels[number:50]) for number in range(6))

    maps = tiny.image_attention(Clip("clip", frames, tuple(range(6))))

    each = [tiny.image_attention(frame) for frame in frames]
    assert np.abs(maps.weights - np.mean([one.weights for one in each], axis=0)).max() < TOLERANCE
    assert maps.pooler is not None
    assert np.abs(maps.pooler.weights - np.mean([one.pooler.weights for one in each], axis=0)).max() < TOLERANCE


def test_some_tokens_alone(tiny: CocaModel, pictures: list[Picture]) -> None:
    whole = tiny.image_attention(pictures[0])

    some = tiny.image_attention(pictures[0], tokens=["patch 1,2", "[feature]"])

    assert np.allclose(some.weights, whole.weights[:, :, [6, 0]], atol=1e-6)
    assert (some.tokens, some.feature, some.keys) == (("patch 1,2", "[class]"), 1, whole.keys)
    assert np.array_equal(some.weights, whole.only(["patch 1,2", "[class]"]).weights)
    with pytest.raises(OptionError, match="no token “patch 3,0”: the patches go from 0,0 to 2,2"):
        tiny.image_attention(pictures[0], tokens=["patch 3,0"])


def test_more_than_a_gigabyte_is_refused(
    tiny: CocaModel, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocadesk.engine.attention_image.LARGEST", 4 * 2 * 4 * 10 * 10 - 1)

    with pytest.raises(OptionError, match="GB"):
        tiny.image_attention(pictures[0])

    assert tiny.image_attention(pictures[0], tokens=["[class]"]).weights.shape == (2, 4, 1, 10)


def test_in_sixteen_bits_rows_sum_to_one(bundle: Callable[..., Path], pictures: list[Picture]) -> None:
    bundle()
    exact, rough = (
        engine.load("tiny-coca", device="cpu", dtype=dtype).image_attention(pictures[0]).weights
        for dtype in ("float32", "bfloat16")
    )

    assert_rows_sum_to_one(rough)
    assert 0 < np.abs(rough - exact).max() < 0.05


def test_it_can_be_stopped(tiny: CocaModel, pictures: list[Picture]) -> None:
    cancel = CancelToken()
    cancel.cancel()

    with pytest.raises(Cancelled):
        tiny.image_attention(pictures[0], cancel=cancel)


@pytest.mark.slow
@torch.inference_mode()
def test_a_full_size_vision_transformer(pictures: list[Picture]) -> None:
    model: VitModel = engine.load("vit-base-patch16", device="cpu", untrained=True)

    maps = model.image_attention(pictures[1])

    assert (maps.weights.shape, maps.grid) == ((12, 12, 197, 197), (14, 14))
    assert_rows_sum_to_one(maps.weights)

"""Relevance of texts' similarities and of classes equals the paper's rules, worked out by hand on the same weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch.nn import functional as F  # noqa: N812

from cocadesk import engine
from cocadesk.engine.attention_image import timm_tower
from cocadesk.engine.clip import ClipModel
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.preprocess import Preprocessing
from cocadesk.engine.relevance_tower import SeenTower
from cocadesk.engine.vit import VitModel
from cocadesk.errors import Cancelled, ModelError, OptionError
from cocadesk.types import CancelToken, Clip, Picture
from tests.engine import relevance_reference as by_hand
from tests.engine.relevance_reference import Tape, assert_alike
from tests.engine.test_clip import architectures, checkpoint  # noqa: F401 — fixtures
from tests.engine.test_relevance import square
from tests.engine.test_vit import folder, vit_bundle  # noqa: F401 — fixtures
from tests.engine.test_vit import tiny as tiny_vit  # noqa: F401 — a fixture


def test_a_text_in_a_coca(tiny: CocaModel, pictures: list[Picture]) -> None:
    module = by_hand.in_float64(tiny.module)
    tape = Tape()
    pooled = by_hand.pooled(
        tape, module.visual, by_hand.open_clip_patches(tape, module.visual, square(tiny, pictures[1]))
    )
    feature = pooled[0] if module.visual.proj is None else pooled[0] @ module.visual.proj
    found = tape.weighted(F.normalize(feature, dim=0) @ torch.from_numpy(tiny.embed_text("two cat")[0]).double())
    expected = found["pooler"][0][0] @ by_hand.normalised(by_hand.self_relevance(found["patches"]))

    maps = tiny.text_relevance(pictures[1], "two cat")

    assert_alike(maps.weights[0, 0, 0], expected)
    assert (maps.tokens, maps.text, maps.measure) == (("two cat",), "two cat", "relevance")


@pytest.mark.parametrize("architecture", ["plain", "sigmoid"])
def test_a_text_in_a_clip(
    architecture: str,
    checkpoint: Callable[[str], Path],  # noqa: F811
    pictures: list[Picture],
) -> None:
    model: ClipModel = engine.load(
        f"open_clip:{architecture}/straight", device="cpu", checkpoint=str(checkpoint(architecture))
    )
    visual = by_hand.in_float64(model.module.visual)
    tape = Tape()
    feature = visual.ln_post(by_hand.open_clip_patches(tape, visual, square(model, pictures[1])))[0] @ visual.proj
    found = tape.weighted(F.normalize(feature, dim=0) @ torch.from_numpy(model.embed_text("a cat")[0]).double())

    maps = model.text_relevance(pictures[1], "a cat")

    assert_alike(maps.weights[0, 0, 0], by_hand.self_relevance(found["patches"])[0])
    assert maps.patch_map().shape == (4, 4)


def test_a_resnet_has_none(checkpoint: Callable[[str], Path], pictures: list[Picture]) -> None:  # noqa: F811
    model: ClipModel = engine.load("open_clip:resnet/straight", device="cpu", checkpoint=str(checkpoint("resnet")))
    with pytest.raises(ModelError, match="no attention between patches"):
        model.text_relevance(pictures[0], "a cat")


@pytest.mark.parametrize("label", [None, "jay"])
def test_a_class(tiny_vit: VitModel, pictures: list[Picture], label: str | None) -> None:  # noqa: F811
    module = by_hand.in_float64(tiny_vit.module)
    tape = Tape()
    logits = module.head(by_hand.timm_tokens(tape, module, square(tiny_vit, pictures[1]))[0])
    place = int(logits.argmax()) if label is None else tiny_vit.labels.index(label)
    expected = by_hand.self_relevance(tape.weighted(logits[place])["patches"])[0]

    maps = tiny_vit.class_relevance(pictures[1], label)

    assert_alike(maps.weights[0, 0, 0], expected)
    assert maps.tokens == (tiny_vit.labels[place],)
    assert not tiny_vit.module.blocks[0].attn.fused_attn or timm.layers.use_fused_attn()


def test_of_classes_with_one_name_the_likeliest(tiny_vit: VitModel, pictures: list[Picture]) -> None:  # noqa: F811
    """ "crane" is a bird and a machine."""
    logits = tiny_vit.logits(pictures[1])[0]
    cranes = [place for place, name in enumerate(tiny_vit.labels) if name == "crane"]
    module = by_hand.in_float64(tiny_vit.module)
    tape = Tape()
    by_place = module.head(by_hand.timm_tokens(tape, module, square(tiny_vit, pictures[1]))[0])
    likeliest = max(cranes, key=lambda place: logits[place])

    maps = tiny_vit.class_relevance(pictures[1], "crane")

    assert_alike(maps.weights[0, 0, 0], by_hand.self_relevance(tape.weighted(by_place[likeliest])["patches"])[0])
    with pytest.raises(OptionError, match="no class “heron”"):
        tiny_vit.class_relevance(pictures[1], "heron")


@pytest.mark.parametrize("pool", ["map", "avg"])
def test_towers_without_a_class_token(pool: str, pictures: list[Picture]) -> None:
    """As SigLIP's: with attention of the pooler's own, or the patches' mean."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        trunk = timm.create_model(
            "vit_tiny_patch16_224",
            num_classes=5,
            img_size=24,
            patch_size=8,
            embed_dim=48,
            depth=2,
            num_heads=3,
            class_token=False,
            global_pool=pool,
            fc_norm=False,
        )
        for parameter in trunk.parameters():
            parameter.data += 0.2 * torch.randn(parameter.shape)
    trunk.eval().requires_grad_(False)
    wanted = Preprocessing(24, resize_mode="squash")
    seen = SeenTower(timm_tower(trunk, "tiny"), trunk, (pictures[1],), wanted)
    target = torch.zeros(1, 1, 5)
    target[0, 0, 2] = 1

    rows = seen.feature(target)

    module = by_hand.in_float64(trunk)
    tape = Tape()
    from cocadesk.engine.preprocess import preprocess  # noqa: PLC0415

    tokens = by_hand.timm_tokens(tape, module, torch.from_numpy(preprocess(pictures[1].pixels, wanted)[0]))
    feature = by_hand.timm_pooled(tape, module.attn_pool, tokens) if pool == "map" else tokens.mean(0)
    found = tape.weighted(module.head(feature)[2])
    relevance = by_hand.self_relevance(found["patches"])
    expected = found["pooler"][0][0] @ by_hand.normalised(relevance) if pool == "map" else relevance.mean(0)
    assert torch.allclose(seen.output.double(), module.head(feature)[None], atol=1e-4)
    assert_alike(rows[0].numpy(), expected)
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in trunk.modules())


def test_clips_of_equal_frames_have_the_pictures_maps(
    tiny: CocaModel,
    tiny_vit: VitModel,  # noqa: F811
    pictures: list[Picture],
) -> None:
    clip = Clip("clip", (pictures[1],) * 2, (0, 1))
    assert_alike(tiny.text_relevance(clip, "cat").weights, tiny.text_relevance(pictures[1], "cat").weights)
    assert_alike(tiny_vit.class_relevance(clip).weights, tiny_vit.class_relevance(pictures[1]).weights)


def test_they_can_be_stopped_and_leave_nothing_behind(
    tiny: CocaModel,
    tiny_vit: VitModel,  # noqa: F811
    pictures: list[Picture],
) -> None:
    cancel = CancelToken()
    cancel.cancel()
    fused = [block.attn.fused_attn for block in tiny_vit.module.blocks]
    for ask in (
        lambda: tiny.text_relevance(pictures[0], "cat", cancel),
        lambda: tiny_vit.class_relevance(pictures[0], None, cancel),
    ):
        with pytest.raises(Cancelled):
            ask()
    tiny_vit.class_relevance(pictures[0])
    assert [block.attn.fused_attn for block in tiny_vit.module.blocks] == fused
    for model in (tiny, tiny_vit):
        assert not any(each._forward_hooks or each._forward_pre_hooks for each in model.module.modules())
        assert all(each.grad is None and not each.requires_grad for each in model.module.parameters())


def test_relevance_is_no_attention(tiny_vit: VitModel, pictures: list[Picture], tmp_path: Path) -> None:  # noqa: F811
    maps = tiny_vit.class_relevance(pictures[0])
    maps.save(tmp_path / "maps.npz")
    assert str(np.load(tmp_path / "maps.npz")["measure"]) == "relevance"
    assert tiny_vit.image_attention(pictures[0]).measure == "attention"

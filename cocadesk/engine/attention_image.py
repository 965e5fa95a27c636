"""The self-attention of image encoders: open_clip's, timm's and transformers' vision transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from open_clip.timm_model import TimmModel
from open_clip.transformer import ResidualAttentionBlock
from open_clip.transformer import VisionTransformer as OpenClipVisionTransformer
from timm.models import Eva, VisionTransformer
from torch import Tensor, nn

from cocadesk.engine.attention import AttentionMaps, Weights
from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.attention_recording import (
    Watcher,
    recording,
    stacked,
    watch_dropout,
    watch_latent_pool,
    watch_multihead,
)
from cocadesk.engine.pictures import opened, stills
from cocadesk.engine.preprocess import Geometry, Preprocessing, geometry, preprocess
from cocadesk.errors import ModelError, OptionError
from cocadesk.types import CancelToken, Picture, PictureLike

CLASS, FEATURE = "[class]", "[feature]"
LARGEST = 1 << 30
"""Bytes that maps may take: 1,024 patches in 24 layers of 16 heads would take 1.6 GB."""

_BATCH = 4
"""Most frames of a clip that go through the encoder together: bounds the memory for their weights."""


@dataclass(frozen=True, slots=True)
class ImageTower:
    """What there is to record in an image encoder.

    Attributes:
        blocks: The layers.
        attentions: The attention module of each.
        watch: How to watch those.
        heads: Of each.
        prefix: Names of the tokens before the patches.
        grid: Rows and columns of patches.
        patch: Width and height of one, in pixels.
        feature: The token that the output is read from; None where it is a mean or a pooler's.
        pooler: Attention with queries of its own that makes the output; None where there is none.
        watch_pooler: How to watch that.
    """

    blocks: Sequence[nn.Module]
    attentions: Sequence[nn.Module]
    watch: Watcher
    heads: int
    prefix: tuple[str, ...]
    grid: tuple[int, int]
    patch: tuple[int, int]
    feature: int | None
    pooler: nn.Module | None = None
    watch_pooler: Watcher = watch_multihead

    @property
    def names(self) -> tuple[str, ...]:
        """Of all tokens, the patches by row and column."""
        rows, columns = self.grid
        return (*self.prefix, *(f"patch {row},{column}" for row in range(rows) for column in range(columns)))


def open_clip_tower(visual: nn.Module, model: str) -> ImageTower:
    """The image encoder of a CLIP or CoCa.

    Raises:
        ModelError: if it is no vision transformer of a known kind.
    """
    if isinstance(visual, TimmModel):
        return timm_tower(visual.trunk, model)
    if not isinstance(visual, OpenClipVisionTransformer):
        raise _no_patches(model, visual)
    blocks = visual.transformer.resblocks
    if not all(isinstance(block, ResidualAttentionBlock) for block in blocks):
        raise _no_patches(model, blocks[0])
    pooler = visual.attn_pool
    return ImageTower(
        blocks=list(blocks),
        attentions=[block.attn for block in blocks],
        watch=watch_multihead,
        heads=blocks[0].attn.num_heads,
        prefix=(CLASS,),
        grid=visual.grid_size,
        patch=(visual.patch_size[1], visual.patch_size[0]),
        # To a CoCa's pooler the class token is one key among others; still it is the one that gathers the picture.
        feature=0 if pooler is not None or visual.pool_type == "tok" else None,
        pooler=None if pooler is None else pooler.attn,
    )


def timm_tower(trunk: nn.Module, model: str) -> ImageTower:
    """A vision transformer of timm's.

    Raises:
        ModelError: if it is of another kind.
    """
    if not isinstance(trunk, VisionTransformer | Eva):
        raise _no_patches(model, trunk)
    # Blocks whose branches run in parallel hold their attention themselves.
    attentions = [getattr(block, "attn", block) for block in trunk.blocks]
    if not all(hasattr(each, "fused_attn") and hasattr(each, "attn_drop") for each in attentions):
        raise _no_patches(model, attentions[0])
    has_class = trunk.cls_token is not None
    registers = [f"[register {number}]" for number in range(trunk.num_prefix_tokens - has_class)]
    embed: Any = trunk.patch_embed
    pool = getattr(trunk, "attn_pool", None)
    return ImageTower(
        blocks=list(trunk.blocks),
        attentions=attentions,
        watch=watch_dropout,
        heads=attentions[0].num_heads,
        prefix=(*([CLASS] if has_class else []), *registers),
        grid=embed.grid_size,
        # Of a hybrid, a cell of its convolutions' features.
        patch=(embed.img_size[1] // embed.grid_size[1], embed.img_size[0] // embed.grid_size[0]),
        feature=0 if has_class and trunk.global_pool == "token" else None,
        pooler=pool if hasattr(pool, "k_norm") else None,
        watch_pooler=watch_latent_pool,
    )


def image_maps(
    tower: ImageTower,
    run: Callable[[Tensor], object],
    picture: PictureLike,
    wanted: Preprocessing,
    *,
    model: str,
    tokens: Sequence[str] | None = None,
    cancel: CancelToken | None = None,
) -> AttentionMaps:
    """Send a picture through an image encoder and record its attention; of a clip, the mean over its frames.

    Args:
        run: Sends float32 squares (N, 3, side, side) through the encoder.
        wanted: How the encoder wants its squares.
        tokens: Names of those of which to keep what they attend to; "[feature]" for the one that the output is read
            from, and for all where there is none; None for all.

    Raises:
        Cancelled: at the first check after `cancel` was set; it is checked between every few frames.
        InputError: if a path cannot be opened as a picture.
        OptionError: if the maps would take more than a gigabyte, or there is no such token.
    """
    names = tower.names
    kept = _places(tower, tokens)
    frames = stills(opened(picture))
    watched = [] if tower.pooler is None else [tower.pooler]
    with (
        recording(tower.attentions, tower.watch, None if tokens is None else kept) as layers,
        recording(watched, tower.watch_pooler) as pooler,
    ):
        for at in range(0, len(frames), _BATCH):
            if cancel is not None:
                cancel.check()
            run(squares(frames[at : at + _BATCH], wanted))
    layout = patch_layout(tower, geometry(frames[0].width, frames[0].height, wanted))
    return AttentionMaps(
        kind="image",
        model=model,
        weights=stacked(layers),
        tokens=tuple(names[place] for place in kept),
        keys=names,
        feature=None if tower.feature is None or tower.feature not in kept else kept.index(tower.feature),
        layout=layout,
        pooler=pooler_maps(pooler[0].mean(), tower, layout, model) if pooler else None,
    )


def pooler_maps(weights: Weights, tower: ImageTower, layout: PatchLayout, model: str) -> AttentionMaps:
    """What a pooler's queries attend to, (heads, queries, keys), as the only layer; the first makes the embedding."""
    return AttentionMaps(
        kind="image",
        model=model,
        weights=weights[None],
        tokens=(FEATURE, *(f"[query {number}]" for number in range(1, weights.shape[1]))),
        keys=tower.names,
        feature=0,
        layout=layout,
    )


def patch_layout(tower: ImageTower, place: Geometry) -> PatchLayout:
    """Where a tower's patches lie on a picture, given where the square does."""
    return PatchLayout(place, tower.grid, tower.patch, len(tower.prefix))


def squares(frames: Sequence[Picture], wanted: Preprocessing) -> Tensor:
    """The squares that a model sees of some pictures, float32, (N, 3, side, side)."""
    return torch.from_numpy(np.stack([preprocess(frame.pixels, wanted)[0] for frame in frames]))


def _places(tower: ImageTower, asked: Sequence[str] | None) -> Sequence[int]:
    """The places of the tokens that are asked for."""
    names = tower.names
    everything = range(len(names))
    kept: Sequence[int] = everything
    if asked is not None:
        known = {name: place for place, name in enumerate(names)} | {FEATURE: tower.feature}
        unknown = [name for name in asked if name not in known]
        if unknown or not asked:
            what = f"no token “{unknown[0]}”" if unknown else "no token to keep"
            raise OptionError(f"There is {what}: the patches go from 0,0 to {tower.grid[0] - 1},{tower.grid[1] - 1}.")
        found = [known[name] for name in asked]
        kept = [place for place in found if place is not None] if None not in found else everything
    needed = 4 * len(tower.attentions) * tower.heads * len(kept) * len(names)
    if needed > LARGEST:
        raise OptionError(
            f"What all {len(kept)} tokens attend to would take {needed / 1e9:.1f} GB. Ask for some of them by name."
        )
    return kept


def _no_patches(model: str, found: nn.Module) -> ModelError:
    return ModelError(
        f"{model} has no attention between patches that could be shown: its image encoder has a {type(found).__name__}."
    )

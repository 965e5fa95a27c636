"""Draws plans of scenes in torch, on whatever device there is: a plan in, a batch of pictures out.

Every object is one sprite of the artwork, changed by `style.py`, turned, mirrored and scaled by an affine grid; later
objects hide earlier ones. Backgrounds are plain, shaded, textured, or cut from photographs.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import files
import numpy as np
import torch
from artists import SKETCHES, numbers
from nouns import NOUNS
from plan import CLOUD_CELLS, TEXTURES, Catalogue, Plan, plan, plan_backgrounds
from scenes import KINDS, Scene
from style import PLAIN, Style, bend, restyle
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — its usual name

BACKGROUND = len(NOUNS)
"""Label of a cell that shows no object."""
_SEEN = 0.12
"""A cell needs this much of an object to count as showing it."""


class Batch(NamedTuple):
    """pictures (n, 3, side, side) in 0…1; cells (n, grid, grid): the noun seen in each cell, or `BACKGROUND`."""

    pictures: Tensor
    cells: Tensor


class Renderer:
    """Holds the artwork and the photographs on one device.

    Args:
        artists: Numbers of the artists whose sprites may be drawn.
        side: Pixels of a picture.
        grid: Cells along one side, for the labels.
    """

    def __init__(self, artists: list[int], side: int, grid: int, device: str = "cpu") -> None:
        self.side, self.grid, self.device = side, grid, torch.device(device)
        with np.load(files.sprites()) as data:
            keep = np.isin(data["artist"], artists)
            nouns, artist, pixels = data["noun"][keep], data["artist"][keep], torch.from_numpy(data["pixels"][keep])
        with np.load(files.photographs()) as data:
            photographs = torch.from_numpy(data["pixels"])
        self.catalogue = Catalogue.of(nouns, artist, len(photographs))
        self._sketch = torch.from_numpy(np.isin(artist, numbers(SKETCHES)))
        self._colour = _noun_colours(pixels, nouns, ~self._sketch.numpy()).to(self.device)
        self._levels = _mip_levels(pixels, 24, self.device)
        self._photographs = _mip_levels(photographs, 128, self.device)

    def plan(self, scenes: list[Scene], rng: np.random.Generator, style: Style = PLAIN) -> Plan:
        return plan(scenes, self.catalogue, rng, style)

    def draw(self, planned: Plan) -> Batch:
        """Draw what was planned; arrays may be numpy's or tensors on the CPU."""
        planned = {name: torch.as_tensor(values) for name, values in planned.items()}
        pictures = self._backgrounds(planned)
        cells = torch.full((len(pictures), self.grid, self.grid), BACKGROUND, device=self.device)
        most = torch.full(cells.shape, _SEEN, device=self.device)
        tiles = self._tiles(planned)
        cover = F.adaptive_avg_pool2d(tiles[:, 3], self.grid)
        scene, noun = planned["scene"].to(self.device), planned["noun"].to(self.device)
        start = 0
        for length in torch.bincount(planned["layer"]).tolist():
            rows = slice(start, start + length)
            where, seen = scene[rows], cover[rows]
            pictures[where] = pictures[where] * (1 - tiles[rows, 3:]) + tiles[rows, :3]
            before = most[where] * (1 - seen)
            wins = seen > before.clamp(min=_SEEN)
            cells[where] = torch.where(wins, noun[rows, None, None], cells[where])
            most[where] = torch.where(wins, seen, before)
            start += length
        return Batch(pictures.clamp_(0, 1), cells)

    def backgrounds(self, scenes: list[Scene], rng: np.random.Generator) -> Tensor:
        """(n, 3, side, side) in 0…1, without the objects."""
        planned = plan_backgrounds(scenes, self.catalogue.photographs, rng)
        return self._backgrounds({name: torch.as_tensor(values) for name, values in planned.items()}).clamp_(0, 1)

    def _tiles(self, planned: dict[str, Tensor]) -> Tensor:
        """(k, 4, side, side): each object on its own transparent picture, premultiplied."""
        changes = {name.removeprefix("style_"): values for name, values in planned.items() if name.startswith("style_")}
        base = self._levels[0].shape[-1]
        level_of = _level_of(base / (planned["size"] * self.side).clamp(min=1), self._levels)
        tiles = torch.empty(len(level_of), 4, self.side, self.side, device=self.device)
        for level, sprites in enumerate(self._levels):
            rows = (level_of == level).nonzero().flatten()
            if not len(rows):
                continue
            numbers = {name: values[rows] for name, values in changes.items()}
            first, second = (
                sprites[planned[name][rows].to(self.device)].float().div_(255) for name in ("sprite", "other")
            )
            sketch, nouns = self._sketch[planned["sprite"][rows]], planned["noun"][rows].to(self.device)
            changed = restyle(first, second, numbers, sketch, self._colour[nouns])
            theta = planned["theta"][rows].to(self.device)
            grid = F.affine_grid(theta, [len(rows), 4, self.side, self.side], align_corners=False)
            tiles[rows.to(self.device)] = F.grid_sample(changed, bend(grid, numbers), align_corners=False)
        return tiles

    def _backgrounds(self, planned: dict[str, Tensor]) -> Tensor:
        kind, device = planned["kind"], self.device
        shade = planned["shade"].to(device)[:, :, :, None, None]
        steps = torch.linspace(-1, 1, self.side, device=device)
        angle = planned["angle"].to(device)[:, None, None]
        blend = (0.5 + 0.5 * (torch.cos(angle) * steps + torch.sin(angle) * steps[:, None])).clamp(0, 1)
        blend[(kind == KINDS.index("plain")).nonzero().flatten().to(device)] = 0
        rows = (kind == KINDS.index("textured")).nonzero().flatten()
        if len(rows):
            blend[rows.to(device)] = self._textures(
                {name: values[rows] for name, values in planned.items() if name in ("texture", "waves", "angle")},
                planned["noise"],
            )
        pictures = torch.lerp(shade[:, 0], shade[:, 1], blend[:, None])
        rows = (kind == KINDS.index("photographic")).nonzero().flatten()
        if len(rows):
            pictures[rows.to(device)] = self._photos(
                {name: values[rows] for name, values in planned.items() if name.startswith("photo")}
            )
        return pictures

    def _textures(self, planned: dict[str, Tensor], noise: Tensor) -> Tensor:
        """(n, side, side) in 0…1: clouds of several scales, stripes, checks or dots."""
        steps = torch.linspace(0, 1, self.side, device=self.device)
        angle, waves = (planned[name].to(self.device)[:, None, None] for name in ("angle", "waves"))
        cos, sin = torch.cos(angle), torch.sin(angle)
        first = torch.sin(2 * math.pi * waves * (cos * steps + sin * steps[:, None]))
        second = torch.sin(2 * math.pi * waves * (cos * steps[:, None] - sin * steps))
        texture = planned["texture"]
        kinds = texture.to(self.device)[:, None, None]
        fields = torch.where(kinds == TEXTURES.index("checks"), (first * second > 0).float(), 0.5 + 0.5 * first)
        fields = torch.where(kinds == TEXTURES.index("dots"), (first + second > 1).float(), fields)
        clouds = (texture == TEXTURES.index("clouds")).nonzero().flatten()
        if len(clouds):
            field = torch.zeros(len(clouds), self.side, self.side, device=self.device)
            for cells, part in zip(CLOUD_CELLS, noise.split([cells**2 for cells in CLOUD_CELLS], 1), strict=True):
                coarse = part.reshape(-1, 1, cells, cells).to(self.device)
                field += F.interpolate(coarse, size=(self.side, self.side), mode="bicubic")[:, 0] * 4 / cells
            low, high = field.amin((1, 2), keepdim=True), field.amax((1, 2), keepdim=True)
            fields[clouds.to(self.device)] = (field - low) / (high - low)
        return fields

    def _photos(self, planned: dict[str, Tensor]) -> Tensor:
        """(n, 3, side, side): windows of the photographs."""
        window = planned["photo_window"]
        across = torch.stack(
            [window * planned["photo_mirror"], torch.zeros_like(window), planned["photo_shift"][:, 0]], 1
        )
        down = torch.stack([torch.zeros_like(window), window, planned["photo_shift"][:, 1]], 1)
        theta = torch.stack([across, down], 1).to(self.device)
        level_of = _level_of(window * self._photographs[0].shape[-1] / self.side, self._photographs)
        pictures = torch.empty(len(window), 3, self.side, self.side, device=self.device)
        for level, photographs in enumerate(self._photographs):
            rows = (level_of == level).nonzero().flatten().to(self.device)
            if not len(rows):
                continue
            source = photographs[planned["photo"].to(self.device)[rows]].float().div_(255)
            grid = F.affine_grid(theta[rows], [len(rows), 3, self.side, self.side], align_corners=False)
            pictures[rows] = F.grid_sample(source, grid, padding_mode="border", align_corners=False)
        return pictures * planned["photo_gain"].to(self.device)[:, None, None, None]


def _mip_levels(pixels: Tensor, smallest: int, device: torch.device) -> list[Tensor]:
    """The pictures (n, c, s, s), and copies of half the side down to the smallest."""
    levels = [pixels]
    while levels[-1].shape[-1] > smallest:
        levels.append(
            torch.cat([F.avg_pool2d(few.float(), 2).round().to(torch.uint8) for few in levels[-1].split(256)])
        )
    return [level.to(device) for level in levels]


def _level_of(shrinking: Tensor, levels: list[Tensor]) -> Tensor:
    """The smallest copy that still has about the pixels, where the largest is to be shrunk so many times."""
    return (torch.log2(shrinking) + 0.35).floor().clamp(0, len(levels) - 1).long()


def _noun_colours(pixels: Tensor, nouns: np.ndarray, coloured: np.ndarray) -> Tensor:
    """(NOUNS, 3): the mean colour of each noun's coloured sprites; grey where there is none."""
    total = torch.cat([few.float().sum((2, 3)) for few in pixels.split(256)])
    colours = torch.full((len(NOUNS), 3), 0.5)
    for number in range(len(NOUNS)):
        rows = np.flatnonzero((nouns == number) & coloured)
        if len(rows):
            colours[number] = (total[rows, :3].sum(0) / total[rows, 3].sum()).clamp(0, 1)
    return colours

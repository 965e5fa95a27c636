"""Draws scenes in torch, on whatever device there is: a batch of scenes in, a batch of pictures out.

Every object is one sprite of the artwork, turned, mirrored and scaled by an affine grid; later objects hide earlier
ones. Backgrounds are plain, shaded, textured, or cut from photographs.
"""

from __future__ import annotations

import colorsys
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import skimage
import sklearn
import torch
from artwork import SPRITES
from nouns import NOUNS
from PIL import Image
from scenes import COLOURS, Scene
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — its usual name

BACKGROUND = len(NOUNS)
"""Label of a cell that shows no object."""


class Batch(NamedTuple):
    """pictures (n, 3, side, side) in 0…1; cells (n, grid, grid): the noun seen in each cell, or `BACKGROUND`."""

    pictures: Tensor
    cells: Tensor


class Renderer:
    """Holds the artwork and the photographs on one device.

    Args:
        artists: Indices of the artists whose sprites may be drawn.
        side: Pixels of a picture.
        grid: Cells along one side, for the labels.
    """

    def __init__(self, artists: list[int], side: int, grid: int, device: str = "cpu") -> None:
        data = np.load(SPRITES)
        keep = np.isin(data["artist"], artists)
        self.side, self.grid, self.device = side, grid, torch.device(device)
        pixels = torch.from_numpy(data["pixels"][keep])
        self._levels = _mip_levels(pixels, self.device)
        self._outlined = _mip_levels(_outline(pixels), self.device)
        self.of_noun = [np.flatnonzero(data["noun"][keep] == number) for number in range(len(NOUNS))]
        self._photos = _photographs(self.device)

    def draw(self, scenes: list[Scene], rng: np.random.Generator, *, outlines: float = 0.0) -> Batch:
        """Draw the scenes; `outlines` is the share of objects that get a dark outline, as some artists draw them."""
        pictures = self.backgrounds(scenes, rng)
        cells = torch.full((len(scenes), self.grid, self.grid), BACKGROUND, device=self.device)
        most = torch.full(cells.shape, 0.12, device=self.device)  # a cell needs this much of an object to count
        for layer in self._layers(scenes, rng, outlines):
            tiles = self._tiles(layer)
            where = torch.tensor(layer["scene"], device=self.device)
            alpha = tiles[:, 3:]
            pictures[where] = pictures[where] * (1 - alpha) + tiles[:, :3]
            cover = F.adaptive_avg_pool2d(alpha, self.grid).squeeze(1)
            seen, label = most[where] * (1 - cover), cells[where]
            nouns = torch.tensor(layer["noun"], device=self.device)[:, None, None].expand_as(cover)
            wins = cover > seen.clamp(min=0.12)
            cells[where] = torch.where(wins, nouns, label)
            most[where] = torch.where(wins, cover, seen)
        return Batch(pictures.clamp_(0, 1), cells)

    def _layers(self, scenes: list[Scene], rng: np.random.Generator, outlines: float) -> list[dict[str, list[float]]]:
        """Objects of all scenes, sorted into layers that are pasted one after another."""
        layers: list[dict[str, list[float]]] = []
        for number, scene in enumerate(scenes):
            depth = 0
            for group in scene.groups:
                choices = self.of_noun[group.noun]
                sprite = int(rng.choice(choices))
                outlined = rng.random() < outlines
                tint = rng.normal(0, 0.06, 3) + rng.normal(1, 0.08)
                for item in group.sprites:
                    if rng.random() < 0.15:  # most groups are copies of one drawing, some are mixed
                        sprite = int(rng.choice(choices))
                    if depth == len(layers):
                        layers.append({key: [] for key in ("scene", "noun", "sprite", "outlined", "place", "tint")})
                    layer = layers[depth]
                    layer["scene"].append(number)
                    layer["noun"].append(group.noun)
                    layer["sprite"].append(sprite)
                    layer["outlined"].append(outlined)
                    layer["place"].append((item.x, item.y, item.size, item.rotation, -1.0 if item.mirrored else 1.0))
                    layer["tint"].append(tint)
                    depth += 1
        return layers

    def _tiles(self, layer: dict[str, list[float]]) -> Tensor:
        """(k, 4, side, side): each object of a layer on its own transparent picture, premultiplied."""
        place = torch.tensor(layer["place"], dtype=torch.float32)
        x, y, size, rotation, mirror = place.unbind(1)
        cos, sin = torch.cos(rotation) / size, torch.sin(rotation) / size
        centre_x, centre_y = 2 * x - 1, 2 * y - 1
        theta = torch.stack(
            [
                torch.stack([mirror * cos, mirror * sin, -mirror * (cos * centre_x + sin * centre_y)], 1),
                torch.stack([-sin, cos, sin * centre_x - cos * centre_y], 1),
            ],
            1,
        )
        tiles = torch.empty(len(place), 4, self.side, self.side, device=self.device)
        level_of = torch.tensor(
            [_level(pixels * self.side, self._levels[0].shape[-1], len(self._levels)) for pixels in size.tolist()]
        )
        outlined = torch.tensor(layer["outlined"])
        sprites = torch.tensor(layer["sprite"])
        for level in range(len(self._levels)):
            for bank, flag in ((self._levels, False), (self._outlined, True)):
                rows = torch.nonzero((level_of == level) & (outlined == flag)).flatten()
                if len(rows):
                    grid = F.affine_grid(
                        theta[rows].to(self.device), [len(rows), 4, self.side, self.side], align_corners=False
                    )
                    source = bank[level][sprites[rows].to(self.device)].float().div_(255)
                    tiles[rows.to(self.device)] = F.grid_sample(source, grid, align_corners=False)
        tint = torch.tensor(np.array(layer["tint"]), dtype=torch.float32, device=self.device).clamp_(0.75, 1.25)
        tiles[:, :3] = torch.minimum(tiles[:, :3] * tint[:, :, None, None], tiles[:, 3:])
        return tiles

    def backgrounds(self, scenes: list[Scene], rng: np.random.Generator) -> Tensor:
        """(n, 3, side, side) in 0…1, without the objects."""
        side = self.side
        first = torch.tensor(np.array([_shade(scene.colour, rng) for scene in scenes]), dtype=torch.float32)
        second = torch.tensor(np.array([_shade(scene.colour, rng) for scene in scenes]), dtype=torch.float32)
        angle = torch.tensor(rng.uniform(0, 2 * math.pi, len(scenes)), dtype=torch.float32)
        kind = [scene.background for scene in scenes]
        steps = torch.linspace(-1, 1, side)
        ramp = torch.cos(angle)[:, None, None] * steps[None, None, :] + torch.sin(angle)[:, None, None] * steps[:, None]
        blend = (0.5 + 0.5 * ramp).clamp(0, 1)
        textured = [index for index, name in enumerate(kind) if name == "textured"]
        if textured:
            blend[textured] = torch.cat([_texture(rng, side) for _ in textured])
        plain = [index for index, name in enumerate(kind) if name == "plain"]
        blend[plain] = 0
        pictures = first[:, :, None, None] * (1 - blend[:, None]) + second[:, :, None, None] * blend[:, None]
        pictures = pictures.to(self.device)
        for index, name in enumerate(kind):
            if name == "photographic":
                pictures[index] = self._photo(rng)
        return pictures

    def _photo(self, rng: np.random.Generator) -> Tensor:
        photo = self._photos[rng.integers(len(self._photos))]
        window = int(min(photo.shape[-2:]) * rng.uniform(0.35, 1.0))
        top = int(rng.integers(photo.shape[-2] - window + 1))
        left = int(rng.integers(photo.shape[-1] - window + 1))
        crop = photo[None, :, top : top + window, left : left + window]
        if rng.random() < 0.5:
            crop = crop.flip(-1)
        return F.interpolate(crop, size=(self.side, self.side), mode="area")[0] * float(rng.uniform(0.75, 1.1))


def _level(pixels: float, base: int, levels: int) -> int:
    """The smallest copy of a sprite that still has at least about the pixels to be drawn."""
    return int(min(levels - 1, max(0, math.floor(math.log2(base / max(pixels, 1)) + 0.35))))


def _mip_levels(pixels: Tensor, device: torch.device) -> list[Tensor]:
    levels = [pixels]
    while levels[-1].shape[-1] > 24:
        levels.append(F.avg_pool2d(levels[-1].float(), 2).round().to(torch.uint8))
    return [level.to(device) for level in levels]


def _outline(pixels: Tensor, width: int = 2) -> Tensor:
    """The sprites with a dark line around their silhouettes, shrunk a little so that it fits."""
    small = F.interpolate(pixels.float(), size=pixels.shape[-1] - 4 * width, mode="area")
    small = F.pad(small, [2 * width] * 4)
    alpha = small[:, 3:]
    line = F.max_pool2d(alpha, 2 * width + 1, stride=1, padding=width)
    return torch.cat([small[:, :3], torch.maximum(alpha, line)], 1).round().to(torch.uint8)


def _shade(colour: str, rng: np.random.Generator) -> tuple[float, float, float]:
    if not colour:
        return (0.0, 0.0, 0.0)
    hue, saturation, value = (rng.uniform(*bounds) for bounds in COLOURS[colour])
    return colorsys.hsv_to_rgb((hue / 360) % 1, saturation, value)


def _texture(rng: np.random.Generator, side: int) -> Tensor:
    """(1, side, side) in 0…1: clouds of several scales, stripes, checks or dots."""
    style = rng.integers(4)
    steps = torch.linspace(0, 1, side)
    x, y = steps[None, :], steps[:, None]
    angle, waves = rng.uniform(0, math.pi), rng.uniform(3, 12)
    along = math.cos(angle) * x + math.sin(angle) * y
    across = -math.sin(angle) * x + math.cos(angle) * y
    if style == 0:
        field = torch.zeros(1, 1, side, side)
        for cells in (4, 8, 16, 32):
            noise = torch.from_numpy(rng.random((1, 1, cells, cells), dtype=np.float32))
            field += F.interpolate(noise, size=(side, side), mode="bicubic") * 4 / cells
        field = field[0, 0]
        return ((field - field.min()) / (field.max() - field.min()))[None]
    stripes = torch.sin(2 * math.pi * waves * along)
    if style == 1:
        return (0.5 + 0.5 * stripes)[None]
    other = torch.sin(2 * math.pi * waves * across)
    if style == 2:
        return ((stripes * other) > 0).float()[None]
    return ((stripes + other) > 1.0).float()[None]


def _photographs(device: torch.device) -> list[Tensor]:
    """Openly licensed photographs that scikit-image and scikit-learn install (see README.md)."""
    folder, images = Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets" / "images"
    names = ("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png")
    names += ("gravel.png", "rocket.jpg", "motorcycle_left.png")
    paths = [folder / name for name in names] + [images / "china.jpg", images / "flower.jpg"]
    photos = []
    for path in paths:
        image = Image.open(path).convert("RGB")
        image.thumbnail((512, 512))
        photos.append(torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255).to(device))
    return photos


def augment(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Blur, noise, JPEG blocks, brightness, contrast and saturation, each on some of the pictures (n, 3, h, w)."""
    n, device = len(pictures), pictures.device

    def some(share: float) -> Tensor:
        return torch.tensor(rng.random(n) < share, device=device).nonzero().flatten()

    def amount(low: float, high: float, rows: Tensor) -> Tensor:
        return torch.tensor(rng.uniform(low, high, (len(rows), 1, 1, 1)), dtype=torch.float32, device=device)

    rows = some(0.6)
    chosen = pictures[rows] * amount(0.88, 1.1, rows)
    mean, grey = chosen.mean((1, 2, 3), keepdim=True), chosen.mean(1, keepdim=True)
    chosen = mean + (chosen - mean) * amount(0.88, 1.12, rows)
    pictures[rows] = grey + (chosen - grey) * amount(0.85, 1.15, rows)
    rows = some(0.3)
    if len(rows):
        side = pictures.shape[-1]
        small = F.interpolate(pictures[rows], scale_factor=float(rng.uniform(0.45, 0.8)), mode="area")
        pictures[rows] = F.interpolate(small, size=(side, side), mode="bilinear", align_corners=False)
    rows = some(0.25)
    if len(rows):
        pictures[rows] = _jpeg(pictures[rows], float(rng.uniform(20, 80)))
    rows = some(0.4)
    seed = int(rng.integers(2**31))
    noise = torch.randn(pictures[rows].shape, generator=torch.Generator().manual_seed(seed)).to(device)
    pictures[rows] = pictures[rows] + noise * amount(0.005, 0.05, rows)
    return pictures.clamp_(0, 1)


_LUMINANCE = torch.tensor(
    # quantisation table of the JPEG standard (ITU-T T.81, table K.1)
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=torch.float32,
)


def _jpeg(pictures: Tensor, quality: float) -> Tensor:
    """What JPEG's quantisation of 8×8 blocks does to each channel; sides must be multiples of 8."""
    n, channels, height, width = pictures.shape
    steps = torch.arange(8, dtype=torch.float32)
    dct = torch.cos((2 * steps[None] + 1) * steps[:, None] * math.pi / 16) * 0.5
    dct[0] /= math.sqrt(2)
    dct = dct.to(pictures.device)
    scale = (5000 / quality if quality < 50 else 200 - 2 * quality) / 100
    table = (_LUMINANCE * scale).clamp(min=1).to(pictures.device)
    blocks = pictures.reshape(n, channels, height // 8, 8, width // 8, 8).transpose(3, 4) * 255 - 128
    spectrum = dct @ blocks @ dct.T
    blocks = dct.T @ ((spectrum / table).round() * table) @ dct
    return ((blocks + 128) / 255).transpose(3, 4).reshape(n, channels, height, width)

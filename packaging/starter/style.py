"""Hides whose hand drew a sprite, so that a drawing by an unknown hand is known too.

Each object of a training scene may be recoloured, flattened, outlined, reduced to a silhouette, mixed with another
artist's drawing of the same noun, stretched and bent. What happens to it is drawn at random on the CPU (`sample`);
the pixels change on the device, in batches (`restyle`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
import torch
from nouns import NOUNS, hue_freedom
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — its usual name

_FREEDOM = np.array([hue_freedom(number) for number in range(len(NOUNS))])
_GREY = np.array([0.299, 0.587, 0.114])
Numbers = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Style:
    """Shares of objects that something happens to, and how far it goes.

    Attributes:
        sketched: Share drawn from a black-and-white set, in colours of the noun.
        mixed: Share made of two artists' drawings.
        flat: Share whose shades run together within their edges (Kuwahara's filter).
        posterised: Share with a few steps of brightness per channel.
        inked: Share with dark lines along edges and around the outline.
        lined: Share of the inked that keeps nothing but lines on one colour.
        silhouette: Share whose inside is pulled to its mean colour.
        shaded: Share that is lit from one side.
        recoloured: Share whose hue turns as far as the noun allows.
        grey: Share that loses most of its colour.
        bend, stretch: Typical size of bends, and of changes in the ratio of the sides, as shares of the sprite's side.
    """

    sketched: float = 0.22
    mixed: float = 0.1
    flat: float = 0.2
    posterised: float = 0.1
    inked: float = 0.35
    lined: float = 0.12
    silhouette: float = 0.08
    shaded: float = 0.25
    recoloured: float = 0.3
    grey: float = 0.05
    bend: float = 0.04
    stretch: float = 0.1

    def scaled(self, strength: float) -> Style:
        """0: as the artists drew it; 1: as it is."""
        return replace(self, **{field.name: getattr(self, field.name) * strength for field in fields(self)})


PLAIN = Style().scaled(0)


def sample(rng: np.random.Generator, nouns: npt.NDArray[np.int64], style: Style) -> Numbers:
    """What happens to each of k groups of objects: arrays whose first axis is k."""
    k = len(nouns)

    def some(share: float) -> npt.NDArray[np.float32]:
        return (rng.random(k) < share).astype(np.float32)

    inked = some(style.inked)
    turned = np.where(some(style.recoloured) > 0, rng.uniform(-1, 1, k) * _FREEDOM[nouns], rng.normal(0, 4, k))
    saturation = np.where(some(style.grey) > 0, rng.uniform(0, 0.3, k), 1 + rng.normal(0, 0.25, k) * (style.flat > 0))
    tint = np.clip(rng.normal(0, 0.06, (k, 3)) + rng.normal(1, 0.08, (k, 1)), 0.75, 1.25)
    dark = rng.random((k, 1)) < 0.85
    found = {
        "mixed": some(style.mixed),
        "cut": np.stack([rng.uniform(0, 2 * math.pi, k), rng.uniform(-0.35, 0.35, k)], 1),
        "flat": some(style.flat),
        "steps": some(style.posterised) * rng.integers(3, 6, k),
        "silhouette": some(style.silhouette) * rng.uniform(0.6, 1.0, k),
        "light": some(style.shaded)[:, None] * rng.uniform(-0.35, 0.35, (k, 2)),
        "colour": _colour_matrix(turned * (style.recoloured > 0), np.clip(saturation, 0, 1.6)) * tint[:, :, None],
        "ink": inked * rng.uniform(0.5, 1.0, k),
        "outline": inked * rng.integers(0, 4, k),
        "line": np.where(dark, rng.uniform(0, 0.18, (k, 3)), rng.uniform(0.75, 1.0, (k, 3))),
        "lined": inked * some(style.lined),
        "paper": _sketch_colours(rng, k),
        "bend": rng.normal(0, style.bend, (k, 2)),
        "waves": np.concatenate([rng.uniform(1.5, 4.5, (k, 2)), rng.uniform(0, 2 * math.pi, (k, 2))], 1),
        "stretch": np.exp(rng.normal(0, style.stretch, (k, 1)) * np.array([0.5, -0.5])),
        "shear": rng.normal(0, style.stretch * 0.7, k),
    }
    return {name: values.astype(np.float32) for name, values in found.items()}


def _colour_matrix(degrees: npt.NDArray[np.float64], saturation: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(k, 3, 3): turns the hue about the grey axis (Rodrigues' formula) and scales the distance from grey."""
    angle = np.radians(degrees)[:, None, None]
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    turn = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) / 3
    grey = np.broadcast_to(_GREY, (3, 3))
    return turn @ (grey + saturation[:, None, None] * (np.eye(3) - grey))


def _sketch_colours(rng: np.random.Generator, k: int) -> npt.NDArray[np.float64]:
    """(k, 4): how a sketch is coloured: share of a random colour in its paper, and that colour."""
    share = np.where(rng.random((k, 1)) < 0.25, rng.uniform(0.3, 1.0, (k, 1)), rng.uniform(0.0, 0.2, (k, 1)))
    colour = np.where(rng.random((k, 1)) < 0.4, 1.0, rng.random((k, 3)))
    return np.concatenate([share, colour], 1)


def restyle(sprites: Tensor, others: Tensor, numbers: dict[str, Tensor], sketch: Tensor, colour: Tensor) -> Tensor:
    """Apply what `sample` drew.

    Args:
        sprites: (m, 4, s, s), premultiplied, 0…1.
        others: (m, 4, s, s): another artist's drawing of the same noun, used where something is mixed.
        numbers: Of these m objects, on the CPU.
        sketch: (m,) whether it is black ink on white paper, on the CPU.
        colour: (m, 3): the mean colour of the noun's coloured drawings.
    """
    device = sprites.device
    on = {name: values.to(device, non_blocking=True) for name, values in numbers.items()}
    rgba = _mix(sprites, others, _rows((numbers["mixed"] > 0) & ~sketch, device), on["cut"])
    alpha = rgba[:, 3:]
    rgb = rgba[:, :3] / alpha.clamp(min=1e-3)
    if len(rows := _rows(sketch, device)):
        share, random = on["paper"][rows, :1], on["paper"][rows, 1:]
        paper = (colour[rows] * (1 - share) + random * share)[:, :, None, None]
        ink = on["line"][rows][:, :, None, None]
        rgb[rows] = ink + (paper - ink) * rgb[rows]
    if len(rows := _rows(numbers["flat"] > 0, device)):
        rgb[rows] = _kuwahara(rgb[rows])
    if len(rows := _rows(numbers["silhouette"] > 0, device)):
        mean = (rgb[rows] * alpha[rows]).sum((2, 3), keepdim=True) / alpha[rows].sum((2, 3), keepdim=True).clamp(min=1)
        rgb[rows] = torch.lerp(rgb[rows], mean, on["silhouette"][rows, None, None, None])
    if len(rows := _rows(numbers["steps"] > 0, device)):
        steps = on["steps"][rows, None, None, None] - 1
        rgb[rows] = (rgb[rows].clamp(0, 1) * steps).round() / steps
    rgb = torch.einsum("kij,kjhw->kihw", on["colour"], rgb)
    if len(rows := _rows(numbers["light"].abs().sum(1) > 0, device)):
        ramp = torch.linspace(-1, 1, rgb.shape[-1], device=device)
        x, y = on["light"][rows, 0, None, None], on["light"][rows, 1, None, None]
        rgb[rows] = rgb[rows] * (1 + x * ramp[None, None, :] + y * ramp[None, :, None])[:, None]
    rgba = torch.cat([rgb.clamp(0, 1) * alpha, alpha], 1)
    if len(rows := _rows(numbers["ink"] > 0, device)):
        rgba[rows] = _ink(rgba[rows], {name: on[name][rows] for name in ("ink", "line", "lined", "paper", "outline")})
    return rgba


def bend(grid: Tensor, numbers: dict[str, Tensor]) -> Tensor:
    """Add waves to sampling positions (m, h, w, 2) in a sprite's own coordinates, −1…1."""
    size, waves = numbers["bend"].to(grid.device), numbers["waves"].to(grid.device)
    across = grid.flip(-1) * waves[:, None, None, :2] + waves[:, None, None, 2:]
    return grid + size[:, None, None] * across.sin()


def _rows(wanted: Tensor, device: torch.device) -> Tensor:
    return wanted.nonzero().flatten().to(device, non_blocking=True)


def _mix(sprites: Tensor, others: Tensor, rows: Tensor, cut: Tensor) -> Tensor:
    """In these rows, one side of a soft cut from one artist, the other side from another."""
    if not len(rows):
        return sprites
    ramp = torch.linspace(-1, 1, sprites.shape[-1], device=sprites.device)
    angle, shift = cut[rows, 0, None, None], cut[rows, 1, None, None]
    side = torch.cos(angle) * ramp[None, None, :] + torch.sin(angle) * ramp[None, :, None] - shift
    mixed = sprites.clone()
    mixed[rows] = torch.lerp(sprites[rows], others[rows], torch.sigmoid(16 * side)[:, None])
    return mixed


def _kuwahara(rgb: Tensor) -> Tensor:
    """The mean of that neighbouring 3×3 window that varies least (Kuwahara et al. 1976): flat areas, sharp edges."""
    grey = rgb.mean(1, keepdim=True)
    means = F.avg_pool2d(torch.cat([rgb, grey, grey * grey], 1), 3, stride=1, padding=1, count_include_pad=False)
    best, least = None, None
    for shift in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        moved = means.roll(shift, (2, 3))
        spread = moved[:, 4:5] - moved[:, 3:4] ** 2
        if best is None or least is None:
            best, least = moved[:, :3], spread
        else:
            best = torch.where(spread < least, moved[:, :3], best)
            least = torch.minimum(spread, least)
    assert best is not None
    return best


def _ink(rgba: Tensor, on: dict[str, Tensor]) -> Tensor:
    """Lines along the edges of colours and around the whole; the drawing shrinks a little to make room for them."""
    side = rgba.shape[-1]
    room = max(1, side // 24)
    rgba = F.pad(F.interpolate(rgba, size=side - 2 * room, mode="bilinear", antialias=True), [room] * 4)
    alpha = rgba[:, 3:]
    across = F.pad(rgba[:, :, :, 2:] - rgba[:, :, :, :-2], (1, 1, 0, 0))
    down = F.pad(rgba[:, :, 2:] - rgba[:, :, :-2], (0, 0, 1, 1))
    strength = (across.abs() + down.abs()).amax(1, keepdim=True)
    edge = ((strength - 0.25) * 3).clamp(0, 1) * on["ink"][:, None, None, None] * alpha
    line, paper = on["line"][:, :, None, None], on["paper"][:, 1:, None, None]
    rgb = torch.where(on["lined"][:, None, None, None] > 0, paper * alpha, rgba[:, :3])
    rgb = rgb * (1 - edge) + line * edge * alpha
    outer, width = alpha, on["outline"][:, None, None, None] * side / 96
    for ring in range(math.ceil(3 * side / 96)):
        grown = F.max_pool2d(outer, 3, stride=1, padding=1)
        outer = torch.lerp(outer, grown, (width - ring).clamp(0, 1))
    return torch.cat([rgb + line * (outer - alpha), outer], 1)

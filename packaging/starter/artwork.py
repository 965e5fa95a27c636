"""Collects the artwork of several artists as sprites: `python packaging/starter/artwork.py`.

Installs the packages of `package.json` with npm into `art/` at the root of the checkout, fetches Debian's clip art,
rasterises the 311 nouns of `vocabulary.json` and writes `art/artwork.npz`. OpenMoji is kept apart: it is never trained
on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import debian
import files
import npm
import numpy as np
import resvg_py
from artists import ARTISTS, CLIP_ART, MISNAMED, SEEN, SKETCHES, Artist
from nouns import NOUNS
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import binary_closing, binary_fill_holes

__all__ = ["SEEN", "collect", "draw"]

SPRITE_PIXELS = 96
"""Side of a sprite; the artwork touches two opposite edges of a square of this size."""


def _from_svg(source: str, side: int) -> Image.Image:
    image = Image.open(BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=source, width=side)))).convert("RGBA")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image


_TONES = {"#2F88FF": "#aaa", "#43CCF8": "#ddd"}
"""IconPark's two blues, which are the same for all things, as greys; white lines are on them."""


@cache
def _icons(package: str) -> tuple[dict[str, dict[str, Any]], int, int]:
    data = json.loads((files.packages() / package / "icons.json").read_text(encoding="utf-8"))
    icons = dict(data["icons"])
    for alias, target in data.get("aliases", {}).items():
        if target["parent"] in icons:
            icons[alias] = icons[target["parent"]]
    return icons, data.get("width", 16), data.get("height", 16)


@cache
def _names() -> dict[str, list[str]]:
    """Names under which an icon set may file a code point: its label and every known short code."""
    folder = files.packages() / "emojibase-data" / "en"
    names: dict[str, list[str]] = {}
    for emoji in json.loads((folder / "data.json").read_text(encoding="utf-8")):
        names.setdefault(emoji["hexcode"].removesuffix("-FE0F"), []).append(emoji["label"])
    for preset in ("cldr", "emojibase", "joypixels", "github", "iamcal"):
        for code, found in json.loads((folder / "shortcodes" / f"{preset}.json").read_text(encoding="utf-8")).items():
            names.setdefault(code.removesuffix("-FE0F"), []).extend([found] if isinstance(found, str) else found)
    return names


def _icon(artist: Artist, noun: dict[str, Any], side: int) -> Image.Image | None:
    icons, width, height = _icons(artist.package)
    for name in (*_names().get(noun["emoji"], ()), noun["label"], noun["noun"]):
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        for key in (slug, slug.replace("-", "")):
            if icon := icons.get(key):
                box = icon.get("left", 0), icon.get("top", 0), icon.get("width", width), icon.get("height", height)
                body = icon["body"].replace("currentColor", "#000")
                for fill, tone in _TONES.items():
                    body = body.replace(fill, tone)
                view = " ".join(map(str, box))
                return _from_svg(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{view}">{body}</svg>', side)
    return None


@cache
def _fonts(package: str, stylesheet: str) -> list[tuple[range, Path]]:
    """A web font's files, each with the code points it holds."""
    folder = files.packages() / package
    css = (folder / stylesheet).read_text(encoding="utf-8")
    found = []
    for name, ranges in re.findall(r"url\(\./(files/[^)]+\.woff2)\).*?unicode-range: ([^;]+);", css, re.DOTALL):
        for part in ranges.split(","):
            first, _, last = part.strip().removeprefix("U+").partition("-")
            found.append((range(int(first, 16), int(last or first, 16) + 1), folder / name))
    return found


def _glyph(artist: Artist, noun: dict[str, Any], side: int) -> Image.Image | None:
    code = int(noun["emoji"].split("-")[0], 16)
    for codes, path in _fonts(artist.package, artist.files):
        if code in codes:
            image = Image.new("RGBA", (2 * side, 2 * side))
            font = ImageFont.truetype(path, side)
            ImageDraw.Draw(image).text((side, side), chr(code), font=font, fill="black", anchor="mm")
            return image
    return None


def _file(artist: Artist, noun: dict[str, Any], side: int) -> Image.Image | None:
    for code in (noun["emoji"], noun["emoji"] + "-FE0F"):
        path = files.packages() / artist.package / artist.files.format(code=code.lower(), CODE=code)
        if path.is_file():
            if path.suffix == ".svg":
                return _from_svg(path.read_text(encoding="utf-8"), side)
            return Image.open(path).convert("RGBA")
    return None


def _on_paper(image: Image.Image) -> Image.Image:
    """Ink on transparent ground becomes black and white: what lines enclose, small gaps aside, is white paper."""
    cover = np.asarray(image)[..., 3]
    ink = cover.astype(int) * (255 - np.asarray(image.convert("L")).astype(int)) // 255
    gap = max(1, image.width // 40)
    room = np.pad(cover > 100, 2 * gap)
    inside = binary_fill_holes(binary_closing(room, iterations=gap))[2 * gap : -2 * gap, 2 * gap : -2 * gap]
    alpha = np.maximum(cover, inside.astype(np.uint8) * 255)
    grey = np.where(alpha > 0, 255 - ink * 255 // np.maximum(alpha, 1), 0).astype(np.uint8)
    return Image.fromarray(np.dstack([grey, grey, grey, alpha]))


def _clip_art(artist: Artist, noun: dict[str, Any]) -> Iterator[Image.Image]:
    chosen = json.loads((files.HERE / artist.files).read_text(encoding="utf-8"))
    for name in chosen.get(noun["noun"], ()):
        path = debian.unpacked(artist.package) / "usr/share/openclipart/png" / f"{name}.png"
        yield Image.open(path).convert("RGBA")


def drawings(artist: Artist, noun: dict[str, Any], side: int) -> Iterator[Image.Image]:
    """All the artist's pictures of a noun, as `draw` gives the first."""
    images = _clip_art(artist, noun) if artist is CLIP_ART else [_read(artist, noun, max(2 * side, 192))]
    for image in images:
        if (found := _square(artist, image, side)) is not None:
            yield found


def draw(artist: Artist, noun: dict[str, Any], side: int) -> Image.Image | None:
    """The artist's picture of a noun, RGBA, trimmed and centred on a square of `side` pixels; None if there is none."""
    return next(drawings(artist, noun, side), None)


def _read(artist: Artist, noun: dict[str, Any], side: int) -> Image.Image | None:
    if noun["noun"] in MISNAMED.get(artist.name, ()):
        return None
    read = {"icons.json": _icon, "400.css": _glyph}.get(artist.files, _file)
    return read(artist, noun, side)


def _square(artist: Artist, image: Image.Image | None, side: int) -> Image.Image | None:
    if image is None or (box := image.getchannel("A").point(lambda a: 255 if a > 24 else 0).getbbox()) is None:
        return None
    image = image.crop(box)
    if artist in SKETCHES:
        image = _on_paper(image)
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (side, side))
    square.paste(image, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def collect() -> None:
    """Rasterise everything into `art/artwork.npz`: `pixels` (n, 4, side, side) premultiplied, `noun`, `artist`."""
    pixels, nouns, artists = [], [], []
    for index, artist in enumerate(ARTISTS):
        for number, noun in enumerate(NOUNS):
            for image in drawings(artist, noun, SPRITE_PIXELS):
                rgba = np.asarray(image).astype(np.float32)
                rgba[..., :3] *= rgba[..., 3:] / 255
                pixels.append(rgba.round().astype(np.uint8).transpose(2, 0, 1))
                nouns.append(number)
                artists.append(index)
        mine = [noun for noun, by in zip(nouns, artists, strict=True) if by == index]
        print(f"{artist.name:14} {len(mine):4} of {len(set(mine)):3} nouns  {artist.licence}", flush=True)
    np.savez(files.sprites(), pixels=np.stack(pixels), noun=np.array(nouns), artist=np.array(artists))


if __name__ == "__main__":
    npm.install()
    collect()

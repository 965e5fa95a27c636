"""Collects the emoji artwork of several artists as sprites: `python packaging/starter/artwork.py`.

Installs the packages of `package.json` with npm into `art/` at the root of the checkout, rasterises the 311 nouns of
`vocabulary.json` and writes `art/sprites.npz`. OpenMoji is kept apart: it is never trained on.
"""

from __future__ import annotations

import json
import re
import subprocess
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from nouns import NOUNS
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

HERE = Path(__file__).resolve().parent
ART = HERE.parents[1] / "art"
PACKAGES = ART / "node_modules"
SPRITES = ART / "sprites.npz"
SPRITE_PIXELS = 96
"""Side of a sprite; the artwork touches two opposite edges of a square of this size."""


class Artist(NamedTuple):
    name: str
    licence: str
    package: str
    files: str
    """Path of a picture inside the package with `{code}` for the code points, or an Iconify `icons.json`."""


SEEN = (
    Artist("noto", "Apache-2.0", "emoji-datasource-google", "img/google/64/{code}.png"),
    Artist("twemoji", "CC-BY-4.0", "emoji-datasource-twitter", "img/twitter/64/{code}.png"),
    Artist("fluent-3d", "MIT", "@lobehub/fluent-emoji-3d", "assets/{code}.webp"),
    Artist("fluent-flat", "MIT", "@lobehub/fluent-emoji-flat", "assets/{code}.svg"),
    Artist("emojione", "CC-BY-4.0", "@iconify-json/emojione", "icons.json"),
    Artist("fxemoji", "Apache-2.0", "@iconify-json/fxemoji", "icons.json"),
    Artist("streamline", "CC-BY-4.0", "@iconify-json/streamline-emojis", "icons.json"),
)
UNSEEN = Artist("openmoji", "CC-BY-SA-4.0", "openmoji", "color/svg/{CODE}.svg")

_MISNAMED = {
    "emojione": {"cricket"},  # a bat and a ball
    "fxemoji": {"sunglasses", "keyboard", "die"},  # a face wearing them, a piano's, a flat tile
    "streamline": {"turkey"},  # a flag
}
"""Pictures filed under the noun's name that show something else."""


def install() -> None:
    """Run `npm install` for the artwork packages, unless they are there."""
    if all((PACKAGES / artist.package).is_dir() for artist in (*SEEN, UNSEEN)):
        return
    ART.mkdir(exist_ok=True)
    (ART / "package.json").write_bytes((HERE / "package.json").read_bytes())
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=ART, check=True)


def _from_svg(source: bytes, side: int) -> Image.Image:
    renderer = QSvgRenderer(source)
    renderer.setAspectRatioMode(Qt.AspectRatioMode.KeepAspectRatio)
    image = QImage(side, side, QImage.Format.Format_RGBA8888)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    return Image.frombytes("RGBA", (side, side), bytes(image.constBits()))


@cache
def _icons(package: str) -> tuple[dict[str, dict[str, object]], int, int]:
    data = json.loads((PACKAGES / package / "icons.json").read_text(encoding="utf-8"))
    icons = dict(data["icons"])
    for alias, target in data.get("aliases", {}).items():
        if target["parent"] in icons:
            icons[alias] = icons[target["parent"]]
    return icons, data.get("width", 16), data.get("height", 16)


@cache
def _names() -> dict[str, list[str]]:
    """Names under which an icon set may file a code point: its label and every known short code."""
    folder = PACKAGES / "emojibase-data" / "en"
    names: dict[str, list[str]] = {}
    for emoji in json.loads((folder / "data.json").read_text(encoding="utf-8")):
        names.setdefault(emoji["hexcode"].removesuffix("-FE0F"), []).append(emoji["label"])
    for preset in ("cldr", "emojibase", "joypixels", "github", "iamcal"):
        for code, found in json.loads((folder / "shortcodes" / f"{preset}.json").read_text(encoding="utf-8")).items():
            names.setdefault(code.removesuffix("-FE0F"), []).extend([found] if isinstance(found, str) else found)
    return names


def _icon(artist: Artist, noun: dict[str, str], side: int) -> Image.Image | None:
    icons, width, height = _icons(artist.package)
    if noun["noun"] in _MISNAMED[artist.name]:
        return None
    for name in (*_names().get(noun["emoji"], ()), noun["label"], noun["noun"]):
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        for key in (slug, slug.replace("-", "")):
            if icon := icons.get(key):
                w, h = icon.get("width", width), icon.get("height", height)
                svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}">{icon["body"]}</svg>'
                return _from_svg(svg.encode(), side)
    return None


def draw(artist: Artist, noun: dict[str, str], side: int) -> Image.Image | None:
    """The artist's picture of a noun, RGBA, trimmed and centred on a square of `side` pixels; None if there is none."""
    big = max(2 * side, 192)
    if artist.files == "icons.json":
        image = _icon(artist, noun, big)
    else:
        image = None
        for code in (noun["emoji"], noun["emoji"] + "-FE0F"):
            path = PACKAGES / artist.package / artist.files.format(code=code.lower(), CODE=code)
            if path.is_file():
                source = path.read_bytes()
                image = _from_svg(source, big) if path.suffix == ".svg" else Image.open(BytesIO(source)).convert("RGBA")
                break
    if image is None or (box := image.getchannel("A").point(lambda a: 255 if a > 24 else 0).getbbox()) is None:
        return None
    image = image.crop(box)
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (side, side))
    square.paste(image, ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def collect() -> None:
    """Rasterise everything into `art/sprites.npz`: `pixels` (n, 4, side, side) premultiplied, `noun`, `artist`."""
    pixels, nouns, artists = [], [], []
    for index, artist in enumerate((*SEEN, UNSEEN)):
        for number, noun in enumerate(NOUNS):
            image = draw(artist, noun, SPRITE_PIXELS)
            if image is None:
                continue
            rgba = np.asarray(image).astype(np.float32)
            rgba[..., :3] *= rgba[..., 3:] / 255
            pixels.append(rgba.round().astype(np.uint8).transpose(2, 0, 1))
            nouns.append(number)
            artists.append(index)
    np.savez(SPRITES, pixels=np.stack(pixels), noun=np.array(nouns), artist=np.array(artists))
    for index, artist in enumerate((*SEEN, UNSEEN)):
        print(f"{artist.name:12} {artists.count(index):4} of {len(NOUNS)} nouns  {artist.licence}")


if __name__ == "__main__":
    install()
    collect()

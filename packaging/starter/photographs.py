"""Cuts openly licensed photographs to squares for backgrounds: `python packaging/starter/photographs.py`.

They come with scikit-image and scikit-learn (see README.md). Of an oblong photograph, both ends are taken.
"""

from __future__ import annotations

from pathlib import Path

import files
import numpy as np
import skimage
import sklearn
from PIL import Image

SIDE = 512
_SCIKIT_IMAGE = (
    *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png"),
    *("gravel.png", "rocket.jpg", "motorcycle_left.png"),
)
_SCIKIT_LEARN = ("china.jpg", "flower.jpg")


def squares(path: Path) -> list[Image.Image]:
    """One or two squares of a photograph."""
    image = Image.open(path).convert("RGB")
    side, slack = min(image.size), max(image.size) - min(image.size)
    corners = {(0, 0), (slack, 0) if image.width > image.height else (0, slack)} if slack > side / 5 else {(0, 0)}
    cut = [image.crop((left, top, left + side, top + side)) for left, top in sorted(corners)]
    return [square.resize((SIDE, SIDE), Image.Resampling.LANCZOS) for square in cut]


def collect() -> None:
    """Write `art/photographs.npz`: `pixels` (n, 3, side, side)."""
    installed = Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets" / "images"
    paths = [
        folder / name for folder, names in zip(installed, (_SCIKIT_IMAGE, _SCIKIT_LEARN), strict=True) for name in names
    ]
    pixels = [np.asarray(square).transpose(2, 0, 1) for path in paths for square in squares(path)]
    files.ART.mkdir(exist_ok=True)
    np.savez(files.photographs(), pixels=np.stack(pixels))
    print(f"{len(pixels)} squares of {len(paths)} photographs")


if __name__ == "__main__":
    collect()

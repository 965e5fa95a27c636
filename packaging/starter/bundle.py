"""Packs what training needs for a machine without a network, in parts: `python packaging/starter/bundle.py pack`.

Writes `art/bundle/` in three parts of at most 45 MB, which can be carried one after another:

    artwork/              sprites and photographs, without loss; wheels of what is rarely installed
    cifar/                CIFAR-10's training pictures, as JPEG
    fashion-and-tests/    FashionMNIST's training pictures, and the test pictures of both sets, without loss

`python packaging/starter/bundle.py unpack` on that machine makes of them what the other scripts read. CIFAR-10's
pictures are for training and measuring only: neither the parts nor the pictures may be passed on.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import files
import numpy as np
import numpy.typing as npt
from PIL import Image

ROWS, WIDEST = 40, 16_000
"""Most rows of pictures on a sheet, and pixels of a row: WebP ends at 16,383."""
LOSSLESS = {"format": "WEBP", "lossless": True, "exact": True, "quality": 80, "method": 4}
JPEG = {"format": "JPEG", "quality": 94, "subsampling": 0}
WHEELS = ("open_clip_torch", "timm", "ftfy", "wcwidth", "regex", "pillow", "pyyaml", "tqdm")
"""Beside torch, torchvision, numpy, transformers, tokenizers, safetensors and huggingface_hub."""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")

Pixels = npt.NDArray[np.uint8]


def encode(pixels: Pixels, how: dict[str, Any]) -> dict[str, Any]:
    """Pictures (n, height, width, channels), with their neighbours on sheets, as arrays for `np.savez`."""
    n, height, width, channels = pixels.shape
    sheets, columns = [], _columns(width)
    for start in range(0, n, ROWS * columns):
        few = pixels[start : start + ROWS * columns]
        rows = -(-len(few) // columns)
        full = np.zeros((rows * columns, height, width, channels), np.uint8)
        full[: len(few)] = few
        sheet = full.reshape(rows, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
        file = io.BytesIO()
        Image.fromarray(sheet.reshape(rows * height, columns * width, channels).squeeze()).save(file, **how)
        sheets.append(np.frombuffer(file.getvalue(), np.uint8))
    return {
        "sheets": np.concatenate(sheets),
        "lengths": np.array([len(sheet) for sheet in sheets]),
        "shape": pixels.shape,
    }


def decode(packed: Any) -> Pixels:
    """What `encode` was given."""
    n, height, width, channels = packed["shape"]
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[int(channels)]
    found = []
    for sheet in np.split(packed["sheets"], np.cumsum(packed["lengths"])[:-1]):
        image = np.asarray(Image.open(io.BytesIO(sheet.tobytes())).convert(mode))
        rows = image.shape[0] // height
        image = image.reshape(rows, height, _columns(width), width, channels).transpose(0, 2, 1, 3, 4)
        found.append(image.reshape(-1, height, width, channels))
    return np.concatenate(found)[:n]


def _columns(width: int) -> int:
    return int(min(ROWS, WIDEST // width))


def _contents() -> list[tuple[str, Path, bool, dict[str, Any]]]:
    """What is packed: part, file, whether the channels come first there, how it is compressed."""
    rest = (("fashion", "train"), ("fashion", "test"), ("cifar", "test"))
    return [
        ("artwork", files.sprites(), True, LOSSLESS),
        ("artwork", files.photographs(), True, LOSSLESS),
        ("cifar", files.dataset("cifar", "train"), False, JPEG),
        *(("fashion-and-tests", files.dataset(name, split), False, LOSSLESS) for name, split in rest),
    ]


def pack(to: Path, wheels: tuple[str, ...] = WHEELS, python: str = "3.12") -> None:
    """Write the parts into a folder, and print how large they are."""
    for part, path, channels_first, how in _contents():
        with np.load(path) as data:
            others = {name: data[name] for name in data.files if name != "pixels"}
            pixels = data["pixels"].transpose(0, 2, 3, 1) if channels_first else data["pixels"]
        folder = to / part
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / path.name, **encode(pixels, how), **others)
    if wheels:
        platforms = [argument for platform in PLATFORMS for argument in ("--platform", platform)]
        where = ["--dest", str(to / "artwork" / "wheels")]
        target = ["--only-binary=:all:", "--python-version", python, "--implementation", "cp", *platforms]
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, *target, *where, *wheels], check=True)
    for folder in sorted(to.iterdir()):
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        print(f"{folder.name:18} {size / 1e6:5.1f} MB")


def unpack(given: Path) -> None:
    """Write what the parts in a folder hold to where the other scripts read it."""
    found = 0
    for part, path, channels_first, _ in _contents():
        packed = given / part / path.name
        if not packed.exists():
            continue
        with np.load(packed) as data:
            others = {name: data[name] for name in data.files if name not in {"sheets", "lengths", "shape"}}
            pixels = decode(data)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, pixels=pixels.transpose(0, 3, 1, 2) if channels_first else pixels, **others)
        found += 1
    if not found:
        raise SystemExit(f"There is nothing to unpack in {given}.")
    print(f"{found} of {len(_contents())} files unpacked")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("pack", "unpack"))
    parser.add_argument("--folder", type=Path, default=files.ART / "bundle", help="where the parts are")
    parser.add_argument("--wheels", nargs="*", default=WHEELS, help="packages to carry along")
    parser.add_argument("--python", default="3.12", help="the other machine's")
    args = parser.parse_args()
    if args.what == "pack":
        pack(args.folder, tuple(args.wheels), args.python)
    else:
        unpack(args.folder)


if __name__ == "__main__":
    main()

"""Pictures made on the spot, good and bad, for the tests of whatever opens files."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT = (240, 240, 10), (20, 160, 40), (200, 30, 30), (30, 60, 200)


def quadrants(width: int = 80, height: int = 60) -> Image.Image:
    """Four plain quarters of four colours: shows turning, mirroring and colour errors alike."""
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2] = TOP_LEFT
    pixels[: height // 2, width // 2 :] = TOP_RIGHT
    pixels[height // 2 :, : width // 2] = BOTTOM_LEFT
    pixels[height // 2 :, width // 2 :] = BOTTOM_RIGHT
    return Image.fromarray(pixels)


def corners(pixels: npt.NDArray[np.uint8]) -> list[tuple[int, ...]]:
    """The colours in the middles of the four quarters: top left, top right, bottom left, bottom right."""
    height, width = pixels.shape[:2]
    return [tuple(map(int, pixels[y, x])) for y in (height // 4, -height // 4) for x in (width // 4, -width // 4)]


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size and that has next to no data: a decompression bomb's start."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in chunks)


def make_bad_inputs(folder: Path) -> dict[str, str]:
    """Files and folders that cannot be captioned, each with a part of the sentence that says why."""
    (folder / "empty.jpg").touch()
    (folder / "text.jpg").write_text("Dear diary, today I pretended to be a photograph.", encoding="utf-8")
    (folder / "page.png").write_text("<!DOCTYPE html><title>Not found</title>", encoding="utf-8")
    (folder / "drawing.png").write_text('<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "utf-8")
    whole = folder / "whole.jpg"
    Image.effect_noise((200, 200), 80).save(whole)
    (folder / "truncated.jpg").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    whole.unlink()
    (folder / "bomb.png").write_bytes(png_claiming(60_000, 60_000))
    (folder / "near-bomb.png").write_bytes(png_claiming(15_000, 14_000))
    (folder / "no pictures").mkdir()
    (folder / "no pictures" / "notes.txt").touch()
    return {
        "empty.jpg": "empty (0 bytes)",
        "text.jpg": "not a picture",
        "page.png": "web page",
        "drawing.png": "SVG",
        "truncated.jpg": "damaged or incomplete",
        "bomb.png": "limit of 200 megapixels",
        "near-bomb.png": "15000 × 14000 pixels, more than the limit of 200 megapixels",
        "no pictures": "no pictures or videos in it",
        "deleted.jpg": "no such file",
        "deleted/in-it.jpg": "no such file",
        "https://example.org/cat.jpg": "web link",
    }


@contextmanager
def without_rights() -> Iterator[None]:
    """Be an ordinary user for a while, even where tests run as root, who may read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)  # nobody
    try:
        yield
    finally:
        os.seteuid(0)


def animation(path: Path, count: int, size: tuple[int, int] = (24, 16)) -> Path:
    """Write an animation whose frame i is plain grey of level 10·i."""
    frames = [Image.new("RGB", size, (10 * index,) * 3) for index in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path

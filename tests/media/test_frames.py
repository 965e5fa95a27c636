"""Animations as clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cocadesk.errors import InputError
from cocadesk.media import clips
from cocadesk.media.clips import open_clip
from cocadesk.media.image import open_picture, open_picture_or_clip, thumbnail
from cocadesk.types import Clip, Picture


def animation(path: Path, count: int) -> Path:
    """Frame i is plain grey of level 10·i."""
    frames = [Image.new("RGB", (12, 8), (10 * index,) * 3) for index in range(count)]
    lossless = {".webp": {"lossless": True}, ".avif": {"quality": 100}}.get(path.suffix, {})
    frames[0].save(path, save_all=True, append_images=frames[1:], **lossless)
    return path


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif", "avif"])
def test_frames_are_the_middles_of_equal_parts(tmp_path: Path, suffix: str) -> None:
    clip = open_clip(animation(tmp_path / f"clip.{suffix}", 20), 4)

    assert clip.indices == (2, 7, 12, 17)
    levels = [int(picture.pixels[4, 6, 0]) for picture in clip.frames]
    np.testing.assert_allclose(levels, [20, 70, 120, 170], atol=3)
    assert {picture.frames for picture in clip.frames} == {20}


@pytest.mark.parametrize(
    ("total", "count", "expected"),
    [(20, 1, (10,)), (3, 3, (0, 1, 2)), (3, 16, (0, 1, 2)), (5, 2, (1, 3)), (7, 3, (1, 3, 5))],
)
def test_the_indices_spread_evenly(tmp_path: Path, total: int, count: int, expected: tuple[int, ...]) -> None:
    assert open_clip(animation(tmp_path / "clip.gif", total), count).indices == expected


def test_a_still_picture_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "still.png")

    clip = open_clip(tmp_path / "still.png", 16)

    assert clip.indices == (0,)
    assert len(clip.frames) == 1


def test_opening_an_animation_shows_its_first_frame_and_counts_them(tmp_path: Path) -> None:
    path = animation(tmp_path / "clip.gif", 6)

    for picture in (open_picture(path), thumbnail(path, 6)):
        assert picture.frames == 6
        assert int(picture.pixels[2, 2, 0]) == 0


def test_frames_share_the_limit_on_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = animation(tmp_path / "clip.gif", 6)
    monkeypatch.setattr(clips, "MAX_PIXELS", 3 * 12 * 8)

    assert len(open_clip(path, 3).frames) == 3
    with pytest.raises(InputError, match="Take fewer frames"):
        open_clip(path, 4)


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "avif"])
def test_an_animation_opens_as_a_clip(tmp_path: Path, suffix: str) -> None:
    opened = open_picture_or_clip(animation(tmp_path / f"clip.{suffix}", 9), 3)

    assert isinstance(opened, Clip)
    assert opened.indices == (1, 4, 7)
    assert opened.name == str(tmp_path / f"clip.{suffix}")


def test_a_still_and_a_document_of_pages_open_as_pictures(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "still.png")

    assert isinstance(open_picture_or_clip(tmp_path / "still.png", 16), Picture)
    assert isinstance(open_picture_or_clip(animation(tmp_path / "pages.tif", 3), 16), Picture)

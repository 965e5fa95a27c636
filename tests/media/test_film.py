"""Animations as files: which pictures, for how long, and coded by what."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from cocadesk.media import film
from cocadesk.media.film import write_gif, write_mp4

COLOURS = [(200, 40, 40), (40, 160, 40), (40, 40, 200)]


def plain(size: tuple[int, int] = (64, 48)) -> list[Image.Image]:
    return [Image.new("RGB", size, colour) for colour in COLOURS]


def test_a_gif_shows_each_picture_for_its_time_and_begins_again(tmp_path: Path) -> None:
    write_gif(tmp_path / "a.gif", plain(), 0.4)

    with Image.open(tmp_path / "a.gif") as found:
        assert (found.n_frames, found.size, found.info["loop"]) == (3, (64, 48), 0)  # type: ignore[attr-defined]
        for number, colour in enumerate(COLOURS):
            found.seek(number)
            assert found.info["duration"] == 400
            assert np.abs(np.asarray(found.convert("RGB"), int) - colour).max() <= 2


def test_a_gif_keeps_gradients_smooth(tmp_path: Path) -> None:
    """Of 64 × 64 different colours 256 are left, but the mean over a few pixels is nearly that of the picture."""
    x, y = np.meshgrid(np.arange(64), np.arange(64))
    pixels = np.stack([x * 4, y * 4, 255 - 2 * (x + y)], -1).astype(np.uint8)
    write_gif(tmp_path / "a.gif", [Image.fromarray(pixels)])

    with Image.open(tmp_path / "a.gif") as found:
        drawn = np.asarray(found.convert("RGB"), float)
    blocks = (drawn - pixels).reshape(8, 8, 8, 8, 3).mean((1, 3))
    assert np.abs(blocks).max() < 6


def decoded(path: Path) -> tuple[str, list[np.ndarray], float]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        return stream.codec_context.name, frames, float(container.duration or 0) / av.time_base


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
def test_a_video_shows_each_picture_for_its_time(tmp_path: Path, size: tuple[int, int]) -> None:
    write_mp4(tmp_path / "a.mp4", plain(size), 0.5)

    codec, frames, seconds = decoded(tmp_path / "a.mp4")
    assert codec == "vp9", "neither x264 nor x265, which are GPL"
    assert len(frames) == 15
    assert seconds == pytest.approx(1.5, abs=0.11)
    for number, colour in enumerate(COLOURS):
        frame = frames[5 * number + 2].astype(int)
        assert frame.shape == (48, 64, 3)
        assert np.abs(frame - colour).max() <= 12


def test_without_vp9_it_is_mpeg_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film, "_ENCODERS", (("libnothing", {}), *film._ENCODERS[1:]))

    write_mp4(tmp_path / "a.mp4", plain(), 0.2)

    codec, frames, _ = decoded(tmp_path / "a.mp4")
    assert (codec, len(frames)) == ("mpeg4", 6)
    assert np.abs(frames[3].astype(int) - COLOURS[1]).max() <= 12


def test_what_cannot_be_written_is_an_error_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for write in (write_gif, write_mp4):
        with pytest.raises(OSError, match="No such file"):
            write(tmp_path / "gone" / "a.mp4", plain())

    monkeypatch.setattr(film, "_ENCODERS", (("libnothing", {}),))
    with pytest.raises(OSError, match="Choose a GIF"):
        write_mp4(tmp_path / "a.mp4", plain())

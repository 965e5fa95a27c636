"""The samples: what the scripts write, and what lies in `resources/`, as a user finds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import clips
import data_sets
import numpy as np
import pytest
import sample_sets
from clips import CLIPS, Actor, Clip, Pixels
from photos import FASHION
from PIL import Image
from render import Renderer
from scenes import Sprite

from cocadesk.media.folder import list_pictures
from cocadesk.media.image import open_picture
from cocadesk.media.video import VideoFile
from cocadesk.paths import resources_dir
from tests.packaging.conftest import sprite

SAMPLES = resources_dir() / "samples"
FASHION_SET = resources_dir() / "datasets" / "fashion-mnist-200"
MOST_BYTES = {".jpg": 100_000, ".mp4": 300_000}
SIDE = 96


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.png")}


def test_the_data_set_is_of_test_pictures_and_the_same_each_time(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_sets, "PER_CLASS", 2)
    for out in ("once", "again"):
        sample_sets.write_fashion(world / out)
    written = files_of(world / "once")
    assert written == files_of(world / "again")
    assert len(written) == 2 * len(FASHION.labels)
    split = data_sets.read("fashion", "test")
    for path in (world / "once").rglob("*.png"):
        row = int(path.stem.removeprefix("t10k-"))
        assert np.array_equal(np.asarray(Image.open(path)), split.pixels[row, :, :, 0])
        assert path.parent.name == FASHION.labels[split.labels[row]].replace("/", " or ")


def test_photographs_keep_their_shape_and_become_small(tmp_path: Path) -> None:
    pixels = np.zeros((500, 1000, 3), np.uint8)
    pixels[:, 500:] = (200, 60, 20)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    sample_sets.write_photographs({"photo": tmp_path / "large.png"}, tmp_path)
    kept = np.asarray(Image.open(tmp_path / "photo.jpg")).astype(int)
    assert kept.shape == (320, 640, 3)
    assert np.abs(kept[:, 340:] - (200, 60, 20)).max() < 12


@pytest.fixture
def drawn(world: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Renderer]:
    """Clips at a small size, in the small world's artwork."""

    def draw(_artist: object, noun: dict[str, str], side: int) -> Image.Image:
        number = next(index for index, known in enumerate(clips.NOUNS) if known is noun)
        return Image.fromarray(sprite(number, artist=1).transpose(1, 2, 0), "RGBA").resize((side, side))

    monkeypatch.setattr(clips, "draw", draw)
    monkeypatch.setattr(clips, "SIDE", SIDE)
    clips._sprite.cache_clear()
    yield Renderer([1], SIDE, 6)  # whose bars are upright, so that left and right can be told
    clips._sprite.cache_clear()


@pytest.mark.parametrize("rotation", [0.0, 0.4, -1.2])
@pytest.mark.parametrize("mirrored", [False, True])
def test_things_are_drawn_as_the_starters_world_draws_them(drawn: Renderer, rotation: float, mirrored: bool) -> None:
    def place(share: float) -> Sprite:
        return Sprite(0.45 + 0.1 * share, 0.5 - 0.05 * share, 0.5, rotation, mirrored)

    clip = Clip((Actor("castle", place),), "plain", "white", 0)
    for number, frame in enumerate(clips.frames(clip, drawn, 3)):
        planned = drawn.plan([clip.at(number / 2)], np.random.default_rng(0))
        planned["shade"][:] = frame[0, -1] / 255  # the ground is drawn from other random numbers
        expected = drawn.draw(planned).pictures[0].permute(1, 2, 0).mul(255).numpy()
        difference = np.abs(frame - expected).max(-1)
        assert difference.mean() < 6
        assert (difference > 60).mean() < 0.03  # edges, which are drawn from another size


def test_a_clip_is_read_as_it_was_drawn(drawn: Renderer, tmp_path: Path) -> None:
    pictures = list(clips.frames(CLIPS["dog-walking"], drawn, 6))
    clips.write(tmp_path / "clip.mp4", iter(pictures))
    with VideoFile(tmp_path / "clip.mp4") as file:
        read = [shot.pixels() for _, shot in file.frames_at(range(6))]
    for one, other in zip(pictures, read, strict=True):
        assert np.abs(one.astype(int) - other).mean() < 6


def middle(frame: Pixels, ground: Pixels) -> tuple[float, float]:
    """Where, as shares of the sides, a frame differs from the ground."""
    rows, columns = np.nonzero(np.abs(frame.astype(int) - ground).max(-1) > 40)
    return float(columns.mean()) / frame.shape[1], float(rows.mean()) / frame.shape[0]


def test_the_clips_play_for_three_seconds_and_things_move() -> None:
    shown = {}
    for name in CLIPS:
        with VideoFile(SAMPLES / f"{name}.mp4") as file:
            times = file.times()
            assert len(times) == 75
            assert times.length == pytest.approx(3.0)
            shown[name] = [shot.pixels() for _, shot in file.frames_at(range(0, 75, 2))]
            assert not file.notes
    skies = [frame[:300].astype(int) for frame in shown["balloon-rising"]]  # above the roof, blue behind the red
    heights = [np.nonzero(sky[..., 0] > sky[..., 2])[0].mean() / 640 for sky in skies]
    assert heights[0] > 0.36
    assert np.polyfit(np.arange(len(heights)), heights, 1)[0] < 0
    assert heights[-1] == pytest.approx(0.14, abs=0.02)  # a balloon is above the middle of its drawing
    first, *_, last = dog = shown["dog-walking"]
    meadow = np.median(dog, axis=0)
    assert middle(first, meadow) == pytest.approx((0.15, 0.76), abs=0.05)
    assert middle(last, meadow) == pytest.approx((0.85, 0.76), abs=0.05)


def test_the_samples_are_small_and_all_can_be_opened() -> None:
    found = list_pictures(SAMPLES)
    assert len(found) == len(list(SAMPLES.iterdir())) == 18
    for path in found:
        assert path.stat().st_size <= MOST_BYTES[path.suffix]
        if path.suffix == ".jpg":
            assert max(open_picture(path).pixels.shape) <= 768


def test_two_hundred_pictures_of_clothing_come_along() -> None:
    folders = sorted(path.name for path in FASHION_SET.iterdir() if path.is_dir())
    assert folders == sorted(label.replace("/", " or ") for label in FASHION.labels)
    pictures = [np.asarray(Image.open(path)) for path in sorted(FASHION_SET.rglob("*.png"))]
    assert {pixels.shape for pixels in pictures} == {(28, 28)}
    assert len({pixels.tobytes() for pixels in pictures}) == 200
    assert all(len(list_pictures(FASHION_SET / folder)) == 20 for folder in folders)
    assert "Zalando" in (FASHION_SET / "LICENSE").read_text(encoding="utf-8")


def test_every_sample_has_a_source_and_a_licence() -> None:
    told = (resources_dir() / "README.md").read_text(encoding="utf-8")
    for path in list_pictures(SAMPLES):
        if path.stem.startswith("photo-") or path.suffix == ".mp4":
            assert path.name in told

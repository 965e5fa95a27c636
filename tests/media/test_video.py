"""Videos as clips: which frames are taken, and what they look like."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cocadesk.errors import Cancelled, InputError
from cocadesk.media import clips
from cocadesk.media import video as media_video
from cocadesk.media.clips import FrameTimes, Span, even_times, open_clip, open_clip_file, spaced
from cocadesk.media.folder import list_pictures
from cocadesk.media.image import open_picture, open_picture_or_clip, thumbnail
from cocadesk.media.video import VideoFile
from cocadesk.types import CancelToken, Clip
from tests.fakes.pictures import BOTTOM_LEFT, BOTTOM_RIGHT, TOP_LEFT, TOP_RIGHT, corners, quadrants
from tests.fakes.videos import RATE, REORDERED, claim_frames, number_of, sound_only, spoil_frame, video

KINDS = [
    ("mp4", "mpeg4", REORDERED),
    ("mov", "mpeg4", REORDERED),
    ("mkv", "mpeg4", REORDERED),
    ("mkv", "ffv1", None),
    ("webm", "libvpx", {"g": "12"}),
    ("webm", "libvpx-vp9", {"g": "12"}),
    ("avi", "mpeg4", REORDERED),
    ("avi", "mjpeg", None),
    ("ts", "mpeg2video", REORDERED),
]
FORMATS = {"mp4": "MP4", "mov": "MOV", "mkv": "MKV", "webm": "WebM", "avi": "AVI", "ts": "MPEG-TS"}


def numbers(clip: Clip) -> tuple[int, ...]:
    return tuple(number_of(frame.pixels) for frame in clip.frames)


def shown_at(starts: list[Fraction], end: Fraction, count: int) -> tuple[int, ...]:
    """The rule of `spaced`, frame by frame in exact arithmetic."""
    if len(starts) <= count:
        return tuple(range(len(starts)))
    instants = [(2 * i + 1) * end / (2 * count) for i in range(count)]
    found = [max(index for index, start in enumerate(starts) if start <= instant) for instant in instants]
    return tuple(sorted(set(found)))


@pytest.mark.parametrize(("suffix", "codec", "options"), KINDS, ids=[f"{kind[0]}-{kind[1]}" for kind in KINDS])
def test_frames_are_those_of_the_rule_in_every_container(
    tmp_path: Path, suffix: str, codec: str, options: dict[str, str] | None
) -> None:
    path = video(tmp_path / f"clip.{suffix}", 40, codec, options=options)

    clip = open_clip(path, 7)

    assert clip.indices == tuple((2 * i + 1) * 40 // 14 for i in range(7))
    assert numbers(clip) == clip.indices
    np.testing.assert_allclose(clip.times, [index / RATE for index in clip.indices], atol=1e-9)
    assert {frame.format for frame in clip.frames} == {FORMATS[suffix]}
    assert {frame.frames for frame in clip.frames} == {40}
    assert clip.notes == ()
    again = open_clip(path, 7)
    assert again.indices == clip.indices
    for frame, other in zip(clip.frames, again.frames, strict=True):
        np.testing.assert_array_equal(frame.pixels, other.pixels)


@pytest.mark.parametrize(("suffix", "codec", "options"), KINDS, ids=[f"{kind[0]}-{kind[1]}" for kind in KINDS])
def test_any_frame_can_be_had_alone(tmp_path: Path, suffix: str, codec: str, options: dict[str, str] | None) -> None:
    path = video(tmp_path / f"clip.{suffix}", 40, codec, options=options)

    with VideoFile(path) as file:
        found = [
            number_of(shot.pixels()) for index in (39, 0, 13, 12, 11, 25, 1) for _, shot in file.frames_at([index])
        ]
        played = [(number_of(shot.pixels()), round(shot.seconds * RATE)) for shot in file.play(29.5 / RATE)]

    assert found == [39, 0, 13, 12, 11, 25, 1]
    assert played == [(index, index) for index in range(29, 40)]


def test_frames_are_uniform_in_time_where_the_rate_varies(tmp_path: Path) -> None:
    times = [*range(12), *range(30, 60, 10), 200, *range(300, 304)]  # a burst, a few, a long pause, a burst
    path = video(tmp_path / "clip.mkv", len(times), times=times)

    clip = open_clip(path, 6)

    expected = shown_at([Fraction(time, RATE) for time in times], Fraction(times[-1] + 1, RATE), 6)
    assert clip.indices == expected
    assert numbers(clip) == expected
    np.testing.assert_allclose(clip.times, [times[index] / RATE for index in expected], atol=1e-3)


def test_spacing_is_exact_for_any_times() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        starts = np.unique(random.integers(0, 500, random.integers(1, 40)))
        starts -= starts[0]
        end, count = int(starts[-1] + random.integers(1, 50)), int(random.integers(1, 20))
        expected = shown_at([Fraction(int(start)) for start in starts], Fraction(end), count)
        assert spaced(FrameTimes(starts.astype(np.int64), end, 0.001), count) == expected


@pytest.mark.parametrize(
    ("span", "count", "expected"),
    [
        ((0.0, 1.6), 4, (5, 15, 25, 35)),
        ((0.8, 1.2), 2, (22, 27)),
        ((0.8, 1.2), 99, tuple(range(20, 30))),
        ((1.21, 1.22), 5, (30,)),
        ((-3.0, 99.0), 2, (10, 30)),
        ((1.6, 1.6), 3, (39,)),
    ],
)
def test_a_part_of_a_clip(span: Span, count: int, expected: tuple[int, ...]) -> None:
    assert spaced(even_times(40, 40 / RATE), count, span) == expected


def test_which_frame_is_shown_at_a_time() -> None:
    times = FrameTimes(np.array([0, 40, 45, 300]), 400, 0.01)

    assert [times.index_at(seconds) for seconds in (-1, 0, 0.399, 0.4, 0.44, 0.451, 2.99, 3, 3.99, 4, 90)] == [
        *(0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3)
    ]
    assert [times.index_at(times.seconds(index)) for index in range(len(times))] == [0, 1, 2, 3]


def test_fewer_frames_than_asked_for_are_all_taken(tmp_path: Path) -> None:
    assert open_clip(video(tmp_path / "five.mp4", 5), 16).indices == (0, 1, 2, 3, 4)
    alone = open_picture_or_clip(video(tmp_path / "one.mp4", 1), 16)
    assert isinstance(alone, Clip)
    assert alone.indices == (0,)


def test_a_header_that_lies_about_the_number_of_frames(tmp_path: Path) -> None:
    path = video(tmp_path / "clip.avi", 40, options=REORDERED)
    claim_frames(path, 444)

    with VideoFile(path) as file:
        assert file.info.frames == 444
        assert len(file.times()) == 40
    clip = open_clip(path, 4)
    assert clip.indices == numbers(clip) == (5, 15, 25, 35)


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        (90, [TOP_RIGHT, BOTTOM_RIGHT, TOP_LEFT, BOTTOM_LEFT]),
        (-90, [BOTTOM_LEFT, TOP_LEFT, BOTTOM_RIGHT, TOP_RIGHT]),
        (180, [BOTTOM_RIGHT, BOTTOM_LEFT, TOP_RIGHT, TOP_LEFT]),
    ],
)
def test_a_turned_camera_is_turned_back(tmp_path: Path, rotation: int, expected: list[tuple[int, int, int]]) -> None:
    frame = np.asarray(quadrants(80, 48))
    path = video(tmp_path / "clip.mov", frames=[frame] * 3, rotation=rotation)

    [picture] = open_clip(path, 1).frames

    assert (picture.width, picture.height) == ((80, 48) if rotation == 180 else (48, 80))
    np.testing.assert_allclose(corners(picture.pixels), expected, atol=12)
    with VideoFile(path) as file:
        assert (file.info.width, file.info.height) == (picture.width, picture.height)
        assert file.first().pixels(0.5).shape == (picture.height // 2, picture.width // 2, 3)


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(2), (128, 48)), (Fraction(1, 2), (64, 96))])
def test_pixels_become_square(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    path = video(tmp_path / "clip.mp4", 3, aspect=aspect)

    [picture] = open_clip(path, 1).frames

    assert (picture.width, picture.height) == size
    assert number_of(picture.pixels) == 1


@pytest.mark.parametrize("colorspace", [1, 5])
def test_colours_follow_the_matrix_that_is_named(tmp_path: Path, colorspace: int) -> None:
    plain = np.full((48, 64, 3), (200, 60, 30), np.uint8)
    path = video(tmp_path / "clip.mkv", frames=[plain] * 2, codec="ffv1", colorspace=colorspace)

    np.testing.assert_allclose(open_picture(path).pixels[20, 20], (200, 60, 30), atol=4)


def test_opening_shows_the_first_frame_without_counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = video(tmp_path / "clip.mp4", 40, size=(320, 240))
    monkeypatch.setattr(media_video, "read_table", lambda *_, **__: pytest.fail("the packets were read"))

    picture = open_picture(path)
    small = thumbnail(path, 64)
    with open_clip_file(path) as file:
        later = next(file.play(1.0))

    assert number_of(picture.pixels) == number_of(small.pixels) == 0
    assert (picture.frames, picture.format) == (40, "MP4")
    assert picture.seconds == pytest.approx(1.6)
    assert (small.width, small.height) == (64, 48)
    assert number_of(later.pixels()) == 25


def test_pictures_are_still_and_animations_are_not(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "still.png")
    frames = [Image.new("RGB", (4, 4), (90 * index,) * 3) for index in range(3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])

    assert open_picture(tmp_path / "still.png").seconds is None
    assert open_picture(tmp_path / "moving.gif").seconds == 0


def test_an_animation_is_uniform_in_time(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), (20 * index,) * 3) for index in range(6)]
    durations = [100, 100, 1000, 20, 20, 20]
    frames[0].save(tmp_path / "clip.gif", save_all=True, append_images=frames[1:], duration=durations)

    clip = open_clip(tmp_path / "clip.gif", 2)

    starts = [Fraction(sum(durations[:index]), 1000) for index in range(6)]
    assert clip.indices == shown_at(starts, Fraction(sum(durations), 1000), 2)
    np.testing.assert_allclose(clip.times, [float(starts[index]) for index in clip.indices])


def test_a_file_that_was_cut_off_gives_what_it_has(tmp_path: Path) -> None:
    for suffix, layout in (("mkv", False), ("mp4", True)):
        path = video(tmp_path / f"clip.{suffix}", 90, "mpeg4", size=(128, 96), faststart=layout)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.55)])

        clip = open_clip(path, 6)

        assert len(clip.frames) >= 4
        assert numbers(clip) == clip.indices
        assert max(clip.indices) < 70
        assert "cut off" in clip.notes[0]


def test_a_damaged_frame_is_left_out_and_told(tmp_path: Path) -> None:
    path = video(tmp_path / "clip.mkv", 12, "mjpeg")
    spoil_frame(path, 5)

    clip = open_clip(path, 12)

    assert clip.indices == numbers(clip) == (0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11)
    assert clip.notes == ("Frame 5 cannot be decoded and was left out.",)


def test_a_clip_with_sound(tmp_path: Path) -> None:
    assert open_clip(video(tmp_path / "clip.mkv", 20, sound=True), 4).indices == (2, 7, 12, 17)


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        open_picture_or_clip(path, 4)
    assert str(path) not in str(caught.value)
    return str(caught.value)


def test_what_cannot_be_opened_says_why(tmp_path: Path) -> None:
    whole = video(tmp_path / "whole.mp4", 30)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])  # the table of its frames stands at the end
    unknown = tmp_path / "unknown.mp4"
    unknown.write_bytes(whole.read_bytes().replace(b"mp4v", b"zyx1").replace(b"esds", b"none"))
    hollow = video(tmp_path / "hollow.mkv", 4, "mjpeg")
    for index in range(4):
        spoil_frame(hollow, index)
    text = tmp_path / "text.mp4"
    text.write_text("Dear diary, today I pretended to be a film.")
    empty = tmp_path / "empty.mp4"
    empty.touch()

    assert "sound but no pictures" in refused(sound_only(tmp_path / "sound.mka"))
    assert "“zyx1”, which cannot be decoded" in refused(unknown)
    assert "damaged or incomplete" in refused(cut)
    assert "None of its frames can be decoded" in refused(hollow)
    assert "not a picture or a video" in refused(text)
    assert "empty (0 bytes)" in refused(empty)
    assert "no such file" in refused(tmp_path / "gone.mp4")


def test_frames_share_the_limit_on_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = video(tmp_path / "clip.mp4", 10)
    monkeypatch.setattr(clips, "MAX_PIXELS", 3 * 64 * 48)
    assert len(open_clip(path, 3).frames) == 3
    with pytest.raises(InputError, match="Take fewer frames"):
        open_clip(path, 4)
    monkeypatch.setattr(media_video, "MAX_PIXELS", 64 * 48 - 1)
    assert "64 × 48 pixels, more than the limit" in refused(path)


def test_sampling_can_be_cancelled(tmp_path: Path) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        open_clip(video(tmp_path / "clip.mp4", 10), 4, cancel=cancel)


def test_folders_list_videos_among_pictures(tmp_path: Path) -> None:
    for name in ("b.MP4", "a.png", "c.webm", "notes.txt", "d.m2ts"):
        (tmp_path / name).touch()
    assert [path.name for path in list_pictures(tmp_path)] == ["a.png", "b.MP4", "c.webm", "d.m2ts"]

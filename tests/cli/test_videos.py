"""Videos on the command line: which frames are looked at, what is said about damaged ones, folders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cocadesk.catalog.card import Ability
from cocadesk.cli.main import run
from cocadesk.types import CaptionOptions, Classification, ClassScore, Clip
from tests.cli.conftest import use_model
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.videos import sound_only, video

SENTENCE = "a cat on a green background"


def test_a_video_is_captioned_by_its_frames(
    captioner: FakeCaptioner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = video(tmp_path / "film.mp4", 40)

    assert run(["caption", str(path), "--frames", "4", "--json"]) == 0

    [line] = capfd.readouterr().out.splitlines()
    assert json.loads(line)["frames"] == [5, 15, 25, 35]
    assert captioner.asked == [CaptionOptions(frames=4)]


def test_a_caption_for_each_frame(captioner: FakeCaptioner, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = video(tmp_path / "film.mkv", 40)

    assert run(["caption", str(path), "--frames", "4", "--per-frame", "--json"]) == 0
    assert run(["caption", str(path), "--frames", "2", "--per-frame"]) == 0

    *objects, first, caption, second, _ = capfd.readouterr().out.splitlines()
    assert [json.loads(line)["frames"] for line in objects] == [[5], [15], [25], [35]]
    assert (first, caption, second) == ("0.40 s", f"  {SENTENCE}", "1.20 s")


def test_what_is_wrong_with_a_video_is_said_and_costs_nothing(
    captioner: FakeCaptioner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = video(tmp_path / "cut.mkv", 90, size=(128, 96))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.55)])

    assert run(["caption", str(path)]) == 0

    out, err = capfd.readouterr()
    assert out == f"{SENTENCE}\n"
    assert err.startswith(f"cocadesk: {path}: It ends after ")
    assert err.count("\n") == 1


def test_folders_hold_videos_too_and_bad_ones_cost_a_line(
    captioner: FakeCaptioner, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    video(tmp_path / "b.webm", 8, "libvpx")
    sound_only(tmp_path / "a.mkv")

    assert run(["caption", str(tmp_path), "--json"]) == 1

    out, err = capfd.readouterr()
    assert [Path(json.loads(line)["file"]).name for line in out.splitlines()] == ["b.webm"]
    assert err == f"cocadesk: {tmp_path / 'a.mkv'}: It has sound but no pictures. Choose a video that has pictures.\n"


class Counting:
    """Ranks and classifies by nothing, and notes which frames it saw."""

    name, load_seconds, device, dtype, weight_bytes = "starter-coca", 0.0, "cpu", "float32", 0

    def __init__(self) -> None:
        self.indices: list[tuple[int, ...]] = []

    def rank(self, picture: Clip, texts: Sequence[str]) -> tuple[()]:
        self.indices.append(picture.indices)
        return ()

    def classify(self, picture: Clip, labels: Sequence[str], **_: object) -> Iterator[Classification]:
        self.indices.append(picture.indices)
        yield Classification(0, (ClassScore(labels[0], 1.0),), self.name)


@pytest.mark.parametrize(("command", "texts"), [("rank", ["--text", "a"]), ("classify", ["--labels", "a"])])
def test_as_many_frames_are_looked_at_as_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Ability, texts: list[str]
) -> None:
    counting = Counting()
    use_model(monkeypatch, counting, command)
    path = str(video(tmp_path / "film.mp4", 40))

    assert run([command, path, *texts, "--json"]) == 0
    assert run([command, path, *texts, "--frames", "7", "--json"]) == 0
    assert run([command, path, *texts, "--frames", "0"]) == 2

    assert [len(indices) for indices in counting.indices] == [16, 7]
    assert counting.indices[1] == (2, 8, 14, 20, 25, 31, 37)

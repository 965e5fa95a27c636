"""Collecting the artwork: which files show a noun, and how drawings in black and white become sprites."""

from __future__ import annotations

import json
from pathlib import Path

import artwork
import debian
import files
import numpy as np
import pytest
from artists import CLIP_ART, MISNAMED, TRAINED_ON, UNSEEN
from nouns import NOUNS
from PIL import Image

NAMES = {noun["noun"] for noun in NOUNS}


def test_what_is_left_out_and_chosen_by_name_are_nouns_and_artists() -> None:
    assert MISNAMED.keys() <= {artist.name for artist in (*TRAINED_ON, UNSEEN)}
    assert all(set(nouns) <= NAMES for nouns in MISNAMED.values())
    chosen = json.loads((files.HERE / CLIP_ART.files).read_text(encoding="utf-8"))
    assert chosen.keys() <= NAMES
    paths = [path for some in chosen.values() for path in some]
    assert len(paths) == len(set(paths)) == 231


def test_all_clip_art_of_a_noun_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trimmed to what is to be seen, and centred."""
    monkeypatch.setattr(debian, "unpacked", lambda package: tmp_path / package)
    cat = next(noun for noun in NOUNS if noun["noun"] == "cat")
    paths = json.loads((files.HERE / CLIP_ART.files).read_text(encoding="utf-8"))["cat"]
    for number, path in enumerate(paths):
        file = tmp_path / CLIP_ART.package / "usr/share/openclipart/png" / f"{path}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        image = Image.new("RGBA", (60, 40))
        image.paste((number, 200, 0, 255), (10, 10, 50, 30))
        image.save(file)
    drawn = list(artwork.drawings(CLIP_ART, cat, 24))
    assert len(drawn) == len(paths) > 1
    for number, image in enumerate(drawn):
        pixels = np.asarray(image)
        assert (pixels[6:18] == (number, 200, 0, 255)).all()
        assert not pixels[:6, :, 3].any()
    (unicorn,) = (noun for noun in NOUNS if noun["noun"] == "unicorn")
    assert artwork.draw(CLIP_ART, unicorn, 24) is None


def test_a_drawing_keeps_its_greys_and_what_its_lines_enclose_is_paper() -> None:
    image = Image.new("RGBA", (80, 80))
    image.paste((0, 0, 0, 255), (10, 10, 70, 70))
    image.paste((0, 0, 0, 0), (20, 20, 60, 60))  # nothing, enclosed
    image.paste((170, 170, 170, 255), (30, 30, 50, 50))
    image.paste((255, 255, 255, 255), (35, 35, 45, 45))
    made = np.asarray(artwork._on_paper(image))
    assert made[5, 5, 3] == 0
    for at, grey in ((15, 0), (25, 255), (32, 170), (40, 255)):
        assert tuple(made[40, at]) == (grey, grey, grey, 255)


def test_a_debian_package_is_fetched_once_into_a_folder_that_was_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], *, check: bool, cwd: str = "") -> None:
        assert check
        calls.append(command[:2])
        if command[0] == "apt-get":
            (Path(cwd) / f"{command[2]}_1_all.deb").touch()
        else:
            assert Path(command[2]).is_file()
            (Path(command[3]) / "usr").mkdir()  # as dpkg, which makes no folders above

    monkeypatch.setattr(files, "ART", tmp_path / "art")
    monkeypatch.setattr(debian.subprocess, "run", run)
    for _ in range(2):
        assert (debian.unpacked("cats") / "usr").is_dir()
    assert calls == [["apt-get", "download"], ["dpkg", "-x"]]

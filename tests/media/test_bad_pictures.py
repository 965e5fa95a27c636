"""What cannot be opened fails with one sentence that says why and what to do."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from cocadesk.errors import InputError
from cocadesk.media import image as media_image
from cocadesk.media.clips import open_clip
from cocadesk.media.folder import expand
from cocadesk.media.image import open_picture, thumbnail
from tests.fakes.pictures import make_bad_inputs, png_claiming, quadrants, without_rights

OPENERS: list[Callable[[str], object]] = [
    open_picture,
    lambda path: thumbnail(path, 64),
    lambda path: open_clip(path, 4),
]


def why(path: str, opener: Callable[[str], object] = open_picture) -> str:
    with pytest.raises(InputError) as caught:
        opener(path)
    return str(caught.value)


@pytest.mark.parametrize("opener", OPENERS)
def test_each_bad_file_says_what_is_wrong(tmp_path: Path, opener: Callable[[str], object]) -> None:
    for name, part in make_bad_inputs(tmp_path).items():
        if name == "no pictures":
            continue  # a folder is the business of `expand`
        path = name if name.startswith("https:") else str(tmp_path / name)
        message = why(path, opener)
        assert part in message, name
        assert message.endswith((".", ").")), name
        assert "\n" not in message, name
        assert Path(name).name not in message, "callers put the name in front"


def test_a_folder_is_not_a_picture(tmp_path: Path) -> None:
    assert "folder" in why(str(tmp_path))


def test_a_folder_without_pictures_is_an_error_of_its_own(tmp_path: Path) -> None:
    make_bad_inputs(tmp_path)
    expanded = expand([str(tmp_path / "no pictures")])

    assert expanded.files == ()
    [(path, error)] = expanded.errors
    assert path == str(tmp_path / "no pictures")
    assert "no pictures" in str(error)


def test_no_permission_is_said_so() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to other users as a whole
        Path(folder).chmod(0o755)
        path = Path(folder) / "secret.png"
        quadrants().save(path)
        path.chmod(0)
        with without_rights():
            message = why(str(path))
    assert "no permission" in message


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_refused_in_place_of_waiting_for_it(tmp_path: Path) -> None:
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)

    assert "not a regular file" in why(str(path))


def test_the_limit_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_image, "MAX_PIXELS", 100)
    Image.new("RGB", (10, 10)).save(tmp_path / "fits.png")
    Image.new("RGB", (101, 1)).save(tmp_path / "over.png")

    assert open_picture(tmp_path / "fits.png").width == 10
    assert "101 × 1 pixels" in why(str(tmp_path / "over.png"))


def test_bombs_in_many_threads_are_refused_even_where_warnings_are_errors(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_claiming(16_000, 16_000))
    with warnings.catch_warnings(), ThreadPoolExecutor(4) as pool:
        warnings.simplefilter("error")
        messages = set(pool.map(lambda _: why(str(path)), range(16)))

    assert len(messages) == 1
    assert "limit of 200 megapixels" in messages.pop()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "bmp", "tif", "avif", "heic"])
def test_every_cut_of_every_format_opens_or_says_why(tmp_path: Path, suffix: str) -> None:
    import pillow_heif  # noqa: PLC0415

    pillow_heif.register_heif_opener()
    whole = tmp_path / f"whole.{suffix}"
    Image.effect_noise((64, 48), 90).convert("RGB").save(whole)
    data = whole.read_bytes()
    cut = tmp_path / f"cut.{suffix}"
    for share in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        cut.write_bytes(data[: int(len(data) * share)])
        assert why(str(cut)), share


def test_every_flipped_byte_of_a_header_opens_or_says_why(tmp_path: Path) -> None:
    for suffix in ("png", "gif", "tif", "bmp", "webp"):
        whole = tmp_path / f"whole.{suffix}"
        quadrants(16, 12).save(whole)
        data = bytearray(whole.read_bytes())
        bad = tmp_path / f"bad.{suffix}"
        for index in range(0, min(len(data), 90)):
            changed = bytearray(data)
            changed[index] ^= 0xFF
            bad.write_bytes(changed)
            with suppress(InputError):  # anything else fails the test
                open_picture(bad)

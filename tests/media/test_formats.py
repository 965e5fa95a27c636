"""Every format opens upright and with its colours."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms, ImageDraw

from cocadesk.media.image import open_picture, thumbnail
from tests.fakes.pictures import BOTTOM_LEFT, BOTTOM_RIGHT, TOP_LEFT, TOP_RIGHT, corners, png_chunk, quadrants

UPRIGHT = [TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT]
LAB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
LOSSY = 12  # most that a lossy format may be off by in the middle of a plain area

# What a viewer must do to a stored picture of each EXIF orientation, by the stored corners' new places.
SEEN_BY_ORIENTATION = {
    1: [0, 1, 2, 3],
    2: [1, 0, 3, 2],
    3: [3, 2, 1, 0],
    4: [2, 3, 0, 1],
    5: [0, 2, 1, 3],
    6: [2, 0, 3, 1],
    7: [3, 1, 2, 0],
    8: [1, 3, 0, 2],
}


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    if path.suffix == ".heic":
        pillow_heif.from_pillow(image).save(path, quality=95)
    else:
        image.save(path, **options)
    return path


def assert_close(found: list[tuple[int, ...]], expected: list[tuple[int, ...]], tolerance: int = LOSSY) -> None:
    np.testing.assert_allclose(np.array(found, int), np.array(expected, int), atol=tolerance)


@pytest.mark.parametrize(
    ("suffix", "title"),
    [
        ("jpg", "JPEG"),
        ("png", "PNG"),
        ("webp", "WebP"),
        ("gif", "GIF"),
        ("bmp", "BMP"),
        ("tif", "TIFF"),
        ("avif", "AVIF"),
        ("heic", "HEIC"),
    ],
)
def test_each_format_opens_with_its_colours(tmp_path: Path, suffix: str, title: str) -> None:
    path = saved(tmp_path / f"scene.{suffix}", quadrants())

    picture = open_picture(path)

    assert (picture.width, picture.height, picture.format, picture.frames) == (80, 60, title, 1)
    assert picture.name == str(path)
    assert_close(corners(picture.pixels), UPRIGHT)
    small = thumbnail(path, 20)
    assert (small.width, small.height, small.format) == (20, 15, title)
    assert_close(corners(small.pixels), UPRIGHT)


def test_the_extension_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "scene.jpg"
    quadrants().save(path, format="PNG")

    assert open_picture(path).format == "PNG"


def test_pixels_are_contiguous_bytes_that_nobody_can_change(tmp_path: Path) -> None:
    pixels = open_picture(saved(tmp_path / "scene.png", quadrants())).pixels

    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0, 0] = 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "avif"])
def test_exif_orientation_is_honoured(tmp_path: Path, suffix: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"turned.{suffix}", quadrants(), exif=exif, quality=95)

    picture = open_picture(path)

    assert (picture.width, picture.height) == ((80, 60) if orientation <= 4 else (60, 80))
    expected = [UPRIGHT[stored] for stored in SEEN_BY_ORIENTATION[orientation]]
    assert_close(corners(picture.pixels), expected)
    assert_close(corners(thumbnail(path, 24).pixels), expected)


def test_a_turned_heic_is_turned_once(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pillow_heif.register_heif_opener()
    path = tmp_path / "phone.heic"
    quadrants().save(path, exif=exif.tobytes(), quality=95)

    picture = open_picture(path)

    assert (picture.width, picture.height) == (60, 80)
    assert_close(corners(picture.pixels), [UPRIGHT[stored] for stored in SEEN_BY_ORIENTATION[6]])


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA"])
def test_transparency_lies_on_white(tmp_path: Path, mode: str) -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((20, 0, 39, 39), fill=(90, 90, 90, 255))
    path = tmp_path / "hole.png"
    if mode == "P":
        image.convert("P").save(path, transparency=image.convert("P").getpixel((0, 0)))
    else:
        image.convert("RGBA" if mode == "PA" else mode).save(path)

    pixels = open_picture(path).pixels

    assert tuple(pixels[20, 5]) == (255, 255, 255)
    assert_close([tuple(pixels[20, 30])], [(90, 90, 90)])
    assert tuple(thumbnail(path, 10).pixels[5, 1]) == (255, 255, 255)


def test_half_transparency_mixes_with_white(tmp_path: Path) -> None:
    path = saved(tmp_path / "veil.png", Image.new("RGBA", (4, 4), (0, 0, 0, 128)))

    assert_close([tuple(open_picture(path).pixels[0, 0])], [(127, 127, 127)], tolerance=1)


def test_a_colour_key_is_transparency(tmp_path: Path) -> None:
    path = saved(tmp_path / "key.png", quadrants(), transparency=TOP_LEFT)

    assert_close(corners(open_picture(path).pixels), [(255, 255, 255), *UPRIGHT[1:]], tolerance=0)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path, suffix: str) -> None:
    levels = np.array([[0, 256, 0x8000, 0xC000, 0xFFFF]], np.uint16).repeat(4, axis=0)
    path = saved(tmp_path / f"deep.{suffix}", Image.fromarray(levels))

    assert open_picture(path).pixels[0, :, 1].tolist() == [0, 1, 128, 192, 255]


def test_16_bit_colour_is_scaled_not_clipped(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    path.write_bytes(_png_16_bit_rgb((0x8000, 0xFFFF, 0x0100)))

    assert tuple(open_picture(path).pixels[0, 0]) == (128, 255, 1)


def test_floats_from_0_to_1_span_black_to_white(tmp_path: Path) -> None:
    levels = np.array([[0, 0.25, 0.5, 0.75]], np.float32).repeat(4, axis=0)
    path = saved(tmp_path / "float.tif", Image.fromarray(levels))

    assert open_picture(path).pixels[0, :, 0].tolist() == [0, 64, 128, 191]


def test_other_floats_are_stretched_and_holes_are_black(tmp_path: Path) -> None:
    levels = np.array([[-10, 0, 10, np.nan]], np.float32).repeat(4, axis=0)
    path = saved(tmp_path / "heights.tif", Image.fromarray(levels))

    assert open_picture(path).pixels[0, :, 0].tolist() == [0, 128, 255, 0]


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk_is_not_inverted(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"print.{suffix}", quadrants().convert("CMYK"))

    assert_close(corners(open_picture(path).pixels), UPRIGHT)
    assert_close(corners(thumbnail(path, 20).pixels), UPRIGHT)


def test_lab_becomes_colour(tmp_path: Path) -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    lab = ImageCms.applyTransform(quadrants(), to_lab)
    lab.info.pop("icc_profile", None)
    path = saved(tmp_path / "lab.tif", lab)

    assert_close(corners(open_picture(path).pixels), UPRIGHT)


@pytest.mark.parametrize(("mode", "expected"), [("L", 100), ("1", 255)])
def test_grey_and_bilevel_become_three_equal_channels(tmp_path: Path, mode: str, expected: int) -> None:
    path = saved(tmp_path / "grey.png", Image.new(mode, (5, 5), 100 if mode == "L" else 1))

    assert tuple(open_picture(path).pixels[2, 2]) == (expected,) * 3


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "avif"])
def test_a_colour_profile_is_applied(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"profiled.{suffix}", quadrants(), icc_profile=_red_and_blue_swapped(), quality=95)

    swapped = [(blue, green, red) for red, green, blue in UPRIGHT]
    assert_close(corners(open_picture(path).pixels), swapped)
    assert_close(corners(thumbnail(path, 20).pixels), swapped)


@pytest.mark.parametrize("mode", ["P", "RGBA"])
def test_a_colour_profile_applies_to_palettes_and_beside_transparency(tmp_path: Path, mode: str) -> None:
    image = quadrants().quantize(4) if mode == "P" else quadrants().convert(mode)
    path = saved(tmp_path / "profiled.png", image, icc_profile=_red_and_blue_swapped())

    assert_close(corners(open_picture(path).pixels), [(blue, green, red) for red, green, blue in UPRIGHT])


def test_a_lab_profile_is_applied(tmp_path: Path) -> None:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    path = saved(tmp_path / "lab.tif", ImageCms.applyTransform(quadrants(), to_lab), icc_profile=LAB_PROFILE)

    assert_close(corners(open_picture(path).pixels), UPRIGHT)


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = saved(tmp_path / "srgb.png", quadrants(), icc_profile=profile)

    assert_close(corners(open_picture(path).pixels), UPRIGHT, tolerance=0)


@pytest.mark.parametrize(
    "profile", [b"not a profile", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()]
)
def test_a_profile_that_cannot_apply_does_not_cost_the_picture(tmp_path: Path, profile: bytes) -> None:
    path = saved(tmp_path / "odd.png", quadrants(), icc_profile=profile)

    assert_close(corners(open_picture(path).pixels), UPRIGHT, tolerance=0)


def test_broken_metadata_does_not_cost_the_picture(tmp_path: Path) -> None:
    path = saved(tmp_path / "exif.jpg", quadrants(), exif=b"Exif\0\0II*\0\xff\xff\xff\xff", quality=95)

    assert_close(corners(open_picture(path).pixels), UPRIGHT)


@pytest.mark.parametrize("size", [(1, 1), (30_000, 20), (20, 30_000)])
def test_odd_shapes_open(tmp_path: Path, size: tuple[int, int]) -> None:
    path = saved(tmp_path / "odd.png", Image.new("RGB", size, "teal"))

    picture = open_picture(path)
    small = thumbnail(path, 64)

    assert (picture.width, picture.height) == size
    assert max(small.width, small.height) == min(64, max(size))
    assert min(small.width, small.height) >= 1


def test_a_path_with_spaces_and_other_scripts_opens(tmp_path: Path) -> None:
    path = tmp_path / "Ünïcode 写真 с пробелами 🙂.png"
    quadrants().save(path)

    assert open_picture(path).name == str(path)


def _red_and_blue_swapped() -> bytes:
    """sRGB's profile with the primaries of red and blue exchanged, and another name."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"_XYZ").replace(b"bXYZ", b"rXYZ").replace(b"_XYZ", b"bXYZ")
    return profile.replace("sRGB".encode("utf-16-be"), "bRGB".encode("utf-16-be"))


def _png_16_bit_rgb(colour: tuple[int, int, int]) -> bytes:
    """One pixel of 16-bit RGB, which Pillow reads but cannot write."""
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    samples = zlib.compress(b"\0" + struct.pack(">HHH", *colour))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        png_chunk(kind, data) for kind, data in ((b"IHDR", header), (b"IDAT", samples), (b"IEND", b""))
    )

"""Turning whatever colours a file holds into 8-bit sRGB."""

from __future__ import annotations

import io
import logging

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

logger = logging.getLogger(__name__)

# The image mode in which the colours of a profile's colour space arrive from Pillow.
_MODE_OF_PROFILE_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}


def to_srgb(image: Image.Image) -> Image.Image:
    """The same picture in mode RGB: profile applied, deep samples scaled, transparency over white.

    Transparency is laid over white, as a page or a browser shows it: the colours stored under transparent pixels are
    arbitrary (often black), and the models learned from pictures flattened on pages.

    Args:
        image: Any mode, pixels loaded; may come back as it is if nothing needs converting.
    """
    profile = image.info.get("icc_profile")
    colours, alpha = _split_alpha(image)
    colours = _apply_profile(colours, profile) if profile else colours
    if colours.mode == "LAB":
        colours = _lab_to_rgb(colours)
    colours = colours.convert("RGB") if colours.mode != "RGB" else colours
    if alpha is None:
        return colours
    page = Image.new("RGB", colours.size, "white")
    page.paste(colours, mask=alpha)
    return page


def _split_alpha(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Eight-bit colours in a mode that a colour profile can apply to, and the alpha channel if there is one."""
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        return _deep_to_grey(image), None
    if image.mode == "LA":
        return image.getchannel("L"), image.getchannel("A")
    if image.has_transparency_data:
        # Colour keys and palettes with transparent entries become an alpha channel on the way.
        rgba = image.convert("RGBA")
        return rgba.convert("RGB"), rgba.getchannel("A")
    if image.mode in {"1", "P", "RGBX", "YCbCr", "HSV"}:
        return image.convert("L" if image.mode == "1" else "RGB"), None
    return image, None


def _deep_to_grey(image: Image.Image) -> Image.Image:
    """Greyscale of 16 or 32 bits or of floats as 8 bits; Pillow's own conversion would clip it at 255.

    16-bit samples lose their low byte, as Pillow does for 16-bit RGB. Floats within 0…1 are taken to span black to
    white. Other ranges have no agreed white: their smallest value becomes black, their largest white.
    """
    samples: npt.NDArray[np.float32] = np.asarray(image).astype(np.float32)
    finite = np.isfinite(samples)
    low, high = (float(samples[finite].min()), float(samples[finite].max())) if finite.any() else (0.0, 1.0)
    if image.mode == "F":
        low, high = (0.0, 1.0) if low >= 0 and high <= 1 else (low, high)
    elif low >= 0 and high <= 0xFFFF:
        return Image.fromarray((samples / 256).astype(np.uint8))
    samples = np.nan_to_num((samples - low) / ((high - low) or 1.0), nan=0.0, posinf=1.0, neginf=0.0)
    return Image.fromarray((samples.clip(0, 1) * 255 + 0.5).astype(np.uint8))


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Colours through the file's ICC profile; as they are where the profile is sRGB, broken or of another space."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if ImageCms.getProfileDescription(source).startswith("sRGB"):
            return image
        wanted = _MODE_OF_PROFILE_SPACE.get(source.profile.xcolor_space.strip())
        if wanted == "RGB" and image.mode == "L":
            image = image.convert("RGB")
        if wanted != image.mode:
            return image
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        # A broken profile must not cost the picture: most viewers show it without one.
        logger.info("Colour profile ignored: %s", error)
        return image
    return converted if converted is not None else image


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
    converted = ImageCms.applyTransform(image, transform)
    return converted if converted is not None else image

"""Drawings as SVG: valid XML with text as text, and with words for those who cannot see it."""

from __future__ import annotations

import io
import re
from base64 import b64encode
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFont

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
ElementTree.register_namespace("", _SVG)
ElementTree.register_namespace("xlink", _XLINK)

# What XML 1.0 has no way to write: control characters, halves of pairs.
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

INK = "#282828"
FONT = "Helvetica, Arial, sans-serif"
_FONT_SIZE = 14
_WIDER = 1.2
"""How much wider than Pillow's own font a viewer's may be."""

Element = ElementTree.Element
Attribute = str | float


class Svg:
    """A drawing of so many pixels, in which every coordinate is a pixel.

    Args:
        title: What it is, in a few words; viewers show it, screen readers say it.
        description: What can be seen on it, in a sentence or two.

    Attributes:
        root: What elements are added to where no group is named.
    """

    def __init__(self, width: float, height: float, title: str, description: str) -> None:
        self.root = Element(f"{{{_SVG}}}svg")
        self._set(self.root, width=width, height=height, viewBox=f"0 0 {_number(width)} {_number(height)}", role="img")
        self._set(self.root, aria_labelledby="title description", font_family=FONT, font_size=_FONT_SIZE)
        self.add("title", id="title").text = written(title)
        self.add("desc", id="description").text = written(description)
        self.add("rect", width=width, height=height, fill="#ffffff")

    def add(self, name: str, parent: Element | None = None, **attributes: Attribute) -> Element:
        """Add an element and return it; an underscore in an attribute's name stands for the hyphen."""
        element = ElementTree.SubElement(self.root if parent is None else parent, f"{{{_SVG}}}{name}")
        self._set(element, **attributes)
        return element

    def tell(self, element: Element, words: str) -> None:
        """Say something of an element: shown when it is pointed at."""
        self.add("title", element).text = written(words)

    def group(self, parent: Element | None = None, *, title: str = "", **attributes: Attribute) -> Element:
        """Add a group; its title is said of it, and shown when it is pointed at."""
        group = self.add("g", parent, **attributes)
        if title:
            self.tell(group, title)
        return group

    def text(
        self,
        words: str,
        x: float,
        y: float,
        parent: Element | None = None,
        *,
        anchor: str = "start",
        size: float = _FONT_SIZE,
        turned: bool = False,
    ) -> None:
        """Add text whose middle is at that height, and whose start, middle or end is at that place.

        Args:
            size: Of the font, in pixels.
            turned: Running upwards, with its middle at that x.
        """
        drop = 0.35 * size  # from the middle of small letters to their foot
        more: dict[str, Attribute] = {"font_size": size} if size != _FONT_SIZE else {}
        if turned:
            more["transform"] = f"rotate(-90 {_number(x + drop)} {_number(y)})"
        place = {"x": x + drop, "y": y} if turned else {"x": x, "y": y + drop}
        self.add("text", parent, text_anchor=anchor, fill=INK, **place, **more).text = written(words)

    def image(
        self, image: Image.Image, size: tuple[float, float], parent: Element | None = None, **attributes: Attribute
    ) -> Element:
        """Embed a picture, drawn at that size: RGB as JPEG, colours from a palette as PNG."""
        kind = "JPEG" if image.mode == "RGB" else "PNG"
        data = io.BytesIO()
        image.save(data, kind, quality=90, optimize=True)
        element = self.add("image", parent, width=size[0], height=size[1], preserveAspectRatio="none", **attributes)
        encoded = b64encode(data.getvalue()).decode("ascii")
        element.set(f"{{{_XLINK}}}href", f"data:image/{kind.lower()};base64,{encoded}")
        return element

    def use(self, identifier: str, parent: Element | None = None, **attributes: Attribute) -> Element:
        """Draw what has that `id` once more."""
        element = self.add("use", parent, **attributes)
        element.set(f"{{{_XLINK}}}href", f"#{identifier}")
        return element

    def save(self, path: Path) -> None:
        """Write it.

        Raises:
            OSError: if it cannot be written.
        """
        ElementTree.ElementTree(self.root).write(path, encoding="utf-8", xml_declaration=True)

    @staticmethod
    def _set(element: Element, **attributes: Attribute) -> None:
        for name, value in attributes.items():
            element.set(name.replace("_", "-"), value if isinstance(value, str) else _number(value))


def width_of(words: str, size: float = _FONT_SIZE) -> float:
    """About how many pixels a text takes, rather too many: with which font it is drawn is the viewer's business."""
    return _WIDER * ImageFont.load_default(size).getlength(words)


def shortened(words: str, width: float, size: float = _FONT_SIZE) -> str:
    """As much of a text as has room in so many pixels."""
    while words and width_of(words, size) > width:
        words = words[:-1]
    return words


def written(text: str) -> str:
    """A text as XML can hold it: what cannot be written becomes "\ufffd"."""
    return _UNWRITABLE.sub("\ufffd", text)


def colour(channels: npt.NDArray[np.generic]) -> str:
    """Red, green and blue, 0 to 255, as SVG has them: "#ff8000"."""
    return "#" + bytes(channels.astype(np.uint8)).hex()


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)

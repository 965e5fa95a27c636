"""Whose drawings of the nouns there are, and which of their files show something else than the noun."""

from __future__ import annotations

import json
from typing import NamedTuple

import files


class Artist(NamedTuple):
    """One set of drawings.

    `files` is the path of a picture inside the package with `{code}` for the code points, or an Iconify `icons.json`,
    or the stylesheet of a font.
    """

    name: str
    licence: str
    package: str
    files: str


SEEN = (
    Artist("noto", "Apache-2.0", "emoji-datasource-google", "img/google/64/{code}.png"),
    Artist("twemoji", "CC-BY-4.0", "emoji-datasource-twitter", "img/twitter/64/{code}.png"),
    Artist("fluent-3d", "MIT", "@lobehub/fluent-emoji-3d", "assets/{code}.webp"),
    Artist("fluent-flat", "MIT", "@lobehub/fluent-emoji-flat", "assets/{code}.svg"),
    Artist("emojione", "CC-BY-4.0", "@iconify-json/emojione", "icons.json"),
    Artist("fxemoji", "Apache-2.0", "@iconify-json/fxemoji", "icons.json"),
    Artist("streamline", "CC-BY-4.0", "@iconify-json/streamline-emojis", "icons.json"),
    Artist("noto-v1", "Apache-2.0", "@iconify-json/noto-v1", "icons.json"),
)
"""In colour: the artwork of the starters' world, in training and in the figures for seen artwork."""

SKETCHES = (
    Artist("noto-line", "OFL-1.1", "@fontsource/noto-emoji", "400.css"),
    Artist("fluent-line", "MIT", "@iconify-json/fluent-emoji-high-contrast", "icons.json"),
    Artist("emojione-line", "CC-BY-4.0", "@iconify-json/emojione-monotone", "icons.json"),
    Artist("game-icons", "CC-BY-3.0", "@iconify-json/game-icons", "icons.json"),
    Artist("mdi", "Apache-2.0", "@iconify-json/mdi", "icons.json"),
    Artist("phosphor", "MIT", "@iconify-json/ph", "icons.json"),
    Artist("tabler", "MIT", "@iconify-json/tabler", "icons.json"),
    Artist("hugeicons", "MIT", "@iconify-json/hugeicons", "icons.json"),
    Artist("font-awesome", "CC-BY-4.0", "@iconify-json/fa6-solid", "icons.json"),
)
"""Black on white: drawn in the nouns' colours in training only, so that shapes are learned from many hands."""

UNSEEN = Artist("openmoji", "CC-BY-SA-4.0", "openmoji", "color/svg/{CODE}.svg")
"""Never trained on: the test of an unseen hand."""

ARTISTS = (*SEEN, *SKETCHES, UNSEEN)


def numbers(artists: tuple[Artist, ...]) -> list[int]:
    """Their numbers in the sprites' file."""
    return [ARTISTS.index(artist) for artist in artists]


MISNAMED: dict[str, list[str]] = json.loads((files.HERE / "misnamed.json").read_text(encoding="utf-8"))
"""By artist: nouns under whose name a file shows something else, or nothing that could be told."""

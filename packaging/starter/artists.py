"""Whose drawings of the nouns there are, and which of their files show something else than the noun."""

from __future__ import annotations

import json
from typing import NamedTuple

import files


class Artist(NamedTuple):
    """One set of drawings.

    `title` names it and who made it, as cards do; `licence` is an SPDX expression. `files` is the path of a picture
    inside the package with `{code}` for the code points, or an Iconify `icons.json`, or the stylesheet of a font, or a
    list here of files by noun.
    """

    name: str
    title: str
    licence: str
    package: str
    files: str


SEEN = (
    Artist("noto", "Noto emoji, by Google", "Apache-2.0", "emoji-datasource-google", "img/google/64/{code}.png"),
    Artist("twemoji", "Twemoji, by Twitter", "CC-BY-4.0", "emoji-datasource-twitter", "img/twitter/64/{code}.png"),
    Artist("fluent-3d", "Fluent emoji, 3D, by Microsoft", "MIT", "@lobehub/fluent-emoji-3d", "assets/{code}.webp"),
    Artist("fluent-flat", "Fluent emoji, flat, by Microsoft", "MIT", "@lobehub/fluent-emoji-flat", "assets/{code}.svg"),
    Artist("emojione", "EmojiOne 2, by EmojiOne", "CC-BY-4.0", "@iconify-json/emojione", "icons.json"),
    Artist("fxemoji", "Firefox OS emoji, by Mozilla", "Apache-2.0", "@iconify-json/fxemoji", "icons.json"),
    Artist(
        "streamline", "Streamline emoji, by Streamline", "CC-BY-4.0", "@iconify-json/streamline-emojis", "icons.json"
    ),
    Artist("noto-v1", "Noto emoji, first version, by Google", "Apache-2.0", "@iconify-json/noto-v1", "icons.json"),
)
"""In colour: the artwork of the starters' world, in training and in the figures for seen artwork."""

SKETCHES = (
    Artist("noto-line", "Noto emoji, monochrome, by Google", "OFL-1.1", "@fontsource/noto-emoji", "400.css"),
    Artist(
        "fluent-line",
        "Fluent emoji, high contrast, by Microsoft",
        "MIT",
        "@iconify-json/fluent-emoji-high-contrast",
        "icons.json",
    ),
    Artist(
        "emojione-line", "EmojiOne, monotone, by EmojiOne", "CC-BY-4.0", "@iconify-json/emojione-monotone", "icons.json"
    ),
    Artist(
        "game-icons",
        "Game-icons.net, by Lorc, Delapouite and contributors",
        "CC-BY-3.0",
        "@iconify-json/game-icons",
        "icons.json",
    ),
    Artist("mdi", "Material design icons, by Pictogrammers", "Apache-2.0", "@iconify-json/mdi", "icons.json"),
    Artist("phosphor", "Phosphor, by Phosphor Icons", "MIT", "@iconify-json/ph", "icons.json"),
    Artist("tabler", "Tabler, by Paweł Kuna", "MIT", "@iconify-json/tabler", "icons.json"),
    Artist("hugeicons", "Hugeicons, by Hugeicons", "MIT", "@iconify-json/hugeicons", "icons.json"),
    Artist("font-awesome", "Font Awesome 6, by Fonticons", "CC-BY-4.0", "@iconify-json/fa6-solid", "icons.json"),
    Artist("icon-park", "IconPark, by ByteDance", "Apache-2.0", "@iconify-json/icon-park", "icons.json"),
    Artist("lucide", "Lucide, by Lucide contributors", "ISC", "@iconify-json/lucide", "icons.json"),
)
"""Black on white: drawn in the nouns' colours in training only, so that shapes are learned from many hands."""

CLIP_ART = Artist(
    "clip-art", "Open Clip Art Library, by its contributors", "CC-PDDC", "openclipart-png", "clip_art.json"
)
"""Mostly in colour, from Debian, by more hands than anything else here; in training only. `clip_art.json` names those
of its thousands of files that show a noun."""

UNSEEN = Artist("openmoji", "OpenMoji, by the HfG Schwäbisch Gmünd", "CC-BY-SA-4.0", "openmoji", "color/svg/{CODE}.svg")
"""Never trained on: the test of an unseen hand."""

TRAINED_ON = (*SEEN, *SKETCHES, CLIP_ART)
ARTISTS = (*TRAINED_ON, UNSEEN)


def numbers(artists: tuple[Artist, ...]) -> list[int]:
    """Their numbers in the sprites' file."""
    return [ARTISTS.index(artist) for artist in artists]


MISNAMED: dict[str, list[str]] = json.loads((files.HERE / "misnamed.json").read_text(encoding="utf-8"))
"""By artist: nouns under whose name a file shows something else, or nothing that could be told."""

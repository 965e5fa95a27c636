"""The 311 nouns of the starter's world: `noun`, `plural`, `emoji` (code point), `label` and whether it is countable."""

import json
from pathlib import Path
from typing import Any

NOUNS: list[dict[str, Any]] = json.loads(Path(__file__).with_name("vocabulary.json").read_text(encoding="utf-8"))
NUMBER_OF = {noun["noun"]: number for number, noun in enumerate(NOUNS)}

_FIRST_PLANT, _FIRST_MADE = NUMBER_OF["bouquet"], NUMBER_OF["teapot"]
_KNOWN_BY_COLOUR = {
    "volcano",
    "ambulance",
    "fire engine",
    "police car",
    "taxi",
    "traffic light",
    "stop sign",
    "moon",
    "sun",
    "star",
    "cloud",
    "rainbow",
    "snowman",
    "fire",
    "baseball",
    "basketball",
    "tennis ball",
    "crown",
    "candle",
    "coin",
}


def hue_freedom(noun: int) -> float:
    """How far the hue of a noun's drawings may be turned without making another thing of it, in degrees."""
    if noun < _FIRST_PLANT:
        return 15.0
    if noun < _FIRST_MADE or NOUNS[noun]["noun"] in _KNOWN_BY_COLOUR:
        return 6.0
    return 180.0

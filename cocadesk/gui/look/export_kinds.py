"""What can be written of the maps that are there, as file dialogs offer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from cocadesk.gui.look.scene import Scene
from cocadesk.work.exporting import Suffix, What

SHOWN: Final = "shown"
"""The picture with all that lies over it, or a text's charts, as they are on the screen."""

FILMS: dict[Literal["words", "layers", "heads"], str] = {
    "words": "Film over the words",
    "layers": "Film over the layers",
    "heads": "Film over the heads",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        what: What is written; `SHOWN` for what is on the screen.
    """

    label: str
    what: What | Literal["shown"]
    suffix: Suffix

    @property
    def filter(self) -> str:
        """As a file dialog names it."""
        return f"{self.label} (*{self.suffix})"


LENS = Kind("Picture with the overlay", SHOWN, ".png")

NUMBERS = Kind("All maps as numbers", "numbers", ".npz")


def of_map(scene: Scene) -> list[Kind]:
    """For the map on the picture, or a text's charts."""
    if scene.over_picture:
        return [Kind("Picture with the map", SHOWN, ".png"), Kind("Drawing of the map", "map", ".svg"), NUMBERS]
    charts: list[tuple[str, What]] = [("Matrix", "matrix"), ("Bars", "bars")]
    if scene.maps.tokens == scene.maps.keys:
        charts.insert(0, ("Arcs", "arcs"))
    drawn = [kind for label, what in charts for kind in _drawn(label, what)]
    return [Kind("Charts as shown", SHOWN, ".png"), *drawn, NUMBERS]


def of_grid(scene: Scene) -> list[Kind]:
    """For every layer and head on one sheet; empty if there is only one."""
    return _drawn("All layers and heads", "grid") if scene.maps.layers * scene.maps.heads > 1 else []


def of_strip(scene: Scene) -> list[Kind]:
    """For one layer's maps beside each other; empty if there is only one."""
    return _drawn(f"All {scene.strip_of}", "strip") if scene.strip_of else []


def of_film(scene: Scene) -> list[Kind]:
    """For animations; empty if nothing moves."""
    suffixes: tuple[Suffix, ...] = (".gif", ".mp4")
    return [Kind(FILMS[over], over, suffix) for over in scene.films for suffix in suffixes]


def _drawn(label: str, what: What) -> list[Kind]:
    return [Kind(label, what, ".png"), Kind(label, what, ".svg")]

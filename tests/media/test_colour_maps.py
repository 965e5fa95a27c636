"""The colours of maps, against pyqtgraph's own tables of the same ones."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest

from cocadesk.media.colour_maps import NAMES, colours_at


@pytest.mark.parametrize("name", ["inferno", "viridis"])
def test_colours_are_those_of_the_published_map(name: str) -> None:
    places = np.linspace(0, 1, 256)
    published = pg.colormap.get(name).map(places)[:, :3]
    assert np.abs(colours_at(places, name).astype(int) - published.astype(int)).max() <= 6


def test_greys_are_as_bright_as_the_value() -> None:
    assert colours_at(np.array([-1, 0, 0.5, 1, 2]), "greys").tolist() == [
        [0] * 3,
        [0] * 3,
        [128] * 3,
        [255] * 3,
        [255] * 3,
    ]


def test_brightness_grows_along_every_map() -> None:
    for name in NAMES:
        luminance = colours_at(np.linspace(0, 1, 100), name) @ [0.2126, 0.7152, 0.0722]
        assert (np.diff(luminance) > -0.5).all()
        assert luminance[-1] - luminance[0] > 150


def test_unknown_map_is_refused() -> None:
    with pytest.raises(KeyError):
        colours_at(np.zeros(1), "sepia")

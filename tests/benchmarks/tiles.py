"""How long it takes until all layers and heads of a large model stand side by side, once their maps are there."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtGui import QImage

from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.attention_summary import summarise
from cocadesk.engine.preprocess import Geometry
from cocadesk.gui import app
from cocadesk.gui.look.scene import Scene
from cocadesk.gui.look.tiles_view import Backdrop
from cocadesk.gui.look.tiles_window import TileKind, TilesWindow
from cocadesk.gui.overlays.style import OverlayStyle
from cocadesk.work.looking import Looked
from tests.benchmarks.row import Row

LAYERS = HEADS = 12
SIDE, PATCH = 224, 16
RUNS = 7
BOUND_MS = 150.0


def rows() -> list[Row]:
    """From opening the window until its tiles are painted, the median of some runs, for each of its kinds."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    qt = app.application()
    scene = _scene()
    behind = Backdrop(QImage(512, 512, QImage.Format.Format_RGB32), (SIDE, SIDE), (0, 0, SIDE, SIDE))
    behind.image.fill(0xFF6080A0)
    found = []
    window = TilesWindow()
    window.resize(1100, 900)
    for number, kind in enumerate(TileKind):
        window._kind.setCurrentIndex(number)
        times = []
        for run in range(RUNS):
            window.hide()
            qt.processEvents()
            # Each run shows another token, so that nothing is left from the run before.
            choice = replace(scene.first_choice(), token=run)
            fresh = Scene(scene.looked)
            began = time.perf_counter()
            window.open_with(fresh, choice, OverlayStyle(), behind)
            painted = window.view.viewport().grab()  # `repaint` does nothing before the window system has exposed it
            times.append(1000 * (time.perf_counter() - began))
            assert not painted.isNull()
        found.append(_row(kind, times))
    window.close()
    return found


def _row(kind: TileKind, times: Sequence[float]) -> Row:
    median = float(np.median(times))
    name = f"{LAYERS}×{HEADS} tiles and a column of means, “{kind.value}”, until painted, at most"
    return Row(name, median, BOUND_MS, median <= BOUND_MS, "ms")


def _scene() -> Scene:
    """A ViT-B/16's maps of a picture: 12 layers, 12 heads, 197 tokens."""
    grid = SIDE // PATCH
    names = ("[class]", *(f"patch {row},{column}" for row in range(grid) for column in range(grid)))
    drawn = np.random.default_rng(0).exponential(1, (LAYERS, HEADS, len(names), len(names))).astype(np.float32)
    layout = PatchLayout(Geometry((SIDE, SIDE), (SIDE, SIDE), (0, 0), SIDE), (grid, grid), (PATCH, PATCH), 1)
    weights = drawn / drawn.sum(-1, keepdims=True)
    maps = AttentionMaps("image", "vit-base-patch16", weights, names, names, 0, "", layout)
    return Scene(Looked(maps, summarise(maps)))

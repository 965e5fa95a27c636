"""How many frames a second a map over a 12-megapixel picture shows while layers and heads are scrubbed through.

A frame is a new map, handed to the canvas as the scrubber does, and the paint that the event loop then delivers; the
next one is handed over when that is done. The maps are cut from weights as an `AttentionMaps` holds them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer

from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.preprocess import Preprocessing, geometry
from cocadesk.gui import app
from cocadesk.gui.canvas import Canvas
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.overlays.style import OverlayStyle
from cocadesk.gui.pyramid import build
from cocadesk.types import Picture
from tests.benchmarks.row import Row

PICTURE = (4000, 3000)
LAYERS, HEADS, GRID = 12, 12, 14
SMALL, LARGE = (690, 700), (1970, 1340)
"""The canvas in a window of 1280×800 and of 2560×1440."""
SECONDS = 4.0
WANTED = 60.0


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """Frames a second by the clock, and milliseconds of processor time, of all threads, for each."""

    per_second: float
    cpu_ms: float


class Scrubber(QObject):
    """Shows the next map whenever the last one was painted."""

    def __init__(self, canvas: Canvas, show: Callable[[OverlayMap], None], maps: Iterator[OverlayMap]) -> None:
        super().__init__()
        self._canvas = canvas
        self._show = show
        self._maps = maps
        self._frames = 0
        self._waiting = False
        canvas.viewport.installEventFilter(self)

    def run(self, seconds: float) -> Scrubbed:
        """Scrub for that long on the event loop."""
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        self._next()
        begin, busy = time.perf_counter(), time.process_time()
        loop.exec()
        took, busy = time.perf_counter() - begin, time.process_time() - busy
        self._canvas.viewport.removeEventFilter(self)
        return Scrubbed(self._frames / took, 1000 * busy / max(self._frames, 1))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and self._waiting:
            self._waiting = False
            self._frames += 1
            QTimer.singleShot(0, self._next)  # behind the paint, which this event only announces
        return False

    def _next(self) -> None:
        self._waiting = True
        self._show(next(self._maps))


def rows() -> list[Row]:
    """Frames a second for the map over the whole picture, for single patches, and within a pinned lens."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    app.application()
    canvas = Canvas()
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (PICTURE[1] // 40, PICTURE[0] // 40, 3), np.uint8))
    canvas.show_picture(build(Picture("12 megapixels", np.asarray(coarse.resize(PICTURE, Image.Resampling.BILINEAR)))))
    canvas.show()
    found = []
    try:
        for size in (SMALL, LARGE):
            canvas.resize(*size)
            for name, style in (("smooth", OverlayStyle()), ("by patch", OverlayStyle(smooth=False))):
                found.append(_row(name, size, _scrub(canvas, style, pinned=False)))
        found.append(_row("smooth, in a pinned lens", LARGE, _scrub(canvas, OverlayStyle(), pinned=True)))
    finally:
        canvas.close()
    return found


def _scrub(canvas: Canvas, style: OverlayStyle, *, pinned: bool) -> Scrubbed:
    canvas.pins.clear()
    canvas.set_overlay_style(style)
    maps = _maps()
    canvas.show_map(next(maps))
    show = canvas.pins.pin(next(maps), style).set_map if pinned else canvas.show_map
    return Scrubber(canvas, show, maps).run(SECONDS)


def _maps() -> Iterator[OverlayMap]:
    """Every head of every layer in turn, made when it is asked for, as the scrubber makes them."""
    keys = GRID * GRID
    weights = np.random.default_rng(1).dirichlet(np.full(1 + keys, 0.3), (LAYERS, HEADS)).astype(np.float32)
    layout = PatchLayout(geometry(*PICTURE, Preprocessing(16 * GRID)), (GRID, GRID), (16, 16), 1)
    for layer, head in cycle(np.ndindex(LAYERS, HEADS)):
        yield OverlayMap(layout.cut(weights[layer, head]), layout, f"layer {layer} · head {head}")


def _row(name: str, size: tuple[int, int], found: Scrubbed) -> Row:
    what = (
        f"frames a second of scrubbing over 12 megapixels on a canvas of {size[0]}×{size[1]}, {name} "
        f"({found.cpu_ms:.1f} ms of processor time a frame), at least"
    )
    why = "other programs take the processor" if 1000 / found.cpu_ms >= WANTED else ""
    return Row(what, found.per_second, WANTED, found.per_second >= WANTED, "/s", why)

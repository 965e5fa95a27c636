"""A map in the colours of a style, looked up once and painted many times."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.overlays.sampling import between, fineness, sampled
from cocadesk.gui.overlays.style import OverlayStyle
from cocadesk.media.colour_maps import colours_at

STEPS = 1024
UNSEEN = QColor(70, 70, 70, 200)
"""Laid over what the model did not see of the picture."""

LARGEST_SAMPLE = 1024.0
"""Screen pixels. Painting with larger ones would leave the range of the painter's whole numbers."""
DETAIL = 64
NUDGE = 1 / 1024
"""Screen pixels. A pixel whose centre is on an edge belongs to what begins there; the painter rounds the other way."""

Words = npt.NDArray[np.uint32]


class MapDrawing:
    """Paints a map over the picture it belongs to, in the picture's pixels.

    Attributes:
        map: What is painted.
        style: How.
        limits: The values of the first and the last colour.
    """

    def __init__(self, shown: OverlayMap, style: OverlayStyle) -> None:
        self.map = shown
        self.style = style
        self.limits = style.limits or _extent(shown.values)
        left, top, right, bottom = shown.layout.box
        self._box = QRectF(left, top, right - left, bottom - top)
        self._picture = QRectF(0, 0, *shown.layout.geometry.picture)
        self._palette = _palette(style.colours, style.opacity)
        self._whole: QImage | None = None
        self._detail: tuple[QRectF, QImage] | None = None
        self._cells: list[list[QColor]] | None = None

    def copy(self) -> MapDrawing:
        """Another one of the same map, for another thread: what a drawing looks up, it keeps."""
        return MapDrawing(self.map, self.style)

    def paint(self, painter: QPainter, area: QRectF) -> None:
        """Lay the map over that part of the picture, and grey over what the model did not see of it."""
        area = area & self._picture
        seen = area & self._box
        painter.save()
        scale = painter.deviceTransform()
        painter.translate(-NUDGE / (abs(scale.m11()) or 1), -NUDGE / (abs(scale.m22()) or 1))
        for part in _outside(area, self._box):
            painter.fillRect(part, UNSEEN)
        if not seen.isEmpty() and self.style.opacity > 0:
            painter.setClipRect(seen, Qt.ClipOperation.IntersectClip)
            if self.style.smooth:
                self._paint_smoothly(painter, seen)
            else:
                self._paint_patches(painter, seen)
        painter.restore()

    def patch_at(self, spot: QPointF) -> tuple[int, int] | None:
        """Row and column of the patch at a place on the picture; None where the model did not look."""
        place = self._place(spot)
        return (int(place[0]), int(place[1])) if place else None

    def next_place(self, spot: QPointF | None, down: int, across: int) -> QPointF:
        """The middle of what the picture has of the patch beside the one at a place, so many rows and columns on.

        Args:
            spot: In the picture's pixels; None, or one where the model did not look, for the middle of the picture.
        """
        rows, columns = self.map.values.shape
        seen = self._box & self._picture
        place = self._place(spot) if spot is not None else None
        row, column = place or self._place(seen.center()) or (0, 0)
        if place is not None:
            row, column = row + down, column + across
        patch = QRectF(0, 0, self._box.width() / columns, self._box.height() / rows)
        patch.moveTopLeft(
            self._box.topLeft()
            + QPointF(
                min(max(math.floor(column), 0), columns - 1) * patch.width(),
                min(max(math.floor(row), 0), rows - 1) * patch.height(),
            )
        )
        on_it = patch & seen
        return on_it.center() if not on_it.isEmpty() else (spot or seen.center())

    def value_at(self, spot: QPointF) -> float | None:
        """The value shown at a place on the picture; None where there is none."""
        place = self._place(spot)
        if place is None:
            return None
        values = self.map.values
        value = between(values, *place) if self.style.smooth else float(values[int(place[0]), int(place[1])])
        return value if math.isfinite(value) else None

    def _place(self, spot: QPointF) -> tuple[float, float] | None:
        """Where that is on the grid, in patches down and across."""
        rows, columns = self.map.values.shape
        box = self._box
        row, column = (spot.y() - box.y()) / box.height() * rows, (spot.x() - box.x()) / box.width() * columns
        on_picture = 0 <= spot.x() < self._picture.width() and 0 <= spot.y() < self._picture.height()
        return (row, column) if on_picture and 0 <= row < rows and 0 <= column < columns else None

    def _paint_smoothly(self, painter: QPainter, seen: QRectF) -> None:
        image, box = self._image_for(painter, seen)
        across, down = box.width() / image.width(), box.height() / image.height()
        part = QRectF(
            (seen.x() - box.x()) / across, (seen.y() - box.y()) / down, seen.width() / across, seen.height() / down
        )
        area = part.toAlignedRect().adjusted(-1, -1, 1, 1) & image.rect()  # a margin, since edges are not smoothed
        target = QRectF(box.x() + area.x() * across, box.y() + area.y() * down, area.width() * across, 0)
        target.setHeight(area.height() * down)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(target, image, QRectF(area))

    def _image_for(self, painter: QPainter, seen: QRectF) -> tuple[QImage, QRectF]:
        """An image to scale, and where it lies: of the whole grid unless one is too close to it."""
        rows, columns = self.map.values.shape
        box, scale = self._box, painter.deviceTransform()
        patch = max(abs(scale.m11()) * box.width() / columns, abs(scale.m22()) * box.height() / rows)
        size = (rows * fineness(rows), columns * fineness(columns))
        if patch / min(fineness(rows), fineness(columns)) <= LARGEST_SAMPLE:
            if self._whole is None:
                self._whole = self._coloured(sampled(self.map.values, (0, rows), (0, columns), size))
            return self._whole, box
        part = seen.adjusted(*(sign * side / 8 for sign in (-1, 1) for side in (seen.width(), seen.height()))) & box
        if self._detail is None or self._detail[0] != part:
            across, down = box.width() / columns, box.height() / rows
            row_edges = (part.top() - box.y()) / down, (part.bottom() - box.y()) / down
            column_edges = (part.left() - box.x()) / across, (part.right() - box.x()) / across
            values = sampled(self.map.values, row_edges, column_edges, (DETAIL, DETAIL))
            self._detail = part, self._coloured(values)
        return self._detail[1], self._detail[0]

    def _paint_patches(self, painter: QPainter, seen: QRectF) -> None:
        """Rectangles, which the painter puts on the nearest pixels; a scaled image's edges would drift from them."""
        if self._cells is None:
            words = self._palette.plain[self._steps(self.map.values)]
            self._cells = [[QColor.fromRgba(word) for word in row] for row in words.tolist()]
        rows, columns = self.map.values.shape
        box = self._box
        across, down = box.width() / columns, box.height() / rows
        first_row, last_row = _span((seen.top() - box.y()) / down, (seen.bottom() - box.y()) / down, rows)
        first, last = _span((seen.left() - box.x()) / across, (seen.right() - box.x()) / across, columns)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for row in range(first_row, last_row):
            colours, top = self._cells[row], box.y() + row * down
            for column in range(first, last):
                painter.fillRect(QRectF(box.x() + column * across, top, across, down), colours[column])

    def _coloured(self, values: npt.NDArray[np.float32]) -> QImage:
        words = np.ascontiguousarray(self._palette.premultiplied[self._steps(values)])
        height, width = words.shape
        return QImage(words.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()

    def _steps(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
        """Numbers of colours in the palette; the last, which is transparent, where nothing is laid over."""
        low, high = self.limits
        shares = (values - low) / (high - low) if high > low else np.where(np.isfinite(values), 0, np.nan)
        with np.errstate(invalid="ignore"):
            laid = shares >= self.style.threshold if self.style.threshold > 0 else np.isfinite(values)
            steps = np.rint(shares.clip(0, 1) * (STEPS - 1))
        return np.where(laid, steps, STEPS).astype(np.intp)


class _Palette:
    """Colours with an opacity, as Qt's ARGB words, and a transparent one behind the last.

    Attributes:
        plain: As QColor takes them.
        premultiplied: As images blend fastest.
    """

    def __init__(self, name: str, opacity: float) -> None:
        colours = colours_at(np.linspace(0, 1, STEPS, dtype=np.float32), name).astype(np.float64)
        alpha = round(255 * opacity)
        self.plain = _words(colours, alpha)
        self.premultiplied = _words(np.rint(colours * (alpha / 255)), alpha)


@lru_cache(maxsize=64)
def _palette(name: str, opacity: float) -> _Palette:
    return _Palette(name, opacity)


def _words(colours: npt.NDArray[np.float64], alpha: int) -> Words:
    red, green, blue = colours.astype(np.uint32).T
    return np.append(np.uint32(alpha << 24) | red << 16 | green << 8 | blue, np.uint32(0)).astype(np.uint32)


def _extent(values: npt.NDArray[np.float32]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _span(first: float, last: float, count: int) -> tuple[int, int]:
    """From the first to behind the last of `count` that lie between two places."""
    return max(0, math.floor(first)), min(count, math.ceil(last))


def _outside(area: QRectF, box: QRectF) -> list[QRectF]:
    """What of an area lies outside a box, as rectangles that do not overlap."""
    inside = area & box
    if inside.isEmpty():
        return [] if area.isEmpty() else [area]
    parts = (
        QRectF(area.left(), area.top(), area.width(), inside.top() - area.top()),
        QRectF(area.left(), inside.bottom(), area.width(), area.bottom() - inside.bottom()),
        QRectF(area.left(), inside.top(), inside.left() - area.left(), inside.height()),
        QRectF(inside.right(), inside.top(), area.right() - inside.right(), inside.height()),
    )
    return [part for part in parts if not part.isEmpty()]

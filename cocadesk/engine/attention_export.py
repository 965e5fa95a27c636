"""Attention maps as files: the numbers, a picture of each map, and a sheet of all layers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from cocadesk.engine.attention import AttentionMaps, Head, Weights, numbered, subtract_minimum
from cocadesk.engine.attention_pictures import OverlayPainter, bars_picture, matrix_picture, matrix_tile, tiles
from cocadesk.engine.pictures import stills
from cocadesk.types import Clip, Picture

NUMBERS, GRID = "maps.npz", "grid"

_TILE = 128
_WIDEST = 12_000
"""Pixels of the sheet; tiles become smaller where there are many side by side."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How maps are drawn.

    Attributes:
        layer: Counted from 0, or with negative numbers from the last one.
        head: Counted likewise, "mean", or "all" for each head alone.
        smooth: Whether colours go smoothly from patch to patch.
        subtract_minimum: Of a question's tokens: draw what each looks at beyond what all of them do.
    """

    layer: int = -1
    head: Head | Literal["all"] = "mean"
    smooth: bool = True
    subtract_minimum: bool = True

    def check(self, maps: AttentionMaps) -> None:
        """Raise `OptionError` if the maps have no such layer or head."""
        numbered(self.layer, maps.layers, "layer")
        if isinstance(self.head, int):
            numbered(self.head, maps.heads, "head")


def export(maps: AttentionMaps, folder: Path, drawing: Drawing, seen: Picture | Clip | None = None) -> list[Path]:
    """Write `maps.npz` (`AttentionMaps.save`), a PNG of each map of the chosen layer and head, and `grid.png`.

    Of a picture's self-attention that is the map of the feature token (or of the only token that was kept), and, named
    "pooler", what the first query of a pooler looks at; of a question or a caption, a map for each token; of a text,
    the matrix of all tokens, and bars of what its feature token attends to. The sheet shows every layer, in its rows:
    beside each other the mean and every head, or the tokens of a question or caption at the chosen head (the mean
    instead of all of them). Every map has colours of its own, from its lowest value to its highest.

    Args:
        folder: It must be there; files of the same names are replaced.
        seen: What the maps were made of, to draw them over it, a clip's over its first frame; None for a text.

    Returns:
        The files that were written.

    Raises:
        OptionError: if the maps have no such layer or head.
        OSError: if a file cannot be written.
    """
    drawing.check(maps)
    written = [folder / NUMBERS]
    maps.save(written[0])
    pictures = _of_text(maps, drawing) if seen is None else _over_picture(maps, drawing, stills(seen)[0])
    for name, image in pictures:
        path = folder / f"{name}.png"
        image.save(path)
        written.append(path)
    return written


def _over_picture(maps: AttentionMaps, drawing: Drawing, picture: Picture) -> Iterator[tuple[str, Image.Image]]:
    assert maps.layout is not None
    painter = OverlayPainter(picture, maps.layout)
    for head in _heads(drawing, maps):
        for label, values in _maps_of(maps, drawing, drawing.layer, head):
            name = "_".join(filter(None, (label, _name(maps, drawing.layer, head))))
            yield name, painter.paint(values, smooth=drawing.smooth)
    if maps.kind == "image" and maps.pooler:
        # It has other heads than the layers: a head of theirs is none of its own.
        for head in _heads(drawing if drawing.head == "all" else Drawing(), maps.pooler):
            values = maps.pooler.patch_map(head=head)
            yield f"pooler_{_head_name(maps.pooler, head)}", painter.paint(values, smooth=drawing.smooth)
    columns = list(map(str, _every_head(maps))) if maps.kind == "image" else list(maps.tokens)
    tile = OverlayPainter(picture, maps.layout, _tile(len(columns)))
    rows = [
        [tile.paint(values, smooth=drawing.smooth) for values in _row_of(maps, drawing, layer)]
        for layer in range(maps.layers)
    ]
    yield GRID, tiles(rows, _layer_names(maps), columns)


def _maps_of(maps: AttentionMaps, drawing: Drawing, layer: int, head: Head) -> list[tuple[str, Weights]]:
    """The maps of one layer and head that are drawn, each (rows, columns), with the names of their tokens."""
    if maps.kind == "image":
        return [("", maps.patch_map(layer=layer, head=head))]
    found = maps.patch_maps(layer, head)
    if maps.kind == "question" and drawing.subtract_minimum:
        found = subtract_minimum(found)
    words = [re.sub(r"\W", "", token, flags=re.ASCII) for token in maps.tokens]
    labels = [f"{place:02}_{word}".rstrip("_") for place, word in enumerate(words)]
    return list(zip(labels, found, strict=True))


def _row_of(maps: AttentionMaps, drawing: Drawing, layer: int) -> list[Weights]:
    """The maps of one layer that stand beside each other on the sheet."""
    if maps.kind == "image":
        return [maps.patch_map(layer=layer, head=head) for head in _every_head(maps)]
    head: Head = "mean" if drawing.head == "all" else drawing.head
    return [values for _, values in _maps_of(maps, drawing, layer, head)]


def _of_text(maps: AttentionMaps, drawing: Drawing) -> Iterator[tuple[str, Image.Image]]:
    for head in _heads(drawing, maps):
        name = _name(maps, drawing.layer, head)
        matrix = maps.matrix(drawing.layer, head)
        yield name, matrix_picture(matrix, maps.tokens, maps.keys)
        if maps.feature is not None:
            yield f"{name}_bars", bars_picture(matrix[maps.feature], maps.keys)
    every = _every_head(maps)
    side = _tile(len(every))
    rows = [[matrix_tile(maps.matrix(layer, head), side) for head in every] for layer in range(maps.layers)]
    yield GRID, tiles(rows, _layer_names(maps), list(map(str, every)))


def _heads(drawing: Drawing, maps: AttentionMaps) -> list[Head]:
    return list(range(maps.heads)) if drawing.head == "all" else [drawing.head]


def _every_head(maps: AttentionMaps) -> list[Head]:
    return ["mean", *range(maps.heads)] if maps.heads > 1 else ["mean"]


def _name(maps: AttentionMaps, layer: int, head: Head) -> str:
    return f"layer{numbered(layer, maps.layers, 'layer'):02}_{_head_name(maps, head)}"


def _head_name(maps: AttentionMaps, head: Head) -> str:
    return "mean" if head == "mean" else f"head{numbered(head, maps.heads, 'head'):02}"


def _layer_names(maps: AttentionMaps) -> list[str]:
    return [f"layer {layer}" for layer in range(maps.layers)]


def _tile(columns: int) -> int:
    return max(16, min(_TILE, _WIDEST // columns))

"""What is drawn of attention maps, said without drawing it: pixels and vectors are made of the same figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from cocadesk.engine.attention import AttentionMaps, Head, Weights, numbered, subtract_minimum
from cocadesk.engine.attention_pictures import MapStyle
from cocadesk.errors import OptionError

Over = Literal["words", "layers", "heads"]

Step = Callable[[int, int], None]
"""Told how many maps are drawn of how many; it may raise `Cancelled`."""

GRID, STRIP = "grid", "strip"

_WRAP = 8
"""Most maps beside each other on a strip; more stand in rows of equal length below each other, as text does."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """How maps are drawn.

    Attributes:
        layer: Counted from 0, or with negative numbers from the last one.
        head: Counted likewise, "mean", or "all" for each head alone.
        smooth: Whether colours go smoothly from patch to patch.
        subtract_minimum: Of a question's or a caption's tokens: draw what each looks at beyond what all of them do;
            None for a question's alone.
        rolled: The maps are a rollout, which titles say.
        style: How maps are laid over their picture.
    """

    layer: int = -1
    head: Head | Literal["all"] = "mean"
    smooth: bool = True
    subtract_minimum: bool | None = None
    rolled: bool = False
    style: MapStyle = field(default_factory=MapStyle)

    def check(self, maps: AttentionMaps) -> None:
        """Raise `OptionError` if the maps have no such layer or head."""
        numbered(self.layer, maps.layers, "layer")
        if isinstance(self.head, int):
            numbered(self.head, maps.heads, "head")


@dataclass(frozen=True, slots=True, eq=False)
class MapFigure:
    """One map over the picture, (rows, columns); `shares` tells whether its values are parts of a whole."""

    title: str
    values: Weights
    shares: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class MatrixFigure:
    """What each token attends to, (tokens, keys)."""

    title: str
    matrix: Weights
    tokens: tuple[str, ...]
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class BarsFigure:
    """What one token attends to, (keys)."""

    title: str
    weights: Weights
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ArcsFigure:
    """What tokens attend to among each other, (tokens, tokens), as arcs between them."""

    title: str
    matrix: Weights
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class TilesFigure:
    """Maps over the picture, or matrices, in rows.

    Attributes:
        tiles: Each as in `MapFigure`, or `MatrixFigure` for a text.
        row_names: One for each row; may be empty.
        names: Of the columns, or of every tile: a row of names for each row of tiles.
    """

    title: str
    tiles: tuple[tuple[Weights, ...], ...]
    row_names: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]


Figure = MapFigure | MatrixFigure | BarsFigure | ArcsFigure | TilesFigure


def no_step(done: int, count: int) -> None:
    """A `Step` that nobody waits for."""


def figures(maps: AttentionMaps, drawing: Drawing) -> Iterator[tuple[str, Figure]]:
    """The chosen layer and head, figure by figure, each with a name for its file.

    Of a picture's self-attention that is the map of the feature token (or of the only token that was kept), and, named
    "pooler", what the first query of a pooler looks at; of a question or a caption, a map for each token; of a text,
    the matrix of all tokens, arcs between them, and bars of what its feature token attends to.

    Raises:
        OptionError: if the maps have no such layer or head.
    """
    drawing.check(maps)
    yield from _of_text(maps, drawing) if maps.layout is None else _over_picture(maps, drawing)


def map_of(maps: AttentionMaps, drawing: Drawing, token: int | None) -> MapFigure:
    """One token's map over the picture, at the chosen layer and head.

    Args:
        token: Its place among the tokens; None for the mean over all of them.

    Raises:
        OptionError: if the maps have no such layer or head, or lie over no picture.
    """
    drawing.check(maps)
    head = _one_head(drawing)
    found = _subtracted(maps.patch_maps(drawing.layer, head), maps, drawing)
    name = "" if token is None else maps.tokens[token]
    title = _said_of(name, f"{_what(maps)}, {_place_title(maps, drawing, drawing.layer, head)}")
    return MapFigure(title, found.mean(0) if token is None else found[token], maps.measure == "attention")


def bars_of(maps: AttentionMaps, drawing: Drawing, token: int | None) -> BarsFigure:
    """What one token of a text attends to, at the chosen layer and head; as for `map_of`."""
    drawing.check(maps)
    head = _one_head(drawing)
    matrix = maps.matrix(drawing.layer, head)
    name = "" if token is None else maps.tokens[token]
    title = _said_of(name, f"{_what(maps)}, {_place_title(maps, drawing, drawing.layer, head)}")
    return BarsFigure(title, matrix.mean(0) if token is None else matrix[token], maps.keys)


def grid(maps: AttentionMaps, drawing: Drawing) -> TilesFigure:
    """Every layer in its row: beside each other the mean and every head, or the tokens of a question or caption at the
    chosen head (the mean instead of all of them)."""
    rows = tuple(tuple(_row_of(maps, drawing, layer)) for layer in range(maps.layers))
    every = ("mean", *map(str, range(maps.heads))) if maps.heads > 1 else ("rollout" if drawing.rolled else "mean",)
    columns = every if maps.kind in ("image", "text") else maps.tokens
    if maps.measure == "relevance":
        return TilesFigure(_what(maps), rows, ("relevance",), (tuple(columns),))
    title = f"{_what(maps)} in every layer" + (f", {_head_title(maps, _one_head(drawing))}" if maps.by_token else "")
    return TilesFigure(title, rows, tuple(f"layer {layer}" for layer in range(maps.layers)), (tuple(columns),))


def strip(maps: AttentionMaps, drawing: Drawing, layer: int | None = None, head: Head | None = None) -> TilesFigure:
    """The maps of one layer beside each other: a token's each, of a question or caption; a head's each, otherwise.

    Args:
        layer, head: In place of the drawing's.
    """
    layer = numbered(drawing.layer if layer is None else layer, maps.layers, "layer")
    head = _one_head(drawing) if head is None else head
    if maps.by_token:
        named = zip(_maps_of(maps, drawing, layer, head), maps.tokens, strict=True)
        found = [(name.strip(), values) for (_, values), name in named]
    else:
        found = list(zip(_every_head_name(maps), _row_of(maps, drawing, layer), strict=True))
    count = -(-len(found) // _WRAP)  # rows
    length = -(-len(found) // count)
    rows = [found[start : start + length] for start in range(0, len(found), length)]
    title = f"{_what(maps)}, " + (_place_title(maps, drawing, layer, head) if maps.by_token else f"layer {layer}")
    return TilesFigure(
        title,
        tuple(tuple(values for _, values in row) for row in rows),
        ("",) * len(rows),
        tuple(tuple(name for name, _ in row) for row in rows),
    )


def film(maps: AttentionMaps, drawing: Drawing, over: Over) -> list[tuple[str, MapFigure | MatrixFigure | TilesFigure]]:
    """One figure after the other, all of one size, each with the line that stands below it.

    Over words it is a word's map each, at the chosen layer and head; over layers or heads all words' maps together, as
    on a strip, or the one map there is; of a text, the matrix.

    Raises:
        OptionError: if there are not at least two of what it is to go over.
    """
    drawing.check(maps)
    if over == "words":
        if not maps.by_token:
            raise OptionError("An animation over words needs the words of a caption or a question.")
        layer, head = numbered(drawing.layer, maps.layers, "layer"), _one_head(drawing)
        named = zip(_maps_of(maps, drawing, layer, head), maps.tokens, strict=True)
        return [(name.strip(), MapFigure(name.strip(), values)) for (_, values), name in named]
    count = maps.layers if over == "layers" else maps.heads
    if count < 2:
        raise OptionError(f"These maps have a single {over.removesuffix('s')}, so nothing moves over {over}.")
    chosen = _one_head(drawing)
    places: list[tuple[int, Head]] = [
        (number, chosen) if over == "layers" else (numbered(drawing.layer, maps.layers, "layer"), number)
        for number in range(count)
    ]
    return [(_place_title(maps, drawing, layer, head), _one(maps, drawing, layer, head)) for layer, head in places]


def _one(maps: AttentionMaps, drawing: Drawing, layer: int, head: Head) -> MapFigure | MatrixFigure | TilesFigure:
    if maps.kind == "image":
        return MapFigure("", maps.patch_map(layer=layer, head=head))
    if maps.kind == "text":
        return MatrixFigure("", maps.matrix(layer, head), maps.tokens, maps.keys)
    return strip(maps, drawing, layer, head)


def _over_picture(maps: AttentionMaps, drawing: Drawing) -> Iterator[tuple[str, Figure]]:
    for head in _heads(drawing, maps):
        tokens = maps.tokens if maps.by_token else ("",)
        for (label, values), token in zip(_maps_of(maps, drawing, drawing.layer, head), tokens, strict=True):
            name = "_".join(filter(None, (label, _name(maps, drawing.layer, head))))
            title = f"{_what(maps)}, {_place_title(maps, drawing, drawing.layer, head)}"
            yield name, MapFigure(_said_of(token, title), values, maps.measure == "attention")
    if maps.kind == "image" and maps.pooler:
        # It has other heads than the layers: a head of theirs is none of its own.
        for head in _heads(drawing if drawing.head == "all" else Drawing(), maps.pooler):
            title = f"What the pooler of {maps.model} gathers, {_head_title(maps.pooler, head)}"
            yield f"pooler_{_head_name(maps.pooler, head)}", MapFigure(title, maps.pooler.patch_map(head=head))


def _of_text(maps: AttentionMaps, drawing: Drawing) -> Iterator[tuple[str, Figure]]:
    for head in _heads(drawing, maps):
        name = _name(maps, drawing.layer, head)
        title = f"{_what(maps)}, {_place_title(maps, drawing, drawing.layer, head)}"
        matrix = maps.matrix(drawing.layer, head)
        yield name, MatrixFigure(title, matrix, maps.tokens, maps.keys)
        if maps.tokens == maps.keys:
            yield f"{name}_arcs", ArcsFigure(title, matrix, maps.tokens)
        if maps.feature is not None:
            yield (
                f"{name}_bars",
                BarsFigure(_said_of(maps.tokens[maps.feature], title), matrix[maps.feature], maps.keys),
            )


def _maps_of(maps: AttentionMaps, drawing: Drawing, layer: int, head: Head) -> list[tuple[str, Weights]]:
    """The maps of one layer and head that are drawn, each (rows, columns), with what their files are called."""
    if maps.kind == "image":
        return [("", maps.patch_map(layer=layer, head=head))]
    found = _subtracted(maps.patch_maps(layer, head), maps, drawing)
    words = [re.sub(r"\W", "", token, flags=re.ASCII) for token in maps.tokens]
    labels = [f"{place:02}_{word}".rstrip("_") for place, word in enumerate(words)]
    return list(zip(labels, found, strict=True))


def _subtracted(found: Weights, maps: AttentionMaps, drawing: Drawing) -> Weights:
    """Maps of all tokens, less what all of them look at, if that is wanted."""
    wanted = maps.kind == "question" if drawing.subtract_minimum is None else drawing.subtract_minimum
    return subtract_minimum(found) if wanted and len(found) > 1 else found


def _row_of(maps: AttentionMaps, drawing: Drawing, layer: int) -> list[Weights]:
    """The maps of one layer that stand beside each other on the sheet."""
    if maps.by_token:
        return [values for _, values in _maps_of(maps, drawing, layer, _one_head(drawing))]
    every: list[Head] = ["mean", *range(maps.heads)] if maps.heads > 1 else ["mean"]
    if maps.kind == "text":
        return [maps.matrix(layer, head) for head in every]
    return [maps.patch_map(layer=layer, head=head) for head in every]


def _one_head(drawing: Drawing) -> Head:
    return "mean" if drawing.head == "all" else drawing.head


def _heads(drawing: Drawing, maps: AttentionMaps) -> list[Head]:
    return list(range(maps.heads)) if drawing.head == "all" else [drawing.head]


def _every_head_name(maps: AttentionMaps) -> list[str]:
    return ["mean", *(f"head {head}" for head in range(maps.heads))] if maps.heads > 1 else ["mean"]


def _name(maps: AttentionMaps, layer: int, head: Head) -> str:
    if maps.measure == "relevance":
        return "relevance"
    return f"layer{numbered(layer, maps.layers, 'layer'):02}_{_head_name(maps, head)}"


def _head_name(maps: AttentionMaps, head: Head) -> str:
    return "mean" if head == "mean" else f"head{numbered(head, maps.heads, 'head'):02}"


def _what(maps: AttentionMaps) -> str:
    return f"{'Attention of' if maps.measure == 'attention' else 'Relevance for'} {maps.model}"


def _said_of(token: str, title: str) -> str:
    return f"“{token.strip()}”: {title[0].lower()}{title[1:]}" if token else title


def _place_title(maps: AttentionMaps, drawing: Drawing, layer: int, head: Head) -> str:
    if maps.measure == "relevance":
        return "through all layers and heads"
    way = "rollout" if drawing.rolled else _head_title(maps, head)
    return f"layer {numbered(layer, maps.layers, 'layer')}, {way}"


def _head_title(maps: AttentionMaps, head: Head) -> str:
    if maps.heads == 1:
        return "one head"
    return f"mean over {maps.heads} heads" if head == "mean" else f"head {numbered(head, maps.heads, 'head')}"

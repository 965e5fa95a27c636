"""What is written of maps that are there already, on the I/O pool: drawings, sheets, films and the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Literal

from cocadesk.errors import InputError
from cocadesk.types import CancelToken, Clip, Picture
from cocadesk.work.looking import Looked

if TYPE_CHECKING:
    from cocadesk.engine.attention import AttentionMaps
    from cocadesk.engine.attention_figures import Drawing, Figure

What = Literal["map", "arcs", "matrix", "bars", "grid", "strip", "words", "layers", "heads", "numbers"]
"""One map; a text's charts; a sheet of all layers and heads; a strip of all words or heads; films over words, layers or
heads; all maps as numbers."""

Suffix = Literal[".png", ".svg", ".gif", ".mp4", ".npz"]

Step = Callable[[int, int], None]
"""Told how many maps are drawn of how many; it may raise `Cancelled`."""


@dataclass(frozen=True, slots=True, eq=False)
class ExportRequest:
    """Write this; holds everything the task needs.

    Attributes:
        suffix: What the file is: for films .gif or .mp4, for numbers .npz, otherwise .png or .svg.
        token, layer, head, rollout, pooler_head, subtract: Which map; for sheets and films so far as they go by them.
        smooth, colours, opacity, threshold: How maps are laid over the picture.
    """

    looked: Looked = field(repr=False)
    what: What
    path: Path
    suffix: Suffix
    token: int | None = None
    layer: int = -1
    head: int | Literal["mean"] = "mean"
    rollout: bool = False
    pooler_head: int | Literal["mean"] = "mean"
    subtract: bool = False
    smooth: bool = True
    colours: str = "inferno"
    opacity: float = 0.5
    threshold: float = 0.0

    @property
    def over_picture(self) -> bool:
        """Whether the picture that the maps were made of is drawn, too."""
        return self.what != "numbers" and self.looked.maps.layout is not None


def export(request: ExportRequest, seen: Picture | Clip | None, step: Step, cancel: CancelToken | None = None) -> None:
    """Write it, whole or not at all.

    Args:
        seen: What the maps were made of, a clip for its first frame; needed if the request is `over_picture`.
        step: What it raises ends the writing.
        cancel: Looked at when all is written, before it takes its place.

    Raises:
        Cancelled: if that token is set by then.
        InputError: if the file cannot be written.
        OptionError: if the maps have nothing of that kind.
    """
    from cocadesk.engine.attention_export import figure_writer, write_film  # noqa: PLC0415 — brings torch along

    with in_one_piece(request.path, cancel) as part:
        if request.what == "numbers":
            request.looked.maps.save(part)
            return
        maps, drawing = _chosen(request), _drawing(request)
        if request.what in ("words", "layers", "heads"):
            form: Literal["gif", "mp4"] = "mp4" if request.suffix == ".mp4" else "gif"
            write_film(part, maps, seen, drawing, over=request.what, form=form, step=step)
        else:
            write = figure_writer(maps, seen, drawing, "svg" if request.suffix == ".svg" else "png", step)
            write(part, _figure(request, maps, drawing))


def write_bytes(path: Path, data: bytes, cancel: CancelToken | None = None) -> None:
    """Write these bytes, whole or not at all.

    Raises:
        Cancelled: if that token is set.
        InputError: if the file cannot be written.
    """
    with in_one_piece(path, cancel) as part:
        part.write_bytes(data)


@contextmanager
def in_one_piece(path: Path, cancel: CancelToken | None = None) -> Iterator[Path]:
    """A file beside that one, to be written; it takes its place at the end, and is removed if that is not reached.

    Raises:
        Cancelled: if that token is set at the end.
        InputError: if the file cannot be written.
    """
    part = path.with_name(f"{path.stem}.{token_hex(4)}.part{path.suffix}")  # those who write it go by its suffix
    try:
        yield part
        if cancel is not None:
            cancel.check()
        part.replace(path)
    except OSError as error:
        raise InputError(f"It cannot be written: {error.strerror or error}.") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _chosen(request: ExportRequest) -> AttentionMaps:
    """The maps that are drawn: through the chosen head of the pooler, rolled out, or those of the chosen token."""
    looked, maps = request.looked, request.looked.maps
    if request.rollout and looked.rolled is not None:
        maps = looked.rolled
    if request.pooler_head != "mean":
        maps = maps.through_pooler(request.pooler_head)
    if maps.kind == "image" and request.token is not None and request.what != "map":
        maps = maps.only([maps.tokens[request.token]])  # a sheet shows one token's maps
    return maps


def _drawing(request: ExportRequest) -> Drawing:
    from cocadesk.engine.attention_figures import Drawing  # noqa: PLC0415 — as above
    from cocadesk.engine.attention_pictures import MapStyle  # noqa: PLC0415 — as above

    return Drawing(
        request.layer,
        "mean" if request.rollout else request.head,
        smooth=request.smooth,
        subtract_minimum=request.subtract,
        rolled=request.rollout,
        style=MapStyle(request.colours, request.opacity, request.threshold),
    )


def _figure(request: ExportRequest, maps: AttentionMaps, drawing: Drawing) -> Figure:
    from cocadesk.engine import attention_figures as make  # noqa: PLC0415 — as above

    match request.what:
        case "grid":
            return make.grid(maps, drawing)
        case "strip":
            return make.strip(maps, drawing)
        case "bars":
            return make.bars_of(maps, drawing, request.token)
        case "map":
            return make.map_of(maps, drawing, request.token)
    wanted = make.ArcsFigure if request.what == "arcs" else make.MatrixFigure
    return next(figure for _, figure in make.figures(maps, drawing) if isinstance(figure, wanted))

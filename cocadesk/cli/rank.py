"""`cocadesk rank`: which texts describe a picture best, by cosine distance."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, TextIO

import typer

from cocadesk.catalog.cards import DEFAULT_RANKER
from cocadesk.cli.each_picture import each_picture
from cocadesk.cli.ending import end, refusing
from cocadesk.cli.managed_model import ManagedModel, load_for
from cocadesk.cli.options import Checkpoint, Device, Dtype, Files, Frames, Json, Untrained
from cocadesk.cli.output import results_only
from cocadesk.cli.text_lists import distinct, read_lines
from cocadesk.errors import OptionError
from cocadesk.models import Embedder
from cocadesk.types import FRAMES, Clip, ModelRequest, Picture, RankedText


def rank(
    *,
    files: Files,
    text: Annotated[list[str] | None, typer.Option(metavar="T", help="A text; give as many as you like.")] = None,
    texts: Annotated[str | None, typer.Option(metavar="FILE", help="A file of texts, one per line.")] = None,
    matrix: Annotated[
        bool, typer.Option("--matrix", help="One table of distances: a line per picture, a column per text.")
    ] = False,
    model: Annotated[
        str, typer.Option(help="A model that can rank (`cocadesk models list`), or `open_clip:ARCH/TAG`.")
    ] = DEFAULT_RANKER,
    frames: Frames = FRAMES,
    device: Device = "auto",
    dtype: Dtype = "auto",
    checkpoint: Checkpoint = None,
    untrained: Untrained = False,
    as_json: Json = False,
) -> None:
    """Rank texts by their cosine distance from each picture, the nearest first.

    The probability is the softmax over all texts at the model's own temperature. Of a video or an
    animation, the mean over its frames counts.

    Exit code: 0 all went well, 1 some inputs failed, 2 the call itself was wrong.
    """
    with refusing():
        if matrix and as_json:
            raise OptionError("--matrix is a table to read. Leave it out with --json, which has the same distances.")
        candidates = _texts(text or [], texts)
        request = ModelRequest(model, device, dtype, checkpoint, untrained)
        with results_only() as out:
            table = _Matrix(out, candidates)

            def work(embedder: Embedder, picture: Picture | Clip) -> tuple[RankedText, ...]:
                return embedder.rank(picture, candidates)

            def write(file: str, ranking: tuple[RankedText, ...], several: bool) -> None:
                if as_json:
                    out.write(json.dumps(ranking_json(file, model, ranking)) + "\n")
                elif matrix:
                    table.add(file, ranking)
                else:
                    _write_text(out, file if several else "", ranking)
                out.flush()

            embedder: ManagedModel[Embedder] = ManagedModel(request, load_for("rank"))
            failures = each_picture(files, embedder, work, write, frames=frames)
    raise end(failures)


def ranking_json(file: str, model: str, ranking: tuple[RankedText, ...]) -> dict[str, Any]:
    """The stable shape of `cocadesk rank --json`, the nearest text first."""
    return {"file": file, "model": model, "ranking": [asdict(ranked) for ranked in ranking]}


class _Matrix:
    """A table of distances that grows with every picture; a star is at each picture's nearest text.

    Columns are numbered, below a list of the texts: texts may be long, and there may be many pictures.
    """

    def __init__(self, out: TextIO, texts: tuple[str, ...]) -> None:
        self._out = out
        self._texts = texts
        self._begun = False

    def add(self, file: str, ranking: tuple[RankedText, ...]) -> None:
        if not self._begun:
            self._begin()
        distances = {ranked.text: ranked.cosine_distance for ranked in ranking}
        nearest = ranking[0].text
        cells = "".join(f"{distances[text]:>8.4f}{'*' if text == nearest else ' '}" for text in self._texts)
        self._out.write(f"{cells} {_one_line(file)}\n")

    def _begin(self) -> None:
        width = len(str(len(self._texts)))
        for number, text in enumerate(self._texts, start=1):
            self._out.write(f"{number:>{width}}  {_one_line(text)}\n")
        columns = "".join(f"{number:>8} " for number in range(1, len(self._texts) + 1))
        self._out.write(f"\n{columns} FILE\n")
        self._begun = True


def _texts(given: list[str], path: str | None) -> tuple[str, ...]:
    if bool(given) == (path is not None):
        raise OptionError("Give the texts either with --text, once for each, or with --texts FILE, one per line.")
    kept = distinct(given, "--text") if path is None else distinct(read_lines(path), path)
    if not kept:
        raise OptionError(f"There is no text in {path or '--text'}. Give at least one.")
    return kept


def _write_text(out: TextIO, heading: str, ranking: tuple[RankedText, ...]) -> None:
    indent = "  " if heading else ""
    if heading:
        out.write(f"{heading}\n")
    out.write(f"{indent}DISTANCE  PROBABILITY  TEXT\n")
    for ranked in ranking:
        line = f"{ranked.cosine_distance:>8.4f}  {ranked.probability:>11.1%}  {_one_line(ranked.text)}"
        out.write(f"{indent}{line}\n")


def _one_line(text: str) -> str:
    """A text or a name given on the command line may have line breaks."""
    return " ".join(text.split())

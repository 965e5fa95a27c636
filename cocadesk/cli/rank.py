"""`cocadesk rank`: which texts describe a picture best, by cosine distance."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, TextIO

import typer

from cocadesk.catalog.cards import DEFAULT_RANKER
from cocadesk.cli.each_picture import FRAMES, each_picture
from cocadesk.cli.managed_model import ManagedModel, load_for
from cocadesk.cli.options import Checkpoint, Device, Dtype, Json, Untrained
from cocadesk.cli.output import complain, results_only
from cocadesk.cli.text_lists import distinct, read_lines
from cocadesk.errors import CocaDeskError, OptionError
from cocadesk.models import Embedder
from cocadesk.types import Clip, ModelRequest, Picture, RankedText


def rank(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A picture or a video.")],
    text: Annotated[list[str] | None, typer.Option(metavar="T", help="A text; give as many as you like.")] = None,
    texts: Annotated[str | None, typer.Option(metavar="FILE", help="A file of texts, one per line.")] = None,
    model: Annotated[
        str, typer.Option(help="A model that can rank (`cocadesk models list`), or `open_clip:ARCH/TAG`.")
    ] = DEFAULT_RANKER,
    frames: Annotated[int, typer.Option(min=1, help="Frames of a clip to average.")] = FRAMES,
    device: Device = "auto",
    dtype: Dtype = "auto",
    checkpoint: Checkpoint = None,
    untrained: Untrained = False,
    as_json: Json = False,
) -> None:
    """Rank texts by their cosine distance from a picture, the nearest first.

    The probability is the softmax over all texts at the model's own temperature. Of a video or an
    animation, the mean over its frames counts.

    Exit code: 0 all went well, 1 the picture failed, 2 the call itself was wrong.
    """
    try:
        candidates = _texts(text or [], texts)
        request = ModelRequest(model, device, dtype, checkpoint, untrained)
        with results_only() as out:

            def work(embedder: Embedder, picture: Picture | Clip) -> tuple[RankedText, ...]:
                return embedder.rank(picture, candidates)

            def write(file: str, ranking: tuple[RankedText, ...], several: bool) -> None:
                if as_json:
                    out.write(json.dumps(ranking_json(file, model, ranking)) + "\n")
                else:
                    _write_text(out, file if several else "", ranking)
                out.flush()

            embedder: ManagedModel[Embedder] = ManagedModel(request, load_for("rank"))
            failures = each_picture([file], embedder, work, write, frames=frames)
    except CocaDeskError as error:
        complain("", str(error))
        raise typer.Exit(2) from None
    raise typer.Exit(1 if failures else 0)


def ranking_json(file: str, model: str, ranking: tuple[RankedText, ...]) -> dict[str, Any]:
    """The stable shape of `cocadesk rank --json`, the nearest text first."""
    return {"file": file, "model": model, "ranking": [asdict(ranked) for ranked in ranking]}


def _texts(given: list[str], path: str | None) -> tuple[str, ...]:
    if bool(given) == (path is not None):
        raise OptionError("Give the texts either with --text, once for each, or with --texts FILE, one per line.")
    kept = distinct(given, "--text") if path is None else distinct(read_lines(path), path)
    if not kept:
        raise OptionError(f"There is no text in {path or '--text'}. Give at least one.")
    return kept


def _write_text(out: TextIO, heading: str, ranking: tuple[RankedText, ...]) -> None:
    if heading:
        out.write(f"{heading}\n")
    out.write("DISTANCE  PROBABILITY  TEXT\n")
    for ranked in ranking:
        line = " ".join(ranked.text.split())  # a text given on the command line may have line breaks
        out.write(f"{ranked.cosine_distance:>8.4f}  {ranked.probability:>11.1%}  {line}\n")

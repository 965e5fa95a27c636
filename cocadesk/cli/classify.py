"""`cocadesk classify`: what each picture most likely shows, by a model's own classes or by any labels."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, TextIO

import typer

from cocadesk.catalog.cards import DEFAULT_CLASSIFIER, DEFAULT_RANKER
from cocadesk.cli.each_picture import each_picture
from cocadesk.cli.ending import end, refusing
from cocadesk.cli.managed_model import ManagedModel
from cocadesk.cli.options import Checkpoint, Device, Dtype, Files, Frames, Json, Untrained
from cocadesk.cli.output import results_only
from cocadesk.cli.text_lists import distinct, read_lines
from cocadesk.errors import OptionError
from cocadesk.models import Classifier
from cocadesk.types import DEFAULT_TEMPLATE, FRAMES, Classification, Clip, ModelRequest, Picture


def classify(
    *,
    files: Files,
    model: Annotated[
        str | None,
        typer.Option(
            help="A model that `cocadesk models list` names, or `open_clip:ARCH/TAG`, `timm:NAME`; by default "
            f"{DEFAULT_RANKER} with labels and {DEFAULT_CLASSIFIER} without.",
        ),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(metavar="A,B,C|@FILE", help="The classes, for a model that reads text; @FILE has one per line."),
    ] = None,
    template: Annotated[str, typer.Option(help="What a label is called towards the model.")] = DEFAULT_TEMPLATE,
    top: Annotated[int, typer.Option(min=1, help="How many classes to name.")] = 10,
    frames: Frames = FRAMES,
    device: Device = "auto",
    dtype: Dtype = "auto",
    checkpoint: Checkpoint = None,
    untrained: Untrained = False,
    as_json: Json = False,
) -> None:
    """Name the likeliest classes of each picture. Of a video or an animation, the mean over its frames counts.

    Exit code: 0 all went well, 1 some inputs failed, 2 the call itself was wrong.
    """
    with refusing():
        names = None if labels is None else _labels(labels)
        name = model or (DEFAULT_CLASSIFIER if names is None else DEFAULT_RANKER)
        request = ModelRequest(name, device, dtype, checkpoint, untrained)
        with results_only() as out:

            def work(classifier: Classifier, picture: Picture | Clip) -> Classification:
                return next(iter(classifier.classify(picture, names, template=template, top=top)))

            def write(file: str, result: Classification, several: bool) -> None:
                if as_json:
                    out.write(json.dumps(classification_json(file, result)) + "\n")
                else:
                    _write_text(out, file if several else "", result)
                out.flush()

            classifier: ManagedModel[Classifier] = ManagedModel(request, partial(_load, has_labels=names is not None))
            failures = each_picture(files, classifier, work, write, frames=frames)
    raise end(failures)


def classification_json(file: str, result: Classification) -> dict[str, Any]:
    """The stable shape of `cocadesk classify --json`; `definition` is there where somebody wrote one."""
    top = [{key: value for key, value in asdict(score).items() if value != ""} for score in result.top]
    return {"file": file, "model": result.model, "top": top}


def _labels(given: str) -> tuple[str, ...]:
    file = given[1:] if given.startswith("@") else ""
    labels = distinct(read_lines(file), file) if file else distinct(given.split(","), "--labels")
    if not labels:
        raise OptionError(f"There is no label in {file or '--labels'}. Give at least one.")
    return labels


def _load(request: ModelRequest, *, has_labels: bool) -> Classifier:
    from cocadesk import engine  # noqa: PLC0415 — brings torch along: only once there is something to classify

    # Before the weights are looked for, so that nobody downloads a model that cannot do it.
    engine.find_card(request.name).check_labels(given=has_labels)
    classifier: Classifier = engine.load_for("classify", request)
    return classifier


def _write_text(out: TextIO, heading: str, result: Classification) -> None:
    indent = "  " if heading else ""
    first = result.top[0]
    if heading:
        out.write(f"{heading}\n")
    if first.definition:
        out.write(f"{indent}{first.label}: {first.definition}\n")
    for score in result.top:
        out.write(f"{indent}{score.probability:>6.1%}  {score.label}\n")

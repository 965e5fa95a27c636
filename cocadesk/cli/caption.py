"""`cocadesk caption`: what a model says about each picture, token by token."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, nullcontext
from dataclasses import asdict
from typing import Annotated, cast

import typer

from cocadesk.catalog.cards import DEFAULT_CAPTIONER
from cocadesk.cli.caption_writers import CaptionWriter, JsonWriter, TextWriter
from cocadesk.cli.output import complain, crash_report, failed_unexpectedly, progress, results_only
from cocadesk.errors import CocaDeskError, InputError
from cocadesk.media.folder import expand
from cocadesk.media.image import open_picture_or_clip
from cocadesk.types import (
    Captioner,
    CaptionEvent,
    CaptionOptions,
    Clip,
    DeviceName,
    DtypeName,
    ModelRequest,
    Picture,
)

_DEFAULTS = CaptionOptions()


def caption(
    *,
    files: Annotated[list[str], typer.Argument(metavar="FILE", help="Pictures, or folders of pictures.")],
    model: Annotated[str, typer.Option(help="A model that `cocadesk models list` names.")] = DEFAULT_CAPTIONER,
    temperature: Annotated[
        float, typer.Option(help="0 always takes the likeliest token; higher is more varied.")
    ] = _DEFAULTS.temperature,
    top_k: Annotated[int, typer.Option(help="Sample among this many likeliest tokens.")] = _DEFAULTS.top_k,
    top_p: Annotated[
        float | None, typer.Option(help="Sample among the fewest tokens whose probabilities sum to this.")
    ] = _DEFAULTS.top_p,
    beams: Annotated[int, typer.Option(help="Width of the beam search; 1 for none.")] = _DEFAULTS.beams,
    max_tokens: Annotated[int, typer.Option(help="Most tokens in a caption.")] = _DEFAULTS.max_tokens,
    frames: Annotated[int, typer.Option(help="Frames of a clip to average.")] = _DEFAULTS.frames,
    seed: Annotated[
        int | None, typer.Option(help="Repeat a sampled caption; with --untrained, the weights as well.")
    ] = _DEFAULTS.seed,
    device: Annotated[DeviceName, typer.Option(help="Where to compute.")] = "auto",
    dtype: Annotated[DtypeName, typer.Option(help="Number format of the weights.")] = "auto",
    uncached: Annotated[
        bool, typer.Option("--uncached", help="Recompute everything for each token, to compare with the cached way.")
    ] = False,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="FILE", help="Weights to use in place of the model's own.")
    ] = None,
    untrained: Annotated[bool, typer.Option("--untrained", help="Random weights instead of trained ones.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per picture on stdout, and nothing else.")
    ] = False,
) -> None:
    """Caption pictures.

    Exit code: 0 all went well, 1 some inputs failed, 2 the call itself was wrong.
    """
    try:
        options = CaptionOptions(temperature, top_k, top_p, beams, max_tokens, frames, seed, cached=not uncached)
        request = ModelRequest(model, device, dtype, checkpoint, untrained, seed or 0)
        with results_only() as out:
            failures = _caption_all(files, request, options, JsonWriter(out) if as_json else TextWriter(out))
    except CocaDeskError as error:
        complain("", str(error))
        raise typer.Exit(2) from None
    raise typer.Exit(1 if failures else 0)


def _caption_all(paths: list[str], request: ModelRequest, options: CaptionOptions, writer: CaptionWriter) -> int:
    """Caption one file after the other, complain about those that fail, and return how many did.

    The model is loaded when the first picture has opened: a mistyped name is answered at once.

    Raises:
        ModelError: if the model cannot be loaded.
    """
    expanded = expand(paths)
    for path, error in expanded.errors:
        complain(path, str(error))
    failures = len(expanded.errors)
    several = len(expanded.files) + failures > 1
    captioner: Captioner | None = None
    for number, file in enumerate(expanded.files, start=1):
        try:
            picture = open_picture_or_clip(file, options.frames)
        except InputError as error:
            complain(file, str(error))
            failures += 1
            continue
        captioner = captioner or _load(request)
        try:
            with nullcontext() if writer.live else progress(f"{number} of {len(expanded.files)}: {file}"):
                writer.start(file, heading=several)
                _stream(captioner, picture, options, writer)
        except BrokenPipeError:
            raise
        except CocaDeskError as error:
            complain(file, str(error))
            failures += 1
        except Exception as error:  # noqa: BLE001 — whatever one picture provokes, the others are still captioned
            complain(file, failed_unexpectedly(error, crash_report(error)))
            failures += 1
    return failures


def _load(request: ModelRequest) -> Captioner:
    with progress(f"Loading {request.name}…"):
        from cocadesk import engine  # noqa: PLC0415 — brings torch along: only once there is something to caption

        return engine.load(**asdict(request))


def _stream(captioner: Captioner, picture: Picture | Clip, options: CaptionOptions, writer: CaptionWriter) -> None:
    try:
        # The engine's iterators are generators: closing frees the attention states of a caption that was broken off.
        with closing(cast(Generator[CaptionEvent], captioner.caption(picture, options))) as events:
            for event in events:
                writer.take(event)
    finally:
        writer.stop()

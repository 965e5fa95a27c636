"""`cocadesk caption`: what a model says about each picture, token by token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import typer

from cocadesk.catalog.cards import DEFAULT_CAPTIONER
from cocadesk.cli.decoding_options import Beams, Prefix, TopK, TopP
from cocadesk.cli.ending import end, refusing
from cocadesk.cli.managed_model import ManagedModel, load_for
from cocadesk.cli.options import Checkpoint, Device, Dtype, Files, Frames, Json, Seed, Untrained
from cocadesk.cli.output import results_only
from cocadesk.cli.streaming import Stream, stream_all
from cocadesk.cli.text_writers import JsonWriter, TextWriter, Writer, text_json
from cocadesk.models import Captioner
from cocadesk.types import (
    CLIP_TEMPERATURE,
    FRAMES,
    CaptionEvent,
    CaptionOptions,
    CaptionResult,
    Clip,
    ModelRequest,
    Picture,
)

_DEFAULTS = CaptionOptions()


def caption(
    *,
    files: Files,
    model: Annotated[str, typer.Option(help="A model that `cocadesk models list` names.")] = DEFAULT_CAPTIONER,
    temperature: Annotated[
        float | None,
        typer.Option(
            help="0 always takes the likeliest token; higher is more varied. "
            f"0 where none is given, {CLIP_TEMPERATURE} for a video or an animation.",
        ),
    ] = _DEFAULTS.temperature,
    top_k: TopK = _DEFAULTS.top_k,
    top_p: TopP = _DEFAULTS.top_p,
    beams: Beams = _DEFAULTS.beams,
    max_tokens: Annotated[int, typer.Option(help="Most tokens in a caption.")] = _DEFAULTS.max_tokens,
    prefix: Prefix = "",
    frames: Frames = FRAMES,
    per_frame: Annotated[
        bool, typer.Option("--per-frame", help="A caption for each of these frames in place of one for all.")
    ] = False,
    seed: Seed = _DEFAULTS.seed,
    device: Device = "auto",
    dtype: Dtype = "auto",
    uncached: Annotated[
        bool, typer.Option("--uncached", help="Recompute everything for each token, to compare with the cached way.")
    ] = False,
    checkpoint: Checkpoint = None,
    untrained: Untrained = False,
    as_json: Json = False,
) -> None:
    """Caption pictures and videos; of a video, the mean of uniformly spaced frames.

    Exit code: 0 all went well, 1 some inputs failed, 2 the call itself was wrong.
    """
    with refusing():
        options = CaptionOptions(temperature, top_k, top_p, beams, max_tokens, frames, seed, cached=not uncached)
        request = ModelRequest(model, device, dtype, checkpoint, untrained, seed or 0)

        captioner: ManagedModel[Captioner] = ManagedModel(request, load_for("caption"))

        def streams(picture: Picture | Clip) -> Sequence[Stream[Captioner]]:
            if per_frame and isinstance(picture, Clip):
                return [
                    Stream(f"{seconds:.2f} s", partial(_caption, alone, options, prefix))
                    for seconds, alone in _apart(picture)
                ]
            return [Stream("", partial(_caption, picture, options, prefix))]

        with results_only() as out:
            writer: Writer = JsonWriter(out, CaptionResult, caption_json) if as_json else TextWriter(out)
            failures = stream_all(files, captioner, streams, writer, frames=frames)
    raise end(failures)


def _caption(
    picture: Picture | Clip, options: CaptionOptions, prefix: str, captioner: Captioner
) -> Iterator[CaptionEvent]:
    return captioner.caption(picture, replace(options, prefix=captioner.beginning(prefix)))


def _apart(clip: Clip) -> Iterator[tuple[float, Clip]]:
    """Each frame as a clip of its own, with its time."""
    for frame, index, seconds in zip(clip.frames, clip.indices, clip.times, strict=True):
        yield seconds, Clip(clip.name, (frame,), (index,), (seconds,))


def caption_json(file: str, result: CaptionResult) -> dict[str, Any]:
    """The stable shape of `cocadesk caption --json`; `frames` is there for a clip only."""
    return text_json(file, result, {"caption": result.caption})

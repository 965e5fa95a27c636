"""`cocadesk ask`: what a model answers to questions about a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Any

import typer

from cocadesk.catalog.cards import DEFAULT_ANSWERER
from cocadesk.cli.decoding_options import Beams, Temperature, TopK, TopP
from cocadesk.cli.ending import end, refusing
from cocadesk.cli.managed_model import ManagedModel, load_for
from cocadesk.cli.options import Checkpoint, Device, Dtype, Frames, Seed, Untrained
from cocadesk.cli.output import results_only
from cocadesk.cli.streaming import Stream, stream_all
from cocadesk.cli.text_writers import JsonWriter, TextWriter, Writer, finite, text_json
from cocadesk.models import Answerer
from cocadesk.types import FRAMES, AnswerEvent, AnswerResult, AskOptions, Clip, ModelRequest, Picture

_DEFAULTS = AskOptions()


def ask(
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A picture or a video, or a folder of them.")],
    questions: Annotated[list[str], typer.Argument(metavar="QUESTION", help="What to ask about it.")],
    model: Annotated[
        str, typer.Option(help="A model that can ask; `cocadesk models list` names them.")
    ] = DEFAULT_ANSWERER,
    temperature: Temperature = _DEFAULTS.temperature,
    top_k: TopK = _DEFAULTS.top_k,
    top_p: TopP = _DEFAULTS.top_p,
    beams: Beams = _DEFAULTS.beams,
    max_tokens: Annotated[int, typer.Option(help="Most tokens in an answer.")] = _DEFAULTS.max_tokens,
    others: Annotated[
        int, typer.Option(metavar="N", help="Name so many of the next likeliest answers, too, with probabilities.")
    ] = _DEFAULTS.others,
    frames: Frames = FRAMES,
    seed: Seed = _DEFAULTS.seed,
    device: Device = "auto",
    dtype: Dtype = "auto",
    checkpoint: Checkpoint = None,
    untrained: Untrained = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per question on stdout, and nothing else.")
    ] = False,
) -> None:
    """Ask questions about a picture, one after the other.

    Exit code: 0 all went well, 1 some questions or pictures failed, 2 the call itself was wrong.
    """
    with refusing():
        options = AskOptions(temperature, top_k, top_p, beams, max_tokens, frames, seed, others)
        request = ModelRequest(model, device, dtype, checkpoint, untrained, seed or 0)

        answerer: ManagedModel[Answerer] = ManagedModel(request, load_for("ask"))

        def streams(picture: Picture | Clip) -> Sequence[Stream[Answerer]]:
            return [Stream(question, partial(_ask, picture, question, options)) for question in questions]

        with results_only() as out:
            writer: Writer = JsonWriter(out, AnswerResult, answer_json) if as_json else TextWriter(out)
            failures = stream_all([file], answerer, streams, writer, frames=frames)
    raise end(failures)


def _ask(picture: Picture | Clip, question: str, options: AskOptions, answerer: Answerer) -> Iterator[AnswerEvent]:
    return answerer.ask(picture, question, options)


def answer_json(file: str, result: AnswerResult) -> dict[str, Any]:
    """The stable shape of `cocadesk ask --json`; `frames` is there for a clip only, `others` where it is asked for."""
    answer: dict[str, Any] = {"question": result.text, "answer": result.answer, "logprob": finite(result.logprob)}
    if result.others:
        answer["others"] = [{"answer": other.answer, "logprob": finite(other.logprob)} for other in result.others]
    return text_json(file, result, answer)

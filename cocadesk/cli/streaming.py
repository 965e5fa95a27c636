"""Text that a model makes about pictures, written as it comes: what captioning and answering have in common."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from cocadesk.cli.inputs import Failures, opened_files
from cocadesk.cli.managed_model import ManagedModel
from cocadesk.cli.output import progress
from cocadesk.cli.text_writers import TextEvent, Writer
from cocadesk.types import Clip, Picture

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Stream(Generic[M]):
    """One text in the making.

    Attributes:
        subject: What it is about besides the picture, such as the question it answers; empty for nothing.
        begin: Has a model make it; called again where the model's device ran out of memory.
    """

    subject: str
    begin: Callable[[M], Iterator[TextEvent]]


def stream_all(
    paths: Sequence[str],
    model: ManagedModel[M],
    streams: Callable[[Picture | Clip], Sequence[Stream[M]]],
    writer: Writer,
    *,
    frames: int,
) -> int:
    """Write what a model says about one file after the other; returns how many files and texts failed.

    The model is loaded when the first picture has opened: a mistyped name is answered at once.

    Args:
        paths: Files and folders as the user named them.
        model: Makes the texts.
        streams: Gives the texts to write about one picture; if one fails, the others are still written.
        frames: Most frames to take of a clip.

    Raises:
        ModelError: if the model cannot be loaded.
    """
    failures = Failures()
    for file in opened_files(paths, frames, failures):
        model.prepare()
        with nullcontext() if writer.live else progress(file.progress):
            begun = streams(file.picture)
            for stream in begun:
                parts = [file.name if file.several else "", " ".join(stream.subject.split()) if len(begun) > 1 else ""]
                with failures.told(file.name):
                    writer.start(file.name, heading=": ".join(filter(None, parts)))
                    _write_stream(model.run(stream.begin), writer)
    return failures.count


def _write_stream(stream: Iterator[TextEvent], writer: Writer) -> None:
    try:
        # Generators all the way: closing frees the attention states of a text that was broken off.
        with closing(cast(Generator[TextEvent], stream)) as events:
            for event in events:
                writer.take(event)
    finally:
        writer.stop()

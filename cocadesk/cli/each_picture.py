"""One picture after the other through a model: what fails costs a line on stderr, and the others still run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from cocadesk.cli.inputs import Failures, opened_files
from cocadesk.cli.managed_model import ManagedModel
from cocadesk.cli.output import progress
from cocadesk.errors import OptionError
from cocadesk.types import FRAMES, Clip, Picture

M = TypeVar("M")
R = TypeVar("R")


def each_picture(
    paths: Sequence[str],
    model: ManagedModel[M],
    work: Callable[[M, Picture | Clip], R],
    write: Callable[[str, R, bool], None],
    *,
    frames: int = FRAMES,
) -> int:
    """Open each file, work on it and write the result; returns how many inputs failed.

    Args:
        paths: Files and folders as the user named them.
        model: It is loaded when the first picture has opened: a mistyped name is answered at once.
        work: Gives the result for one picture.
        write: Takes the file's name, the result, and whether there are several files.
        frames: Most frames to take of a clip.

    Raises:
        ModelError: if the model cannot be loaded.
        OptionError: if `work` cannot be done as asked, with any picture.
    """
    failures = Failures()
    for file in opened_files(paths, frames, failures):
        model.prepare()
        with failures.told(file.name, but=(OptionError,)):
            with progress(file.progress):
                [result] = model.run(partial(_once, work, file.picture))
            write(file.name, result, file.several)
    return failures.count


def _once(work: Callable[[M, Picture | Clip], R], picture: Picture | Clip, model: M) -> Iterator[R]:
    yield work(model, picture)

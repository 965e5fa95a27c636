"""Opening one file after the other: what fails costs a line on stderr, and the others still run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from cocadesk.cli.output import complain, crash_report, failed_unexpectedly
from cocadesk.errors import CocaDeskError, InputError
from cocadesk.media.folder import expand
from cocadesk.media.image import open_picture_or_clip
from cocadesk.types import Clip, Picture


class Failures:
    """Tells what fails and counts it.

    Attributes:
        count: How much has failed so far.
    """

    def __init__(self) -> None:
        self.count = 0

    def tell(self, name: str, message: str) -> None:
        """Complain about that input."""
        complain(name, message)
        self.count += 1

    @contextmanager
    def told(self, name: str, *, but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
        """Whatever this input provokes becomes a complaint about it, `but` for errors that end the whole call."""
        passed_on: tuple[type[Exception], ...] = (BrokenPipeError, *but)
        try:
            yield
        except passed_on:
            raise
        except CocaDeskError as error:
            self.tell(name, str(error))
        except Exception as error:  # noqa: BLE001 — whatever one input provokes, the others are still worked on
            self.tell(name, failed_unexpectedly(error, crash_report(error)))


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A picture or clip from a file that the user named, or that lies in a folder that the user named.

    Attributes:
        name: The file's, as it is told.
        progress: Which of all it is, for a person who waits.
        several: Whether there are other inputs besides it.
    """

    name: str
    picture: Picture | Clip
    progress: str
    several: bool


def opened_files(paths: Sequence[str], frames: int, failures: Failures) -> Iterator[OpenedFile]:
    """Open what the user named, each file when it is asked for; what cannot be opened is told.

    Args:
        paths: Files and folders.
        frames: Most frames to take of a clip.
    """
    expanded = expand(paths)
    for path, error in expanded.errors:
        failures.tell(path, str(error))
    several = len(expanded.files) + len(expanded.errors) > 1
    for number, file in enumerate(expanded.files, start=1):
        try:
            picture = open_picture_or_clip(file, frames)
        except InputError as error:
            failures.tell(file, str(error))
            continue
        for note in picture.notes if isinstance(picture, Clip) else ():
            complain(file, note)
        yield OpenedFile(file, picture, f"{number} of {len(expanded.files)}: {file}", several)

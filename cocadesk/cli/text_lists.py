"""Lists of texts as a command gets them: from options, or one per line in a file."""

from __future__ import annotations

from collections.abc import Iterable

from cocadesk.cli.output import complain
from cocadesk.errors import InputError, OptionError
from cocadesk.media import texts as lists


def read_lines(path: str) -> list[str]:
    """The lines of a text file.

    Raises:
        OptionError: if it cannot be read, or is not text.
    """
    try:
        return lists.read_lines(path)
    except InputError as error:
        raise OptionError(f"{path}: {error}") from error


def distinct(texts: Iterable[str], source: str) -> tuple[str, ...]:
    """The texts without those that are empty or there before, in their order; says on stderr how many were left out.

    Args:
        source: What the texts come from, named in that line: a file, or an option.
    """
    tidied = lists.tidy(texts)
    if tidied.left_out:
        complain(source, f"Left out: {tidied.left_out}.")
    return tidied.texts

"""How a call ends: the exit code that scripts rely on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from cocadesk.cli.output import complain
from cocadesk.errors import CocaDeskError


@contextmanager
def refusing() -> Iterator[None]:
    """Whatever makes the call itself wrong becomes one line on stderr and exit code 2."""
    try:
        yield
    except CocaDeskError as error:
        complain("", str(error))
        raise typer.Exit(2) from None


def end(failures: int) -> typer.Exit:
    """To be raised: exit code 0, or 1 if some inputs failed."""
    return typer.Exit(1 if failures else 0)

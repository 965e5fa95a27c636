"""`cocadesk models remove`: free the space that a model's weights take."""

from __future__ import annotations

import typer

from cocadesk.catalog.progress import format_bytes
from cocadesk.cli.models.facts import find_card
from cocadesk.cli.options import ModelName
from cocadesk.cli.output import complain
from cocadesk.errors import CocaDeskError


def remove(
    model: ModelName,
) -> None:
    """Remove a model's weights, and what unfinished downloads of it left, from this machine.

    Exit code: 0 none are left here, 1 they cannot be removed.
    """
    from cocadesk.catalog.removal import remove_weights  # noqa: PLC0415 — only this command needs it

    try:
        freed = remove_weights(find_card(model))
    except CocaDeskError as error:
        complain(model, str(error))
        raise typer.Exit(1) from None
    if freed:
        print(f"{model} is removed: {format_bytes(freed)} ({freed:,} bytes) came free.")
    else:
        print(f"{model} is not on this machine: nothing to remove.")

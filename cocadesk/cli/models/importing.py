"""`cocadesk models import`: give a checkpoint on this machine a name in the catalog."""

from __future__ import annotations

from typing import Annotated

import typer

from cocadesk.cli.output import complain, progress, results_only
from cocadesk.errors import CocaDeskError


def import_model(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A safetensors file or a PyTorch checkpoint.")],
    name: Annotated[
        str | None, typer.Option(help="How to call the model; without it, it is called like the file.")
    ] = None,
) -> None:
    """Copy a checkpoint into CocaDesk's own folder, to be used by name. Its architecture is recognised from its arrays.

    Exit code: 0 all went well, 1 the file cannot be imported.
    """
    try:
        with results_only() as out:
            with progress(f"Importing {file}…"):
                from cocadesk.engine.importing import import_checkpoint  # noqa: PLC0415 — brings torch along

                card = import_checkpoint(file, name)
            out.write(f"{card.name} is imported: {card.title}, {card.imported}\n")
    except CocaDeskError as error:
        complain(file, str(error))
        raise typer.Exit(1) from None

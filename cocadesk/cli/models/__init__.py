"""`cocadesk models`: which models there are, and getting them onto this machine and off it. One file per command."""

from __future__ import annotations

import typer

from cocadesk.cli.models.importing import import_model
from cocadesk.cli.models.info import info
from cocadesk.cli.models.listing import list_models
from cocadesk.cli.models.pull import pull
from cocadesk.cli.models.remove import remove

app = typer.Typer(
    help="List, inspect, download, import and remove models.", no_args_is_help=True, rich_markup_mode=None
)
app.command("list")(list_models)
app.command("info")(info)
app.command("pull")(pull)
app.command("import")(import_model)
app.command("remove")(remove)

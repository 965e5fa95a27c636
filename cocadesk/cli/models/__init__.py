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
# Short enough to stand in the list of commands uncut.
app.command("list", short_help="List the models, and which are on this machine.")(list_models)
app.command("info", short_help="Show what a model is and what it is made of.")(info)
app.command("pull", short_help="Download models from the Hugging Face hub.")(pull)
app.command("import", short_help="Copy a checkpoint, to be used by name.")(import_model)
app.command("remove", short_help="Remove a model's weights from this machine.")(remove)

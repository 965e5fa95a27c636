"""The commands and their shared help, as typer sees them."""

from __future__ import annotations

from typing import Annotated

import typer

from cocadesk import __version__
from cocadesk.cli import ask, attend, caption, classify, doctor, models, rank

app = typer.Typer(
    help="See what an image-text model sees. With files, or with nothing: open the window.",
    subcommand_metavar="[FILE]... | COMMAND [ARGS]...",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help and errors: they are read by scripts, logs and screen readers as well
    pretty_exceptions_enable=False,  # cli.main turns exceptions into one line
)
# Short enough to stand in the list of commands uncut.
app.command("caption", short_help="Caption pictures and videos.")(caption.caption)
app.command("ask", short_help="Ask questions about a picture or a video.")(ask.ask)
app.command("rank", short_help="Rank texts by how well they describe a picture.")(rank.rank)
app.command("classify", short_help="Name what pictures most likely show.")(classify.classify)
app.command("attend", short_help="Write where a model looks, as maps and numbers.")(attend.attend)
app.command("doctor", short_help="Check this machine, and say how to mend it.")(doctor.doctor)
app.add_typer(models.app, name="models")


def _print_version(asked: bool) -> None:
    if asked:
        print(f"cocadesk {__version__}")
        raise typer.Exit


@app.callback()
def _shared(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Options ahead of the command."""

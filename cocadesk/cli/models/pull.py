"""`cocadesk models pull`: download models, one after the other; what has arrived is kept if it stops."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO, cast

import typer

from cocadesk.catalog.added import add_card
from cocadesk.catalog.cards import is_library_name
from cocadesk.catalog.checkpoints import find_weights, require_weights
from cocadesk.catalog.progress import Progress, format_bytes
from cocadesk.cli.models.facts import find_card
from cocadesk.cli.models.pull_progress import PullProgress
from cocadesk.cli.output import complain, progress, results_only
from cocadesk.errors import CocaDeskError, DownloadError

if TYPE_CHECKING:
    from cocadesk.catalog.download import DownloadPlan


def pull(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="M", help="Models that `cocadesk models list` names, or `open_clip:ARCH/TAG`, `timm:NAME`."
        ),
    ],
) -> None:
    """Download models from the Hugging Face hub. A download that stopped goes on where it was.

    Exit code: 0 all are on this machine, 1 some are not.
    """
    failures = 0
    with results_only() as out:
        for name in models:
            try:
                _pull(name, out)
            except CocaDeskError as error:
                complain(name, str(error))
                failures += 1
    raise typer.Exit(1 if failures else 0)


def _pull(name: str, out: TextIO) -> None:
    chosen = find_card(name)
    if not chosen.hub_repo:
        _say(out, f"{name} is already on this machine: {require_weights(chosen)}")
        return
    with progress(f"Asking the hub about {name}…"):
        from cocadesk.catalog.download import plan  # noqa: PLC0415 — slow to import

        try:
            planned = plan(chosen)
            if is_library_name(name):
                add_card(chosen)  # what is on this machine is listed with the others
        except DownloadError as error:
            here = find_weights(chosen)
            if here is None:
                raise
            refusal = str(error)
        else:
            here, refusal = None, ""
    if here is not None:
        complain(name, f"Whether there is a newer one could not be found out. {refusal}")
        _say(out, f"{name} is already on this machine: {here}")
    elif planned.is_here:
        _say(out, f"{name} is already on this machine: {_download(planned)}")
    else:
        _announce(planned)
        _say(out, f"{name} is on this machine now: {_download(planned)}")


def _announce(planned: DownloadPlan) -> None:
    """Say what is to come.

    Raises:
        DownloadError: if the disk has no room for it.
    """
    size = format_bytes(planned.bytes_total)
    rest = f", of which {format_bytes(planned.bytes_missing)} are missing" if planned.bytes_here else ""
    PullProgress(planned.model).line(f"{size}{rest}, into {planned.cache}")
    if not planned.fits:
        raise DownloadError(
            f"The disk of {planned.cache} has {format_bytes(planned.free_bytes)} free, and "
            f"{format_bytes(planned.bytes_missing)} are missing. Free some space, or set HF_HOME to a folder on "
            "another disk."
        )


def _download(planned: DownloadPlan) -> Path:
    """Fetch what is planned and return where it is."""
    from cocadesk.catalog.download import download  # noqa: PLC0415 — slow to import

    shown = PullProgress(planned.model)
    try:
        with closing(cast(Generator[Progress], download(planned))) as events:
            for event in events:
                shown.take(event)
    except KeyboardInterrupt:
        shown.wipe()
        complain(planned.model, "Stopped. What has arrived is kept: the next pull goes on from there.")
        raise
    finally:
        shown.wipe()
    return planned.files[0].path


def _say(out: TextIO, text: str) -> None:
    out.write(f"{text}\n")
    out.flush()

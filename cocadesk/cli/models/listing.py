"""`cocadesk models list`: which models there are and which of them are on this machine."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer

from cocadesk.catalog.cards import all_cards
from cocadesk.cli.models.facts import card_json, state


def list_models(
    library: Annotated[
        Literal["open_clip", "timm"] | None,
        typer.Option(help="List the published models of a library instead; any of them can be named like the others."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per model on stdout; of a library's, only the name.")
    ] = False,
) -> None:
    """List the models: where they are, how large they are and what they can do."""
    if library is not None:
        _list_library(library, as_json)
        return
    cards = all_cards().values()
    if as_json:
        for card in cards:
            print(json.dumps(card_json(card)))
        return
    rows = [("NAME", "STATE", "PARAMETERS", "CAN")]
    for card in cards:
        rows.append((card.name, state(card), f"{card.parameters / 1e6:,.0f} M", ", ".join(sorted(card.abilities))))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, where, parameters, can in rows:
        print(f"{name:<{widths[0]}}  {where:<{widths[1]}}  {parameters:>{widths[2]}}  {can}")


def _list_library(library: str, as_json: bool) -> None:
    from cocadesk.engine.library_cards import library_names  # noqa: PLC0415 — brings torch and the library along

    for name in library_names(library):
        print(json.dumps({"name": name}) if as_json else name)

"""`cocadesk models`: which models there are and which of them are on this machine."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import typer

from cocadesk.catalog.cards import CARDS, ModelCard
from cocadesk.catalog.checkpoints import find_weights

State = Literal["bundled", "on this machine", "not downloaded", "missing"]

app = typer.Typer(help="Which models there are.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _models() -> None:
    """Which models there are."""


@app.command("list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per model on stdout.")] = False,
) -> None:
    """List the models: where they are, how large they are and what they can do."""
    if as_json:
        for card in CARDS.values():
            print(json.dumps(_card_json(card)))
        return
    rows = [("NAME", "STATE", "PARAMETERS", "CAN")]
    for card in CARDS.values():
        rows.append((card.name, state(card), f"{card.parameters / 1e6:,.0f} M", ", ".join(sorted(card.abilities))))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for name, where, parameters, can in rows:
        print(f"{name:<{widths[0]}}  {where:<{widths[1]}}  {parameters:>{widths[2]}}  {can}")


def state(card: ModelCard) -> State:
    """Where a model's weights are, without asking the network; "missing" is a bundled model that is not there."""
    if find_weights(card) is None:
        return "missing" if card.bundled else "not downloaded"
    return "bundled" if card.bundled else "on this machine"


def _card_json(card: ModelCard) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "family": card.family,
        "state": state(card),
        "parameters": card.parameters,
        "download_bytes": card.download_bytes,
        "input_pixels": card.input_pixels,
        "patch_pixels": card.patch_pixels,
        "licence": card.licence,
        "abilities": sorted(card.abilities),
    }

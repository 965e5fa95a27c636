"""`cocadesk models info`: what a model is and what it is made of, on this machine or not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Annotated, Any, TextIO

import typer

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.catalog.progress import format_bytes
from cocadesk.cli.models.facts import card_json, find_card, state
from cocadesk.cli.options import ModelName
from cocadesk.cli.output import complain, progress, results_only
from cocadesk.errors import CocaDeskError
from cocadesk.types import NetInfo, PartName


def info(
    model: ModelName,
    part: Annotated[PartName | None, typer.Option(help="Layers, memory and arrays of one part alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout, and nothing else.")] = False,
) -> None:
    """Show what a model is: its card, layers, memory and arrays. It need not be downloaded.

    Exit code: 0 all went well, 1 there is no such model or its configuration is damaged.
    """
    try:
        with results_only() as out:
            chosen = find_card(model)
            net = _look_into(model, part)
            if as_json:
                out.write(json.dumps(info_json(chosen, net)) + "\n")
            else:
                _write_text(out, chosen, net)
    except CocaDeskError as error:
        complain(model, str(error))
        raise typer.Exit(1) from None


def info_json(card: ModelCard, net: NetInfo) -> dict[str, Any]:
    """The stable shape of `cocadesk models info --json`: the keys of `list`, and what only this command says."""
    found = find_weights(card)
    return card_json(card) | {
        "architecture": card.architecture,
        "parameters": net.parameters,
        "trained_on": card.trained_on,
        "finetuned_on": card.finetuned_on,
        "reference": card.reference,
        "hub_repo": card.hub_repo,
        "hub_files": list(card.hub_files),
        "weights": None if found is None else str(found),
        "memory_bytes": dict(net.memory_bytes),
        "layers": dict(net.layers),
        "arrays": [asdict(array) for array in net.arrays],
    }


def _look_into(model: str, part: PartName | None) -> NetInfo:
    with progress(f"Building {model} without its weights…"):
        from cocadesk.engine.net_info import net_info  # noqa: PLC0415 — brings torch along

        return net_info(model, part)


def _write_text(out: TextIO, card: ModelCard, net: NetInfo) -> None:
    out.write(f"{card.title}\n\n")
    facts = [(name, value) for name, value in _facts(card, net) if value]
    _write_table(out, facts)
    layers = [("LAYER", "COUNT"), *((name, f"{count:,}") for name, count in net.layers)]
    out.write("\n")
    _write_table(out, layers, right=(1,))
    arrays = [(array.name, " × ".join(map(str, array.shape)) or "1", array.dtype, array) for array in net.arrays]
    out.write("\n")
    _write_table(
        out,
        [
            ("ARRAY", "SHAPE", "DTYPE", "PARAMETERS"),
            *((name, shape, dtype, f"{array.parameters:,}") for name, shape, dtype, array in arrays),
            (f"{len(arrays)} arrays", "", "", f"{net.parameters:,}"),
        ],
        right=(3,),
    )


def _facts(card: ModelCard, net: NetInfo) -> Iterable[tuple[str, str]]:
    found = find_weights(card)
    yield "name", card.name
    yield "state", state(card)
    yield "weights", "" if found is None else str(found)
    yield "architecture", f"{card.architecture} ({card.family})"
    yield "trained on", card.trained_on
    yield "fine-tuned on", card.finetuned_on
    grid = card.patch_grid
    yield "picture", f"{card.input_pixels} × {card.input_pixels} pixels, {grid} × {grid} patches"
    yield "parameters", f"{net.parameters:,}"
    yield "memory", ", ".join(f"{format_bytes(size)} in {dtype}" for dtype, size in net.memory_bytes)
    yield "can", ", ".join(sorted(card.abilities))
    yield "licence", card.licence
    yield "download", format_bytes(card.download_bytes) if card.download_bytes else ""
    yield "from", f"{card.hub_repo} on the Hugging Face hub" if card.hub_repo else card.weights_url
    yield "reference", card.reference


def _write_table(out: TextIO, rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Align the columns, those numbered in `right` to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:{'>' if at in right else '<'}{widths[at]}}" for at, cell in enumerate(row))
        out.write("  ".join(cells).rstrip() + "\n")

"""Writes the models' cards from the templates in `cards/`: `python packaging/starter/cards.py DIR`.

DIR is what `train_all.py` was given as `--out`: with `figures.json`, and the models, each with its `training.json`.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import files
import model
import progress
import towers
from artists import SKETCHES, TRAINED_ON
from safetensors import safe_open

_COLUMNS = {"seen": "seen artwork, unseen compositions", "unseen": "unseen artwork (OpenMoji)"}


def figures(table: dict[str, dict[str, float]]) -> str:
    """Measured figures as tables in Markdown: scenes by artwork, then photographs."""
    lines = [f"| | {_COLUMNS['seen']} | {_COLUMNS['unseen']} |", "|---|---|---|"]
    lines += [f"| {name} | {value:.3f} | {table['unseen'][name]:.3f} |" for name, value in table["seen"].items()]
    lines += ["", "| official test pictures | |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {value:.3f} |" for name, value in table["photos"].items())])


def training(runs: list[progress.Run]) -> str:
    """What the runs did that made a model, as a table in Markdown, and what is noted of them."""
    lines = [
        "| stage | pictures | batch size | minutes | device | learning rate | seed |",
        "|---|---|---|---|---|---|---|",
    ]
    for made in runs:
        pictures, rest = f"{made['pictures']:,}", (made[key] for key in ("batch", "minutes", "device", "rate", "seed"))
        lines.append(
            "| "
            + " | ".join(
                [made["stage"], pictures, *(f"{value:g}" if isinstance(value, float) else str(value) for value in rest)]
            )
            + " |"
        )
    notes = [f"- {made['stage']}, {made['pictures']:,} pictures: {made['note']}" for made in runs if "note" in made]
    return "\n".join([*lines, "", *notes] if notes else lines)


def size(weights: Path) -> str:
    """ "12,188,929, stored as float16 safetensors (24.4 MB)"."""
    with safe_open(weights, "pt") as file:
        numbers = sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 — no dict
    return f"{numbers:,}, stored as float16 safetensors ({weights.stat().st_size / 1e6:.1f} MB)"


def picture(config: model.Config) -> str:
    """ "112 × 112 pixels in 7 × 7 patches of 16; 6 blocks, width 192, 6 heads"."""
    seen = towers.shape(config)
    return (
        f"{seen.side} × {seen.side} pixels in {seen.grid} × {seen.grid} patches of {seen.patch}; {seen.blocks} blocks, "
        f"width {seen.width}, {seen.heads} heads"
    )


_CC = "https://creativecommons.org/licenses/by"
_TEXTS = {
    "CC-BY-3.0": f"{_CC}/3.0/",
    "CC-BY-4.0": f"{_CC}/4.0/",
    "CC-PDDC": "https://creativecommons.org/licenses/publicdomain/",
}
"""Licences that ask for a link to themselves, and the one that is none."""


def artwork() -> str:
    """Whose artwork training draws with, as a table in Markdown."""
    lines = ["| artwork | package | licence | used |", "|---|---|---|---|"]
    for artist in TRAINED_ON:
        used = "as drawings, filled with the nouns' colours" if artist in SKETCHES else "in colour"
        licence = f"[{artist.licence}]({_TEXTS[artist.licence]})" if artist.licence in _TEXTS else artist.licence
        lines.append(f"| {artist.title} | `{artist.package}` | {licence} | {used} |")
    return "\n".join(lines)


def write_cards(out: Path) -> None:
    """Write `README.md` into the folder of every model that was measured."""
    tables = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    for name, table in tables.items():
        template = (files.HERE / "cards" / f"{name}.md").read_text(encoding="utf-8")
        found = {
            "size": size(out / name / "model.safetensors"),
            "picture": picture(model.read_config(out / name)),
            "training": training(progress.history(out / name)),
            "figures": figures(table),
            "artists": artwork(),
        }
        for key, text in found.items():
            template = template.replace("{{" + key + "}}", text)
        (out / name / "README.md").write_text(template, encoding="utf-8")


if __name__ == "__main__":
    write_cards(Path(sys.argv[1]))

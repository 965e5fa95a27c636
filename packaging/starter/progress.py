"""What each stage of a training run has done so far, in `progress.json` beside its models; and in each model's folder
`training.json`: what it was begun with, and all that came since.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

MODELS = {
    "tower": ("starter-coca",),
    "caption": ("starter-coca",),
    "vqa": ("starter-vqa",),
    "vit": ("starter-vit",),
    "together": ("starter-coca", "starter-vqa", "starter-vit"),
}
"""The models that a stage makes."""
PAUSED = 3
"""Exit status of a stage that was asked to stop before its end."""
_FILE = "progress.json"
_HISTORY = "training.json"
Run = dict[str, Any]
"""What a stage has done: its pictures, steps, minutes, device and so on; in a history perhaps a "note" for the card."""


def read(folder: Path) -> dict[str, Run]:
    """Stage → what it has done; nothing where nothing was done yet."""
    path = folder / _FILE
    found: dict[str, Run] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def write(folder: Path, stage: str, done: Run) -> None:
    """Set what one stage has done."""
    text = json.dumps(read(folder) | {stage: done}, indent=2)
    (folder / _FILE).write_text(text + "\n", encoding="utf-8")


def is_finished(folder: Path, stage: str) -> bool:
    return bool(read(folder).get(stage, {}).get("finished"))


def history(model: Path) -> list[Run]:
    """The runs that made the model of that folder, the first one first, each with its "stage"; none if not known."""
    path = model / _HISTORY
    found: list[Run] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return found


def write_history(model: Path, runs: list[Run]) -> None:
    model.mkdir(parents=True, exist_ok=True)
    (model / _HISTORY).write_text(json.dumps(runs, indent=2) + "\n", encoding="utf-8")


def merged(*histories: list[Run]) -> list[Run]:
    """Of a model of which each history made a part: all their runs, those that they share once."""
    found: dict[str, Run] = {}
    for run in itertools.chain(*histories):
        done = {key: value for key, value in run.items() if key != "note"}
        found.setdefault(json.dumps(done, sort_keys=True), run)
    return list(found.values())

"""What each stage of a training run has done so far, in `progress.json` beside its models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MODELS = {"tower": "starter-coca", "caption": "starter-coca", "vqa": "starter-vqa", "vit": "starter-vit"}
"""The model that a stage makes."""
PAUSED = 3
"""Exit status of a stage that was asked to stop before its end."""
_FILE = "progress.json"


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """Stage → what it has done; nothing where nothing was done yet."""
    path = folder / _FILE
    found: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def write(folder: Path, stage: str, done: dict[str, Any]) -> None:
    """Set what one stage has done."""
    text = json.dumps(read(folder) | {stage: done}, indent=2)
    (folder / _FILE).write_text(text + "\n", encoding="utf-8")


def is_finished(folder: Path, stage: str) -> bool:
    return bool(read(folder).get(stage, {}).get("finished"))

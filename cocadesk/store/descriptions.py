"""The descriptions that pictures were last ranked by, as they were typed. No Qt."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from cocadesk import paths

log = logging.getLogger(__name__)


def load() -> str:
    """What was kept; empty if nothing was, or it cannot be read."""
    try:
        return _file().read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        log.warning("The descriptions could not be read: %s", error)
        return ""


def save(text: str) -> None:
    """Keep this, in one step so that a crash cannot leave half of it."""
    target = _file()
    part = target.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8", errors="replace")
        part.replace(target)
    except OSError as error:
        log.warning("The descriptions could not be kept: %s", error)
        part.unlink(missing_ok=True)


def _file() -> Path:
    return paths.data_dir() / "descriptions.txt"

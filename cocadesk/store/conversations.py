"""Questions and answers about pictures, kept in one file of JSON lines per picture. No Qt.

A conversation belongs to what a picture shows, not to where its file is: it is kept under a name that is made from the
content (`media.identity.fingerprint`). A line is appended for each answer, so a crash costs at most the last one.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cocadesk import paths
from cocadesk.types import OtherAnswer

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A question and its answer.

    Attributes:
        logprob: Natural-log probability of the whole answer.
        others: What else was nearly answered.
        model: As a user reads it, such as "blip-vqa-base" or "blip-vqa-base (untrained)".
        frames: How many frames of a clip were averaged; 0 for a still picture.
    """

    question: str
    answer: str
    logprob: float
    others: tuple[OtherAnswer, ...] = ()
    model: str = ""
    frames: int = 0


def load(identity: str) -> list[KeptAnswer]:
    """What was kept about the picture of that fingerprint, the oldest first. Damaged lines are left out."""
    try:
        lines = _file(identity).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        log.warning("A conversation could not be read: %s", error)
        return []
    return [kept for line in lines if (kept := _parse(line)) is not None]


def append(identity: str, kept: KeptAnswer) -> None:
    """Keep one more answer."""
    shape = asdict(kept)
    for holder in (shape, *shape["others"]):
        holder["logprob"] = holder["logprob"] if math.isfinite(holder["logprob"]) else None
    try:
        with _file(identity).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(shape) + "\n")
    except OSError as error:
        log.warning("An answer could not be kept: %s", error)


def forget(identity: str) -> None:
    """Remove what was kept about that picture."""
    try:
        _file(identity).unlink(missing_ok=True)
    except OSError as error:
        log.warning("A conversation could not be removed: %s", error)


def _file(identity: str) -> Path:
    folder = paths.data_dir() / "conversations"
    folder.mkdir(exist_ok=True)
    return folder / f"{identity}.jsonl"


def _parse(line: str) -> KeptAnswer | None:
    try:
        shape: dict[str, Any] = json.loads(line)
        others = tuple(OtherAnswer(str(other["answer"]), _logprob(other)) for other in shape["others"])
        return KeptAnswer(
            str(shape["question"]),
            str(shape["answer"]),
            _logprob(shape),
            others,
            str(shape["model"]),
            int(shape["frames"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        log.warning("A line of a conversation is left out: %r", error)
        return None


def _logprob(shape: dict[str, Any]) -> float:
    """JSON has no infinities: what the model ruled out altogether has no number there."""
    return -math.inf if shape["logprob"] is None else float(shape["logprob"])

"""The two ways in which `cocadesk caption` writes: for a person, and as JSON Lines."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict
from typing import Any, Protocol, TextIO

from cocadesk.cli.output import CLEAR_LINE
from cocadesk.types import Alternative, CaptionEvent, CaptionResult, Draft, Token


class CaptionWriter(Protocol):
    """Takes a picture's events in the order they come: `start`, any number of `take`, `stop`.

    Attributes:
        live: Whether words are shown as they come, so that nothing else may be written on their line.
    """

    live: bool

    def start(self, file: str, *, heading: bool) -> None: ...

    def take(self, event: CaptionEvent) -> None: ...

    def stop(self) -> None:
        """The picture is over, with a result or without."""


class TextWriter:
    """Captions as lines; on a terminal the words appear as they are decoded."""

    def __init__(self, out: TextIO) -> None:
        self.live = out.isatty()
        self._out = out
        self._indent = ""
        self._showing: type[Token] | type[Draft] | None = None  # what the unfinished line holds

    def start(self, file: str, *, heading: bool) -> None:
        self._indent = "  " if heading else ""
        if heading:
            self._write(f"{file}\n")

    def take(self, event: CaptionEvent) -> None:
        match event:
            case CaptionResult():
                if self._showing is not Token:
                    self._write(self._line_start() + event.caption)
                self._write("\n")
                self._showing = None
            case Token() if self.live:
                self._write((self._line_start() if self._showing is not Token else "") + event.text)
                self._showing = Token
            case Draft() if self.live:
                # A draft that wrapped could not be taken back.
                width = shutil.get_terminal_size().columns - len(self._indent) - 1
                self._write(self._line_start() + event.text[-width:])
                self._showing = Draft

    def stop(self) -> None:
        if self._showing is not None:
            self._write("\n")
            self._showing = None

    def _line_start(self) -> str:
        return (CLEAR_LINE if self._showing is Draft else "") + self._indent

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


class JsonWriter:
    """One JSON object per picture and line, written when its caption is finished."""

    live = False

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._file = ""

    def start(self, file: str, *, heading: bool) -> None:
        self._file = file

    def take(self, event: CaptionEvent) -> None:
        if isinstance(event, CaptionResult):
            self._out.write(json.dumps(caption_json(self._file, event)) + "\n")
            self._out.flush()

    def stop(self) -> None:
        """Nothing is left open: an object is written whole or not at all."""


def caption_json(file: str, result: CaptionResult) -> dict[str, Any]:
    """The stable shape of `cocadesk caption --json`; `frames` is there for a clip only."""
    tokens = [
        _token_json(token) | {"alternatives": [_token_json(other) for other in token.alternatives]}
        for token in result.tokens
    ]
    shape: dict[str, Any] = {
        "file": file,
        "model": result.model,
        "caption": result.caption,
        "tokens": tokens,
        "timings": asdict(result.timings),
    }
    return shape | ({"frames": list(result.frames)} if result.frames else {})


def _token_json(token: Token | Alternative) -> dict[str, Any]:
    # JSON has no infinities: a token the model rules out altogether has no number.
    return {"id": token.id, "text": token.text, "logprob": token.logprob if math.isfinite(token.logprob) else None}

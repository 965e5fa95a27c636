"""The two ways in which captions and answers are written: for a person, and as JSON Lines."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Generic, Protocol, TextIO, TypeVar

from cocadesk.cli.output import CLEAR_LINE
from cocadesk.types import Alternative, AnswerEvent, AnswerResult, CaptionEvent, CaptionResult, Draft, Token

TextEvent = CaptionEvent | AnswerEvent

R = TypeVar("R", CaptionResult, AnswerResult)


class Writer(Protocol):
    """Takes a text's events in the order they come: `start`, any number of `take`, `stop`.

    Attributes:
        live: Whether words are shown as they come, so that nothing else may be written on their line.
    """

    live: bool

    def start(self, file: str, *, heading: str) -> None:
        """A text about that file begins; `heading` tells a person which of several it is, and is empty for one."""

    def take(self, event: TextEvent) -> None: ...

    def stop(self) -> None:
        """The text is over, with a result or without."""


class TextWriter:
    """Texts as lines; on a terminal the words appear as they are decoded."""

    def __init__(self, out: TextIO) -> None:
        self.live = out.isatty()
        self._out = out
        self._indent = ""
        self._showing: type[Token] | type[Draft] | None = None  # what the unfinished line holds

    def start(self, file: str, *, heading: str) -> None:
        self._indent = "  " if heading else ""
        if heading:
            self._write(f"{heading}\n")

    def take(self, event: TextEvent) -> None:
        match event:
            case CaptionResult(caption=text) | AnswerResult(answer=text):
                if self._showing is not Token:
                    self._write(self._line_start() + text)
                self._write("\n")
                self._showing = None
                if isinstance(event, AnswerResult):
                    for other in event.others:
                        self._write(f"{self._indent}  {math.exp(other.logprob):>6.1%}  {other.answer}\n")
            case Token() if self.live:
                if event.position == 0 and self._showing is Token:
                    self.stop()  # a line that was begun before is begun anew: its model moved to another device
                # Words bring their space along in front or behind; none belongs to the beginning of a line.
                self._write(event.text if self._showing is Token else self._line_start() + event.text.lstrip())
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


class JsonWriter(Generic[R]):
    """One JSON object per text and line, written when it is finished.

    Args:
        kind: The result's type.
        shape: Turns the file's name and a result into what is written.
    """

    live = False

    def __init__(self, out: TextIO, kind: type[R], shape: Callable[[str, R], dict[str, Any]]) -> None:
        self._out = out
        self._kind: type[R] = kind
        self._shape: Callable[[str, R], dict[str, Any]] = shape
        self._file = ""

    def start(self, file: str, *, heading: str) -> None:
        self._file = file

    def take(self, event: TextEvent) -> None:
        if isinstance(event, self._kind):
            self._out.write(json.dumps(self._shape(self._file, event)) + "\n")
            self._out.flush()

    def stop(self) -> None:
        """Nothing is left open: an object is written whole or not at all."""


def text_json(file: str, result: CaptionResult | AnswerResult, text: dict[str, Any]) -> dict[str, Any]:
    """What the objects of captions and answers have in common, around `text`; `frames` is there for a clip only."""
    shape = {"file": file, "model": result.model, **text}
    shape |= {"tokens": _tokens_json(result.tokens), "timings": asdict(result.timings)}
    return shape | ({"frames": list(result.frames)} if result.frames else {})


def finite(logprob: float) -> float | None:
    """JSON has no infinities: what the model rules out altogether has no number."""
    return logprob if math.isfinite(logprob) else None


def _tokens_json(tokens: Sequence[Token]) -> list[dict[str, Any]]:
    return [
        _token_json(token) | {"alternatives": [_token_json(other) for other in token.alternatives]} for token in tokens
    ]


def _token_json(token: Token | Alternative) -> dict[str, Any]:
    return {"id": token.id, "text": token.text, "logprob": finite(token.logprob)}

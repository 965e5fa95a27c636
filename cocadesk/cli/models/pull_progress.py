"""How a download is shown on stderr: a line that changes on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import time

from cocadesk.catalog.progress import Progress, format_bytes, format_duration
from cocadesk.cli.output import CLEAR_LINE

LINES_APART_S = 10.0


class PullProgress:
    """Shows one model's download."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._live = sys.stderr.isatty()
        self._note = ""
        self._last_s = time.monotonic()

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self.wipe()
        print(f"{self._model}: {text}", file=sys.stderr, flush=True)

    def take(self, event: Progress) -> None:
        if event.note and event.note != self._note:
            self.line(event.note)
        self._note = event.note
        if self._live:
            text = f"{self._model}: {describe(event)}"[: shutil.get_terminal_size().columns - 1]
            print(CLEAR_LINE + text, end="", file=sys.stderr, flush=True)
        elif event.phase != "done" and time.monotonic() - self._last_s >= LINES_APART_S:
            self._last_s = time.monotonic()
            self.line(describe(event))

    def wipe(self) -> None:
        """Take the line that changes off the terminal."""
        if self._live:
            print(CLEAR_LINE, end="", file=sys.stderr, flush=True)


def describe(event: Progress) -> str:
    """One moment in a line: share, bytes, and while they come in, rate and time left."""
    share = 100 * event.bytes_done // event.bytes_total if event.bytes_total else 100
    parts = [f"{event.phase} {share} %", f"{format_bytes(event.bytes_done)} of {format_bytes(event.bytes_total)}"]
    if event.bytes_per_s:
        parts.append(f"{format_bytes(event.bytes_per_s)}/s")
    if event.seconds_left is not None:
        parts.append(f"{format_duration(event.seconds_left)} left")
    return ", ".join(parts)

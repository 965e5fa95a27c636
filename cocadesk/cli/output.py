"""What every command writes: results on stdout, one line per complaint on stderr, tracebacks in a log."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from pathlib import Path
from typing import TextIO

from cocadesk.paths import data_dir

STDOUT = 1
STDERR = 2
CLEAR_LINE = "\r\x1b[K"


def complain(name: str, message: str) -> None:
    """One line on stderr: `cocadesk: NAME: what is wrong`; an empty name is left out."""
    line = " ".join(part for part in ("cocadesk:", f"{name}:" if name else "", message) if part)
    # A file name may hold a line break, and the line must stay one.
    print(line.replace("\r", " ").replace("\n", " "), file=sys.stderr, flush=True)


@contextmanager
def results_only() -> Iterator[TextIO]:
    """A stream to the real stdout, while everything else that writes there goes to stderr.

    Libraries print while models load, some from C; a reader of the results must not see it. So the file descriptor
    itself is turned over, not only `sys.stdout`.
    """
    sys.stdout.flush()
    kept = os.dup(STDOUT)
    with open(kept, "w", encoding=sys.stdout.encoding or "utf-8", errors="backslashreplace", closefd=False) as stream:
        os.dup2(STDERR, STDOUT)
        try:
            with redirect_stdout(sys.stderr):
                yield stream
        finally:
            os.dup2(kept, STDOUT)
    os.close(kept)


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Say on stderr what is going on until it is over, if a person watches there."""
    if not sys.stderr.isatty():
        yield
        return
    print(f"{text}\r", end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        print(CLEAR_LINE, end="", file=sys.stderr, flush=True)


def crash_report(error: BaseException) -> Path:
    """Append the traceback to a log for whoever mends it, and return where that is."""
    try:
        log = data_dir() / "errors.log"
        _append_traceback(log, error)
    except OSError:
        log = Path(tempfile.gettempdir()) / "cocadesk-errors.log"
        _append_traceback(log, error)
    return log


def failed_unexpectedly(error: BaseException, log: Path) -> str:
    """What a user reads instead of a traceback."""
    return f"Something unexpected went wrong ({type(error).__name__}). The details are in {log}."


def _append_traceback(log: Path, error: BaseException) -> None:
    with log.open("a", encoding="utf-8", errors="backslashreplace") as stream:
        stream.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {' '.join(sys.argv)}\n")
        stream.writelines(traceback.format_exception(error))
        stream.write("\n")

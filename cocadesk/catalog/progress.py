"""How far a download is, how fast it goes, and how patient it is. Light to import, unlike the download itself."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

Phase = Literal["waiting", "checking", "downloading", "retrying", "done"]

EVENTS_APART_S = 0.1
RATE_WINDOW_S = 5.0


@dataclass(frozen=True, slots=True)
class Progress:
    """One moment of a download.

    Attributes:
        phase: "waiting" for another window or program that downloads the same file; "checking" what is already here;
            "downloading"; "retrying", between two tries; "done", the last event of a download that succeeded.
        bytes_done: Of the whole plan, what was here before included. It falls when a file has to start over.
        bytes_total: Of the whole plan.
        bytes_per_s: Mean of the last seconds; 0 while nothing arrives.
        seconds_left: At that rate; None where there is none.
        note: A sentence for the user where something is out of the ordinary; else empty.
    """

    phase: Phase
    bytes_done: int
    bytes_total: int
    bytes_per_s: float = 0.0
    seconds_left: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server and how often to try again.

    Attributes:
        connect_s: For a connection to be made.
        stall_s: For the next byte, before the connection is given up.
        tries: Without a single new byte in a row, before the download fails.
        first_wait_s: Between the first two tries; doubles from try to try.
        longest_wait_s: Between two tries.
        obeyed_wait_s: The longest wait a server may ask for; if it asks for more, the download fails and says so.
    """

    connect_s: float = 10.0
    stall_s: float = 30.0
    tries: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 30.0
    obeyed_wait_s: float = 120.0

    def wait_s(self, failures: int) -> float:
        """Seconds to wait after that many failed tries in a row (1 or more)."""
        return min(self.first_wait_s * 2.0 ** (failures - 1), self.longest_wait_s)


def format_bytes(size: int | float) -> str:
    """A size as a user reads it, in powers of ten as on the hub."""
    if size >= 1e9:
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size:,.0f} bytes"


def format_duration(seconds: float) -> str:
    """A time to wait as a user reads it: "1 min 20 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


class Meter:
    """Turns positions into `Progress`, at most ten a second unless the phase or the note changes."""

    def __init__(self, bytes_total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._total = bytes_total
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque()
        self._last: tuple[float, Phase, str] | None = None

    def report(self, phase: Phase, bytes_done: int, note: str = "") -> Iterator[Progress]:
        """The event that is due now, if one is."""
        now = self._clock()
        if self._last is not None and self._last[1:] == (phase, note) and now - self._last[0] < EVENTS_APART_S:
            return
        self._last = now, phase, note
        rate = self._rate(now, bytes_done) if phase == "downloading" else 0.0
        left = (self._total - bytes_done) / rate if rate else None
        yield Progress(phase, bytes_done, self._total, rate, left, note)

    def _rate(self, now: float, bytes_done: int) -> float:
        if self._samples and bytes_done < self._samples[-1][1]:
            self._samples.clear()  # the file starts over: no rate is negative
        self._samples.append((now, bytes_done))
        # The newest sample that is older than the window stays, so that a stall pulls the mean down to 0.
        while len(self._samples) > 2 and self._samples[1][0] < now - RATE_WINDOW_S:
            self._samples.popleft()
        (since, before), (until, after) = self._samples[0], self._samples[-1]
        return (after - before) / (until - since) if until > since else 0.0

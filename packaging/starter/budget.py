"""How long a stage of training lasts, and its learning rate along the way."""

from __future__ import annotations

import time
from multiprocessing import Value

WARM_UP = 100
"""Steps."""
FALL = 0.85
"""Share of the training over which the rate falls. At the full rate the losses soon stand (the patches' at 2.0, of 1.4
in the end): what a run learns, it learns on the way down."""


class Budget:
    """How far a stage has come, by its steps or by the time it has run.

    Args:
        steps: How many there are; or None, and
        minutes: how long it may take.
    """

    def __init__(self, steps: int | None, minutes: float | None) -> None:
        if (steps is None) == (minutes is None):
            raise ValueError("A stage lasts a number of steps or of minutes: give one of both.")
        self._steps, self._seconds = steps, (minutes or 0) * 60
        self._before, self._since = 0.0, 0.0
        self._shown = Value("d", 0.0)  # the processes that prepare lessons read it

    @property
    def elapsed(self) -> float:
        """Seconds, those before an interruption included."""
        return self._before + time.monotonic() - self._since

    def start(self) -> None:
        """Begin to count."""
        self._since = time.monotonic()

    def go_on(self, elapsed: float) -> None:
        """Count on from here."""
        self._before = elapsed
        self.start()

    def progress(self, step: int) -> float:
        """0…1; by time, as it was at the last `update`."""
        return min(1.0, step / self._steps) if self._steps else float(self._shown.value)

    def update(self, elapsed: float) -> None:
        """Let the time be this."""
        if not self._steps:
            self._shown.value = min(1.0, elapsed / self._seconds)


def rate(step: int, progress: float, *, falls: bool) -> float:
    """The share of the full learning rate: warm up, hold, and fall in a straight line to nothing at the end."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return max(0.0, min(1.0, (1 - progress) / FALL)) if falls else 1.0

"""One line of the benchmark table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure and what it is held to.

    Attributes:
        name: What was measured.
        ratio: The figure, measured within one run.
        bound: What it must reach, or must not exceed; the name says which.
        passed: Whether it does.
        unit: Of both figures; "×" for a ratio of two times.
        why: What stands in the way of the bound where it is missed.
    """

    name: str
    ratio: float
    bound: float
    passed: bool
    unit: str = "×"
    why: str = ""

"""`python -m tests.benchmarks.run [MODULE…]`: measure, print a table, fail if a bound is missed.

Modules are attention, decoding, loading, overlays, playing, questions, ranking, startup, tiles, video and window;
all of them unless some are named.
"""

# ruff: noqa: T201 — a report on the terminal

from __future__ import annotations

import sys
from importlib import import_module

from tests.benchmarks.row import Row

MODULES = (
    "attention",
    "decoding",
    "loading",
    "overlays",
    "playing",
    "questions",
    "ranking",
    "startup",
    "tiles",
    "video",
    "window",
)


def main(names: list[str]) -> int:
    """Print the table; 1 if a bound is missed, 2 if a name is unknown."""
    unknown = [name for name in names if name not in MODULES]
    if unknown:
        print(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(MODULES)}.", file=sys.stderr)
        return 2
    passed = True
    print(f"  {'MEASURED':>11}  {'BOUND':>11}        WHAT")
    for name in names or MODULES:
        rows: list[Row] = import_module(f"tests.benchmarks.{name}").rows()
        for row in rows:
            verdict = "ok  " if row.passed else "MISS"
            figures = (f"{figure:>8.2f} {row.unit:<2}" for figure in (row.ratio, row.bound))
            print("", *figures, verdict, row.name, sep="  ", flush=True)
            if row.why and not row.passed:
                print(f"{'':38}{row.why}", flush=True)
            passed = passed and row.passed
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

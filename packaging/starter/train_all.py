"""Trains and measures all starters in a given time: `python packaging/starter/train_all.py --minutes 24 --out DIR`.

The stages run one after another, each for its share of the time. A stage that is finished stays finished: after an
interruption, or `--stop-after`, the same command goes on where it was. A stage that fails does not stop those that can
do without it. What train.py understands besides is passed on to it.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path

import files
import progress
from cards import write_cards

SHARES = {"tower": 0.26, "caption": 0.18, "vqa": 0.12, "vit": 0.05, "together": 0.29}
"""Of the time; the rest is for starting and measuring."""
NEEDS = {"caption": ("tower",), "vqa": ("caption",), "vit": ("caption",), "together": ("caption", "vqa", "vit")}


def run(script: str, *arguments: str | Path) -> int:
    """Run one of the scripts beside this one; a request to end is passed on to it."""
    process = subprocess.Popen([sys.executable, str(files.HERE / script), *map(str, arguments)])
    before = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGTERM, before)


def train(out: Path, minutes: float, passed_on: list[str], stop_at: float | None) -> list[str]:
    """Run every stage that is not finished and whose beginnings are there.

    Returns:
        The stages that are not finished afterwards because they failed.

    Raises:
        SystemExit: if a stage was asked to stop.
    """
    for stage, share in SHARES.items():
        ready = all(progress.is_finished(out, needed) for needed in NEEDS.get(stage, ()))
        if progress.is_finished(out, stage) or not ready:
            continue
        left = [] if stop_at is None else ["--stop-after", f"{(stop_at - time.monotonic()) / 60:.2f}"]
        status = run("train.py", stage, "--minutes", f"{minutes * share:.2f}", "--out", out, *left, *passed_on)
        if status == progress.PAUSED:
            print(f"{stage} is not finished: start this command again to go on.")
            raise SystemExit(status)
    return [stage for stage in SHARES if not progress.is_finished(out, stage)]


def main() -> None:
    started = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--out", type=Path, default=files.ART / "train")
    parser.add_argument("--stop-after", type=float, metavar="MINUTES", help="pause then; start again to go on")
    parser.add_argument("--pictures", type=int, default=2000, help="to measure with")
    args, passed_on = parser.parse_known_args()
    if any(argument.startswith(("--start-from", "--tower-of")) for argument in passed_on):
        parser.error("All models are begun here: give --start-from and --tower-of to train.py.")
    stop_at = None if args.stop_after is None else started + args.stop_after * 60
    failed = train(args.out, args.minutes, passed_on, stop_at)
    made = [stage for stage in SHARES if stage not in failed and stage != "tower"]
    folders = [args.out / name for name in dict.fromkeys(name for stage in made for name in progress.MODELS[stage])]
    if folders:
        run("measure.py", *folders, "--pictures", str(args.pictures), "--json", args.out / "figures.json")
        write_cards(args.out)
    if failed:
        raise SystemExit(f"These stages failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()

"""Trains the starter models: `python packaging/starter/train.py STAGE` (see README.md for the stages).

First the CoCa's image tower learns which noun is in which cell of the picture ("tower"), then the whole CoCa learns to
caption and to tell pictures and captions apart ("caption"); its tower then begins the model for questions ("vqa") and
the vision transformer ("vit"). All three can go on with one tower ("together"). Every step's lesson is made from (seed,
process, stage, step), so a run that was interrupted goes on from its checkpoint as if nothing had happened.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import files
import marks
import progress
import torch
import torch.distributed as dist
from artists import SEEN
from budget import Budget, rate
from lessons import STAGES, Lesson, Lessons, Studio
from model import CONFIG, read_config, tokenizer
from optimiser import Optimiser
from style import Style
from together import TogetherTrainee
from tokenizer import CaptionEncoder
from tokenizer import write as write_merges
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader
from trainees import CocaTrainee, Trainee, VitTrainee, VqaTrainee, noun_words

RATE, RATE_BATCH, RATE_MOST = 8e-4, 64, 2.5
"""The learning rate at that many pictures a step; it grows with the root of their number, up to so many times."""
HEADS_FIRST, HEADS_RATE = 60, 10
"""A model that goes on has fresh heads, which would first teach it what they guess: they learn alone for so many steps,
or for a tenth of them all if that is fewer, at so many times the rate."""
BATCHES = {"tower": 1024, "caption": 1024, "vqa": 512, "vit": 1024, "together": 512}
"""Pictures a step on a GPU; on a CPU, 32 for each process."""
ARTISTS = {artist.name: artist for artist in SEEN}


class Worker:
    """One process of a stage; the processes average their gradients after every batch."""

    def __init__(self, stage: str, rank: int, world: int, args: argparse.Namespace) -> None:
        self.stage, self.rank, self.world, self.args = stage, rank, world, args
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // world))
        torch.set_float32_matmul_precision("high")
        torch.multiprocessing.set_sharing_strategy("file_system")  # lessons are many small arrays
        torch.manual_seed(args.seed)
        self.size = args.batch or (BATCHES[stage] if self.device.type == "cuda" else 32)
        self.rate = args.rate or RATE * min(RATE_MOST, math.sqrt(self.size * world / RATE_BATCH))
        self.budget = Budget(args.steps, args.minutes)
        self.folders: list[Path] = [args.out / name for name in progress.MODELS[stage]]
        self.before = self._histories()
        self.trainee = self._begin().to(self.device)
        self.optimiser = Optimiser(self.trainee)
        self.step, self.finished, self.stopped = 0, False, False
        heads_first = HEADS_FIRST if args.steps is None else min(HEADS_FIRST, args.steps // 10)
        self.heads_first = heads_first if self.trainee.goes_on else 0
        self._restore()
        left_out = ARTISTS[args.leave_out] if args.leave_out else None
        self.watched = (left_out.name,) if left_out else ()
        self.studio = Studio(self.trainee.side, self.trainee.grid, str(self.device), left_out)
        self.lessons = Lessons(
            stage,
            self.size,
            seeds=(args.seed, rank),
            style=Style().scaled(args.style),
            catalogue=self.studio.renderer.catalogue,
            labels=self.studio.labels,
            read=self.trainee.read,
            progress=self.budget.progress,
        )
        if args.compile:
            self.trainee.compile()
        self.forward: nn.Module = DistributedDataParallel(self.trainee) if world > 1 else self.trainee
        signal.signal(signal.SIGTERM, self._stop)

    def _begun_with(self) -> list[Path]:
        """Folders of the models that the stage begins with; none if it begins with nothing."""
        given: Path | None = self.args.start_from
        if self.stage == "together":
            return [(given or self.args.out) / name for name in progress.MODELS["together"]]
        if self.stage == "tower" and not given:
            return []
        return [given or self.args.out / "starter-coca"]

    def _histories(self) -> list[list[progress.Run]]:
        """The runs before this one of each model that it makes, those of its tower among them."""
        own = [progress.history(folder) for folder in self._begun_with()] or [[]]
        if self.args.tower_of:
            return [progress.merged(progress.history(self.args.tower_of), runs) for runs in own]
        return [progress.merged(runs, own[0]) for runs in own]

    def _begin(self) -> Trainee:
        """The network as the stage finds it."""
        begun = self._begun_with()
        if self.stage not in ("tower", "caption") and not all((one / "model.safetensors").exists() for one in begun):
            needs = "all three models" if self.stage == "together" else "a CoCa's tower"
            raise SystemExit(f"“{self.stage}” begins with {needs}: train first, or give --start-from.")
        if self.stage in ("vqa", "vit"):
            trainee = VqaTrainee if self.stage == "vqa" else VitTrainee
            return trainee(begun[0], self.args.tower_of)
        given: Path | None = begun[0] if self.stage == "together" else self.args.start_from
        config = read_config(given) if given else CONFIG
        if self.rank == 0:
            self._write_vocabulary(given, config["text_cfg"]["vocab_size"])
        if self.world > 1:
            dist.barrier()
        tokenize = tokenizer(self.folders[0], config)
        words, read = tokenize.encode(" ".join(sorted(noun_words()))), CaptionEncoder(tokenize)
        if self.stage == "together":
            return TogetherTrainee(words, begun, read, self.args.tower_of)
        trainee = CocaTrainee(words, given, read if self.stage == "caption" else None, self.args.tower_of)
        tower = self._checkpoint("tower")
        if self.stage == "caption" and given is None and tower.exists():
            state = torch.load(tower, map_location="cpu", weights_only=True)
            trainee.load_state_dict(state["trainee"])
        return trainee

    def _write_vocabulary(self, given: Path | None, wanted: int) -> None:
        """Weights and vocabulary belong together: a run that goes on keeps its own, a warm start the model's."""
        out = self.folders[0]
        out.mkdir(parents=True, exist_ok=True)
        merges = out / files.MERGES
        if given:
            if given.resolve() != out.resolve():
                shutil.copyfile(given / files.MERGES, merges)
        elif not merges.exists():
            write_merges(merges)
        size = tokenizer(out).vocab_size
        if size != wanted:
            raise SystemExit(f"{given or 'configs/starter-coca.json'} must say vocab_size {size}, not {wanted}.")

    def _checkpoint(self, stage: str) -> Path:
        path: Path = self.args.out / f"{stage}.pt"
        return path

    def _restore(self) -> None:
        """Go on from this stage's checkpoint, if there is one."""
        path = self._checkpoint(self.stage)
        if path.exists():
            state = torch.load(path, map_location=self.device, weights_only=True)
            self.trainee.load_state_dict(state["trainee"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.finished = int(state["step"]), bool(state["finished"])
            self.budget.go_on(float(state["seconds"]))
            self.rate = self.args.rate or state.get("rate", self.rate)
            self.before = state.get("before", self.before)

    def _keep(self) -> None:
        """Write the checkpoint and, unless the stage would spoil what it began with before it is finished, the models;
        once for all processes."""
        if self.rank:
            return
        seconds = self.budget.elapsed
        state = {
            "trainee": self.trainee.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": seconds,
            "rate": self.rate,
            "finished": self.finished,
            "before": self.before,
        }
        part = self._checkpoint(self.stage).with_suffix(".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, part)
        part.replace(part.with_suffix(".pt"))
        cores = f"{self.world} CPU core{'s' * (self.world > 1)}"
        device = torch.cuda.get_device_name() if self.device.type == "cuda" else cores
        done = {
            "finished": self.finished,
            "steps": self.step,
            "batch": self.size * self.world,
            "pictures": self.step * self.size * self.world,
            "minutes": round(seconds / 60, 1),
            "device": device,
            "rate": self.rate,
            "seed": self.args.seed,
        }
        progress.write(self.args.out, self.stage, done)
        if self.folders == self._begun_with() and not self.finished:
            return
        self.trainee.export(*self.folders)
        for folder, before in zip(self.folders, self.before, strict=True):
            progress.write_history(folder, [*before, {"stage": self.stage, **done}])

    def _stop(self, _number: int, _frame: object) -> None:
        self.stopped = True

    def _agree(self) -> bool:
        """Whether to go on with another step: the first process looks at the clock for all."""
        allowed = math.inf if self.args.stop_after is None else self.args.stop_after * 60
        stop = self.stopped or time.monotonic() - self.args.started > allowed
        said = torch.tensor([self.budget.elapsed, float(stop)], dtype=torch.float64)
        if self.world > 1:
            dist.broadcast(said, 0)
        self.budget.update(float(said[0]))
        self.stopped = bool(said[1])
        self.finished = self.budget.progress(self.step) >= 1
        return not (self.finished or self.stopped)

    def _prepared(self) -> Iterator[Lesson]:
        """Lessons from the next step on, made ahead by other processes if there are any."""
        loader = DataLoader(
            self.lessons,
            batch_size=None,
            sampler=itertools.count(self.step),  # type: ignore[arg-type]
            num_workers=self.args.samplers,
            pin_memory=self.device.type == "cuda",
        )
        return iter(loader)

    def learn(self, lesson: Lesson) -> dict[str, torch.Tensor]:
        """Do one step and return its losses, on the device."""
        drawn = self.studio.draw(lesson)
        # On a CPU, the backward pass of the fused attention takes several times as long as plain products (over 50
        # tokens: a quarter of a whole step).
        attention = sdpa_kernel(SDPBackend.MATH) if self.device.type == "cpu" else nullcontext()
        with torch.autocast(self.device.type, torch.bfloat16), attention:
            losses = self.forward(drawn)
        torch.stack([self.trainee.weights[name] * loss for name, loss in losses.items()]).sum().backward()
        nn.utils.clip_grad_norm_(self.trainee.parameters(), 1.0)
        if self.step < self.heads_first:
            self.optimiser.step(self.rate * HEADS_RATE, heads_alone=True)
        else:
            step, done = self.step - self.heads_first, self.budget.progress(self.step)
            self.optimiser.step(self.rate * rate(step, done, falls=self.stage != "tower"))
        self.step += 1
        return {name: loss.detach() for name, loss in losses.items()}

    def run(self) -> bool:
        """Train to the end of the stage, reporting and keeping a checkpoint every `--report` steps.

        Returns:
            Whether the stage is finished; if not, it was asked to stop, and goes on when it is started again.
        """
        self.budget.start()
        self._keep()  # there is something to go back to from the first step on
        since, losses, lessons = time.monotonic(), [], self._prepared()
        while self._agree():
            losses.append(self.learn(next(lessons)))
            if self.step % self.args.report:
                continue
            if not self._report(losses, time.monotonic() - since):
                lessons = self._prepared()
            since, losses = time.monotonic(), []
        if losses:
            self._report(losses, time.monotonic() - since)
        self._keep()
        return self.finished

    def _report(self, losses: list[dict[str, torch.Tensor]], seconds: float) -> bool:
        """Print a line and keep a checkpoint; but if a loss is no number, go back to the last one with half the rate.

        Returns:
            Whether all is well.
        """
        means = {name: float(torch.stack([loss[name] for loss in losses]).mean()) for name in losses[0]}
        if not self._all_well(means):
            print(f"{self.stage} {self.step}: the losses are no numbers; back to the checkpoint, half the rate")
            rate, finished, elapsed = self.rate / 2, self.finished, self.budget.elapsed
            self._restore()
            self.rate, self.finished = rate, finished
            self.budget.go_on(elapsed)
            return False
        if self.rank == 0:
            pace = len(losses) * self.size * self.world / seconds
            share, minutes = self.budget.progress(self.step), self.budget.elapsed / 60
            shown = " ".join(f"{name} {mean:.3f}" for name, mean in means.items())
            figures = marks.monitor(self.trainee, self.watched)
            print(f"{self.stage} {self.step} {share:.0%} {minutes:.1f} min {pace:.0f}/s {shown} {figures}", flush=True)
            self._keep()
        return True

    def _all_well(self, means: dict[str, float]) -> bool:
        """Whether the losses and the weights are numbers, in every process: they go back together or not at all."""
        weights = torch.stack([parameter.isfinite().all() for parameter in self.trainee.parameters()]).all()
        well = torch.tensor(all(map(math.isfinite, means.values())) and bool(weights), dtype=torch.uint8)
        if self.world > 1:
            dist.all_reduce(well, dist.ReduceOp.MIN)
        return bool(well)


def train(rank: int, world: int, stage: str, args: argparse.Namespace) -> bool:
    """Run one process of a stage; whether the stage is finished."""
    if world > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(args.port))
        dist.init_process_group("gloo", rank=rank, world_size=world)
    worker = Worker(stage, rank, world, args)
    finished = worker.finished or worker.run()
    if world > 1:
        dist.barrier()
        dist.destroy_process_group()
    return finished


def options() -> argparse.ArgumentParser:
    """What all commands that train understand."""
    cuda, cores = torch.cuda.is_available(), os.cpu_count() or 1
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--out", type=Path, default=files.ART / "train", help="folder of checkpoints and models")
    parser.add_argument("--batch", type=int, help="pictures a step, of each process")
    parser.add_argument("--rate", type=float, help="learning rate")
    parser.add_argument("--processes", type=int, default=1 if cuda else cores, help="that train")
    parser.add_argument(
        "--samplers", type=int, default=min(8, max(1, cores - 3)) if cuda else 0, help="that prepare lessons"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--style", type=float, default=1.0, help="how much of the artists' hands is hidden, 0 to 1")
    parser.add_argument("--leave-out", choices=ARTISTS, help="an artist to watch instead of training on")
    parser.add_argument("--report", type=int, default=1000 if cuda else 250, help="steps between lines and checkpoints")
    parser.add_argument("--stop-after", type=float, metavar="MINUTES", help="pause then; start again to go on")
    parser.add_argument("--compile", action="store_true", help="let torch.compile make the network faster")
    parser.add_argument("--port", type=int, default=29511, help="where the processes meet on this machine")
    parser.set_defaults(started=time.monotonic(), start_from=None, tower_of=None, steps=None, minutes=None)
    return parser


def _train_together(args: argparse.Namespace) -> None:
    """Run the stage in several processes; a request to pause is passed on to them."""
    workers = torch.multiprocessing.spawn(train, (args.processes, args.stage, args), nprocs=args.processes, join=False)
    signal.signal(signal.SIGTERM, lambda *_: [worker.terminate() for worker in workers.processes])
    while not workers.join():
        pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], parents=[options()])
    parser.add_argument("stage", choices=STAGES)
    long = parser.add_mutually_exclusive_group(required=True)
    long.add_argument("--steps", type=int)
    long.add_argument("--minutes", type=float, help="the learning rate reaches nothing when they are over")
    parser.add_argument(
        "--start-from", type=Path, help="folder of the model to begin with, or to take the tower of; or of all three"
    )
    parser.add_argument("--tower-of", type=Path, help="folder of a starter to take the tower of, besides")
    args = parser.parse_args()
    if args.tower_of and (args.stage == "tower" or not args.start_from):
        parser.error("--tower-of goes with --start-from, and not with “tower”.")
    if args.processes > 1:
        _train_together(args)
    else:
        train(0, 1, args.stage, args)
    if not progress.is_finished(args.out, args.stage):
        raise SystemExit(progress.PAUSED)


if __name__ == "__main__":
    main()

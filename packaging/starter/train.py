"""Trains starter-coca: `python packaging/starter/train.py` (see README.md for the stages and what they took).

First the image tower learns which noun is in which cell of the picture, then the whole CoCa learns to caption and to
tell pictures and captions apart. Every step draws its own scenes from (seed, stage, step, worker), so a run that was
interrupted goes on from its checkpoint as if nothing had happened.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from artwork import ART, SEEN
from measure import monitor
from model import CONFIG, GRID, SIDE, build, load, normalise, save, tokenizer
from nouns import NOUNS
from open_clip.tokenizer import SimpleTokenizer
from render import BACKGROUND, Renderer, augment
from scenes import COLOUR_NAMES, NUMBER_WORDS, Scene, caption, sample_large, sample_scene
from tokenizer import write as write_merges
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 — its usual name
from torch.nn.parallel import DistributedDataParallel

STAGES = ("tower", "caption")
RUN = ART / "run"
MERGES = "merges.txt.gz"


class Trainee(nn.Module):
    """The CoCa with the heads that only training needs; its forward gives the stage's losses."""

    def __init__(self, warm_start: Path | None) -> None:
        super().__init__()
        self.coca = load(warm_start) if warm_start else build()
        width = CONFIG["embed_dim"]
        self.patch_head = nn.Linear(width, len(NOUNS) + 1)
        self.pooled_head = nn.Linear(width, len(NOUNS) + 1)
        self.picture_head = nn.Linear(width, len(NOUNS))
        self._patches: Tensor | None = None
        self.coca.visual.transformer.register_forward_hook(self._keep_patches)
        weight = torch.ones(len(NOUNS) + 1)
        weight[BACKGROUND] = 0.15
        self.register_buffer("class_weight", weight, persistent=False)
        self.register_buffer("token_weight", torch.ones(CONFIG["text_cfg"]["vocab_size"]), persistent=False)

    def _keep_patches(self, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        self._patches = output

    def forward(self, pictures: Tensor, cells: Tensor, nouns: Tensor, text: Tensor | None) -> dict[str, Tensor]:
        """pictures (n, 3, s, s); cells (n, g, g); nouns (n, NOUNS) sums to one per row; text (n, context) or None."""
        embedding, pooled = self.coca.visual(pictures)
        assert self._patches is not None
        patches = F.layer_norm(self._patches[:, 1:], (self._patches.shape[-1],))
        self._patches = None
        target = cells.flatten()
        losses = {
            "patch": F.cross_entropy(self.patch_head(patches).flatten(0, 1).float(), target, self.class_weight),
            "pooled": F.cross_entropy(self.pooled_head(pooled).flatten(0, 1).float(), target, self.class_weight),
            "picture": F.cross_entropy(self.picture_head(embedding).float(), nouns),
        }
        if text is None:
            return losses
        latent = F.normalize(embedding.float(), dim=-1)
        text_latent, states = self.coca.text(text)
        length = int((text != self.coca.pad_id).sum(1).max())  # nothing is learned from padding behind the longest
        logits = self.coca.text_decoder(pooled, states[:, : length - 1])
        losses["caption"] = F.cross_entropy(
            logits.flatten(0, 1).float(),
            text[:, 1:length].flatten(),
            self.token_weight,
            ignore_index=self.coca.pad_id,
        )
        similarity = self.coca.logit_scale.exp() * latent @ F.normalize(text_latent.float(), dim=-1).T
        same = (text[:, None] == text[None]).all(-1).float()  # equal captions are all right answers
        target = same / same.sum(1, keepdim=True)
        losses["contrastive"] = (F.cross_entropy(similarity, target) + F.cross_entropy(similarity.T, target)) / 2
        return losses


WEIGHTS = {
    "tower": {"patch": 1.0, "pooled": 1.0, "picture": 0.5},
    "caption": {"patch": 0.4, "pooled": 0.4, "picture": 0.2, "caption": 1.0, "contrastive": 0.2},
}
RATE = 8e-4
NOUN_WEIGHT = 3.0
"""How much more a noun's token counts than others: most of a caption is wording that the picture does not decide."""


def noun_tokens(tokenize: SimpleTokenizer) -> list[int]:
    """Tokens of the words that name things."""
    words = {word for noun in NOUNS for name in (noun["noun"], noun["plural"]) for word in name.split()}
    words -= {*COLOUR_NAMES, *NUMBER_WORDS, "of", "and"}
    return sorted({token for word in words for token in tokenize.encode(word)})


class _Lesson(NamedTuple):
    scenes: list[Scene]
    pictures: Tensor
    cells: Tensor


def rate(step: int, steps: int) -> float:
    """Warm up, hold, and fall to zero over the last 30 %: the share of the full learning rate."""
    fall = int(steps * 0.7)
    if step < 100:
        return (step + 1) / 100
    return 1.0 if step < fall else max(0.02, (steps - step) / (steps - fall))


def make_lesson(renderer: Renderer, rng: np.random.Generator, size: int, stage: str, progress: float) -> _Lesson:
    """The scenes of one step. The tower begins with single large objects, which then become rarer."""
    ease = max(0.3, 1 - progress / 0.7) if stage == "tower" else 0.0
    scenes = [sample_large(rng) if rng.random() < ease else sample_scene(rng) for _ in range(size)]
    drawn = renderer.draw(scenes, rng, outlines=0.2)
    return _Lesson(scenes, normalise(augment(drawn.pictures, rng)), drawn.cells)


class Optimiser:
    """Muon for the matrices of the blocks (Jordan et al. 2024), AdamW for embeddings, heads, gains and biases.

    Muon's steps are scaled to AdamW's size (Liu et al. 2025), so that one learning rate serves both.
    """

    def __init__(self, trainee: Trainee) -> None:
        matrices, others = [], []
        for name, parameter in trainee.named_parameters():
            block = any(part in name for part in ("resblocks", "cross_attn", "attn_pool.attn"))
            (matrices if block and parameter.ndim == 2 else others).append(parameter)
        self.parts = (
            torch.optim.Muon(matrices, lr=RATE, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=RATE, weight_decay=0.0, betas=(0.9, 0.95), fused=True),
        )

    def step(self, rate: float) -> None:
        """One update at this learning rate; gradients are gone afterwards."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate
            part.step()
            part.zero_grad()

    def state_dict(self) -> list[dict[str, object]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict[str, object]]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)


class Worker:
    """One process of a run; the workers average their gradients after every batch."""

    def __init__(self, rank: int, world: int, args: argparse.Namespace) -> None:
        self.rank, self.world, self.args, self.stage = rank, world, args, args.stage
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // world))
        torch.manual_seed(args.seed)
        if rank == 0:
            self._write_vocabulary()
        if world > 1:
            dist.barrier()
        self.tokenize = tokenizer(args.out)
        self.renderer = Renderer(list(range(len(SEEN))), SIDE, GRID, str(self.device))
        self.trainee = Trainee(args.start_from).to(self.device)
        self.trainee.token_weight[noun_tokens(self.tokenize)] = NOUN_WEIGHT
        self.optimiser = Optimiser(self.trainee)
        self.step = self._restore()
        if self.stage == "tower":
            for name, parameter in self.trainee.named_parameters():
                parameter.requires_grad_("coca.text" not in name and "logit_scale" not in name)
        self.forward: nn.Module = DistributedDataParallel(self.trainee) if world > 1 else self.trainee

    def _write_vocabulary(self) -> None:
        """Weights and vocabulary belong together: a run that goes on keeps its own, a warm start the model's."""
        self.args.out.mkdir(parents=True, exist_ok=True)
        merges = self.args.out / MERGES
        if self.args.start_from:
            shutil.copyfile(self.args.start_from / MERGES, merges)
        elif not merges.exists():
            write_merges(merges)
        size = tokenizer(self.args.out).vocab_size
        if size != CONFIG["text_cfg"]["vocab_size"]:
            raise SystemExit(f"config.json must say vocab_size {size}")

    @property
    def _checkpoint(self) -> Path:
        return RUN / f"{self.stage}.pt"

    def _restore(self) -> int:
        """Go on from this stage's checkpoint, or begin with the tower that the stage before made; the step to do."""
        if self._checkpoint.exists():
            state = torch.load(self._checkpoint, map_location=self.device, weights_only=True)
            self.trainee.load_state_dict(state["trainee"])
            self.optimiser.load_state_dict(state["optimiser"])
            return int(state["step"])
        if self.stage == "caption" and (RUN / "tower.pt").exists() and not self.args.start_from:
            state = torch.load(RUN / "tower.pt", map_location=self.device, weights_only=True)
            self.trainee.load_state_dict(state["trainee"])
        return 0

    def _keep(self) -> None:
        RUN.mkdir(exist_ok=True)
        state = {"trainee": self.trainee.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        torch.save(state, self._checkpoint.with_suffix(".part"))
        self._checkpoint.with_suffix(".part").replace(self._checkpoint)
        save(self.trainee.coca, self.args.out)

    def learn(self) -> dict[str, float]:
        """Do one step and return its losses."""
        rng = np.random.default_rng((self.args.seed, STAGES.index(self.stage), self.step, self.rank))
        lesson = make_lesson(self.renderer, rng, self.args.batch, self.stage, self.step / self.args.steps)
        nouns = torch.zeros(len(lesson.scenes), len(NOUNS), device=self.device)
        for row, scene in enumerate(lesson.scenes):
            nouns[row, [group.noun for group in scene.groups]] = 1 / len(scene.groups)
        text = None
        if self.stage == "caption":
            text = self.tokenize([caption(scene, rng) for scene in lesson.scenes]).to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16):
            losses = self.forward(lesson.pictures, lesson.cells, nouns, text)
        sum(WEIGHTS[self.stage][name] * loss for name, loss in losses.items()).backward()
        nn.utils.clip_grad_norm_(self.trainee.parameters(), 1.0)
        self.optimiser.step(RATE * rate(self.step, self.args.steps))
        with torch.no_grad():
            self.trainee.coca.logit_scale.clamp_(0, math.log(100))
        self.step += 1
        return {name: loss.item() for name, loss in losses.items()}

    def run(self) -> None:
        """Train to the last step; worker 0 reports, measures and keeps a checkpoint every `--report` steps."""
        since, losses = time.monotonic(), []
        while self.step < self.args.steps:
            losses.append(self.learn())
            if self.step % self.args.report and self.step < self.args.steps:
                continue
            if self.rank == 0:
                pace = len(losses) * self.args.batch * self.world / (time.monotonic() - since)
                means = " ".join(f"{name} {np.mean([loss[name] for loss in losses]):.3f}" for name in losses[0])
                figures = monitor(self.trainee, self.tokenize, captions=self.stage == "caption")
                print(f"{self.stage} {self.step}/{self.args.steps} {pace:.0f}/s {means} {figures}", flush=True)
                self._keep()
            since, losses = time.monotonic(), []


def train(rank: int, world: int, args: argparse.Namespace) -> None:
    """Run one worker."""
    if world > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(args.port))
        dist.init_process_group("gloo", rank=rank, world_size=world)
    Worker(rank, world, args).run()
    if world > 1:
        dist.barrier()
        dist.destroy_process_group()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch", type=int, default=32, help="pictures a worker and step")
    parser.add_argument("--workers", type=int, default=1 if torch.cuda.is_available() else os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--report", type=int, default=250)
    parser.add_argument("--port", type=int, default=29511, help="where the workers meet on this machine")
    parser.add_argument("--start-from", type=Path, help="folder of a finished model whose weights to begin with")
    parser.add_argument("--out", type=Path, default=RUN / "starter-coca")
    args = parser.parse_args()
    if args.workers > 1:
        torch.multiprocessing.spawn(train, (args.workers, args), nprocs=args.workers)
    else:
        train(0, 1, args)


if __name__ == "__main__":
    main()

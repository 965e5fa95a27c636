"""Trains starter-coca: `python packaging/starter/train.py` (see README.md for the stages and what they took).

First the image tower learns which noun is in which cell of the picture, then the whole CoCa learns to caption and to
tell pictures and captions apart. Every step draws its own scenes from (seed, stage, step, worker), so a run that was
interrupted goes on from its checkpoint as if nothing had happened.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from artwork import ART, NOUNS, SEEN
from measure import monitor
from model import CONFIG, GRID, SIDE, build, load, normalise, save, tokenizer
from render import BACKGROUND, Batch, Renderer, augment
from scenes import Scene, caption, sample_scene
from tokenizer import write as write_merges
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

STAGES = ("tower", "caption")
RUN = ART / "run"


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
        out = self.coca(None, text, image_latent=latent, image_embs=pooled)
        losses["caption"] = F.cross_entropy(
            out["logits"].flatten(0, 1).float(), out["labels"].flatten(), ignore_index=self.coca.pad_id
        )
        similarity = out["logit_scale"] * latent @ out["text_features"].float().T
        same = (text[:, None] == text[None]).all(-1).float()  # equal captions are all right answers
        target = same / same.sum(1, keepdim=True)
        losses["contrastive"] = (F.cross_entropy(similarity, target) + F.cross_entropy(similarity.T, target)) / 2
        return losses


WEIGHTS = {
    "tower": {"patch": 1.0, "pooled": 1.0, "picture": 0.5},
    "caption": {"patch": 0.15, "pooled": 0.15, "picture": 0.1, "caption": 1.0, "contrastive": 0.25},
}
RATES = {"tower": 1.5e-3, "caption": 1.0e-3}
TOWER_RATE_WHILE_CAPTIONING = 0.3


def rate(step: int, steps: int) -> float:
    """Warm up, hold, and fall to zero over the last 30 %: the share of the full learning rate."""
    fall = int(steps * 0.7)
    if step < 200:
        return (step + 1) / 200
    return 1.0 if step < fall else max(0.02, (steps - step) / (steps - fall))


def make_batch(renderer: Renderer, rng: np.random.Generator, size: int, stage: str) -> tuple[list[Scene], Batch]:
    if stage == "tower":
        scenes = [sample_scene(rng, int(rng.choice(3, p=(0.6, 0.28, 0.12))) + 1) for _ in range(size)]
    else:
        scenes = [sample_scene(rng) for _ in range(size)]
    drawn = renderer.draw(scenes, rng, outlines=0.2)
    return scenes, Batch(normalise(augment(drawn.pictures, rng)), drawn.cells)


def _optimiser(trainee: Trainee, stage: str, device: torch.device) -> torch.optim.AdamW:
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in trainee.named_parameters():
        tower = name.startswith("coca.visual.") and stage == "caption"
        decay = 0.05 if parameter.ndim > 1 and "embedding" not in name and "query" not in name else 0.0
        groups.setdefault((TOWER_RATE_WHILE_CAPTIONING if tower else 1.0, decay), []).append(parameter)
    return torch.optim.AdamW(
        [{"params": p, "share": share, "weight_decay": decay} for (share, decay), p in groups.items()],
        lr=RATES[stage],
        betas=(0.9, 0.95),
        fused=True,
    )


def train(rank: int, world: int, args: argparse.Namespace) -> None:
    """One worker; the workers average their gradients after every batch."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if world > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(args.port))
        dist.init_process_group("gloo", rank=rank, world_size=world)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // world))
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    if rank == 0:
        size = write_merges(args.out / "merges.txt.gz")
        assert size == CONFIG["text_cfg"]["vocab_size"], f"config.json must say vocab_size {size}"
    if world > 1:
        dist.barrier()
    tokenize = tokenizer(args.out)
    trainee = Trainee(args.start_from).to(device)
    checkpoint = RUN / f"{args.stage}.pt"
    optimiser = _optimiser(trainee, args.stage, device)
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device, weights_only=True)
        trainee.load_state_dict(state["trainee"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["step"]
    elif args.stage == "caption" and (RUN / "tower.pt").exists() and not args.start_from:
        trainee.load_state_dict(torch.load(RUN / "tower.pt", map_location=device, weights_only=True)["trainee"])
    if args.stage == "tower":
        for name, parameter in trainee.named_parameters():
            parameter.requires_grad_("coca.text" not in name and "logit_scale" not in name)
    forward = DistributedDataParallel(trainee) if world > 1 else trainee
    renderer = Renderer(list(range(len(SEEN))), SIDE, GRID, str(device))
    started, sums = time.monotonic(), dict.fromkeys(WEIGHTS[args.stage], 0.0)
    for step in range(first, args.steps):
        rng = np.random.default_rng((args.seed, STAGES.index(args.stage), step, rank))
        scenes, batch = make_batch(renderer, rng, args.batch, args.stage)
        nouns = torch.zeros(len(scenes), len(NOUNS), device=device)
        for row, scene in enumerate(scenes):
            nouns[row, [group.noun for group in scene.groups]] = 1 / len(scene.groups)
        text = tokenize([caption(scene, rng) for scene in scenes]).to(device) if args.stage == "caption" else None
        for group in optimiser.param_groups:
            group["lr"] = RATES[args.stage] * group["share"] * rate(step, args.steps)
        with torch.autocast(device.type, torch.bfloat16):
            losses = forward(batch.pictures, batch.cells, nouns, text)
        total = sum(WEIGHTS[args.stage][name] * loss for name, loss in losses.items())
        total.backward()
        nn.utils.clip_grad_norm_(trainee.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        with torch.no_grad():
            trainee.coca.logit_scale.clamp_(0, math.log(100))
        for name, loss in losses.items():
            sums[name] += loss.item()
        if rank == 0 and (step + 1) % args.report == 0:
            pace = (step + 1 - first) * args.batch * world / (time.monotonic() - started)
            means = " ".join(f"{name} {value / args.report:.3f}" for name, value in sums.items())
            figures = monitor(trainee, tokenize, captions=text is not None)
            print(f"{args.stage} {step + 1}/{args.steps} {pace:.0f}/s {means} {figures}", flush=True)
            sums = dict.fromkeys(sums, 0.0)
            RUN.mkdir(exist_ok=True)
            state = {"trainee": trainee.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}
            torch.save(state, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)
            save(trainee.coca, args.out)
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

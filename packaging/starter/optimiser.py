"""Muon for the matrices of the blocks, AdamW for embeddings, heads, gains and biases."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

BLOCKS = ("resblocks", "cross_attn", "attn_pool.attn", "encoder.layer", "blocks.")
"""What the names of parameters in transformer blocks contain, in open_clip, transformers and timm."""


class Muon(Optimizer):
    """Momentum whose updates are made orthogonal (Jordan et al. 2024), scaled to AdamW's size (Liu et al. 2025).

    As `torch.optim.Muon` with `adjust_lr_fn="match_rms_adamw"`, but matrices of one shape are orthogonalised together:
    a small network's many matrices would otherwise keep a GPU waiting.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.95, decay: float = 0.05) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes.setdefault(parameter.shape, []).append(parameter)
            for shape, parameters in shapes.items():
                gradients = [parameter.grad for parameter in parameters]
                averages = [self._average(parameter) for parameter in parameters]
                torch._foreach_lerp_(averages, gradients, 1 - group["momentum"])
                ahead = torch._foreach_lerp(gradients, averages, group["momentum"])  # Nesterov's
                updates = orthogonal(torch.stack(ahead)).to(parameters[0].dtype)
                torch._foreach_mul_(parameters, 1 - group["lr"] * group["decay"])
                torch._foreach_add_(parameters, list(updates), alpha=-group["lr"] * 0.2 * max(shape) ** 0.5)

    def _average(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["average"] = torch.zeros_like(parameter)
        average: Tensor = state["average"]
        return average


def orthogonal(matrices: Tensor) -> Tensor:
    """(n, a, b) with singular values near one: five steps of Newton and Schulz's iteration in bfloat16."""
    found = matrices.bfloat16()
    tall = found.shape[-2] > found.shape[-1]
    if tall:
        found = found.mT
    found = found / found.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(5):
        square = found @ found.mT
        square = torch.baddbmm(square, square, square, beta=-4.7750, alpha=2.0315)
        found = torch.baddbmm(found, square, found, beta=3.4445)
    return found.mT if tall else found


HEADS = "_head."
"""What the names of parameters contain that only training needs."""


class Optimiser:
    """Both, with one learning rate for all.

    Args:
        module: Whose parameters that want gradients are trained.
    """

    def __init__(self, module: nn.Module) -> None:
        matrices, heads, others = [], [], []
        for name, parameter in module.named_parameters():
            if parameter.requires_grad:
                block = any(part in name for part in BLOCKS) and parameter.ndim == 2
                (heads if HEADS in name else matrices if block else others).append(parameter)
        self._heads = _adam(heads)
        self.parts = (Muon(matrices, lr=0.0), _adam(others), self._heads)

    def step(self, rate: float, *, heads_alone: bool = False) -> None:
        """One update at this learning rate, of all or of the heads alone; gradients are gone afterwards."""
        for part in self.parts:
            if part is self._heads or not heads_alone:
                for group in part.param_groups:
                    group["lr"] = rate
                part.step()
            part.zero_grad()

    def state_dict(self) -> list[dict[str, object]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: list[dict[str, object]]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)


def _adam(parameters: list[nn.Parameter]) -> torch.optim.AdamW:
    return torch.optim.AdamW(parameters, lr=0.0, weight_decay=0.0, betas=(0.9, 0.95), fused=True)

"""Taking attention weights from the libraries' own modules while they run.

Each library computes its attention in another place, and by default so that the weights never exist. A watcher has one
module hand its weights out while a picture or text goes through; afterwards the module is as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Take = Callable[[Tensor], None]
"""Is given a module's attention weights, (N, heads, tokens, keys), each time the module has run."""
Watcher = Callable[[nn.Module, Take], ExitStack]
"""Has a module hand over its weights until the stack is closed."""


class Recording:
    """The weights of one module, as the mean over all that went through it.

    Args:
        rows: Of which tokens to keep what they attend to; None for all.
    """

    def __init__(self, rows: Sequence[int] | None = None) -> None:
        self._rows = None if rows is None else list(rows)
        self._sum: Tensor | None = None
        self._count = 0

    def take(self, weights: Tensor) -> None:
        """Add (N, heads, tokens, keys)."""
        kept = weights if self._rows is None else weights[:, :, self._rows]
        summed = kept.float().sum(0).cpu()
        self._sum = summed if self._sum is None else self._sum.add_(summed)
        self._count += len(weights)

    def mean(self) -> npt.NDArray[np.float32]:
        """The mean over all N that were added, float32, (heads, tokens, keys).

        Its rows sum to one up to float32's rounding: weights from 16-bit numbers, which are rounded far more coarsely,
        are divided by what they sum to.
        """
        assert self._sum is not None, "the module did not run"
        found = self._sum.numpy()
        return np.asarray(found / found.sum(-1, keepdims=True))


@contextmanager
def recording(
    modules: Sequence[nn.Module], watch: Watcher, rows: Sequence[int] | None = None
) -> Iterator[list[Recording]]:
    """Record what goes through these modules in the block, in their order.

    Args:
        rows: Of which tokens to keep what they attend to; None for all.
    """
    recordings = [Recording(rows) for _ in modules]
    with ExitStack() as watched:
        for module, each in zip(modules, recordings, strict=True):
            watched.enter_context(watch(module, each.take))
        yield recordings


def stacked(recordings: Sequence[Recording]) -> npt.NDArray[np.float32]:
    """The means of layers that have equally many heads, (layers, heads, tokens, keys)."""
    return np.stack([each.mean() for each in recordings])


def watch_multihead(module: nn.Module, take: Take) -> ExitStack:
    """Watch torch's own attention, which computes weights when it is asked to."""

    def ask(_: nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, kwargs | {"need_weights": True, "average_attn_weights": False}

    return _closing(
        module.register_forward_pre_hook(ask, with_kwargs=True),
        module.register_forward_hook(lambda _, __, output: take(output[1])),
    )


def watch_output(module: nn.Module, take: Take) -> ExitStack:
    """Watch an attention that returns its weights beside its output, as transformers' BLIP does."""
    return _closing(module.register_forward_hook(lambda _, __, output: take(output[1])))


def watch_dropout(module: Any, take: Take) -> ExitStack:
    """Watch an attention of timm's: unless it runs as a fused operation, its weights go through a dropout."""
    kept = module.fused_attn
    module.fused_attn = False
    dropout = module.get_submodule("attn_drop")
    watched = _closing(dropout.register_forward_hook(lambda _, __, output: take(output)))
    watched.callback(setattr, module, "fused_attn", kept)
    return watched


def watch_latent_pool(module: Any, take: Take) -> ExitStack:
    """Watch timm's attention pooling: queries and keys go through normalisations, where there are none through nothing,
    and the weights are the softmax of their scaled products."""
    queries: list[Tensor] = []

    def weigh(_: nn.Module, __: Any, keys: Tensor) -> None:
        take(torch.softmax((queries.pop() * module.scale) @ keys.transpose(-2, -1), dim=-1))

    return _closing(
        module.get_submodule("q_norm").register_forward_hook(lambda _, __, output: queries.append(output)),
        module.get_submodule("k_norm").register_forward_hook(weigh),
    )


def _closing(*handles: Any) -> ExitStack:
    stack = ExitStack()
    for handle in handles:
        stack.callback(handle.remove)
    return stack

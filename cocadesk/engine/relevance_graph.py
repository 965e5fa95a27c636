"""Attention weights that stay in torch's graph, and the gradients of what came out with respect to them.

The engine runs without gradients and keeps no graph; here the libraries' own modules run with one. Their parameters
stay frozen: only what goes in asks for gradients, and nothing is left behind.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from cocadesk.engine.attention_recording import Take, Watcher, watch_latent_pool
from cocadesk.engine.relevance import weighted
from cocadesk.types import CancelToken

_GRADIENTS = 256 << 20
"""Bytes of gradients that may be there at once: targets go backwards together as far as that reaches."""

Module = TypeVar("Module", bound=nn.Module)
Function = TypeVar("Function", bound=Callable[..., Any])


class Kept:
    """The weights of one attention module, of one picture or text that goes through it."""

    def __init__(self) -> None:
        self._weights: Tensor | None = None

    def take(self, weights: Tensor) -> None:
        """Keep (1, H, S, K)."""
        assert self._weights is None, "the module ran twice"
        self._weights = weights

    @property
    def weights(self) -> Tensor:
        """(H, S, K)."""
        assert self._weights is not None, "the module did not run"
        return self._weights.detach()[0]

    @property
    def source(self) -> Tensor:
        """What the module went on with. torch's own attention returns a view of that, of which no gradient is known."""
        assert self._weights is not None, "the module did not run"
        base = self._weights._base
        return self._weights if base is None else base


@contextmanager
def kept(modules: Sequence[nn.Module], watch: Watcher) -> Iterator[list[Kept]]:
    """Keep the weights of these modules, in their order, of what goes through them in the block."""
    found = [Kept() for _ in modules]
    watch = _keep_latent_pool if watch is watch_latent_pool else watch
    with ExitStack() as watched:
        for module, each in zip(modules, found, strict=True):
            watched.enter_context(watch(module, each.take))
        yield found


@contextmanager
def beginning_at(module: nn.Module) -> Iterator[None]:
    """Begin the graph at what a module, such as one that embeds tokens, puts out in the block."""
    handle = module.register_forward_hook(lambda _, __, output: output.detach().requires_grad_())
    try:
        yield
    finally:
        handle.remove()


def backwards(
    output: Tensor,
    cotangents: Tensor,
    attention: Sequence[Kept],
    leaves: Sequence[Tensor] = (),
    cancel: CancelToken | None = None,
) -> tuple[list[Tensor], list[Tensor]]:
    """Go back from what came out to the attention weights, once for each of B targets.

    Args:
        output: What came out.
        cotangents: Of each target its gradient with respect to that, (B, shape of `output`).
        attention: Weights in its graph.
        leaves: What else in the graph is asked about.
        cancel: Checked between every few targets.

    Returns:
        Ā of each of `attention`, (B, S, K); the gradient of each of `leaves`, (B, its shape).

    Raises:
        Cancelled: at the first check after `cancel` was set.
    """
    sources = [each.source for each in attention]
    size = 4 * sum(each.numel() for each in (*sources, *leaves))
    found: list[list[Tensor]] = [[] for _ in (*sources, *leaves)]
    for few in torch.split(cotangents, max(1, _GRADIENTS // max(1, size))):
        if cancel is not None:
            cancel.check()
        gradients = torch.autograd.grad(
            output, [*sources, *leaves], few, retain_graph=True, allow_unused=True, is_grads_batched=True
        )
        for each, gradient, into in zip((*sources, *leaves), gradients, found, strict=True):
            into.append(each.new_zeros(len(few), *each.shape) if gradient is None else gradient)
        for layer, into in zip(attention, found, strict=False):  # the leaves' gradients stay as they are
            into[-1] = weighted(layer.weights, into[-1].view(len(few), *layer.weights.shape))
    joined = [torch.cat(parts) for parts in found]
    return joined[: len(sources)], joined[len(sources) :]


def with_gradients(function: Function) -> Function:
    """Have a function run with gradients on, whatever its caller has set."""
    wrapped: Function = torch.inference_mode(False)(torch.enable_grad()(function))
    return wrapped


def in_float32(module: Module) -> Module:
    """The module, or a copy in float32: with 16 bits, products of weights and gradients vanish."""
    if all(parameter.dtype == torch.float32 for parameter in module.parameters()):
        return module
    return copy.deepcopy(module).float()


def _keep_latent_pool(module: Any, take: Take) -> ExitStack:
    """Watch timm's attention pooling, which goes on with the product of these very weights and the values."""
    seen: dict[str, Tensor] = {}

    def note(name: str) -> Callable[..., None]:
        return lambda _, __, output: seen.update({name: output})

    def attended(_: nn.Module, args: Any) -> Any:
        queries, keys = seen.pop("queries"), seen.pop("keys")
        weights = torch.softmax((queries * module.scale) @ keys.transpose(-2, -1), dim=-1)
        take(weights)
        values = seen.pop("both").chunk(2, -1)[1]
        values = values.reshape(*values.shape[:2], module.num_heads, -1).transpose(1, 2)
        return ((weights @ values).transpose(1, 2).reshape(args[0].shape),)

    stack = ExitStack()
    for handle in (
        module.get_submodule("q_norm").register_forward_hook(note("queries")),
        module.get_submodule("k_norm").register_forward_hook(note("keys")),
        module.get_submodule("kv").register_forward_hook(note("both")),
        module.get_submodule("proj").register_forward_pre_hook(attended),
    ):
        stack.callback(handle.remove)
    return stack

"""Hidden states: what an encoder holds of each token before its first layer and after each, and a plane to see them on.

What runs through a transformer is a residual stream (Elhage et al. 2021): every layer reads each token's state and adds
to it.

Shapes: L layers, T tokens, W width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.attention_image import ImageTower, patch_layout, squares
from cocadesk.engine.attention_text import TextTower, read_text
from cocadesk.engine.clip_text import TextTokenizer
from cocadesk.engine.pictures import opened, stills
from cocadesk.engine.preprocess import Preprocessing, geometry
from cocadesk.types import CancelToken, PictureLike

States = npt.NDArray[np.float32]

_BATCH = 4
"""Most frames of a clip that go through an encoder together."""


@dataclass(frozen=True, slots=True, eq=False)
class HiddenStates:
    """Every token's hidden state through the layers of an encoder.

    Attributes:
        kind: Of what: "image" or "text".
        model: The name of the model.
        states: Before the first layer and after each, float32, (L + 1, T, W); read-only. What the model does behind its
            last layer, such as a normalisation, is not in them.
        tokens: Names of the T tokens, as in `AttentionMaps.tokens`.
        text: What was read; empty for a picture.
        layout: Where the patches lie on the picture; None for a text.
    """

    kind: Literal["image", "text"]
    model: str
    states: States = field(repr=False)
    tokens: tuple[str, ...]
    text: str = ""
    layout: PatchLayout | None = None

    def __post_init__(self) -> None:
        self.states.flags.writeable = False

    def project(self) -> States:
        """The states on the plane on which they lie furthest apart, (L + 1, T, 2); see `project`."""
        return project(self.states)


def project(states: npt.NDArray[np.floating[Any]]) -> States:
    """The first two principal components of hidden states, over all layers and tokens together (Pearson 1901).

    One plane for all layers, so that a token's way through them can be seen. Of a component's two directions the one is
    taken in which its largest weight is positive, so that the same states always give the same picture.

    Args:
        states: (L + 1, T, W).

    Returns:
        float32, (L + 1, T, 2): how far each state lies from the mean of all along each component; the first component
        spreads them at least as far as the second, which is 0 where all lie on a line.
    """
    flat = states.reshape(-1, states.shape[-1]).astype(np.float64)
    flat -= flat.mean(0)
    # The eigenvectors of the smaller of the two matrices of products: far less work than a decomposition of `flat`.
    wide = len(flat) < flat.shape[1]
    _, vectors = np.linalg.eigh(flat @ flat.T if wide else flat.T @ flat)
    largest = vectors[:, :-3:-1]  # they come by rising eigenvalue
    axes = flat.T @ largest if wide else largest
    axes = np.pad(axes, ((0, 0), (0, 2 - axes.shape[1])))
    lengths = np.linalg.norm(axes, axis=0)
    axes = axes / np.where(lengths > 1e-12 * (1 + lengths[0]), lengths, np.inf)
    signs = np.sign(np.take_along_axis(axes, np.abs(axes).argmax(0)[None], 0))
    return (flat @ (axes * signs)).reshape(*states.shape[:-1], 2).astype(np.float32)


def image_states(
    tower: ImageTower,
    run: Callable[[Tensor], object],
    picture: PictureLike,
    wanted: Preprocessing,
    *,
    model: str,
    cancel: CancelToken | None = None,
) -> HiddenStates:
    """Send a picture through an image encoder and keep every token's hidden states; of a clip, the frames' mean.

    Args:
        run: Sends float32 squares (N, 3, side, side) through the encoder.
        wanted: How the encoder wants its squares.

    Raises:
        Cancelled: at the first check after `cancel` was set; it is checked between every few frames.
        InputError: if a path cannot be opened as a picture.
    """
    frames = stills(opened(picture))
    with _recording(tower.blocks) as layers:
        for at in range(0, len(frames), _BATCH):
            if cancel is not None:
                cancel.check()
            run(squares(frames[at : at + _BATCH], wanted))
    place = geometry(frames[0].width, frames[0].height, wanted)
    return HiddenStates(
        kind="image",
        model=model,
        states=np.stack([layer.mean() for layer in layers]),
        tokens=tower.names,
        layout=patch_layout(tower, place),
    )


def text_states(
    tower: TextTower, run: Callable[[Tensor], object], text: str, tokenizer: TextTokenizer, *, model: str
) -> HiddenStates:
    """Send a text through a text encoder and keep every token's hidden states.

    What fills the text up to the model's context is left out, unless the text's embedding is read there.

    Args:
        run: Sends tokens (1, context) through the encoder.

    Raises:
        OptionError: if the text has more tokens than the model can read.
    """
    read = read_text(tower, text, tokenizer)
    with _recording(tower.blocks) as layers:
        run(read.tokens)
    return HiddenStates(
        kind="text",
        model=model,
        states=np.stack([layer.mean()[read.own] for layer in layers]),
        tokens=tuple(read.names[place] for place in read.own),
        text=text,
    )


class _Recording:
    """What goes by one place of the stream, as the mean over all pictures or texts."""

    def __init__(self) -> None:
        self._sum: Tensor | None = None
        self._count = 0

    def take(self, states: Tensor) -> None:
        """Add (N, T, W)."""
        summed = states.float().sum(0).cpu()
        self._sum = summed if self._sum is None else self._sum + summed
        self._count += len(states)

    def mean(self) -> States:
        assert self._sum is not None, "the layer did not run"
        found: States = (self._sum / self._count).numpy()
        return found


@contextmanager
def _recording(blocks: Sequence[nn.Module]) -> Iterator[list[_Recording]]:
    """Record what goes into the first of these blocks and what comes out of each."""
    places = [_Recording() for _ in range(len(blocks) + 1)]

    def enter(_: nn.Module, args: Any, kwargs: dict[str, Any]) -> None:
        places[0].take(args[0] if args else next(iter(kwargs.values())))

    with ExitStack() as watched:
        watched.callback(blocks[0].register_forward_pre_hook(enter, with_kwargs=True).remove)
        for block, place in zip(blocks, places[1:], strict=True):
            watched.callback(block.register_forward_hook(_taking(place)).remove)
        with torch.inference_mode():
            yield places


def _taking(place: _Recording) -> Callable[[nn.Module, Any, Any], None]:
    def leave(_: nn.Module, __: Any, output: Any) -> None:
        place.take(output[0] if isinstance(output, tuple) else output)

    return leave

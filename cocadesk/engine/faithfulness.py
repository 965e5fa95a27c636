"""How faithful a map is: what becomes of the model's output when the patches it points at are hidden, or shown alone.

Deletion and insertion of Petsiuk, Das and Saenko 2018 (RISE, arXiv:1806.07421), by patches: they are ranked by the map
and hidden from the highest down (deletion), or shown again on a picture that is hidden altogether (insertion). The
sooner the output falls, and the sooner it rises, the better the map: a small area under the first curve and a large one
under the second. A map that knows nothing does as well as an order at random, which is measured beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.hiding import Mask, PatchHider
from cocadesk.engine.pictures import opened, stills
from cocadesk.engine.relevance_vit import class_places
from cocadesk.engine.zero_shot import softmax
from cocadesk.errors import OptionError
from cocadesk.media.masking import Fill
from cocadesk.types import CancelToken, Clip, Picture, PictureLike

Floats = npt.NDArray[np.float64]

STEPS = 20
ORDERS = 4
_BATCH = 16
"""Most pictures, or frames of clips, that go through the model between two looks at the cancel token."""


@dataclass(frozen=True, slots=True)
class WordTarget:
    """The probability of one token of a caption, given those before it.

    Attributes:
        tokens: The caption's, by number, those behind the start token.
        index: Of the one among them.
    """

    tokens: tuple[int, ...]
    index: int


@dataclass(frozen=True, slots=True)
class CaptionTarget:
    """The geometric mean of a whole caption's tokens' probabilities; `tokens` as in `WordTarget`."""

    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AnswerTarget:
    """The probability of an answer to a question, its end included."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class TextTarget:
    """The cosine similarity to a text."""

    text: str


@dataclass(frozen=True, slots=True)
class ClassTarget:
    """The probability of one of the model's own classes; of several of that name, the whole picture's likeliest."""

    label: str


Target = WordTarget | CaptionTarget | AnswerTarget | TextTarget | ClassTarget


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """The target's value at each step; all float64, (steps + 1,).

    Attributes:
        shares: Of the patches that are hidden (deletion) or shown (insertion), from 0 to 1.
        deletion: While patches are hidden from the highest down.
        insertion: While they are shown from the highest down.
    """

    shares: Floats = field(repr=False)
    deletion: Floats = field(repr=False)
    insertion: Floats = field(repr=False)

    @property
    def deletion_area(self) -> float:
        """Area under the deletion curve, by the trapezoid rule over the shares: the smaller, the better."""
        return float(np.trapezoid(self.deletion, self.shares))

    @property
    def insertion_area(self) -> float:
        """Area under the insertion curve: the larger, the better."""
        return float(np.trapezoid(self.insertion, self.shares))


@dataclass(frozen=True, slots=True)
class FaithfulnessProgress:
    """So many of the pictures have gone through the model."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Faithfulness:
    """How faithful a map is.

    Attributes:
        target: What was measured.
        of_map: With patches in the map's order.
        at_random: In random orders, the mean of their curves.
    """

    target: Target
    of_map: Curves
    at_random: Curves


FaithfulnessEvent = FaithfulnessProgress | Faithfulness


def faithfulness(
    model: Any,
    picture: PictureLike,
    values: npt.NDArray[np.floating[Any]],
    layout: PatchLayout,
    target: Target,
    *,
    steps: int = STEPS,
    fill: Fill = "blur",
    orders: int = ORDERS,
    seed: int = 0,
    cancel: CancelToken | None = None,
) -> Generator[FaithfulnessEvent, None, None]:
    """Measure a map's deletion and insertion curves, and those of patches in random order.

    Patches that show nothing of the picture (padding) are never hidden and do not count. Of a clip, the same patches of
    all frames are hidden.

    Args:
        model: One of this engine's that can do what the target asks about.
        values: The map, (rows, columns): any, of attention, relevance or another source. Of equal patches the first in
            reading order is taken first.
        layout: Where the patches lie on this picture, as `AttentionMaps.layout` of this model.
        target: What to measure.
        steps: In how many equal parts of the patches; there are never more than patches.
        fill: With what patches are hidden (`PatchHider`).
        orders: How many random orders to average.
        seed: Of the random orders.
        cancel: Checked before every few pictures.

    Yields:
        A `FaithfulnessProgress` after every few pictures, at the end the `Faithfulness`.

    Raises:
        Cancelled: at the first check after `cancel` was set.
        InputError: if a path cannot be opened as a picture.
        ModelError: if the model cannot do what the target asks about.
        OptionError: if the map is not one of this picture and model, or another argument makes no sense.
    """
    if steps < 1 or orders < 1:
        raise OptionError(f"There must be at least 1 step and 1 random order, not {steps} and {orders}.")
    if values.shape != layout.grid:
        raise OptionError(f"The map has {values.shape} values, but the picture {layout.grid} patches.")
    item = opened(picture)
    measure = _measure(model, target, item)
    hider = PatchHider(item, model._preprocessing, layout, fill)
    seen = np.flatnonzero(hider.patches)
    random = np.random.default_rng(seed)
    ranked = seen[np.argsort(-values.ravel()[seen], kind="stable")]
    sequences = [ranked, *(random.permutation(seen) for _ in range(orders))]
    counts = np.rint(np.linspace(0, len(seen), min(steps, len(seen)) + 1)).astype(int)
    masks = list(_masks(hider.patches, sequences, counts))
    at_once = max(1, _BATCH // len(stills(item)))
    found: list[npt.NDArray[np.floating[Any]]] = []
    for first in range(0, len(masks), at_once):
        if cancel is not None:
            cancel.check()
        few = masks[first : first + at_once]
        found.append(measure([hider.hide(mask) for mask in few]))
        yield FaithfulnessProgress(first + len(few), len(masks))
    shares = counts / len(seen)
    deletion, insertion = _curves(np.concatenate(found).astype(np.float64), len(sequences))
    yield Faithfulness(
        target,
        Curves(shares, deletion[0], insertion[0]),
        Curves(shares, deletion[1:].mean(0), insertion[1:].mean(0)),
    )


def _masks(patches: Mask, sequences: Sequence[npt.NDArray[np.intp]], counts: npt.NDArray[np.int_]) -> Generator[Mask]:
    """What is hidden: nothing, everything, and for each sequence in turn the steps of deletion, then of insertion."""
    yield np.zeros_like(patches)
    yield patches.copy()
    for sequence in sequences:
        for hidden_first in (True, False):
            for count in counts[1:-1]:
                mask = np.zeros(patches.size, np.bool_)
                mask[sequence[:count] if hidden_first else sequence[count:]] = True
                yield mask.reshape(patches.shape)


def _curves(found: Floats, sequences: int) -> tuple[Floats, Floats]:
    """Deletion and insertion of each sequence, (sequences, steps + 1), from what `_masks` gave in that order."""
    whole, nothing = found[:2]
    inner = found[2:].reshape(sequences, 2, -1)

    def between(first: float, steps: Floats, last: float) -> Floats:
        return np.pad(steps, ((0, 0), (1, 1)), constant_values=((0, 0), (first, last)))

    return between(whole, inner[:, 0], nothing), between(nothing, inner[:, 1], whole)


_Measure = Callable[[list[Picture | Clip]], npt.NDArray[np.floating[Any]]]


def _measure(model: Any, target: Target, whole: Picture | Clip) -> _Measure:
    """What gives the target's value for each of N pictures, (N,)."""
    if isinstance(target, WordTarget | CaptionTarget):
        model.card.require("caption")
        if isinstance(target, CaptionTarget):
            if not target.tokens:
                raise OptionError("There is no caption to measure: it has no tokens.")
            return lambda items: np.exp(model.token_logprobs(items, target.tokens).mean(1))
        if not 0 <= target.index < len(target.tokens):
            raise OptionError(f"There is no token {target.index} in a caption of {len(target.tokens)}.")
        upto = target.tokens[: target.index + 1]
        return lambda items: np.asarray(np.exp(model.token_logprobs(items, upto)[:, -1]))
    if isinstance(target, AnswerTarget):
        model.card.require("ask")
        tokens = model.tokenizer.encode_answer(target.answer)
        return lambda items: np.exp(model.answer_logprobs(items, target.question, tokens).sum(1))
    if isinstance(target, TextTarget):
        model.card.require("rank")
        text = _unit(model.embed_text(target.text))[0]
        return lambda items: np.asarray(_unit(model.embed_image(items)) @ text)
    model.card.require("classify")
    model.card.check_labels(given=False)
    places = class_places(model.labels, target.label)
    likeliest = places[int(model.logits([whole])[0, places].argmax())]
    return lambda items: np.asarray(softmax(model.logits(items).numpy())[:, likeliest])


def _unit(vectors: npt.NDArray[np.float32]) -> Floats:
    exact = vectors.astype(np.float64)
    return np.asarray(exact / np.linalg.norm(exact, axis=-1, keepdims=True))

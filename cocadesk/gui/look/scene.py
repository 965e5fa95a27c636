"""What is shown of a set of attention maps: which token, layer and head, and the values that this comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from cocadesk.catalog.cards import CARDS
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.work.looking import Looked

if TYPE_CHECKING:
    from cocadesk.engine.attention import AttentionMaps

Head = int | Literal["mean"]
Values = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is looked at among the maps of all layers and heads.

    Attributes:
        token: Its place among the tokens; None for the mean over all of them.
        layer: Counted from 0.
        rollout: Attention rollout in place of a head's own attention.
        pooler_head: Of a CoCa's words, the head of the pooler that leads on to the patches.
        subtract: Take away what all tokens look at alike (`engine.attention.subtract_minimum`).
    """

    token: int | None = None
    layer: int = 0
    head: Head = "mean"
    rollout: bool = False
    pooler_head: Head = "mean"
    subtract: bool = False


class Scene:
    """Reads maps as a `Choice` says. Everything here is a look-up or a product small enough for the window's thread.

    Attributes:
        looked: The maps and what is told about them.
        maps: The maps of all layers and heads.
    """

    def __init__(self, looked: Looked) -> None:
        self.looked = looked
        self.maps: AttentionMaps = looked.maps

    @property
    def over_picture(self) -> bool:
        """Whether there is a picture that the maps lie over."""
        return self.maps.layout is not None

    @property
    def can_roll(self) -> bool:
        return self.looked.rolled is not None

    @property
    def pooler_heads(self) -> int:
        """How many heads the pooler has that words look through; 0 for none."""
        pooler = self.maps.pooler
        return 0 if self.maps.to_queries is None or pooler is None else pooler.heads

    @property
    def first_patch(self) -> int | None:
        """The place of the first patch among the tokens that attend; None where patches are none of them."""
        layout = self.maps.layout
        self_attention = layout is not None and self.maps.tokens == self.maps.keys
        return layout.first if layout is not None and self_attention else None

    @property
    def named_tokens(self) -> tuple[int, ...]:
        """Places of the tokens that have a name of their own, which patches have not."""
        layout, first = self.maps.layout, self.first_patch
        if layout is None or first is None:
            return tuple(range(len(self.maps.tokens)))
        behind = first + layout.grid[0] * layout.grid[1]
        return tuple(place for place in range(len(self.maps.tokens)) if not first <= place < behind)

    @property
    def strip_of(self) -> Literal["words", "heads", ""]:
        """What has a map each that stands beside others; empty if there is only one."""
        maps = self.maps
        if maps.by_token:
            return "words" if len(maps.tokens) > 1 else ""
        return "heads" if maps.heads > 1 else ""

    @property
    def films(self) -> tuple[Literal["words", "layers", "heads"], ...]:
        """What an animation can go over."""
        words: tuple[Literal["words"], ...] = ("words",) if self.strip_of == "words" else ()
        layers: tuple[Literal["layers"], ...] = ("layers",) if self.maps.layers > 1 else ()
        heads: tuple[Literal["heads"], ...] = ("heads",) if self.maps.heads > 1 else ()
        return words + layers + heads

    def first_choice(self) -> Choice:
        """What is looked at first, of the feature token or else of the first word: the last layer's mean, of a question
        that of the layer in which the model is known to look at what words name.
        """
        maps = self.maps
        token = maps.feature if maps.kind in ("image", "text") else self._first_word()
        known = CARDS.get(maps.model)
        grounding = known.grounding_layer if known and maps.kind == "question" else None
        layer = maps.layers - 1 if grounding is None else min(grounding, maps.layers - 1)
        return Choice(token, layer, subtract=maps.kind == "question" and len(maps.tokens) > 1)

    def fitted(self, wanted: Choice) -> Choice:
        """The same as far as these maps have it: another model may have fewer layers, heads or tokens."""
        maps = self.maps
        most = len(maps.tokens) - 1
        return replace(
            wanted,
            token=None if wanted.token is None else min(wanted.token, most),
            layer=min(wanted.layer, maps.layers - 1),
            head=wanted.head if wanted.head != "mean" and wanted.head < maps.heads else "mean",
            rollout=wanted.rollout and self.can_roll,
            pooler_head=(
                wanted.pooler_head
                if wanted.pooler_head != "mean" and wanted.pooler_head < self.pooler_heads
                else "mean"
            ),
            subtract=wanted.subtract and most > 0,
        )

    def matrix(self, choice: Choice) -> Values:
        """What each token attends to, (tokens, keys)."""
        rolled = self.looked.rolled
        if choice.rollout and rolled is not None:
            return rolled.matrix(choice.layer)
        maps = self.maps
        if choice.pooler_head != "mean" and maps.pooler is not None and maps.to_queries is not None:
            to_queries = maps.to_queries[choice.layer]
            of_head = to_queries.mean(0) if choice.head == "mean" else to_queries[choice.head]
            # As `AttentionMaps.through_pooler`, for this layer and head alone; the pooler's first query is not
            # attended to.
            return np.asarray(of_head @ maps.pooler.matrix(0, choice.pooler_head)[1:])
        return maps.matrix(choice.layer, choice.head)

    def values(self, choice: Choice) -> Values:
        """The map of the chosen token, (rows, columns); of a text, what it attends to, (keys,)."""
        return self._of_token(self.matrix(choice), choice)

    def tiles(self, choice: Choice, *, whole: bool = False, largest: int = 64) -> Values:
        """The maps of every layer, (layers, heads + 1, rows, columns): each head's, and last the mean's.

        Args:
            whole: Matrices of all tokens and keys in place of the chosen token's maps; as for a text in any case.
            largest: What a longer matrix is brought below, by the mean over blocks.
        """
        weights = self._all_weights(choice)
        if whole or self.maps.layout is None:
            return _with_mean(_reduced(weights, largest))
        if choice.subtract:
            less, mean = weights.min(2), weights.mean(1)
            chosen = np.concatenate(
                (_of_token(weights, choice.token) - less, (_of_token(mean, choice.token) - mean.min(1))[:, None]), 1
            )
        else:
            chosen = _with_mean(_of_token(weights, choice.token))
        return self.maps.layout.cut(chosen)

    def _all_weights(self, choice: Choice) -> Values:
        """The weights of all layers and heads, (layers, heads, tokens, keys)."""
        maps = self.maps
        if choice.pooler_head == "mean" or maps.pooler is None or maps.to_queries is None:
            return maps.weights
        return np.asarray(maps.to_queries @ maps.pooler.matrix(0, choice.pooler_head)[1:])

    def overlay(self, choice: Choice) -> OverlayMap | None:
        """The chosen map, to be laid over the picture; None for a text."""
        layout = self.maps.layout
        return None if layout is None else OverlayMap(self.values(choice), layout, self.title(choice))

    def at(self, choice: Choice, layer: int, head: Head) -> Choice:
        """The same token in another layer and head."""
        return replace(choice, layer=layer, head=head, rollout=choice.rollout and head == "mean")

    def token_at(self, x: float, y: float) -> int | None:
        """The patch that lies there on the picture, in its pixels; None where none does, or patches do not attend."""
        layout, first = self.maps.layout, self.first_patch
        if layout is None or first is None:
            return None
        left, top, right, bottom = layout.box
        rows, columns = layout.grid
        column, row = int((x - left) / (right - left) * columns // 1), int((y - top) / (bottom - top) * rows // 1)
        return first + row * columns + column if 0 <= row < rows and 0 <= column < columns else None

    def token_name(self, token: int | None) -> str:
        """What a user reads for a token."""
        return "all tokens" if token is None else self.maps.tokens[token].strip() or "space"

    def title(self, choice: Choice) -> str:
        """What a user reads above the map: the token, and where it comes from."""
        return " · ".join((f"“{self.token_name(choice.token)}”", *self.place(choice)))

    def place(self, choice: Choice) -> tuple[str, ...]:
        """What a user reads about where a map comes from: the layer and the head, or that it is relevance."""
        if self.maps.measure == "relevance":
            return ("relevance",)
        head = "mean" if choice.head == "mean" else f"head {choice.head}"
        pooler = () if choice.pooler_head == "mean" else (f"pooler head {choice.pooler_head}",)
        return (f"layer {choice.layer}", "rollout" if choice.rollout else head, *pooler)

    def _of_token(self, matrix: Values, choice: Choice) -> Values:
        layout = self.maps.layout
        found = matrix if layout is None else layout.cut(matrix)
        if choice.subtract:
            found = found - found.min(0)  # as `engine.attention.subtract_minimum`
        return np.asarray(found.mean(0) if choice.token is None else found[choice.token], np.float32)

    def _first_word(self) -> int:
        named = [place for place, name in enumerate(self.maps.tokens) if name.strip() and not name.startswith("[")]
        articles = {"a", "an", "the"}
        return next((place for place in named if self.maps.tokens[place].strip().lower() not in articles), 0)


def _of_token(weights: Values, token: int | None) -> Values:
    """What a token attends to, or the mean over all: (…, tokens, keys) to (…, keys)."""
    return np.asarray(weights.mean(-2) if token is None else weights[..., token, :])


def _with_mean(weights: Values) -> Values:
    """(layers, heads, …) to (layers, heads + 1, …)."""
    return np.concatenate((weights, weights.mean(1, keepdims=True)), 1)


def _reduced(weights: Values, largest: int) -> Values:
    """The last two axes brought down to so many at most, by the mean over blocks; a rest at the end is left out."""
    rows, columns = weights.shape[-2:]
    down, across = -(-rows // largest), -(-columns // largest)
    if down == across == 1:
        return weights
    rows, columns = rows // down * down, columns // across * across
    # Sums of slices: a mean over short axes takes ten times as long.
    narrow = _total([weights[..., :rows, start:columns:across] for start in range(across)])
    low = _total([narrow[..., start::down, :] for start in range(down)])
    return np.asarray(low / np.float32(down * across), np.float32)


def _total(parts: Sequence[Values]) -> Values:
    found = parts[0].copy()
    for part in parts[1:]:
        found += part
    return found

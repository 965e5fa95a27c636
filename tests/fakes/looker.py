"""A model without weights that has attention of every kind: noise that is the same for the same question."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from cocadesk.engine.attention import AttentionMaps, Weights, compose
from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.preprocess import Geometry
from cocadesk.errors import OptionError
from cocadesk.types import AttentionKind, CancelToken, CaptionResult, Clip, Picture, PictureLike
from tests.fakes.captioner import FakeCaptioner

LAYERS, HEADS, POOLER_HEADS, QUERIES = 3, 4, 2, 5
GRID = (4, 4)
SIDE, PATCH = 64, 16
PATCHES = tuple(f"patch {row},{column}" for row in range(GRID[0]) for column in range(GRID[1]))
KEYS = ("[class]", *PATCHES)


class FakeLooker(FakeCaptioner):
    """Captions as well. The square it sees is cut from the picture's middle.

    Args:
        before: Called with the kind before maps are made: may raise or wait.
        too_large: Refuse to keep the maps of all patches.
        layers, heads: How many it has.

    Attributes:
        looked: Kind and text of all maps that were made, in order.
    """

    def __init__(
        self,
        words: Sequence[str] = ("a", " cat", " on", " grass"),
        *,
        name: str = "starter-coca",
        before: Callable[[AttentionKind], None] = lambda kind: None,
        too_large: bool = False,
        layers: int = LAYERS,
        heads: int = HEADS,
    ) -> None:
        super().__init__(words, name=name)
        self.looked: list[tuple[AttentionKind, str]] = []
        self._before = before
        self._too_large = too_large
        self._size = (layers, heads)

    def image_attention(
        self, picture: PictureLike, *, tokens: Sequence[str] | None = None, cancel: CancelToken | None = None
    ) -> AttentionMaps:
        self._begin("image", "", cancel)
        if self._too_large and tokens is None:
            raise OptionError("What all 17 tokens attend to would take 1.6 GB. Ask for some of them by name.")
        maps = self._maps("image", "", KEYS, KEYS, layout(picture), feature=0)
        return maps if tokens is None else maps.only(["[class]"])

    def word_attention(
        self,
        picture: PictureLike,
        caption: CaptionResult | str | None = None,
        cancel: CancelToken | None = None,
    ) -> AttentionMaps:
        text = caption.caption if isinstance(caption, CaptionResult) else caption or "a made one"
        self._begin("words", text, cancel)
        spoken = isinstance(caption, CaptionResult)
        tokens = [token.text for token in caption.tokens] if spoken else [f" {word}" for word in text.split()]
        names = tuple(token or "[end]" for token in tokens)
        where = layout(picture)
        queries = noise(f"pooler {self.name}", 1, POOLER_HEADS, 1 + QUERIES, len(KEYS))
        pooler = AttentionMaps("image", self.name, queries, ("[feature]", *"12345"), KEYS, feature=0, layout=where)
        to_queries = noise(f"words {text}", *self._size, len(names), QUERIES)
        weights = compose(to_queries, pooler.matrix(0, "mean"))
        return AttentionMaps("words", self.name, weights, names, KEYS, None, text, where, pooler, to_queries)

    def question_attention(
        self, picture: PictureLike, question: str, cancel: CancelToken | None = None
    ) -> AttentionMaps:
        self._begin("question", question, cancel)
        return self._maps("question", question, ("[enc]", *question.split(), "[sep]"), KEYS, layout(picture))

    def text_attention(self, text: str) -> AttentionMaps:
        self._begin("text", text, None)
        names = ("[start]", *(f" {word}" for word in text.split()), "[end]", "[class]")
        return self._maps("text", text, names, names, None, feature=len(names) - 1)

    def _begin(self, kind: AttentionKind, text: str, cancel: CancelToken | None) -> None:
        self._before(kind)
        if cancel is not None:
            cancel.check()
        self.looked.append((kind, text))

    def _maps(
        self,
        kind: AttentionKind,
        text: str,
        tokens: tuple[str, ...],
        keys: tuple[str, ...],
        where: PatchLayout | None,
        *,
        feature: int | None = None,
    ) -> AttentionMaps:
        weights = noise(f"{kind} {text}", *self._size, len(tokens), len(keys))
        return AttentionMaps(kind, self.name, weights, tokens, keys, feature, text, where)


class RelevantLooker(FakeLooker):
    """Weighs the attention of words with gradients, as far as anybody can tell."""

    def word_relevance(
        self, picture: PictureLike, caption: CaptionResult | str | None = None, cancel: CancelToken | None = None
    ) -> AttentionMaps:
        maps = self.word_attention(picture, caption, cancel)
        weights = noise(f"relevance {maps.text}", 1, 1, len(maps.tokens), len(KEYS))
        return replace(maps, weights=weights, pooler=None, to_queries=None, measure="relevance")


def layout(picture: PictureLike) -> PatchLayout:
    """Where the patches lie: on a square in the picture's middle."""
    assert isinstance(picture, Picture | Clip)
    first = picture.frames[0] if isinstance(picture, Clip) else picture
    shorter = min(first.width, first.height)
    resized = (first.width * SIDE // shorter, first.height * SIDE // shorter)
    offset = ((resized[0] - SIDE) // 2, (resized[1] - SIDE) // 2)
    return PatchLayout(Geometry((first.width, first.height), resized, offset, SIDE), GRID, (PATCH, PATCH), 1)


def noise(seed: str, *shape: int) -> Weights:
    """Weights whose rows sum to one."""
    drawn = np.random.default_rng(zlib.crc32(seed.encode())).exponential(1, shape) ** 2
    return np.asarray(drawn / drawn.sum(-1, keepdims=True), np.float32)

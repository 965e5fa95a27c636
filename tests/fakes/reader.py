"""Models without weights: one that reads texts and one that has classes of its own, for whatever calls them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest

import cocadesk.engine
from cocadesk.catalog.card import Ability
from cocadesk.catalog.cards import card
from cocadesk.engine.pictures import listed, opened, stills
from cocadesk.engine.zero_shot import TextReader
from cocadesk.errors import OptionError
from cocadesk.types import (
    CancelToken,
    Classification,
    ClassScore,
    ModelRequest,
    PictureLike,
)

WIDTH = 8
LONGEST = 200


class FakeReader(TextReader):
    """Embeds a text by its hash and a picture by its mean colour; reads up to 200 characters.

    Attributes:
        read: Every text it was given to embed, in order.
        seen: The pictures of each batch it was given to embed.
    """

    def __init__(self, name: str = "starter-coca") -> None:
        self.card = card(name)
        self.load_seconds, self.device, self.dtype, self.weight_bytes = 0.25, "cpu", "float32", 1000
        self.read: list[str] = []
        self.seen: list[int] = []

    @property
    def logit_scale(self) -> float:
        return 5.0

    def embed_image(
        self, pictures: PictureLike | Sequence[PictureLike], *, cancel: CancelToken | None = None
    ) -> npt.NDArray[np.float32]:
        frames = [stills(opened(given, 16)) for given in listed(pictures)]
        self.seen.append(len(frames))
        means = [np.mean([frame.pixels.mean((0, 1)) for frame in group], axis=0) for group in frames]
        return _unit(np.pad(np.reshape(means, (-1, 3)) + 1, ((0, 0), (0, WIDTH - 3))))

    def embed_text(self, texts: str | Sequence[str]) -> npt.NDArray[np.float32]:
        given = [texts] if isinstance(texts, str) else list(texts)
        self.read += given
        if any(len(text) > LONGEST for text in given):
            raise OptionError("“…” has too many tokens.")
        numbers = [np.frombuffer(hashlib.sha256(text.encode()).digest()[:WIDTH], np.uint8) for text in given]
        return _unit(np.reshape(numbers, (-1, WIDTH)).astype(np.float64) - 127.4)


class FakeClassifier:
    """Implements `cocadesk.models.Classifier` with three classes of its own, one of which has a definition."""

    def __init__(self) -> None:
        self.name, self.load_seconds, self.device, self.dtype, self.weight_bytes = "vit-base-patch32", 0.1, "cpu", "", 0

    def classify(
        self,
        pictures: PictureLike | Sequence[PictureLike],
        labels: Sequence[str] | None = None,
        *,
        template: str = "",
        top: int = 10,
        cancel: CancelToken | None = None,
    ) -> Iterator[Classification]:
        scores = (
            ClassScore("crane, bird", 0.75, "large long-necked wading bird"),
            ClassScore("crane", 0.2, "lifts and moves heavy objects"),
            ClassScore("kite", 0.05),
        )
        for picture, _ in enumerate(listed(pictures)):
            yield Classification(picture, scores[:top], self.name)


def use_reader(monkeypatch: pytest.MonkeyPatch, model: object) -> list[tuple[Ability, ModelRequest]]:
    """Have the engine load that model, and return a list that what is asked for is added to."""
    loads: list[tuple[Ability, ModelRequest]] = []

    def load_for(ability: Ability, request: ModelRequest) -> object:
        cocadesk.engine.find_card(request.name).require(ability)
        loads.append((ability, request))
        return model

    monkeypatch.setattr(cocadesk.engine, "load_for", load_for)
    return loads


def _unit(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)

"""What a loaded model can do: the protocols that engines implement, and that work, the window and commands rely on.

Nothing here imports Qt or torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cocadesk.types import (
    AnswerEvent,
    AskOptions,
    CachedStates,
    CacheEvent,
    CancelToken,
    CaptionEvent,
    CaptionOptions,
    Classification,
    ComparisonEvent,
    Embedding,
    PictureLike,
    RankedText,
    Token,
)


class Model(Protocol):
    """A loaded model. Not thread-safe: one inference thread owns it."""

    @property
    def name(self) -> str:
        """The catalog name it was loaded by."""

    @property
    def load_seconds(self) -> float:
        """How long loading took."""

    @property
    def device(self) -> str:
        """Where it runs: "cpu", "cuda" or "mps"."""

    @property
    def dtype(self) -> str:
        """The number format of its weights: "float32", "bfloat16", "float16" or "int8"."""

    @property
    def weight_bytes(self) -> int:
        """Memory that its weights take on the device."""


class Captioner(Model, Protocol):
    """A model that captions."""

    def beginning(self, text: str) -> tuple[int, ...]:
        """The tokens of a caption's first words, for `CaptionOptions.prefix`; none for no text.

        Raises:
            OptionError: if there are more than the model can read.
        """

    def caption(
        self,
        pictures: PictureLike | Sequence[PictureLike],
        options: CaptionOptions = ...,
        cancel: CancelToken | None = ...,
    ) -> Iterator[CaptionEvent]:
        """Yield `Token` events as they are decoded (all pictures advance together), then one result per picture.

        Raises:
            Cancelled: at the first check after `cancel` was set.
            OptionError: if no caption of this model can begin with `options.prefix`.
        """

    def score(
        self, picture: PictureLike, tokens: Sequence[int] | str, cancel: CancelToken | None = ...
    ) -> tuple[Token, ...]:
        """How likely each token of a caption is, given the picture and the tokens before it; a text's end token, too.

        Raises:
            Cancelled: at the first check after `cancel` was set.
            OptionError: if there are no tokens, too many, or such as the model does not have.
        """

    def states(self, picture: PictureLike, cancel: CancelToken | None = ...) -> CachedStates:
        """Caption a picture, and tell which attention states are kept at the end of it.

        Raises:
            Cancelled: at the first check after `cancel` was set.
        """

    def compare_cached(
        self, picture: PictureLike, options: CaptionOptions = ..., cancel: CancelToken | None = ...
    ) -> Iterator[CacheEvent]:
        """Decode a caption with cached attention states, with guesses as well, and without either; yield progress, then
        a `CacheComparison`.

        Raises:
            Cancelled: at the first check after `cancel` was set.
            OptionError: if the options ask for a beam search.
        """


class Answerer(Model, Protocol):
    """A model that answers questions about a picture."""

    def ask(
        self,
        picture: PictureLike,
        questions: str | Sequence[str],
        options: AskOptions = ...,
        cancel: CancelToken | None = ...,
    ) -> Iterator[AnswerEvent]:
        """Answer one question after the other: `Token` events as they are decoded, then the question's result.

        Raises:
            Cancelled: at the first check after `cancel` was set.
            OptionError: if a question is empty or has more tokens than the model can read.
        """

    def score_answer(
        self, picture: PictureLike, question: str, answer: Sequence[int] | str, cancel: CancelToken | None = ...
    ) -> tuple[Token, ...]:
        """How likely each token of an answer is, given picture, question and the tokens before it; a text's end, too.

        Raises:
            Cancelled: at the first check after `cancel` was set.
            OptionError: if the question or the answer is empty or too long, or has tokens the model does not have.
        """


class Classifier(Model, Protocol):
    """A model that names what a picture shows."""

    def classify(
        self,
        pictures: PictureLike | Sequence[PictureLike],
        labels: Sequence[str] | None = ...,
        *,
        template: str = ...,
        top: int = ...,
        cancel: CancelToken | None = ...,
    ) -> Iterator[Classification]:
        """Yield one result per picture, in order.

        Args:
            labels: Names of the classes for a model that reads text (zero-shot); None for one with its own.
            template: A text with "{}" where the label goes.
            top: How many classes to name.

        Raises:
            Cancelled: at the first check after `cancel` was set.
            OptionError: if labels are given and the model has its own classes, or missing and it has none.
        """


class Embedder(Model, Protocol):
    """A model that puts pictures and texts into one space."""

    def embed_image(self, pictures: PictureLike | Sequence[PictureLike]) -> npt.NDArray[np.float32]:
        """Embeddings of N pictures, L2-normalised, (N, embedding width)."""

    def embed_text(self, texts: str | Sequence[str]) -> npt.NDArray[np.float32]:
        """Embeddings of N texts, L2-normalised, (N, embedding width)."""

    def rank(self, picture: PictureLike, texts: Sequence[str]) -> tuple[RankedText, ...]:
        """Hold the texts against the picture, the nearest first."""

    def compare(
        self,
        pictures: Sequence[PictureLike | Embedding],
        texts: Sequence[str],
        cancel: CancelToken | None = ...,
    ) -> Iterator[ComparisonEvent]:
        """Hold texts against pictures, each against each; a picture may be given as its embedding.

        Yields a `PictureEmbedded` for every other picture, a `TextsEmbedded` after every few texts, at the end the
        `Comparison`.

        Raises:
            Cancelled: at the first check after `cancel` was set.
        """

"""Texts held against pictures: ranking by cosine distance, and classes that are nothing but words (Radford et al. 2021,
arXiv:2103.00020, section 3.1).

The functions know arrays only; `TextReader` gives a model that embeds pictures and texts the methods built on them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from cocadesk.catalog.card import ModelCard
from cocadesk.engine.frames import BATCH
from cocadesk.engine.pictures import listed
from cocadesk.errors import OptionError
from cocadesk.types import (
    DEFAULT_TEMPLATE,
    CancelToken,
    Classification,
    ClassScore,
    Comparison,
    ComparisonEvent,
    Embedding,
    PictureEmbedded,
    PictureLike,
    RankedText,
    TextsEmbedded,
)

Floats = npt.NDArray[np.floating[Any]]

_TEXTS_KEPT = 20_000
"""Texts whose embeddings a model keeps: at a width of 512, 40 MB."""


def fill_template(template: str, labels: Sequence[str]) -> list[str]:
    """The template once per label, with the label where "{}" stands.

    Raises:
        OptionError: if there is no "{}" in it.
    """
    if "{}" not in template:
        raise OptionError(f"The template “{template}” needs {{}} where the label goes.")
    return [template.replace("{}", label) for label in labels]


def embed_classes(embed_text: Callable[[list[str]], Floats], labels: Sequence[str], templates: Sequence[str]) -> Floats:
    """One embedding per class: the normalised mean over the templates, (classes, embedding width).

    Args:
        embed_text: Gives L2-normalised embeddings of N texts, (N, embedding width).
        labels: Names of the classes.
        templates: At least one, each with "{}" in it.

    Raises:
        OptionError: if there is no label, no template, or a template without "{}".
    """
    if not labels or not templates:
        raise OptionError("Zero-shot classification needs at least one label and one template.")
    filled = [text for template in templates for text in fill_template(template, labels)]
    return _unit(embed_text(filled).reshape(len(templates), len(labels), -1).mean(0))


def softmax(logits: Floats) -> npt.NDArray[np.float64]:
    """Probabilities over the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True), dtype=np.float64)
    shares: npt.NDArray[np.float64] = powers / powers.sum(-1, keepdims=True)
    return shares


def likeliest(probabilities: Floats, top: int) -> list[int]:
    """Indices of the `top` largest numbers of a row, the largest first; of equal ones, the first."""
    return [int(at) for at in np.argsort(-probabilities, kind="stable")[:top]]


def check_top(top: int) -> None:
    """Raise `OptionError` unless that many classes can be named."""
    if top < 1:
        raise OptionError(f"At least 1 class must be named, not {top}.")


def rank_texts(image: Floats, embeddings: Floats, texts: Sequence[str], scale: float) -> tuple[RankedText, ...]:
    """The texts by their distance from a picture, the nearest first; equally near ones in the order they came.

    Args:
        image: L2-normalised embedding of the picture, (embedding width,).
        embeddings: Those of the texts, L2-normalised, (texts, embedding width).
        texts: What they embed.
        scale: The model's logit scale, the inverse of its temperature. The probability is the softmax over all texts
            at that scale, also for a model that was trained with a sigmoid for each pair (SigLIP).
    """
    # In 16-bit formats, what the model normalised is of unit length to three digits only.
    similarities = _unit(embeddings.astype(np.float64)) @ _unit(image.astype(np.float64))
    probabilities = softmax(scale * similarities) if len(texts) else similarities
    return tuple(
        RankedText(texts[at], 1.0 - float(similarities[at]), float(probabilities[at]))
        for at in likeliest(similarities, len(texts))
    )


def _unit(vectors: Floats) -> Floats:
    normalised: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return normalised


class TextReader(ABC):
    """Base of the models that put pictures and texts into one space: what they all do with the embeddings."""

    card: ModelCard

    @property
    @abstractmethod
    def logit_scale(self) -> float:
        """What cosine similarities are multiplied by before the softmax: the inverse of the model's temperature."""

    @abstractmethod
    def embed_image(
        self, pictures: PictureLike | Sequence[PictureLike], *, cancel: CancelToken | None = None
    ) -> npt.NDArray[np.float32]:
        """As in `models.Embedder`."""

    @abstractmethod
    def embed_text(self, texts: str | Sequence[str]) -> npt.NDArray[np.float32]:
        """As in `models.Embedder`."""

    def rank(self, picture: PictureLike, texts: Sequence[str]) -> tuple[RankedText, ...]:
        """Hold the texts against the picture, the nearest first. A clip counts as the mean of its frames' embeddings.

        `RankedText.probability` is the softmax over these texts at the model's own temperature, also for a model that
        was trained with a sigmoid for each pair (SigLIP).

        Raises:
            InputError: if a path cannot be opened as a picture.
            OptionError: if a text has more tokens than the model can read.
        """
        embeddings = self._embed_known(list(texts))
        return rank_texts(self.embed_image(picture)[0], embeddings, texts, self.logit_scale)

    def compare(
        self,
        pictures: Sequence[PictureLike | Embedding],
        texts: Sequence[str],
        cancel: CancelToken | None = None,
    ) -> Generator[ComparisonEvent, None, None]:
        """Hold texts against pictures, each against each. A clip counts as the mean of its frames' embeddings.

        Unlike with `rank`, a text that the model cannot read is left out of the comparison and named in it.

        Args:
            pictures: At least one; one that was embedded before may be given as its embedding.
            texts: What to hold against them; the embeddings of the latest 20,000 are kept.
            cancel: Checked between every few pictures, frames and texts.

        Yields:
            A `PictureEmbedded` for each picture that is not given as its embedding; a `TextsEmbedded` after every few
            texts that are new; at the end the `Comparison`.

        Raises:
            Cancelled: at the first check after `cancel` was set.
            InputError: if a path cannot be opened as a picture.
        """
        cancel = cancel or CancelToken()
        images: list[Embedding] = []
        for number, given in enumerate(pictures):
            cancel.check()
            if isinstance(given, np.ndarray):
                images.append(given)
            else:
                images.append(self.embed_image(given, cancel=cancel)[0])
                yield PictureEmbedded(number, images[-1])
        refusals: dict[str, str] = {}
        new = self._new(texts)
        for first in range(0, len(new), BATCH):
            cancel.check()
            refusals |= self._read(new[first : first + BATCH])
            yield TextsEmbedded(len(texts) - len(new) + min(first + BATCH, len(new)), len(texts))
        read = [number for number, text in enumerate(texts) if text not in refusals]
        shape = (len(images), len(texts))
        similarities, probabilities = np.full(shape, np.nan), np.full(shape, np.nan)
        if read:
            embeddings = np.stack([self._known[texts[number]] for number in read])
            found = _unit(np.stack(images).astype(np.float64)) @ _unit(embeddings.astype(np.float64)).T
            similarities[:, read], probabilities[:, read] = found, softmax(self.logit_scale * found)
        refused = tuple((number, refusals[text]) for number, text in enumerate(texts) if text in refusals)
        yield Comparison(similarities, probabilities, refused, self.card.name)

    def classify(
        self,
        pictures: PictureLike | Sequence[PictureLike],
        labels: Sequence[str] | None = None,
        *,
        template: str | Sequence[str] = DEFAULT_TEMPLATE,
        top: int = 10,
        cancel: CancelToken | None = None,
    ) -> Generator[Classification, None, None]:
        """Name the likeliest of the labels for each picture, in order (zero-shot classification).

        A clip counts as the mean of its frames' embeddings.

        Args:
            labels: Names of the classes.
            template: A text with "{}" where the label goes; of several, the mean embedding counts.
            top: How many classes to name, the likeliest first.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between every few frames.
            InputError: if a path cannot be opened as a picture.
            OptionError: if there are no labels, a template has no "{}", a text has more tokens than the model can
                read, or `top` is below 1.
        """
        self.card.check_labels(given=bool(labels))
        check_top(top)
        cancel = cancel or CancelToken()
        names = list(labels or ())
        templates = [template] if isinstance(template, str) else list(template)
        classes = embed_classes(self._embed_known, names, templates)
        given = listed(pictures)
        for first in range(0, len(given), BATCH):
            cancel.check()
            embeddings = self.embed_image(given[first : first + BATCH], cancel=cancel)
            probabilities = softmax(self.logit_scale * (_unit(embeddings) @ classes.T))
            for picture, row in enumerate(probabilities, start=first):
                scores = tuple(ClassScore(names[at], float(row[at])) for at in likeliest(row, top))
                yield Classification(picture, scores, self.card.name)

    @cached_property
    def _known(self) -> dict[str, npt.NDArray[np.float32]]:
        return {}

    def _embed_known(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """`embed_text`, at no cost for texts that were embedded before."""
        self._keep(self._new(texts))
        return np.stack([self._known[text] for text in texts]) if texts else self.embed_text([])

    def _new(self, texts: Sequence[str]) -> list[str]:
        """Those of the texts, each once, that have no embedding yet; makes room for theirs."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if self._known and len(self._known) + len(new) > _TEXTS_KEPT:
            self._known.clear()
            return list(dict.fromkeys(texts))
        return new

    def _keep(self, new: list[str]) -> None:
        self._known.update(zip(new, self.embed_text(new), strict=True))

    def _read(self, new: list[str]) -> dict[str, str]:
        """Embed texts, to be kept; returns those that the model cannot read, with the reasons."""
        try:
            self._keep(new)
        except OptionError as error:
            if len(new) == 1:
                return {new[0]: str(error)}
            return {text: why for one in new for text, why in self._read([one]).items()}
        return {}

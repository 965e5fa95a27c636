"""The job of the inference thread that makes attention maps, and what is told about them, of one picture or text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cocadesk.errors import OptionError
from cocadesk.types import AttentionKind, CancelToken, CaptionResult, Clip, ModelRequest, Picture
from cocadesk.work.job import Work
from cocadesk.work.model_manager import ModelManager

if TYPE_CHECKING:
    from cocadesk.engine.attention import AttentionMaps
    from cocadesk.engine.attention_summary import HeadSummary

TOO_LARGE = (
    "The maps of all patches would not fit into memory, so there is what the class token attends to, and no rollout."
)

RELEVANCE: dict[AttentionKind, str] = {
    "image": "class_relevance",
    "words": "word_relevance",
    "question": "answer_relevance",
    "text": "text_relevance",
}
"""What a model's method is called that weighs attention with gradients, where it has one."""


@dataclass(frozen=True, slots=True)
class LookRequest:
    """Show where this model looks; holds everything the job needs.

    Attributes:
        kind: What attends to what; see `AttentionMaps.kind`.
        picture: None where a text alone is looked at.
        text: The text or the question.
        caption: Of the kind "words": the model's own caption or any text; None for a caption that is made for it.
        relevance: Weigh attention with gradients (Chefer et al. 2021) in place of showing it as it is.
    """

    model: ModelRequest
    kind: AttentionKind
    picture: Picture | Clip | None = None
    text: str = ""
    caption: CaptionResult | str | None = None
    relevance: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """Maps of all layers and heads, and what is told about them.

    Attributes:
        summary: A figure for each layer and head.
        rolled: Attention rollout, a single head; None where tokens and keys differ.
        has_relevance: Whether the model can weigh this kind of attention with gradients.
        note: What was left out; empty for nothing.
    """

    maps: AttentionMaps
    summary: HeadSummary = field(repr=False)
    rolled: AttentionMaps | None = field(default=None, repr=False)
    has_relevance: bool = False
    note: str = ""

    @property
    def nbytes(self) -> int:
        """Memory that the maps take."""
        every = [self.maps, self.maps.pooler, self.rolled]
        held = sum(maps.weights.nbytes for maps in every if maps is not None)
        return held + (self.maps.to_queries.nbytes if self.maps.to_queries is not None else 0)


def look_work(manager: ModelManager, request: LookRequest) -> Work:
    """Work that loads the request's model if need be and yields one `Looked`."""

    def work(token: CancelToken) -> Iterator[object]:
        def look(model: Any) -> Iterator[Looked]:
            from cocadesk.engine.attention_summary import rollout, summarise  # noqa: PLC0415 — the model is there

            maps, note = _maps(model, request, token)
            token.check()
            whole = maps.kind == "image" and maps.tokens == maps.keys and not request.relevance
            yield Looked(
                maps,
                summarise(maps),
                rollout(maps) if whole else None,
                hasattr(model, RELEVANCE[request.kind]),
                note,
            )

        yield from manager.run(request.model, look, token)

    return work


def _maps(model: Any, request: LookRequest, token: CancelToken) -> tuple[AttentionMaps, str]:
    """The maps, and a note on what was left out."""
    if request.relevance:
        return _relevance(model, request, token), ""
    match request.kind:
        case "text":
            return model.text_attention(request.text), ""
        case "question":
            return model.question_attention(request.picture, request.text, token), ""
        case "words":
            return model.word_attention(request.picture, request.caption, token), ""
        case "image":
            try:
                return model.image_attention(request.picture, cancel=token), ""
            except OptionError:  # more than a gigabyte
                return model.image_attention(request.picture, tokens=["[feature]"], cancel=token), TOO_LARGE


def _relevance(model: Any, request: LookRequest, token: CancelToken) -> AttentionMaps:
    method: Callable[..., AttentionMaps] | None = getattr(model, RELEVANCE[request.kind], None)
    if method is None:
        raise OptionError(f"{model.name} cannot weigh this attention with gradients. Choose “Attention”.")
    if request.kind == "image":
        return method(request.picture, cancel=token)
    return method(request.picture, request.caption if request.kind == "words" else request.text, cancel=token)

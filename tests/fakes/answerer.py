"""An answerer without a model: says what it is told, refuses empty questions, and can be told to fail or to search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from cocadesk.errors import OptionError
from cocadesk.media.image import open_picture_or_clip
from cocadesk.types import (
    Alternative,
    AnswerEvent,
    AnswerResult,
    AskOptions,
    CancelToken,
    Clip,
    Draft,
    OtherAnswer,
    Picture,
    PictureLike,
    Timings,
    Token,
)

WORDS = ("two", " green", " dogs")


class FakeAnswerer:
    """Implements `cocadesk.models.Answerer`.

    Args:
        words: The tokens of every answer; the end token is added. Spaces come with the words, as BLIP has them.
        before_token: Called with the question and the position before each token: may raise, wait or print.
        drafts: Yield a `Draft` before the tokens, as a beam search does.

    Attributes:
        asked: Pictures' names, questions and options of every call, in order.
    """

    def __init__(
        self,
        words: Sequence[str] = WORDS,
        *,
        name: str = "blip-vqa-base",
        before_token: Callable[[str, int], None] = lambda question, position: None,
        drafts: bool = False,
    ) -> None:
        self.name = name
        self.load_seconds = 0.25
        self.device = "cpu"
        self.dtype = "float32"
        self.weight_bytes = 1000
        self.asked: list[tuple[str, str, AskOptions]] = []
        self._words = tuple(words)
        self._before_token = before_token
        self._drafts = drafts

    def score_answer(
        self, picture: PictureLike, question: str, answer: Sequence[int] | str, cancel: CancelToken | None = None
    ) -> tuple[Token, ...]:
        """The brighter a picture, the likelier every token; a text is so many tokens as it has words, and the end."""
        if cancel is not None:
            cancel.check()
        item = picture if isinstance(picture, Picture | Clip) else open_picture_or_clip(picture, 16)
        light = float((item if isinstance(item, Picture) else item.frames[0]).pixels.mean()) / 255
        words = answer.split() if isinstance(answer, str) else [self._words[number - 100] for number in answer[:-1]]
        return tuple(replace(_token(0, place, word), logprob=light - 1.5) for place, word in enumerate((*words, "")))

    def ask(
        self,
        picture: PictureLike,
        questions: str | Sequence[str],
        options: AskOptions = AskOptions(),  # noqa: B008 — frozen
        cancel: CancelToken | None = None,
    ) -> Iterator[AnswerEvent]:
        given = [questions] if isinstance(questions, str) else list(questions)
        if not all(question.strip() for question in given):
            raise OptionError("The question is empty. Ask something about the picture.")
        item = picture if isinstance(picture, Picture | Clip) else open_picture_or_clip(picture, options.frames)
        for number, question in enumerate(given):
            self.asked.append((item.name, question, options))
            if self._drafts:
                yield Draft(number, "one cat")
            tokens = []
            for position, word in enumerate((*self._words, "")[: options.max_tokens]):
                if cancel is not None:
                    cancel.check()
                self._before_token(question, position)
                tokens.append(_token(number, position, word))
                yield tokens[-1]
            answer = "".join(token.text for token in tokens).strip()
            logprob = sum(token.logprob for token in tokens)
            timings = Timings(self.load_seconds, 0.01, 0.02, 0.05, len(tokens) / 0.05)
            frames = item.indices if isinstance(item, Clip) else ()
            others = tuple(OtherAnswer(f"other {rank}", -2.0 - rank) for rank in range(options.others))
            yield AnswerResult(number, question, answer, logprob, tuple(tokens), timings, self.name, frames, others)


def _token(question: int, position: int, text: str) -> Token:
    others = tuple(Alternative(900 + rank, f" other{rank}", -1.0 - rank) for rank in range(4))
    return Token(question, position, 100 + position, text, -0.5, (Alternative(100 + position, text, -0.5), *others))

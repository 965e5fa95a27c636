"""The answers that a BLIP nearly gave, against transformers' own forward, answer by answer."""

from __future__ import annotations

import pytest
import torch

from cocadesk.engine.blip import BlipVqaModel
from cocadesk.errors import Cancelled, OptionError
from cocadesk.types import AnswerResult, AskOptions, CancelToken, Picture, Token
from tests.engine import blip_models as reference
from tests.engine.blip_models import END, vqa

__all__ = ["vqa"]

QUESTION = "how many dogs?"
LIMIT = 7


def continued(model: BlipVqaModel, states: torch.Tensor, first: int) -> tuple[list[int], float]:
    """The tokens of the answer that begins so and goes on greedily, and its log probability."""
    tokens, total = [first], 0.0
    while True:
        fed = torch.tensor([[model.tokenizer.start, *tokens]])
        logprobs = reference.logits(model, states, fed)[0].log_softmax(-1)
        total = sum(logprobs[place, token].item() for place, token in enumerate(tokens))
        if tokens[-1] == END or len(tokens) == LIMIT:
            return tokens, total
        tokens.append(int(logprobs[-1].argmax()))


def read(model: BlipVqaModel, tokens: list[int]) -> str:
    stream = model.tokenizer.stream()
    return "".join(stream.add(token) for token in tokens).strip()


@pytest.mark.parametrize("which", range(5))
def test_each_begins_with_one_of_the_next_likeliest_tokens(
    vqa: BlipVqaModel, pictures: list[Picture], which: int
) -> None:
    events = list(vqa.ask(pictures[which], QUESTION, AskOptions(max_tokens=LIMIT, others=3)))

    states = reference.question_states(
        vqa, reference.features(vqa, [pictures[which]]), vqa.tokenizer.encode_question(QUESTION)
    )
    start = reference.logits(vqa, states, torch.tensor([[vqa.tokenizer.start]]))[0, -1]
    main, *others = [continued(vqa, states, first) for first in start.topk(4).indices.tolist()]
    result = events[-1]
    assert isinstance(result, AnswerResult)
    assert [token.id for token in result.tokens] == main[0]
    assert tuple(event for event in events if isinstance(event, Token)) == result.tokens
    assert result.logprob == pytest.approx(main[1], abs=1e-4)
    expected = sorted(((logprob, read(vqa, tokens)) for tokens, logprob in others), reverse=True)
    assert [other.answer for other in result.others] == [text for _, text in expected]
    assert [other.logprob for other in result.others] == pytest.approx([logprob for logprob, _ in expected], abs=1e-4)


def test_none_are_named_unless_asked_for(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    result = list(vqa.ask(pictures[0], QUESTION))[-1]
    assert isinstance(result, AnswerResult)
    assert result.others == ()


def test_asking_with_others_can_be_stopped(vqa: BlipVqaModel, pictures: list[Picture]) -> None:
    cancel = CancelToken()
    events = vqa.ask(pictures[0], QUESTION, AskOptions(others=3), cancel)
    next(events)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(events)


@pytest.mark.parametrize("how", [{"beams": 2}, {"temperature": 0.5}, {"others": 65}, {"others": -1}])
def test_what_has_no_likeliest_answer_has_no_others(how: dict[str, float]) -> None:
    with pytest.raises(OptionError, match=r"(?i)other answers"):
        AskOptions(**{"others": 2, **how})  # type: ignore[arg-type]

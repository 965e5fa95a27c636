"""Guesses at the next tokens, and decoding with them: the same caption in fewer steps."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from cocadesk.engine.coca import CocaModel
from cocadesk.engine.coca_decoder import CachedDecoder, TextStacks
from cocadesk.engine.decoding import decode
from cocadesk.engine.drafts import Drafts
from cocadesk.types import CancelToken, CaptionOptions, CaptionResult, Picture, Token
from tests.engine import reference
from tests.engine.table_decoder import Letters, Prefix, TableDecoder

SIZE = 12


class TableAhead(TableDecoder):
    """A `TableDecoder` that can look ahead.

    Attributes:
        fed: How many tokens each step was given.
    """

    lookahead = 4

    def __init__(self, logits: Tensor, least: int = 1) -> None:
        """Take the logits of the token after each token, (V, V)."""
        self.least = least
        super().__init__(1, lambda _, prefix: logits[prefix[-1]])
        self._table = logits
        self._text: list[int] = []
        self.fed: list[int] = []

    def step_ahead(self, tokens: Tensor) -> Tensor:
        self.fed.append(len(tokens))
        self._text += tokens.tolist()
        return self._table[tokens]

    def rewind(self, count: int) -> None:
        assert 0 <= count < self.fed[-1]
        del self._text[len(self._text) - count :]

    @property
    def text(self) -> Prefix:
        """What was fed and not taken back."""
        return tuple(self._text)


def caption(decoder: TableDecoder, options: CaptionOptions, limit: int, drafts: Drafts | None = None) -> list[int]:
    events = decode(
        decoder, Letters(SIZE), options, pictures=[0], limit=limit, cancel=CancelToken(), drafts=drafts or Drafts()
    )
    return [event.id for event in events if isinstance(event, Token)]


def cycle(*tokens: int) -> Tensor:
    """Logits by which each of these tokens is most likely followed by the next, and the last by the first."""
    table = torch.randn((SIZE, SIZE), generator=torch.Generator().manual_seed(5))
    for token, follower in itertools.pairwise((Letters(SIZE).start, *tokens, tokens[0])):
        table[token, follower] = 20
    return table


def test_the_longest_ngram_that_was_seen_decides() -> None:
    drafts = Drafts(longest=2)
    drafts.learn([1, 2, 3, 9, 2, 4], count=5)

    assert drafts.propose([7, 2], 1) == [4], "the last follower of 2"
    assert drafts.propose([1, 2], 3) == [3, 9, 2]
    assert drafts.propose([8], 3) == []


def test_the_oldest_ngrams_make_room() -> None:
    drafts = Drafts(longest=1, room=2)
    drafts.learn([1, 2, 3, 4], count=3)

    assert drafts.propose([1], 1) == []
    assert drafts.propose([2], 9) == [3, 4]


def test_nothing_is_guessed_without_room() -> None:
    drafts = Drafts(room=0)
    drafts.learn([1, 2, 3], count=2)

    assert drafts.propose([1], 1) == []


@pytest.mark.parametrize("limit", [1, 2, 7, 40])
@pytest.mark.parametrize("tokens", [(3,), (3, 4, 5), (1, 2, 3, 4, 5, 6, 7, 8)])
def test_a_repeating_caption_takes_fewer_steps(tokens: tuple[int, ...], limit: int) -> None:
    table = cycle(*tokens)
    decoder = TableAhead(table)

    found = caption(decoder, CaptionOptions(), limit)

    assert found == caption(TableDecoder(1, lambda _, prefix: table[prefix[-1]]), CaptionOptions(), limit)
    assert found == [tokens[place % len(tokens)] for place in range(limit)]
    assert max(decoder.fed) <= decoder.lookahead
    assert decoder.text == (Letters(SIZE).start, *found[:-1]), "wrong guesses are taken back"
    if limit == 40:
        assert len(decoder.fed) < limit / 2


def test_a_decoder_that_is_fed_more_for_nothing_gets_the_word_once_more() -> None:
    decoder = TableAhead(cycle(3), least=2)

    found = caption(decoder, CaptionOptions(), 8, Drafts(room=0))

    assert found == [3] * 8
    assert decoder.fed == [2, 2, 2, 2, 1], "the repetition was guessed; the last token needs no other behind it"


@pytest.mark.parametrize(
    "options",
    [CaptionOptions(), CaptionOptions(temperature=1.0, seed=4), CaptionOptions(temperature=0.7, top_p=0.8, seed=9)],
    ids=["greedy", "top-k", "top-p"],
)
def test_what_was_said_before_changes_no_caption(options: CaptionOptions) -> None:
    table = 2 * torch.randn((SIZE, SIZE), generator=torch.Generator().manual_seed(1))
    drafts = Drafts()
    for seed in range(8):
        caption(TableAhead(table), CaptionOptions(temperature=2.0, seed=seed), 20, drafts)
    decoder = TableAhead(table)

    found = caption(decoder, options, 30, drafts)

    assert found == caption(TableDecoder(1, lambda _, prefix: table[prefix[-1]]), options, 30)
    assert max(decoder.fed) > 1, "no guess was made: the comparison proves nothing"


def test_tokens_fed_together_have_open_clips_logits(tiny: CocaModel, pictures: list[Picture]) -> None:
    encoding = tiny.encode_image(pictures[:1])
    context = tiny.tokenizer.context
    tokens = torch.randint(0, 8, (context,), generator=torch.Generator().manual_seed(0))  # many zeros: padding
    tokens[0] = tiny.tokenizer.start
    expected = reference.logits(tiny.module, (encoding.embedding, encoding.tokens), tokens[None])[0]

    decoder = CachedDecoder(TextStacks(tiny.module), encoding.tokens, context)
    found: list[Tensor] = []
    for count in (1, 3, 1, 4):
        wrong = torch.zeros(2, dtype=torch.long)  # padding: it would hide keys if it were not taken back
        fed = torch.cat((tokens[len(found) : len(found) + count], wrong))
        found += decoder.step_ahead(fed)[:count]
        decoder.rewind(2)

    assert (torch.stack(found) - expected[: len(found)]).abs().max() < 2e-5 * expected.abs().max()


def test_a_second_caption_of_a_picture_is_the_same_in_fewer_steps(
    tiny: CocaModel, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    fed: list[int] = []
    step_ahead = CachedDecoder.step_ahead

    def counted(decoder: CachedDecoder, tokens: Tensor) -> Tensor:
        fed.append(len(tokens))
        return step_ahead(decoder, tokens)

    monkeypatch.setattr(CachedDecoder, "step_ahead", counted)
    captions = []
    steps = []
    for _ in range(2):
        *_, result = tiny.caption(pictures[0])
        assert isinstance(result, CaptionResult)
        captions.append([token.id for token in result.tokens])
        steps.append(len(fed))
        fed.clear()

    assert captions[0] == captions[1]
    assert len(captions[0]) >= steps[0] > steps[1]

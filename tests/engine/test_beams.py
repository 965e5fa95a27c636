"""Beam search finds what an exhaustive search and what transformers' beam search find."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel

from cocadesk.engine.decoding import decode
from cocadesk.engine.next_token import Decoder, Finished
from cocadesk.types import CancelToken, CaptionOptions, Draft, Token
from tests.engine.table_decoder import Letters, TableDecoder, random_logits


def search(decoder: Decoder, size: int, beams: int, limit: int, pictures: int = 1) -> list[Token | Draft | Finished]:
    options = CaptionOptions(beams=beams)
    names = range(pictures)
    return list(decode(decoder, Letters(size), options, pictures=names, limit=limit, cancel=CancelToken()))


def numbers(events: list[Token | Draft | Finished], picture: int = 0) -> list[int]:
    finished = next(event for event in events if isinstance(event, Finished) and event.picture == picture)
    return [token.id for token in finished.tokens]


@pytest.mark.parametrize("seed", range(6))
def test_wide_beams_find_the_best_caption_there_is(seed: int) -> None:
    size, limit = 4, 4
    letters, logits = Letters(size), random_logits(seed, size)

    def mean(caption: tuple[int, ...]) -> float:
        prefixes = [(letters.start, *caption[:length]) for length in range(len(caption))]
        steps = zip(prefixes, caption, strict=True)
        return sum(logits(0, prefix).log_softmax(-1)[token].item() for prefix, token in steps) / len(caption)

    unended = [range(letters.end)] * limit
    captions = [
        *itertools.product(*unended),
        *((*text, letters.end) for length in range(limit) for text in itertools.product(*unended[:length])),
    ]
    best = max(captions, key=mean)

    events = search(TableDecoder(1, logits), size, beams=64, limit=limit)

    assert numbers(events) == list(best)


class Gpt2:
    """transformers' GPT-2 as a `Decoder` that recomputes everything."""

    device = torch.device("cpu")

    def __init__(self, model: GPT2LMHeadModel) -> None:
        self._model = model
        self._tokens = torch.empty((1, 1, 0), dtype=torch.long)

    @torch.inference_mode()
    def step(self, tokens: Tensor) -> Tensor:
        self._tokens = torch.cat((self._tokens, tokens[..., None]), -1)
        logits: Tensor = self._model(self._tokens.flatten(0, 1)).logits[:, -1]
        return logits.view(*tokens.shape, -1)

    def select(self, rows: Tensor) -> None:
        self._tokens = self._tokens.flatten(0, 1)[rows]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("beams", [2, 3, 6])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_transformers(seed: int, beams: int) -> None:
    size, limit = 12, 9
    letters = Letters(size)
    config = GPT2Config(
        vocab_size=size, n_positions=16, n_embd=16, n_layer=2, n_head=2, bos_token_id=None, eos_token_id=letters.end
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = GPT2LMHeadModel(config).eval()
        for weight in model.parameters():
            torch.nn.init.normal_(weight, std=0.7)
    with torch.inference_mode():
        expected = model.generate(
            torch.tensor([[letters.start]]),
            attention_mask=torch.ones((1, 1), dtype=torch.long),
            num_beams=beams,
            max_new_tokens=limit,
            do_sample=False,
            pad_token_id=letters.end,
        )[0, 1:].tolist()

    assert numbers(search(Gpt2(model), size, beams, limit)) == expected


def test_each_picture_of_a_batch_gets_the_caption_it_gets_alone() -> None:
    size, pictures = 7, 5
    logits = random_logits(3, size)

    together = search(TableDecoder(pictures, logits), size, beams=3, limit=8, pictures=pictures)

    alone = [
        numbers(search(TableDecoder(1, lambda _, prefix, own=own: logits(own, prefix)), size, beams=3, limit=8))
        for own in range(pictures)
    ]
    assert [numbers(together, picture) for picture in range(pictures)] == alone
    assert len({len(caption) for caption in alone}) > 1, "the captions should end at different steps"


def test_a_finished_search_leaves_the_batch() -> None:
    size = 5

    def logits(picture: int, prefix: tuple[int, ...]) -> Tensor:
        over = picture == 0 and len(prefix) == 2
        return torch.tensor([0.0, 0.0, -1.0, -9.0, 9.0 if over else -9.0])

    decoder = TableDecoder(2, logits)
    events = search(decoder, size, beams=2, limit=6, pictures=2)

    assert decoder.steps[0] == (2, 1)
    assert decoder.steps[-1] == (1, 2)
    assert [event.picture for event in events if isinstance(event, Finished)] == [0, 1]


def test_drafts_lead_to_the_caption() -> None:
    size = 9
    events = search(TableDecoder(1, random_logits(1, size)), size, beams=3, limit=6)

    kinds = [type(event) for event in events]
    drafts = [event.text for event in events if isinstance(event, Draft)]
    tokens = [event for event in events if isinstance(event, Token)]
    assert kinds == [Draft] * len(drafts) + [Token] * len(tokens) + [Finished]
    assert len(drafts) >= 2
    assert all(first != second for first, second in itertools.pairwise(drafts))
    assert [token.position for token in tokens] == list(range(len(tokens)))


def test_fewer_continuations_than_beams_are_enough() -> None:
    """With three tokens and eight beams, the first steps cannot fill the beams."""
    events = search(TableDecoder(2, random_logits(0, 3)), 3, beams=8, limit=5, pictures=2)

    assert sum(isinstance(event, Finished) for event in events) == 2

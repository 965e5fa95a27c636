"""Text to tokens as open_clip does it, and tokens back to text one at a time."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.tokenizer import default_bpe

from cocadesk.engine.tokenizer import ClipTokenizer
from cocadesk.errors import ModelError, OptionError

TEXTS = ["a photo of a cat.", "Zwei Hunde, grün & blau", "画像 😀 café naïve", "🦤 it's 1,234 o'clock!?", "", "éé"]


@pytest.fixture(scope="module")
def tokenizer() -> ClipTokenizer:
    return ClipTokenizer(Path(default_bpe()), context=76)


@pytest.mark.parametrize("text", TEXTS)
def test_tokens_are_open_clips(tokenizer: ClipTokenizer, text: str) -> None:
    expected = open_clip.get_tokenizer("coca_ViT-B-32")([text])[0].tolist()

    encoded = tokenizer.encode(text)

    assert encoded + [0] * (76 - len(encoded)) == expected


@pytest.mark.parametrize("text", TEXTS)
def test_token_by_token_reads_as_the_whole(tokenizer: ClipTokenizer, text: str) -> None:
    """Characters of several bytes, split over tokens, come out whole."""
    tokens = tokenizer.encode(text)
    stream = tokenizer.stream()

    pieces = [stream.add(token) for token in tokens]

    whole = open_clip.tokenizer.decode(torch.tensor(tokens[1:-1], dtype=torch.long)).strip()
    assert "".join(pieces) == re.sub(r" (?=[.,;:!?'’%)])", "", whole)
    assert pieces[0] == pieces[-1] == ""
    assert "\ufffd" not in "".join(pieces)


def test_a_space_comes_with_the_word_behind_it(tokenizer: ClipTokenizer) -> None:
    stream = tokenizer.stream()

    pieces = [stream.add(token) for token in tokenizer.encode("a dog's bowl, two cats.")]

    assert [piece for piece in pieces if piece] == ["a", " dog", "'s", " bowl", ",", " two", " cats", "."]


def test_an_unfinished_character_leaves_nothing_behind(tokenizer: ClipTokenizer) -> None:
    tokens = tokenizer.encode("cat 🦤")[1:-1]
    stream = tokenizer.stream()

    assert "".join(stream.add(token) for token in tokens[:-1]) == "cat"


def test_peeking_shows_what_a_token_would_add_and_adds_nothing(tokenizer: ClipTokenizer) -> None:
    *first, last = tokenizer.encode("🦤")[1:-1]
    assert first, "the character should take several tokens"
    stream = tokenizer.stream()
    for token in first:
        assert stream.peek(token) == "\ufffd"
        stream.add(token)

    assert stream.peek(last) == stream.peek(last) == "🦤"
    assert stream.add(last) == "🦤"


def test_a_text_that_fills_the_context_is_the_longest(tokenizer: ClipTokenizer) -> None:
    assert len(tokenizer.encode("cat " * 74)) == 76
    with pytest.raises(OptionError, match="has 77 tokens"):
        tokenizer.encode("cat " * 75)


def test_a_vocabulary_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "merges.txt.gz"
    with gzip.open(path, "wt") as file:
        file.write("#version: 0.2\nc a\nca t</w>")

    tokenizer = ClipTokenizer(path, context=8)

    assert (tokenizer.size, tokenizer.start, tokenizer.end) == (516, 514, 515)
    assert tokenizer.encode("cat") == [514, 513, 515]


@pytest.mark.parametrize("content", [None, b"no gzip", gzip.compress(b"#version\na b\n" * 9)[:-9]])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "merges.txt.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match="merges"):
        ClipTokenizer(path, context=8)

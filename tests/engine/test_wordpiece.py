"""BLIP's tokens are those of transformers' BertTokenizer, and its texts those of its decoding."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from transformers import BertTokenizer

from cocadesk.engine.wordpiece import WordPieceTokenizer
from cocadesk.errors import ModelError, OptionError
from cocadesk.paths import resources_dir

VOCABULARY = resources_dir() / "tokenizers" / "bert-uncased" / "vocab.txt"
CLS, SEP = 101, 102


@pytest.fixture(scope="module")
def tokenizer() -> WordPieceTokenizer:
    return WordPieceTokenizer(VOCABULARY, context=512)


@pytest.fixture(scope="module")
def theirs() -> BertTokenizer:
    return BertTokenizer(str(VOCABULARY))


def test_the_vocabulary_is_the_published_one(tokenizer: WordPieceTokenizer) -> None:
    # The checksum by which the hub knows vocab.txt of bert-base-uncased.
    assert hashlib.sha256(VOCABULARY.read_bytes()).hexdigest() == (
        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
    )
    assert (tokenizer.start, tokenizer.question_start, tokenizer.end, tokenizer.size) == (30522, 30523, SEP, 30524)


@pytest.mark.parametrize(
    "text",
    [
        "What is the boy doing?",
        "  HOW   many\tdogs\nare there ??",
        "Is that a naïve Ångström? İstanbul! ﬁne",
        "what does the sign say: 停止 or とまれ?",
        "מה יש בתמונה? ماذا يوجد؟",
        "is this 🐕 or 🐈‍⬛ 👩🏽‍🚀?",
        "unbelievablyantidisestablishmentarianism " + "x" * 150,
        "a\u200bb\x00c\u00adt-shirt's “price”: 3.50$/€",
    ],
)
def test_questions_are_tokenised_as_bert_does(tokenizer: WordPieceTokenizer, theirs: BertTokenizer, text: str) -> None:
    expected = theirs(text).input_ids
    assert expected[0] == CLS

    assert tokenizer.encode_question(text) == [tokenizer.question_start, *expected[1:]]


@pytest.mark.parametrize(
    "text",
    [
        "a woman sitting on the beach with her dog",
        "the man's t-shirt isn't red, is it? no! 11:30.",
        "unbelievably tall giraffes grazing",
        "##s",
    ],
)
def test_texts_read_as_transformers_decodes_them(
    tokenizer: WordPieceTokenizer, theirs: BertTokenizer, text: str
) -> None:
    tokens = theirs(text).input_ids[1:]
    stream = tokenizer.stream()
    pieces = []
    for token in tokens:
        peeked = stream.peek(token)
        pieces.append(stream.add(token))
        assert peeked == pieces[-1]

    decoded = theirs.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=True)
    assert "".join(pieces).strip() == decoded.strip()
    assert pieces[-1] == "", "the end token has no text"


def test_a_text_may_begin_with_the_rest_of_a_word(tokenizer: WordPieceTokenizer, theirs: BertTokenizer) -> None:
    tokens = theirs.convert_tokens_to_ids(["[UNK]", "##ing", "##s", "dog"])
    stream = tokenizer.stream()

    assert [stream.add(token) for token in tokens] == ["", "##ing", "s", " dog"]
    assert theirs.decode(tokens, skip_special_tokens=True) == "##ings dog"


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\u200b\x00"])
def test_an_empty_question_is_refused(tokenizer: WordPieceTokenizer, text: str) -> None:
    with pytest.raises(OptionError, match="question is empty"):
        tokenizer.encode_question(text)


def test_a_question_is_never_cut_silently(tokenizer: WordPieceTokenizer) -> None:
    longest = "dog " * 510
    assert len(tokenizer.encode_question(longest)) == 512

    with pytest.raises(OptionError) as caught:
        tokenizer.encode_question("dog\n" * 511)
    assert str(caught.value).startswith("The question “dog dog dog dog")
    assert "has 513 tokens" in str(caught.value)
    assert "at most 512" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tokenizer: WordPieceTokenizer) -> None:
    with pytest.raises(OptionError, match="no UTF-8 text") as caught:
        tokenizer.encode_question("what is \udcff this")
    str(caught.value).encode()  # can be printed


def test_the_added_tokens_may_stand_in_the_vocabulary(tmp_path: Path) -> None:
    path = tmp_path / "vocab.txt"
    path.write_text("[DEC]\n[ENC]\n[PAD]\n[UNK]\n[SEP]\ncat\n", encoding="utf-8")

    tokenizer = WordPieceTokenizer(path, context=5)

    assert (tokenizer.start, tokenizer.question_start, tokenizer.end, tokenizer.size) == (0, 1, 4, 6)
    assert tokenizer.encode_question("a cat") == [1, 3, 5, 4]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[PAD]\n[UNK]\ncat\n", r"lacks \[SEP\]"),
        (b"[PAD]\n[UNK]\n[SEP]\ncat\ncat\n", "stands in it twice"),
        (b"\xff\xfe\x00", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_is_no_vocabulary(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "vocab.txt"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ModelError, match=message):
        WordPieceTokenizer(path, context=5)

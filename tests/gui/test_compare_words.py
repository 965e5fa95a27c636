"""Which words two captions share."""

from __future__ import annotations

from cocadesk.gui.compare.words import counterpart, differing, spoken
from cocadesk.types import Token


def tokens(*texts: str) -> list[Token]:
    return [Token(0, at, hash(text), text, -1.0) for at, text in enumerate(texts)]


def test_pieces_are_put_together() -> None:
    words = spoken(tokens("a", " butter", "fly", ",", " on", " grass", ".", ""))
    assert [word.text for word in words] == ["a", "butterfly", "on", "grass"]
    assert [word.positions for word in words] == [(0,), (1, 2, 3), (4,), (5, 6)]
    assert [word.text for word in spoken(tokens("a ", "cat ", "", "on", " !"))] == ["a", "cat", "on", "!"]


def test_differing_words_are_found_by_what_they_read() -> None:
    left, right = tokens("a", " cat", " on", " a", " mat", ""), tokens("a ", "Mat ", "on ", "a ", "cat ", "")
    assert differing(left, right) == ({1, 4}, {1, 4})
    assert differing(left, left) == (set(), set())
    assert differing(left, []) == ({0, 1, 2, 3, 4}, set())


def test_words_in_other_pieces_are_the_same_words() -> None:
    left, right = tokens("a", " butterfly", " on", " grass"), tokens("a", " but", "ter", "fly", " on", " grass", ".")
    assert differing(left, right) == (set(), set())
    assert [counterpart(left, right, at) for at in range(4)] == [0, 1, 4, 5]
    assert [counterpart(right, left, at) for at in range(7)] == [0, 1, 1, 1, 2, 3, 3]
    other = tokens("a", " butter", "cup")
    assert differing(right, other) == ({1, 2, 3, 4, 5, 6}, {1, 2})


def test_word_that_stands_elsewhere_is_found_nearby() -> None:
    left = tokens("a", " cat", " and", " a", " dog")
    right = tokens("a", " dog", " and", " a", " cat", " and", " a", " dog")
    assert counterpart(left, right, 4) == 7, "the corresponding one"
    assert counterpart(right, left, 1) == 4, "out of order, but said"
    assert counterpart(left, tokens("a", " mouse"), 1) is None
    assert counterpart(left, right, 1) == 4
    assert counterpart(tokens("cat", ""), left, 1) is None, "the end is no word"
    assert counterpart(left, [], 1) is None

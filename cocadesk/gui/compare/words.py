"""Which words two captions share, though their models cut words into different pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cocadesk.types import Token

PUNCTUATION = " \t\n.,;:!?\"'“”’()[]"


@dataclass(frozen=True, slots=True)
class Spoken:
    """One word of a caption.

    Attributes:
        text: Lower case, without punctuation around it unless it is nothing else.
        positions: Of its pieces among the caption's tokens, one after the other.
    """

    text: str
    positions: tuple[int, ...]


def spoken(tokens: Sequence[Token]) -> list[Spoken]:
    """The words of a caption; tokens that nothing is read for, such as the end, belong to none."""
    pieces: list[list[int]] = []
    ended = True
    for at, token in enumerate(tokens):
        if not token.text.strip():
            ended = True
            continue
        if ended or token.text[0].isspace():
            pieces.append([])
        pieces[-1].append(at)
        ended = token.text[-1].isspace()
    return [Spoken(_read("".join(tokens[at].text for at in group)), tuple(group)) for group in pieces]


def differing(left: Sequence[Token], right: Sequence[Token]) -> tuple[set[int], set[int]]:
    """Positions of each caption's tokens whose words the other has not, in its order."""
    first, second = spoken(left), spoken(right)
    shared = _shared(first, second)
    alone = set(range(len(first))) - {at for at, _ in shared}, set(range(len(second))) - {at for _, at in shared}
    return (
        {position for at in alone[0] for position in first[at].positions},
        {position for at in alone[1] for position in second[at].positions},
    )


def counterpart(here: Sequence[Token], there: Sequence[Token], position: int) -> int | None:
    """The position of the same word in the other caption.

    Where both have it in the same order that is the word that corresponds to it; otherwise the nearest one that reads
    alike. Of a word in several pieces it is the piece in the same place, or the first where the other has fewer.

    Returns:
        None where the other caption has not that word, or the token is no part of one.
    """
    first, second = spoken(here), spoken(there)
    mine = next((at for at, word in enumerate(first) if position in word.positions), None)
    if mine is None:
        return None
    theirs = dict(_shared(first, second)).get(mine)
    if theirs is None:
        alike = [at for at, word in enumerate(second) if word.text == first[mine].text]
        if not alike:
            return None
        theirs = min(alike, key=lambda at: abs(at / len(second) - mine / len(first)))
    piece = first[mine].positions.index(position)
    positions = second[theirs].positions
    return positions[piece] if piece < len(positions) else positions[0]


def _read(text: str) -> str:
    return text.strip(PUNCTUATION).lower() or text.strip()


def _shared(first: Sequence[Spoken], second: Sequence[Spoken]) -> list[tuple[int, int]]:
    """Places, in the one and the other, of the longest common subsequence of words."""
    # longest[i][j] is the length of the longest one from first[i] and second[j] on.
    longest = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i in reversed(range(len(first))):
        for j in reversed(range(len(second))):
            same = 1 + longest[i + 1][j + 1] if first[i].text == second[j].text else 0
            longest[i][j] = max(same, longest[i + 1][j], longest[i][j + 1])
    shared, i, j = [], 0, 0
    while i < len(first) and j < len(second):
        if first[i].text == second[j].text and longest[i][j] == 1 + longest[i + 1][j + 1]:
            shared.append((i, j))
            i, j = i + 1, j + 1
        elif longest[i + 1][j] >= longest[i][j + 1]:
            i += 1
        else:
            j += 1
    return shared

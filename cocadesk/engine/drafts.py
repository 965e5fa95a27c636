"""Guesses at what a model says next, from what it has said before.

A decoding step on the CPU is bound by reading the weights, so a step with a few tokens costs little more than a step
with one. Where the next tokens can be guessed, one step checks them all: this is speculative decoding (Leviathan et
al. 2023, arXiv:2211.17192) with n-grams in place of a draft model, as in prompt lookup decoding (Saxena 2023). A guess
never decides anything: every token is chosen from the model's own logits, and a wrong guess is thrown away.

Over 200 pictures one after the other, the starter's captions of 10.1 tokens took 7.5 steps. Longer first guesses, and
guesses only where the last two or three tokens were seen together before, came out worse at the prices of float32.
"""

from __future__ import annotations

from collections.abc import Sequence


class Drafts:
    """The tokens that followed each n-gram when it last occurred.

    Args:
        longest: Most tokens of an n-gram; longer ones are asked first.
        room: Most n-grams that are kept; the oldest leave first.
    """

    def __init__(self, longest: int = 3, room: int = 50_000) -> None:
        self._longest = longest
        self._room = room
        self._followers: dict[tuple[int, ...], int] = {}

    def learn(self, tokens: Sequence[int], count: int = 1) -> None:
        """Note what the last `count` tokens of a text followed."""
        for place in range(max(1, len(tokens) - count), len(tokens)):
            for length in range(1, min(self._longest, place) + 1):
                gram = tuple(tokens[place - length : place])
                self._followers.pop(gram, None)  # what is set anew goes to the end, away from the oldest
                self._followers[gram] = tokens[place]
        while len(self._followers) > self._room:
            del self._followers[next(iter(self._followers))]

    def propose(self, tokens: Sequence[int], most: int) -> list[int]:
        """A guess at up to `most` tokens that follow a text; fewer, or none, where nothing like it was seen."""
        text = list(tokens[-self._longest :])
        guess: list[int] = []
        while len(guess) < most:
            grams = (tuple(text[-length:]) for length in range(min(self._longest, len(text)), 0, -1))
            follower = next((self._followers[gram] for gram in grams if gram in self._followers), None)
            if follower is None:
                break
            guess.append(follower)
            text.append(follower)
        return guess

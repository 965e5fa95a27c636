"""Questions about scenes: their answers are what is there, and none can be guessed without looking."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import photos
import pytest
import questions
import vqa_model
from nouns import NUMBER_OF
from questions import Question
from scenes import Group, Scene, Sprite, sample_scene

from cocadesk.engine.wordpiece import WordPieceTokenizer


def group(noun: str, count: int, size: float = 0.2) -> Group:
    return Group(NUMBER_OF[noun], tuple(Sprite(0.5, 0.5, size, 0.0, False) for _ in range(count)))


ROW = Scene((group("cat", 2), group("owl", 1, 0.4), group("lemon", 3)), "x", "plain", "green")
"""Two cats, an owl and three lemons from left to right; the owl is the biggest."""
PILE = Scene((group("car", 1), group("grapes", 1)), "y", "photographic", "")


def asked(scene: Scene, kind: str, times: int = 400) -> list[Question]:
    """Many questions of one kind."""
    rng = np.random.default_rng(3)
    found = [question for _ in range(times) for question in questions.of_every_kind(scene, rng)]
    return [question for question in found if question.kind == kind]


@pytest.mark.parametrize(
    ("scene", "kind", "about", "answer"),
    [
        (ROW, "what", "", "two cats, an owl and three lemons"),
        (ROW, "left", "owl", "two cats"),
        (ROW, "left", "lemons", "two cats and an owl"),
        (ROW, "left", "cats", "nothing"),
        (ROW, "right", "owl", "three lemons"),
        (ROW, "right", "lemons", "nothing"),
        (ROW, "count", "cats", "two"),
        (ROW, "count", "owls", "one"),
        (ROW, "colour", "", "green"),
        (ROW, "biggest", "", "an owl"),
        (ROW, "unknown", "", "i can't tell"),
        (PILE, "what", "", "a car and grapes"),
        (PILE, "above", "grapes", "a car"),
        (PILE, "below", "car", "grapes"),
        (PILE, "colour", "", "i can't tell"),
    ],
)
def test_the_answer_is_what_the_scene_shows(scene: Scene, kind: str, about: str, answer: str) -> None:
    named = re.compile(rf"\b(the|many) {about}\b" if about else "")
    found = [question for question in asked(scene, kind) if named.search(question.text)]
    assert found
    assert {question.answer for question in found} == {answer}


def test_things_of_one_size_have_no_biggest() -> None:
    assert not asked(PILE, "biggest")


@pytest.mark.parametrize("kind", ["left", "right", "above", "below"])
def test_nothing_can_be_told_of_where_an_absent_thing_is(kind: str) -> None:
    scene = ROW if kind in ("left", "right") else PILE
    shown = "cat|owl|lemon|car|grapes"
    absent = [question for question in asked(scene, kind) if not re.search(shown, question.text)]
    assert absent
    assert {question.answer for question in absent} == {"i can't tell"}


def test_asked_whether_a_thing_is_there_the_answer_is_whether_it_is() -> None:
    named = re.compile(r"\b(cat|owl|lemon)\b")
    found = asked(ROW, "there")
    assert all((question.answer == "yes") == bool(named.search(question.text)) for question in found)


def test_every_kind_is_asked_and_none_can_be_guessed() -> None:
    rng = np.random.default_rng(1)
    found = [question for _ in range(4000) for question in questions.sample(sample_scene(rng), rng, 2)]
    kinds = Counter(question.kind for question in found)
    assert set(kinds) == set(questions.KINDS)
    assert min(kinds.values()) > 0.02 * len(found)
    assert max(kinds[side] for side in ("left", "right", "above", "below")) < 1.4 * min(
        kinds[side] for side in ("left", "right", "above", "below")
    )
    for kind in set(questions.KINDS) - {"unknown"}:
        likeliest = Counter(question.answer for question in found if question.kind == kind).most_common(1)[0][1]
        assert likeliest < 0.55 * kinds[kind], kind
    yes = sum(question.answer == "yes" for question in found if question.kind == "there")
    assert 0.45 < yes / kinds["there"] < 0.55


def test_half_of_what_is_not_there_is_of_a_similar_kind() -> None:
    def noun_of(text: str) -> int | None:
        names = [name for name in NUMBER_OF if re.search(rf"\b{name}\b", text)]
        return NUMBER_OF[max(names, key=len)] if names else None

    lone = Scene((group("tiger", 1),), "", "plain", "red")
    absent = [noun_of(question.text) for question in asked(lone, "there", 1000) if question.answer == "no"]
    near = [noun is not None and abs(noun - NUMBER_OF["tiger"]) <= 4 for noun in absent]
    assert 0.4 < np.mean(near) < 0.65


def test_the_same_seed_asks_the_same() -> None:
    first, second = (questions.sample(ROW, np.random.default_rng(8), 6) for _ in range(2))
    assert first == second
    assert first != questions.sample(ROW, np.random.default_rng(9), 6)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("Two cats, an owl and three lemons", True),
        ("three lemons, an owl and two cats", True),
        ("2 cats, owl and 3 lemons.", True),
        ("two cats and an owl", False),
        ("two cats, an owl and two lemons", False),
        ("cats, an owl and three lemons", False),
        ("", False),
    ],
)
def test_an_answer_may_leave_articles_out_and_name_things_in_any_order(answer: str, right: bool) -> None:
    assert questions.is_right(asked(ROW, "what")[0], answer) is right


def test_one_and_a_differ_only_where_one_is_the_answer() -> None:
    count = next(question for question in asked(ROW, "count") if question.answer == "one")
    assert questions.is_right(count, "1")
    assert not questions.is_right(count, "two")
    assert not questions.is_right(count, "")


@pytest.mark.parametrize("kind", photos.KINDS.values(), ids=photos.KINDS)
def test_a_photograph_is_what_its_label_says(kind: photos.Kind) -> None:
    rng = np.random.default_rng(4)
    found = [(label, question) for label in range(10) for question in questions.sample_photo(kind, label, rng, 60)]
    for label, question in found:
        if question.kind == "this":
            assert question.answer == photos.named(kind, label)
        else:
            assert (question.answer == "yes") == question.text.rstrip("?").endswith(photos.named(kind, label))
    answers = Counter(question.answer for _, question in found if question.kind == "is this")
    assert 0.4 < answers["yes"] / answers.total() < 0.6


def test_the_vocabulary_reads_every_question_as_the_application_does(tmp_path: Path) -> None:
    pieces = vqa_model.vocabulary()
    assert len(set(pieces)) == len(pieces)
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    application, words = WordPieceTokenizer(tmp_path / "vocab.txt", context=48), vqa_model.WordPieces(pieces)
    rng = np.random.default_rng(2)
    texts = [question.text for _ in range(300) for question in questions.of_every_kind(sample_scene(rng), rng)]
    for text in (*texts, "Where's Wally's x-ray?"):
        numbers = words.question(text)
        assert numbers == application.encode_question(text)
        assert all(not words.pieces[number].startswith("##") for number in numbers) or "Wally" in text
        assert words.pieces.index("[UNK]") not in numbers


def test_answers_come_back_from_their_pieces() -> None:
    words = vqa_model.WordPieces(vqa_model.vocabulary())
    rng = np.random.default_rng(5)
    for _ in range(300):
        for question in questions.of_every_kind(sample_scene(rng), rng):
            assert questions.is_right(question, words.decode(words.answer(question.answer)[1:]))

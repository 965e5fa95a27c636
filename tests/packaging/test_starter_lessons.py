"""What the stages of training are taught: pictures, texts, questions and classes that belong together."""

from __future__ import annotations

import re
from pathlib import Path

import files
import lessons
import model
import numpy as np
import photos
import tokenizer
import torch
import vqa_model
from lessons import Lessons, Studio
from nouns import NOUNS
from open_clip.tokenizer import SimpleTokenizer
from scenes import caption, noun_phrase, read_caption, sample_scene
from style import Style

BUNDLED = Path(__file__).parents[2] / "resources" / "models" / "starter-coca" / "merges.txt.gz"


def lesson_of(stage: str, world: Path, *read: object) -> tuple[Studio, lessons.Lesson]:
    studio = Studio(32, 2, "cpu")
    made = Lessons(
        stage,
        60,
        seeds=(0, 0),
        style=Style(),
        catalogue=studio.renderer.catalogue,
        labels=studio.labels,
        read=read,
        progress=lambda _: 0.5,
    )
    first, again, other = made[3], made[3], made[4]
    assert all(np.array_equal(first[name], again[name]) for name in first if isinstance(first[name], np.ndarray))
    assert first["seed"] != other["seed"]
    return studio, first


def test_a_text_fits_the_pictures_it_is_about(world: Path) -> None:
    tokenizer.write(world / files.MERGES)
    read = tokenizer.CaptionEncoder(model.tokenizer(world))
    studio, lesson = lesson_of("caption", world, read)
    drawn = studio.draw(lesson)
    assert drawn["pictures"].shape == (60, 3, 32, 32)
    assert torch.allclose(drawn["classes"].sum(1), torch.ones(60))
    key = lesson["text_key"][None]
    fits = (lesson["picture_key"][:, None] == key) | (lesson["sole_key"][:, None] == key)
    assert fits.diagonal().all()
    classes = lesson["classes"]
    names = [
        *(noun["noun"] for noun in NOUNS),
        *(label.lower() for kind in (photos.FASHION, photos.CIFAR) for label in kind.labels),
    ]
    for row, column in np.argwhere(fits & ~np.eye(60, dtype=bool)):
        assert {names[at] for at in classes[row] if at >= 0} == {names[at] for at in classes[column] if at >= 0}
    photographs = np.arange(60) >= 60 - 7 - 13
    assert 0 < lesson["captioned"][photographs].mean() < 1
    assert (drawn["cells"][photographs] == lessons.IGNORED).all()
    assert (drawn["cells"][~photographs] >= 0).all()


def test_pictures_texts_and_classes_of_a_lesson_belong_together(world: Path) -> None:
    tokenizer.write(world / files.MERGES)
    tokenize = model.tokenizer(world)
    studio, lesson = lesson_of("caption", world, tokenizer.CaptionEncoder(tokenize))
    cells = studio.draw(lesson)["cells"]
    for row, classes in enumerate(lesson["classes"]):
        shown = {int(number) for number in classes if number >= 0}
        text = tokenize.decode([int(token) for token in lesson["text"][row] if token][1:-1])
        if row >= studio_scenes(lesson):
            kind = photos.FASHION if min(shown) < photos.CIFAR.first else photos.CIFAR
            name = re.sub(r"[^a-z]", "", kind.names[min(shown) - kind.first])
            label = re.sub(r"[^a-z]", "", kind.labels[min(shown) - kind.first].lower())
            assert {name in re.sub(r"[^a-z]", "", text), label in re.sub(r"[^a-z]", "", text)} & {True}
        else:
            assert set(cells[row].unique().tolist()) - {len(NOUNS)} <= shown
            if lesson["captioned"][row]:
                assert set(read_caption(text).counts) == shown


def studio_scenes(lesson: lessons.Lesson) -> int:
    """How many of a lesson's pictures are scenes."""
    return len(lesson["scenes"]["kind"])


def test_a_lesson_of_captions_tells_which_words_count_and_name_things(world: Path) -> None:
    tokenizer.write(world / files.MERGES)
    tokenize = model.tokenizer(world)
    studio, lesson = lesson_of("caption", world, tokenizer.CaptionEncoder(tokenize))
    scenes = studio_scenes(lesson)
    silent = ~lesson["captioned"] | (np.arange(60) >= scenes)
    assert (lesson["text_nouns"][silent] == lessons.NO_NOUN).all()
    assert (~silent).sum() > 20
    for row in np.flatnonzero(~silent):
        assert set(lesson["text_nouns"][row]) - {lessons.NO_NOUN} <= set(lesson["classes"][row])
        for noun, count in zip(lesson["classes"][row], lesson["counts"][row], strict=True):
            if noun >= 0:
                said = lesson["text"][row][lesson["text_nouns"][row] == noun]
                assert tokenize.decode(said.tolist()).strip() == noun_phrase(noun, count).lower()
    drawn = studio.draw(lesson)
    for row, cells in enumerate(drawn["cells"]):
        counts = dict(zip(lesson["classes"][row], lesson["counts"][row], strict=True))
        for cell, number in zip(cells.flatten().tolist(), drawn["of_its_kind"][row].flatten().tolist(), strict=True):
            assert number == (counts[cell] - 1 if 0 <= cell < len(NOUNS) else lessons.IGNORED)


def test_a_lesson_of_questions_holds_their_answers(world: Path) -> None:
    words = vqa_model.WordPieces(vqa_model.vocabulary())
    _, lesson = lesson_of("vqa", world, words)
    for classes, numbers in zip(lesson["classes"], lesson["answer"], strict=True):
        said = [read_caption(words.decode(row[1:].tolist())).counts for row in numbers]
        shown = {int(number) for number in classes if number >= 0}
        if max(shown) < len(NOUNS):
            assert all(set(counts) <= shown for counts in said)
    assert lesson["question"].shape[:2] == lesson["answer"].shape[:2] == (60, lessons.COURSES["vqa"].questions)
    asked = [words.decode(row[1:].tolist()) for row in lesson["question"].reshape(-1, lesson["question"].shape[2])]
    told = [words.decode(row[1:].tolist()) for row in lesson["answer"].reshape(-1, lesson["answer"].shape[2])]
    assert all(text.endswith((" ?", "?", ".")) for text in asked)
    assert {answer for text, answer in zip(asked, told, strict=True) if text.startswith("is there")} <= {"yes", "no"}


def test_a_lesson_of_questions_tells_which_words_name_things(world: Path) -> None:
    words = vqa_model.WordPieces(vqa_model.vocabulary())
    _, lesson = lesson_of("vqa", world, words)
    scenes, there, absent = studio_scenes(lesson), 0, 0
    assert (lesson["question_nouns"][scenes:] == lessons.NO_NOUN).all()
    for classes, asked, named in zip(lesson["classes"], lesson["question"], lesson["question_nouns"], strict=True):
        for tokens, numbers in zip(asked, named, strict=True):
            for noun in set(numbers.tolist()) - {lessons.NO_NOUN}:
                name = words.decode(tokens[numbers == noun].tolist())
                assert name in (NOUNS[noun]["noun"], NOUNS[noun]["plural"])
                there, absent = there + (noun in classes), absent + (noun not in classes)
    for asked, named in zip(lesson["question"][:scenes], lesson["question_nouns"][:scenes], strict=True):
        for tokens, numbers in zip(asked, named, strict=True):
            text = words.decode(tokens[1:].tolist())
            if re.match(r"(is there|how many|count|can you see)\b", text):
                assert (numbers != lessons.NO_NOUN).any(), text
    assert there > 30
    assert absent > 10


def test_the_quick_encoder_reads_as_open_clips_tokenizer() -> None:
    tokenize = SimpleTokenizer(str(BUNDLED), context_length=32)
    read = tokenizer.CaptionEncoder(tokenize)
    rng = np.random.default_rng(0)
    texts = [caption(sample_scene(rng), rng) for _ in range(200)]
    texts += [photos.prompt(label, rng) for kind in photos.KINDS.values() for label in kind.labels]
    texts += [photos.caption(kind, label, rng) for kind in photos.KINDS.values() for label in range(10)]
    assert np.array_equal(read(texts), tokenize(texts).numpy())

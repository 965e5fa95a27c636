"""Ranking and zero-shot classification: the arithmetic, and what the models make of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from open_clip.transform import image_transform
from PIL import Image
from torch import Tensor

from cocadesk.engine.coca import CocaModel
from cocadesk.engine.zero_shot import embed_classes, fill_template, likeliest, rank_texts, softmax
from cocadesk.errors import Cancelled, InputError, OptionError
from cocadesk.types import CancelToken, Clip, Comparison, Picture, PictureEmbedded, TextsEmbedded
from tests.engine.conftest import TINY
from tests.fakes.reader import FakeReader

TEXTS = ["a cat", "two dogs on green", "cat", "a green dog", "on on on"]


def unit(rows: object) -> np.ndarray:
    return np.asarray(rows, np.float64) / np.linalg.norm(rows, axis=-1, keepdims=True)


def random_unit(count: int, width: int = 16) -> np.ndarray:
    return unit(np.random.default_rng(count).normal(size=(count, width))).astype(np.float32)


# The arithmetic


def test_a_template_is_filled_wherever_its_braces_are() -> None:
    assert fill_template("a {}, just a {}", ["cat", "{x} dog"]) == ["a cat, just a cat", "a {x} dog, just a {x} dog"]


def test_a_template_without_braces_is_refused() -> None:
    with pytest.raises(OptionError, match=r"“a photo” needs \{\}"):
        fill_template("a photo", ["cat"])


def test_a_class_is_the_normalised_mean_over_the_templates() -> None:
    table = dict(zip(("a x", "a y", "no x", "no y"), random_unit(4), strict=True))

    found = embed_classes(lambda texts: np.stack([table[text] for text in texts]), ["x", "y"], ["a {}", "no {}"])

    assert np.allclose(found, unit([table["a x"] + table["no x"], table["a y"] + table["no y"]]), atol=1e-7)


@pytest.mark.parametrize(("labels", "templates"), [([], ["{}"]), (["x"], [])])
def test_classes_need_a_label_and_a_template(labels: list[str], templates: list[str]) -> None:
    with pytest.raises(OptionError, match="at least one label and one template"):
        embed_classes(lambda texts: random_unit(len(texts)), labels, templates)


def test_softmax_survives_large_logits() -> None:
    logits = np.asarray([[1000.0, 1001.0, -1000.0], [0.1, 0.2, 0.3]], np.float32)

    expected = torch.softmax(torch.tensor(logits, dtype=torch.float64), -1).numpy()
    assert np.allclose(softmax(logits), expected, atol=1e-12)


def test_the_likeliest_come_first_and_equal_ones_in_order() -> None:
    assert likeliest(np.asarray([0.1, 0.4, 0.4, 0.05, 0.05]), 3) == [1, 2, 0]
    assert likeliest(np.asarray([0.5, 0.5]), 10) == [0, 1]


def test_texts_are_ranked_by_cosine_distance() -> None:
    image, texts = random_unit(1)[0], random_unit(7)

    found = rank_texts(image, texts, [f"text {number}" for number in range(7)], scale=20.0)

    cosine = texts.astype(np.float64) @ image.astype(np.float64)
    expected = torch.softmax(torch.tensor(20 * cosine), 0).numpy()
    for ranked in found:
        number = int(ranked.text.split()[1])
        assert abs(ranked.cosine_distance - (1 - cosine[number])) < 1e-6
        assert abs(ranked.probability - expected[number]) < 1e-6
    distances = [ranked.cosine_distance for ranked in found]
    assert distances == sorted(distances)
    assert len({ranked.text for ranked in found}) == 7


def test_numbers_of_16_bits_do_not_bend_the_distance() -> None:
    image = random_unit(1)[0]
    rough = torch.tensor(1.003 * image).bfloat16().float().numpy()

    [ranked] = rank_texts(rough, rough[None], ["itself"], scale=1.0)

    assert abs(ranked.cosine_distance) < 1e-7


def test_no_text_is_an_empty_ranking() -> None:
    assert rank_texts(random_unit(1)[0], np.empty((0, 16), np.float32), [], scale=1.0) == ()


# A model that reads texts


def test_texts_are_embedded_once(pictures: list[Picture]) -> None:
    reader = FakeReader()
    first = reader.rank(pictures[0], ["a", "b", "a"])
    reader.rank(pictures[1], ["b", "c"])
    list(reader.classify(pictures, ["b", "d"], template="{}"))

    assert sorted(reader.read) == ["a", "b", "c", "d"]
    assert sorted(ranked.text for ranked in first) == ["a", "a", "b"]
    assert len({ranked.cosine_distance for ranked in first if ranked.text == "a"}) == 1


def test_the_store_of_texts_is_bounded(pictures: list[Picture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocadesk.engine.zero_shot._TEXTS_KEPT", 3)
    reader = FakeReader()
    fresh = FakeReader().rank(pictures[0], ["c", "d"])

    reader.rank(pictures[0], ["a", "b"])
    found = reader.rank(pictures[0], ["c", "d"])
    reader.rank(pictures[0], ["a"])

    assert found == fresh
    assert reader.read == ["a", "b", "c", "d", "a"]


def test_pictures_are_classified_in_order_and_in_batches(pictures: list[Picture]) -> None:
    reader = FakeReader()
    many = [pictures[number % 5] for number in range(40)]

    results = list(reader.classify(many, ["x", "y", "z"], top=2))

    assert [result.picture for result in results] == list(range(40))
    assert all(len(result.top) == 2 for result in results)
    assert results[3].top == results[38].top
    assert max(reader.seen) <= 16


def test_classifying_stops_between_batches(pictures: list[Picture]) -> None:
    cancel = CancelToken()
    results = FakeReader().classify([pictures[0]] * 40, ["x", "y"], cancel=cancel)

    next(results)
    cancel.cancel()

    with pytest.raises(Cancelled):
        list(results)


@pytest.mark.parametrize("labels", [None, []])
def test_a_model_that_reads_needs_labels(pictures: list[Picture], labels: list[str] | None) -> None:
    with pytest.raises(OptionError, match="has no classes of its own"):
        next(FakeReader().classify(pictures, labels))


def test_no_class_at_all_cannot_be_named(pictures: list[Picture]) -> None:
    with pytest.raises(OptionError, match="At least 1 class"):
        next(FakeReader().classify(pictures, ["x"], top=0))


# Several pictures, several texts


def test_pictures_and_texts_are_compared_each_with_each(pictures: list[Picture]) -> None:
    reader = FakeReader()
    texts = [f"text {number}" for number in range(20)]

    events = list(reader.compare(pictures, texts))

    result = events[-1]
    assert isinstance(result, Comparison)
    images, read = (rows.astype(np.float64) for rows in (reader.embed_image(pictures), reader.embed_text(texts)))
    assert np.allclose(result.similarities, images @ read.T, atol=1e-6)
    expected = torch.softmax(torch.tensor(reader.logit_scale * images @ read.T), -1).numpy()
    assert np.allclose(result.probabilities, expected, atol=1e-6)
    assert (result.refused, result.model) == ((), "starter-coca")
    embedded = [event for event in events if isinstance(event, PictureEmbedded)]
    assert [event.picture for event in embedded] == [0, 1, 2, 3, 4]
    assert [event for event in events if isinstance(event, TextsEmbedded)] == [
        TextsEmbedded(16, 20),
        TextsEmbedded(20, 20),
    ]

    reader.seen.clear()
    reader.read.clear()
    given = [embedded[3].embedding, pictures[0]]
    *more, again = reader.compare(given, ["text 3", "new"])
    assert isinstance(again, Comparison)
    assert [type(event) for event in more] == [PictureEmbedded, TextsEmbedded]
    assert (sum(reader.seen), reader.read) == (1, ["new"])
    assert np.allclose(again.similarities[:, 0], result.similarities[[3, 0], 3], atol=1e-12)


def test_a_text_that_cannot_be_read_is_named_and_the_others_compared(pictures: list[Picture]) -> None:
    reader = FakeReader()
    texts = ["a", "x" * 201, "b", "x" * 201, "c"]

    *_, result = reader.compare(pictures[:2], texts)

    assert isinstance(result, Comparison)
    assert [number for number, _ in result.refused] == [1, 3]
    assert all("too many tokens" in why for _, why in result.refused)
    assert np.isnan(result.similarities).tolist() == [[False, True, False, True, False]] * 2
    *_, clean = FakeReader().compare(pictures[:2], ["a", "b", "c"])
    assert isinstance(clean, Comparison)
    assert np.allclose(result.probabilities[:, [0, 2, 4]], clean.probabilities)
    *_, nothing = reader.compare(pictures[:2], ["x" * 201])
    assert isinstance(nothing, Comparison)
    assert np.isnan(nothing.probabilities).all()


def test_comparing_stops_between_batches_and_keeps_what_was_read(pictures: list[Picture]) -> None:
    reader, cancel = FakeReader(), CancelToken()
    texts = [f"text {number}" for number in range(40)]
    events = reader.compare(pictures[:1], texts, cancel)
    for event in events:
        if isinstance(event, TextsEmbedded):
            cancel.cancel()
            break
    with pytest.raises(Cancelled):
        list(events)
    list(reader.compare(pictures[:1], texts))
    assert sorted(reader.read) == sorted(texts)


def test_more_texts_than_are_kept_are_compared(pictures: list[Picture], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cocadesk.engine.zero_shot._TEXTS_KEPT", 30)
    texts = [f"text {number}" for number in range(40)]
    reader = FakeReader()
    list(reader.compare(pictures[:1], texts[:20]))

    *_, result = reader.compare(pictures[:1], texts)

    assert isinstance(result, Comparison)
    expected = FakeReader().embed_image(pictures[:1]).astype(np.float64) @ FakeReader().embed_text(texts).T
    assert np.allclose(result.similarities, expected, atol=1e-6)


def test_coca_compares_as_it_ranks(tiny: CocaModel, pictures: list[Picture]) -> None:
    texts = [*TEXTS, "cat " * 15]

    *_, result = tiny.compare(pictures, texts)

    assert isinstance(result, Comparison)
    assert result.refused[0][0] == len(TEXTS)
    assert "has 17 tokens" in result.refused[0][1]
    for number, picture in enumerate(pictures):
        for ranked in tiny.rank(picture, TEXTS):
            at = TEXTS.index(ranked.text)
            assert abs(1 - result.similarities[number, at] - ranked.cosine_distance) < 1e-6
            assert abs(result.probabilities[number, at] - ranked.probability) < 1e-6


# CoCa


@torch.inference_mode()
def coca_embeddings(model: CocaModel, pictures: list[Picture], texts: list[str]) -> tuple[Tensor, Tensor]:
    """What open_clip's own preprocessing and encoders make of them."""
    prepared = TINY["preprocess_cfg"]
    transform = image_transform(TINY["vision_cfg"]["image_size"], is_train=False, **prepared)
    pixels = torch.stack([transform(Image.fromarray(picture.pixels)) for picture in pictures])
    tokens = torch.zeros((len(texts), model.tokenizer.context), dtype=torch.long)
    for row, text in zip(tokens, texts, strict=True):
        encoded = model.tokenizer.encode(text)
        row[: len(encoded)] = torch.tensor(encoded)
    return model.module.encode_image(pixels, normalize=True), model.module.encode_text(tokens, normalize=True)


def test_coca_ranks_as_open_clips_encoders_say(tiny: CocaModel, pictures: list[Picture]) -> None:
    image, texts = coca_embeddings(tiny, pictures[2:3], TEXTS)

    found = tiny.rank(pictures[2], TEXTS)

    cosine = (texts @ image[0]).tolist()
    probability = torch.softmax(tiny.module.logit_scale.exp() * (texts @ image[0]), 0).tolist()
    assert [ranked.text for ranked in found] == [TEXTS[at] for at in np.argsort(cosine)[::-1]]
    for ranked in found:
        at = TEXTS.index(ranked.text)
        assert abs(ranked.cosine_distance - (1 - cosine[at])) < 1e-5
        assert abs(ranked.probability - probability[at]) < 1e-5


def test_coca_classifies_by_its_temperature(tiny: CocaModel, pictures: list[Picture]) -> None:
    labels = ["cat", "dog", "green"]
    image, texts = coca_embeddings(tiny, pictures, [f"two {label}" for label in labels])

    found = list(tiny.classify(pictures, labels, template="two {}"))

    expected = torch.softmax(tiny.module.logit_scale.exp() * image @ texts.T, -1)
    for result, row in zip(found, expected, strict=True):
        assert {score.label for score in result.top} == set(labels)
        for score in result.top:
            assert abs(score.probability - row[labels.index(score.label)].item()) < 1e-4
        assert result.model == "tiny-coca"


def test_a_clip_is_the_mean_of_its_frames(tiny: CocaModel, pictures: list[Picture]) -> None:
    frames = (pictures[0], Picture("other", pictures[4].pixels[:24, :24]))
    image, texts = coca_embeddings(tiny, list(frames), TEXTS)
    mean = torch.nn.functional.normalize(image.mean(0), dim=0)

    found = tiny.rank(Clip("clip", frames, (0, 1)), TEXTS)

    for ranked in found:
        assert abs(ranked.cosine_distance - (1 - (texts @ mean)[TEXTS.index(ranked.text)].item())) < 1e-5


def test_a_text_that_is_too_long_is_told_not_cut(tiny: CocaModel, pictures: list[Picture]) -> None:
    with pytest.raises(OptionError, match=r"has 17 tokens.*at most 14"):
        tiny.rank(pictures[0], ["cat", "cat " * 15])


def test_a_file_that_is_no_picture(tiny: CocaModel) -> None:
    with pytest.raises(InputError, match="no such file"):
        tiny.rank("nowhere.png", ["cat"])

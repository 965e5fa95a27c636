"""Deletion and insertion curves equal those of a plain loop over the libraries' own forwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from cocadesk.engine.attention_geometry import PatchLayout
from cocadesk.engine.blip import BlipCaptionModel, BlipVqaModel
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.faithfulness import (
    AnswerTarget,
    CaptionTarget,
    ClassTarget,
    Curves,
    Faithfulness,
    FaithfulnessProgress,
    Target,
    TextTarget,
    WordTarget,
    faithfulness,
)
from cocadesk.engine.preprocess import Preprocessing, geometry, preprocess
from cocadesk.engine.vit import VitModel
from cocadesk.errors import Cancelled, ModelError, OptionError
from cocadesk.types import CancelToken, Clip, Picture
from tests.engine import blip_models
from tests.engine.blip_models import captioner, vqa  # noqa: F401 — fixtures
from tests.engine.test_vit import folder, vit_bundle  # noqa: F401 — fixtures
from tests.engine.test_vit import tiny as tiny_vit  # noqa: F401 — a fixture

Score = Callable[[torch.Tensor], float]


def run(*args: Any, **options: Any) -> Faithfulness:
    *progress, result = faithfulness(*args, **options)
    assert isinstance(result, Faithfulness)
    assert all(isinstance(event, FaithfulnessProgress) for event in progress)
    last = progress[-1]
    assert isinstance(last, FaithfulnessProgress)
    assert last.done == last.total
    return result


def layout_of(model: Any, picture: Picture, grid: tuple[int, int], patch: int) -> PatchLayout:
    return PatchLayout(geometry(picture.width, picture.height, model._preprocessing), grid, (patch, patch), 1)


def by_loop(model: Any, picture: Picture, order: list[int], columns: int, score: Score) -> Curves:
    """One patch after the other, hidden behind grey on the normalised square, one forward each."""
    patch = 8
    square = torch.from_numpy(preprocess(picture.pixels, model._preprocessing)[0])
    wanted = model._preprocessing
    grey = (128 / 255 - torch.tensor(wanted.mean)) / torch.tensor(wanted.std)
    curves: dict[bool, list[float]] = {True: [], False: []}
    for deletes, found in curves.items():
        for count in range(len(order) + 1):
            shown = square.clone()
            for patch_number in order[:count] if deletes else order[count:]:
                row, column = divmod(patch_number, columns)
                shown[:, row * patch : (row + 1) * patch, column * patch : (column + 1) * patch] = grey[:, None, None]
            found.append(score(shown[None]))
    return Curves(np.arange(len(order) + 1) / len(order), np.array(curves[True]), np.array(curves[False]))


def assert_alike(found: Curves, expected: Curves) -> None:
    assert np.allclose(found.shares, expected.shares)
    spread = np.ptp(expected.deletion)
    assert spread > 0.01 * np.abs(expected.deletion).max()
    for mine, theirs in ((found.deletion, expected.deletion), (found.insertion, expected.insertion)):
        assert np.abs(mine - theirs).max() < 1e-3 * spread
    # The trapezoid rule by hand.
    heights = expected.deletion
    area = sum((heights[at] + heights[at + 1]) / 2 for at in range(len(heights) - 1)) / (len(heights) - 1)
    assert found.deletion_area == pytest.approx(area, rel=1e-4)


def values_of(rows: int, columns: int, seed: int = 1) -> tuple[np.ndarray, list[int]]:
    """A map with ties, and its patches from the highest down, the first of equal ones first."""
    values = np.random.default_rng(seed).integers(0, 5, (rows, columns)).astype(np.float32)
    flat = values.ravel().tolist()
    return values, sorted(range(len(flat)), key=lambda at: (-flat[at], at))


@pytest.mark.parametrize("index", [0, 2])
@torch.inference_mode()
def test_a_cocas_word(tiny: CocaModel, pictures: list[Picture], index: int) -> None:
    tokens = tuple(tiny.tokenizer.encode_caption("two green dogs"))
    fed = torch.tensor([[tiny.tokenizer.start, *tokens]])
    values, order = values_of(3, 3)

    def score(square: torch.Tensor) -> float:
        logits = tiny.module(square, fed, output_labels=False)["logits"]
        return float(logits[0, index].softmax(-1)[tokens[index]])

    result = run(
        tiny, pictures[1], values, layout_of(tiny, pictures[1], (3, 3), 8), WordTarget(tokens, index), fill="grey"
    )

    assert_alike(result.of_map, by_loop(tiny, pictures[1], order, 3, score))
    assert result.target == WordTarget(tokens, index)


@torch.inference_mode()
def test_random_orders_are_those_of_the_seed_and_averaged(tiny: CocaModel, pictures: list[Picture]) -> None:
    text = tiny.embed_text("cat")[0]
    values, _ = values_of(3, 3)

    def score(square: torch.Tensor) -> float:
        return float(tiny.module(square)["image_features"][0] @ torch.from_numpy(text))

    result = run(
        tiny,
        pictures[4],
        values,
        layout_of(tiny, pictures[4], (3, 3), 8),
        TextTarget("cat"),
        fill="grey",
        orders=3,
        seed=5,
    )

    random = np.random.default_rng(5)
    loops = [by_loop(tiny, pictures[4], random.permutation(9).tolist(), 3, score) for _ in range(3)]
    mean = Curves(
        loops[0].shares, np.mean([each.deletion for each in loops], 0), np.mean([each.insertion for each in loops], 0)
    )
    assert_alike(result.at_random, mean)
    assert result.at_random.insertion_area == pytest.approx(np.mean([each.insertion_area for each in loops]), rel=1e-4)


@torch.inference_mode()
def test_a_class_of_a_model_that_crops(tiny_vit: VitModel, pictures: list[Picture]) -> None:  # noqa: F811
    assert tiny_vit._preprocessing.crop < 1
    values, order = values_of(5, 5)

    def score(square: torch.Tensor) -> float:
        return float(tiny_vit.module(square)[0].softmax(-1)[3])

    layout = layout_of(tiny_vit, pictures[1], (5, 5), 8)
    result = run(tiny_vit, pictures[1], values, layout, ClassTarget("jay"), fill="grey", steps=100)

    assert_alike(result.of_map, by_loop(tiny_vit, pictures[1], order, 5, score))


@torch.inference_mode()
def test_captions_and_answers_of_blips(
    captioner: BlipCaptionModel,  # noqa: F811
    vqa: BlipVqaModel,  # noqa: F811
    pictures: list[Picture],
) -> None:
    values, order = values_of(3, 3)
    said = tuple(captioner.tokenizer.encode_caption("two dogs"))
    answer = vqa.tokenizer.encode_caption("two dogs")
    asked = vqa.tokenizer.encode_question("what is it?")

    def logprobs(model: BlipCaptionModel | BlipVqaModel, source: torch.Tensor, tokens: Any) -> torch.Tensor:
        fed = torch.tensor([[model.tokenizer.start, *tokens[:-1]]])
        found = blip_models.logits(model, source, fed)[0].log_softmax(-1)
        return torch.stack([found[place, token] for place, token in enumerate(tokens)])

    def caption(square: torch.Tensor) -> float:
        return float(logprobs(captioner, captioner.module.vision_model(square).last_hidden_state, said).mean().exp())

    def answered(square: torch.Tensor) -> float:
        states = blip_models.question_states(vqa, vqa.module.vision_model(square).last_hidden_state, asked)
        return float(logprobs(vqa, states, answer).sum().exp())

    for model, target, score in (
        (captioner, CaptionTarget(said), caption),
        (vqa, AnswerTarget("what is it?", "two dogs"), answered),
    ):
        layout = layout_of(model, pictures[2], (3, 3), 8)
        result = run(model, pictures[2], values, layout, target, fill="grey")
        assert_alike(result.of_map, by_loop(model, pictures[2], order, 3, score))


@dataclass
class Looker:
    """Its similarity to any text is how red a picture is; it keeps the squares it was given."""

    _preprocessing: Preprocessing
    seen: list[np.ndarray] = field(default_factory=list)
    card: Any = field(default_factory=lambda: SimpleNamespace(require=lambda _: None))

    def embed_text(self, _: str) -> np.ndarray:
        return np.array([[1.0, 0.0]], np.float32)

    def embed_image(self, items: list[Picture | Clip]) -> np.ndarray:
        found = []
        for item in items:
            frames = item.frames if isinstance(item, Clip) else (item,)
            squares = [preprocess(frame.pixels, self._preprocessing)[0] for frame in frames]
            self.seen.append(squares[0])
            red = float(np.mean([square[0].mean() for square in squares]))
            found.append([red, np.sqrt(1 - red**2)])
        return np.array(found, np.float32)


PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def half_red(width: int, height: int) -> Picture:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2] = (255, 0, 0)
    return Picture("half", pixels)


def test_padding_does_not_count() -> None:
    """Of 4 × 4 patches of a wide picture, letterboxed, the two rows in the middle show it."""
    model = Looker(Preprocessing(32, resize_mode="longest", interpolation="bilinear", **PLAIN))
    picture = half_red(32, 16)
    values = np.arange(16, dtype=np.float32).reshape(4, 4)

    result = run(model, picture, values, layout_of(model, picture, (4, 4), 8), TextTarget("red"), fill="grey", orders=1)

    assert len(result.of_map.shares) == 9
    red, grey = 8 * 64 / 2, 128 / 255
    # Ranked 11 … 8, then 7 … 4: in each row two black patches first, then two red ones.
    expected = [red]
    for black in (True, True, False, False) * 2:
        expected.append(expected[-1] + 64 * (grey if black else grey - 1))
    assert np.allclose(result.of_map.deletion, np.array(expected) / 32**2, atol=1e-5)
    assert all((square[:, :8] == 0).all() and (square[:, 24:] == 0).all() for square in model.seen)


@pytest.mark.parametrize("fill", ["mean", "blur"])
def test_fills(fill: Any) -> None:
    model = Looker(Preprocessing(32, resize_mode="squash", **PLAIN))
    pixels = np.random.default_rng(2).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    picture = Picture("noise", pixels)

    run(model, picture, np.zeros((4, 4)), layout_of(model, picture, (4, 4), 8), TextTarget(""), fill=fill, orders=1)

    whole, hidden = (np.rint(square * 255).transpose(1, 2, 0) for square in model.seen[:2])
    blurred = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(8)), float)
    expected = blurred if fill == "blur" else np.broadcast_to(np.rint(pixels.mean((0, 1))), pixels.shape)
    assert np.array_equal(whole, pixels)
    assert np.array_equal(hidden, expected)
    assert hidden.std() < 0.2 * pixels.std()


def test_a_perfect_map_beats_a_random_one_and_the_opposite_is_worse() -> None:
    model = Looker(Preprocessing(32, resize_mode="squash", interpolation="bilinear", **PLAIN))
    picture = half_red(64, 64)
    layout = layout_of(model, picture, (4, 4), 8)
    values = np.zeros((4, 4))
    values[:, :2] = 1

    good = run(model, picture, values, layout, TextTarget(""), steps=4)
    bad = run(model, picture, -values, layout, TextTarget(""), steps=4)

    assert len(good.of_map.shares) == 5
    assert good.of_map.deletion_area < good.at_random.deletion_area < bad.of_map.deletion_area
    assert good.of_map.insertion_area > good.at_random.insertion_area > bad.of_map.insertion_area
    assert good.of_map.deletion[0] == good.of_map.insertion[-1] == pytest.approx(0.5)


def test_of_a_clip_all_frames_are_hidden(tiny: CocaModel, pictures: list[Picture]) -> None:
    values, _ = values_of(3, 3)
    layout = layout_of(tiny, pictures[1], (3, 3), 8)
    still = run(tiny, pictures[1], values, layout, TextTarget("cat"))
    moving = run(tiny, Clip("clip", (pictures[1],) * 3, (0, 1, 2)), values, layout, TextTarget("cat"))
    assert np.allclose(moving.of_map.deletion, still.of_map.deletion, atol=1e-5)


def test_it_can_be_stopped(tiny: CocaModel, pictures: list[Picture]) -> None:
    cancel = CancelToken()
    values, _ = values_of(3, 3)
    events = faithfulness(
        tiny, pictures[1], values, layout_of(tiny, pictures[1], (3, 3), 8), TextTarget("cat"), cancel=cancel
    )
    first = next(events)
    assert isinstance(first, FaithfulnessProgress)
    assert (first.done, first.total) == (16, 2 + 5 * 2 * 8)
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(events)


@pytest.mark.parametrize(
    ("case", "error", "message"),
    [
        ((TextTarget("cat"), {"steps": 0}), OptionError, "at least 1 step"),
        ((TextTarget("cat"), {"fill": "black"}), OptionError, "not “black”"),
        ((WordTarget((3, 4), 2), {}), OptionError, "no token 2"),
        ((CaptionTarget(()), {}), OptionError, "no tokens"),
        ((ClassTarget("cat"), {}), OptionError, "has no classes of its own"),
        ((AnswerTarget("why?", "so"), {}), ModelError, "cannot ask"),
    ],
)
def test_what_makes_no_sense(
    tiny: CocaModel, pictures: list[Picture], case: tuple[Target, dict[str, Any]], error: type[Exception], message: str
) -> None:
    target, options = case
    layout = layout_of(tiny, pictures[1], (3, 3), 8)
    with pytest.raises(error, match=message):
        next(faithfulness(tiny, pictures[1], np.zeros((3, 3)), layout, target, **options))


def test_a_map_of_another_picture(tiny: CocaModel, pictures: list[Picture]) -> None:
    layout = layout_of(tiny, pictures[2], (3, 3), 8)
    with pytest.raises(OptionError, match="another picture"):
        next(faithfulness(tiny, pictures[1], np.zeros((3, 3)), layout, TextTarget("cat")))
    with pytest.raises(OptionError, match=r"\(2, 3\) values"):
        next(faithfulness(tiny, pictures[1], np.zeros((2, 3)), layout, TextTarget("cat")))

"""What a loaded CoCa does, on a small one whose captions are varied and end at different lengths."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cocadesk import engine
from cocadesk.engine.coca import CocaModel
from cocadesk.engine.coca_decoder import CachedDecoder, TextStacks, UncachedDecoder
from cocadesk.errors import Cancelled, InputError, OptionError
from cocadesk.types import CancelToken, CaptionOptions, CaptionResult, Clip, Draft, Picture, Token
from tests.engine import reference
from tests.engine.conftest import CONTEXT, TINY

GREEDY = CaptionOptions()


def results(model: CocaModel, pictures: list[Picture], options: CaptionOptions) -> list[CaptionResult]:
    found = [event for event in model.caption(pictures, options) if isinstance(event, CaptionResult)]
    return sorted(found, key=lambda result: result.picture)


def numbers(result: CaptionResult) -> list[int]:
    return [token.id for token in result.tokens]


@pytest.fixture(params=["as published", "layer scale and quick GELU", "class mask put right"])
def variant(request: pytest.FixtureRequest, bundle: Callable[..., Path]) -> CocaModel:
    config = copy.deepcopy(TINY)
    if request.param == "layer scale and quick GELU":
        config["quick_gelu"] = True
        for part in ("vision_cfg", "text_cfg", "multimodal_cfg"):
            config[part]["ls_init_value"] = 0.5
    bundle(config=config)
    model = engine.load("tiny-coca", device="cpu")
    if request.param == "class mask put right":
        model.module.text.correct_cls_mask = True
    return model


def test_steps_equal_open_clips_forward(variant: CocaModel, pictures: list[Picture]) -> None:
    encoding = variant.encode_image(pictures)
    tokens = torch.randint(0, 8, (5, CONTEXT), generator=torch.Generator().manual_seed(0))  # many zeros: padding
    tokens[:, 0] = variant.tokenizer.start
    expected = reference.logits(variant.module, (encoding.embedding, encoding.tokens), tokens)

    decoder = CachedDecoder(TextStacks(variant.module), encoding.tokens, CONTEXT)
    found = torch.stack([decoder.step(tokens[:, [step]])[:, 0] for step in range(CONTEXT)], 1)

    assert expected.std() > 0.5
    assert (found - expected).abs().max() < 2e-5 * expected.abs().max()


@pytest.mark.parametrize("rows", [[[2], [0], [1]], [[1]], [[0, 0], [2, 2]]], ids=["reordered", "dropped", "doubled"])
def test_selected_rows_go_on_as_their_own(tiny: CocaModel, pictures: list[Picture], rows: list[list[int]]) -> None:
    encoding = tiny.encode_image(pictures[:3])
    chosen = torch.tensor(rows)
    for when in (1, 2, 3):  # before and after the image's states are made
        found = []
        for decoder in (
            CachedDecoder(TextStacks(tiny.module), encoding.tokens, 4),
            UncachedDecoder(tiny.module, encoding.embedding, encoding.tokens),
        ):
            decoder.step(torch.full((3, 1), tiny.tokenizer.start))
            for token in range(1, when):
                decoder.step(torch.tensor([[token], [token + 5], [token + 9]]))
            decoder.select(chosen)
            found.append(decoder.step(torch.arange(chosen.numel()).view(chosen.shape) + 3))
        assert found[0].shape == (*chosen.shape, tiny.tokenizer.size)
        assert (found[0] - found[1]).abs().max() < 1e-3


def test_text_embeddings_equal_open_clips(variant: CocaModel) -> None:
    texts = ["two green cat", "", "!!!cat", "cat cat cat", "dog on two cat dog on two cat dog on two cat"]
    encoded = [variant.tokenizer.encode(text) for text in texts]
    assert max(len(tokens) for tokens in encoded) == CONTEXT
    padded = torch.tensor([tokens + [0] * (CONTEXT - len(tokens)) for tokens in encoded])
    with torch.inference_mode():
        expected = variant.module.encode_text(padded).numpy()

    for given in (texts, texts[:2]):  # the longest text sets how much is computed
        assert np.abs(variant.embed_text(given) - expected[: len(given)]).max() < 1e-5
    assert np.linalg.norm(variant.embed_text("dog")) == pytest.approx(1)


@pytest.mark.parametrize(
    "options",
    [GREEDY, CaptionOptions(temperature=1.0, seed=3), CaptionOptions(beams=3)],
    ids=["greedy", "sampling", "beams"],
)
def test_cached_uncached_alone_and_together_agree(
    tiny: CocaModel, pictures: list[Picture], options: CaptionOptions
) -> None:
    uncached = CaptionOptions(options.temperature, beams=options.beams, seed=options.seed, cached=False)
    together = [numbers(each) for each in results(tiny, pictures, options)]

    assert together == [numbers(each) for each in results(tiny, pictures, uncached)]
    assert together == [numbers(results(tiny, [picture], options)[0]) for picture in pictures]
    assert len({len(tokens) for tokens in together}) > 1, "the captions should end at different steps"


def test_greedy_equals_an_argmax_loop(tiny: CocaModel, pictures: list[Picture]) -> None:
    for picture, result in zip(pictures, results(tiny, pictures, GREEDY), strict=True):
        encoding = tiny.encode_image(picture)
        image = (encoding.embedding, encoding.tokens)
        assert numbers(result) == reference.argmax_loop(
            tiny.module, image, tiny.tokenizer.start, tiny.tokenizer.end, CONTEXT
        )


def test_probabilities_are_the_models_own(tiny: CocaModel, pictures: list[Picture]) -> None:
    encoding = tiny.encode_image(pictures[0])
    result = results(tiny, pictures[:1], CaptionOptions(temperature=2.0, top_k=7, seed=1))[0]
    fed = torch.tensor([[tiny.tokenizer.start, *numbers(result)[:-1]]])
    expected = reference.logits(tiny.module, (encoding.embedding, encoding.tokens), fed).log_softmax(-1)[0]

    for step, token in enumerate(result.tokens):
        assert token.logprob == pytest.approx(expected[step, token.id].item(), abs=1e-4)
        assert [each.id for each in token.alternatives] == expected[step].topk(5).indices.tolist()


def test_beams_find_a_caption_at_least_as_likely_as_greedy(tiny: CocaModel, pictures: list[Picture]) -> None:
    def means(options: CaptionOptions) -> list[float]:
        found = results(tiny, pictures, options)
        return [sum(token.logprob for token in result.tokens) / len(result.tokens) for result in found]

    greedy, searched = means(GREEDY), means(CaptionOptions(beams=8))

    assert sum(searched) > sum(greedy)
    events = list(tiny.caption(pictures[0], CaptionOptions(beams=8)))
    assert any(isinstance(event, Draft) for event in events)


def test_more_pictures_than_fit_a_batch(tiny: CocaModel, pictures: list[Picture]) -> None:
    many = [pictures[number % len(pictures)] for number in range(37)]

    found = results(tiny, many, GREEDY)

    assert [result.picture for result in found] == list(range(37))
    alone = [numbers(result) for result in results(tiny, pictures, GREEDY)]
    assert [numbers(result) for result in found] == [alone[number % len(pictures)] for number in range(37)]
    assert tiny.embed_image(many).shape == (37, 48)


def test_the_caption_is_what_the_tokens_read(tiny: CocaModel, pictures: list[Picture]) -> None:
    for result in results(tiny, pictures, GREEDY):
        assert result.caption == "".join(token.text for token in result.tokens).strip()
        assert (result.tokens[-1].id == tiny.tokenizer.end) == (len(result.tokens) < CONTEXT)
        assert result.model == "tiny-coca"


def test_timings_add_up(tiny: CocaModel, pictures: list[Picture]) -> None:
    for result in results(tiny, pictures, GREEDY):
        timings = result.timings
        assert timings.load_s == tiny.load_seconds > 0
        assert 0 < timings.encode_s < timings.first_token_s <= timings.encode_s + timings.decode_s
        assert timings.tokens_per_s == pytest.approx(len(result.tokens) / timings.decode_s)


def test_what_the_consumer_does_between_tokens_is_not_counted(tiny: CocaModel, pictures: list[Picture]) -> None:
    events = tiny.caption(pictures[0])
    next(events)
    time.sleep(1)
    *_, result = events

    assert isinstance(result, CaptionResult)
    assert result.timings.decode_s < 1


def test_a_path_will_do(tiny: CocaModel, pictures: list[Picture], tmp_path: Path) -> None:
    path = tmp_path / "ein Bild – 画像.png"
    Image.fromarray(pictures[0].pixels).save(path)

    expected = results(tiny, pictures[:1], GREEDY)[0]
    for given in (path, str(path), [path]):
        *_, result = tiny.caption(given)
        assert isinstance(result, CaptionResult)
        assert result.caption == expected.caption
    with pytest.raises(InputError):
        list(tiny.caption(tmp_path / "none.png"))


def test_nothing_in_nothing_out(tiny: CocaModel) -> None:
    assert list(tiny.caption([])) == []
    assert tiny.embed_image([]).shape == tiny.embed_text([]).shape == (0, 48)


def test_cancelling_between_frames(tiny: CocaModel, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch) -> None:
    size = pictures[0].pixels.shape
    frames = tuple(Picture("frame", np.full(size, value, np.uint8)) for value in range(0, 250, 25))
    clip = Clip("clip", frames, tuple(range(len(frames))))
    whole = tiny.encode_image(clip)
    monkeypatch.setattr("cocadesk.engine.frames._PATCHES", 20)  # two squares, of 3 × 3 patches and a class token
    cancel, seen = CancelToken(), []

    def stop(_: object, squares: tuple[torch.Tensor], __: object) -> None:
        seen.append(len(squares[0]))
        if len(seen) == 7:
            cancel.cancel()

    tiny.module.visual.register_forward_hook(stop)

    assert (tiny.encode_image(clip).tokens - whole.tokens).abs().max() < 1e-5
    with pytest.raises(Cancelled):
        list(tiny.caption(clip, GREEDY, cancel))
    assert seen == [2] * 7  # five for the whole clip, two before the check


def test_cancelling(tiny: CocaModel, pictures: list[Picture]) -> None:
    cancel = CancelToken()
    events = tiny.caption(pictures, GREEDY, cancel)
    assert isinstance(next(events), Token)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(events)
    with pytest.raises(Cancelled):
        next(tiny.caption(pictures, GREEDY, cancel))
    assert len(results(tiny, pictures, GREEDY)) == len(pictures), "the model should work on"


def test_a_caption_broken_off_lets_go_of_its_states(
    tiny: CocaModel, pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[CachedDecoder] = []

    def close(decoder: CachedDecoder) -> None:
        closed.append(decoder)

    monkeypatch.setattr(CachedDecoder, "close", close)
    events = tiny.caption(pictures[0])
    next(events)
    assert closed == []
    events.close()
    assert len(closed) == 1


def test_no_caption_is_longer_than_the_context(tiny: CocaModel, pictures: list[Picture]) -> None:
    longest = max(results(tiny, pictures, CaptionOptions(max_tokens=500)), key=lambda result: len(result.tokens))
    assert len(longest.tokens) == CONTEXT


def test_a_text_beyond_the_context_is_refused(tiny: CocaModel) -> None:
    with pytest.raises(OptionError, match=r"has 15 tokens, start and end included; this model reads at most 14"):
        tiny.embed_text(["dog", "cat " * 13])


def test_cache_shapes_are_those_of_the_states(tiny: CocaModel, pictures: list[Picture]) -> None:
    shapes = tiny.cache_shapes(pictures=2, beams=3, tokens=9)

    assert shapes["text.1.keys"] == shapes["decoder.2.values"] == (2 * 3, 3, 9, 16)
    assert len(shapes) == 2 * (2 + 3 + 3)
    image_tokens = tiny.encode_image(pictures[:2]).tokens
    for layer, block in enumerate(TextStacks(tiny.module).cross):
        keys, values = block.image_states(image_tokens)
        assert shapes[f"image.{layer}.keys"] == keys.shape
        assert shapes[f"image.{layer}.values"] == values.shape
    assert tiny.cache_shapes(tokens=99)["text.0.keys"] == (1, 3, CONTEXT, 16)


def test_sixteen_bit_weights(bundle: Callable[..., Path], pictures: list[Picture]) -> None:
    """A float16 file runs in float32 by default, and in 16 bits where asked, cached and uncached alike."""
    bundle(dtype=torch.float16)
    assert engine.load("tiny-coca", device="cpu").dtype == "float32"
    model = engine.load("tiny-coca", device="cpu", dtype="bfloat16")
    assert (model.dtype, model.device) == ("bfloat16", "cpu")
    assert model.embed_image(pictures).dtype == model.embed_text("cat").dtype == np.float32

    first = [results(model, pictures, CaptionOptions(max_tokens=1, cached=cached)) for cached in (True, False)]
    logprobs = [[result.tokens[0].logprob for result in each] for each in first]
    assert logprobs[0] == pytest.approx(logprobs[1], abs=0.2)

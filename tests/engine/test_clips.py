"""Clips: the mean of the frames' encodings, checked with open_clip's own modules frame by frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 — PyTorch's customary name

from cocadesk.engine.coca import CocaModel
from cocadesk.media.clips import open_clip
from cocadesk.types import CaptionOptions, CaptionResult, Clip, Picture
from tests.engine import reference
from tests.fakes.pictures import animation


def clip_of(pictures: list[Picture]) -> Clip:
    return Clip("clip", tuple(pictures), tuple(range(len(pictures))))


def test_a_clip_is_encoded_as_the_mean_of_its_frames(tiny: CocaModel, pictures: list[Picture]) -> None:
    encoding = tiny.encode_image([pictures[0], clip_of(pictures[1:4]), pictures[4]])

    embeddings, tokens = [], []
    for picture in pictures[1:4]:
        alone = tiny.encode_image(picture)
        embeddings.append(alone.embedding)
        tokens.append(alone.tokens)
    mean = F.normalize(torch.cat(embeddings).mean(0), dim=-1)
    torch.testing.assert_close(encoding.embedding[1], mean)
    torch.testing.assert_close(encoding.tokens[1], torch.cat(tokens).mean(0))
    for row, picture in ((0, pictures[0]), (2, pictures[4])):
        torch.testing.assert_close(encoding.embedding[row], tiny.encode_image(picture).embedding[0])
    assert len(encoding.geometries) == 3


def test_a_clips_caption_is_the_argmax_over_open_clips_forward(tiny: CocaModel, pictures: list[Picture]) -> None:
    clip = clip_of(pictures)
    *_, result = tiny.caption(clip, CaptionOptions(temperature=0, max_tokens=8))
    assert isinstance(result, CaptionResult)
    assert result.frames == (0, 1, 2, 3, 4)

    encoding = tiny.encode_image(clip)
    image = encoding.embedding, encoding.tokens
    expected = reference.argmax_loop(tiny.module, image, tiny.tokenizer.start, tiny.tokenizer.end, limit=8)
    assert [token.id for token in result.tokens] == expected
    alone = [list(tiny.caption(picture, CaptionOptions(max_tokens=8)))[-1] for picture in pictures]
    assert any(other.tokens != result.tokens for other in alone if isinstance(other, CaptionResult))


def test_a_path_of_an_animation_is_a_clip_of_so_many_frames(tiny: CocaModel, tmp_path: Path) -> None:
    path = animation(tmp_path / "clip.gif", 20)

    *_, result = tiny.caption(path, CaptionOptions(frames=4, max_tokens=3))

    assert isinstance(result, CaptionResult)
    assert result.frames == (2, 7, 12, 17)
    np.testing.assert_allclose(
        tiny.encode_image(path, frames=4).embedding, tiny.encode_image(open_clip(path, 4)).embedding, atol=1e-6
    )


def test_a_still_picture_has_no_frames(tiny: CocaModel, pictures: list[Picture]) -> None:
    *_, result = tiny.caption(pictures[0])

    assert isinstance(result, CaptionResult)
    assert result.frames == ()


def test_a_clip_has_a_temperature_of_its_own_unless_one_is_chosen(tiny: CocaModel, pictures: list[Picture]) -> None:
    clip = clip_of(pictures)

    def said(item: Picture | Clip, **how: float) -> list[int]:
        *_, result = tiny.caption(item, CaptionOptions(max_tokens=8, seed=3, **how))  # type: ignore[arg-type]
        assert isinstance(result, CaptionResult)
        return [token.id for token in result.tokens]

    assert said(clip) == said(clip, temperature=0.05)
    assert said(pictures[0]) == said(pictures[0], temperature=0)
    assert CaptionOptions().suited_to(clip).temperature == 0.05
    assert CaptionOptions(beams=3).suited_to(clip).temperature == 0
    assert CaptionOptions(temperature=0).suited_to(clip).temperature == 0


def test_pictures_and_clips_among_each_other_keep_their_numbers(tiny: CocaModel, pictures: list[Picture]) -> None:
    items = [pictures[0], clip_of(pictures[1:3]), pictures[3], pictures[4]]

    events = list(tiny.caption(items, CaptionOptions(temperature=0)))

    frames = {event.picture: event.frames for event in events if isinstance(event, CaptionResult)}
    assert frames == {0: (), 1: (0, 1), 2: (), 3: ()}
    np.testing.assert_allclose(tiny.embed_image(items), tiny.encode_image(items).embedding, atol=1e-6)

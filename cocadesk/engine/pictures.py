"""Pictures as the models' methods are given them: one or several, open already or to be opened."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from cocadesk.types import FRAMES, Clip, Picture, PictureLike


def listed(pictures: PictureLike | Sequence[PictureLike]) -> list[PictureLike]:
    """One picture, or several, as a list."""
    return [pictures] if isinstance(pictures, Picture | Clip | str | os.PathLike) else list(pictures)


def opened(given: PictureLike, frames: int = FRAMES) -> Picture | Clip:
    """The picture itself; a path is opened, an animation or a video as a clip of at most so many frames.

    Raises:
        InputError: if a path cannot be opened as a picture.
    """
    from cocadesk.media.image import open_picture_or_clip  # noqa: PLC0415 — loads every picture format's decoder

    return given if isinstance(given, Picture | Clip) else open_picture_or_clip(given, frames)


def opened_batches(given: Sequence[PictureLike], frames: int, most: int) -> Iterator[tuple[int, list[Picture | Clip]]]:
    """Pictures opened up to `most` together, each clip alone, since its frames fill memory as they are.

    Yields:
        The index of the batch's first item, and its items.

    Raises:
        InputError: if a path cannot be opened as a picture or a clip.
    """
    batch: list[Picture | Clip] = []
    for number, path in enumerate(given):
        item = opened(path, frames)
        if batch and (isinstance(item, Clip) or len(batch) == most):
            yield number - len(batch), batch
            batch = []
        batch.append(item)
        if isinstance(item, Clip):
            yield number, batch
            batch = []
    if batch:
        yield len(given) - len(batch), batch


def stills(item: Picture | Clip) -> tuple[Picture, ...]:
    """A picture, or the frames of a clip."""
    return (item,) if isinstance(item, Picture) else item.frames

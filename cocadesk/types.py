"""What passes between the layers: options, requests, events, results and the protocols that produce them.

Everything here is frozen, so it can cross threads; nothing here imports Qt or torch.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from cocadesk.errors import Cancelled, OptionError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
DtypeName = Literal["auto", "float32", "bfloat16", "float16"]

DEVICES: tuple[DeviceName, ...] = ("auto", "cpu", "cuda", "mps")
DTYPES: tuple[DtypeName, ...] = ("auto", "float32", "bfloat16", "float16")

ALTERNATIVES_PER_TOKEN = 5


class CancelToken:
    """A flag that the user's side sets and the engine checks between tokens, frames and batches. Thread-safe."""

    def __init__(self) -> None:
        self._set = threading.Event()

    def cancel(self) -> None:
        """Ask the work that holds this token to stop at its next check."""
        self._set.set()

    @property
    def is_cancelled(self) -> bool:
        return self._set.is_set()

    def check(self) -> None:
        """Raise `Cancelled` if the work should stop."""
        if self._set.is_set():
            raise Cancelled("Stopped.")

    def wait(self, seconds: float) -> None:
        """Sleep that long, or raise `Cancelled` as soon as the work should stop."""
        self._set.wait(seconds)
        self.check()


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    Attributes:
        name: What the user calls it: the path as given, or a description such as "Pasted picture".
        pixels: uint8, shape (height, width, 3), sRGB, upright, read-only.
        format: Name of the file format, such as "JPEG"; empty where there was no file.
        frames: Number of images in the file; more than one for an animation.
    """

    name: str
    pixels: npt.NDArray[np.uint8] = field(repr=False)
    format: str = ""
    frames: int = 1

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames of an animation or a video, captioned as one: the model gets the mean of their encodings.

    Attributes:
        name: What the user calls it, as `Picture.name`.
        frames: At least one, all of one size.
        indices: Of each frame in the file, counted from 0.
    """

    name: str
    frames: tuple[Picture, ...]
    indices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CaptionOptions:
    """How to turn next-token probabilities into a caption.

    Attributes:
        temperature: Divides the logits; 0 always takes the likeliest token (greedy).
        top_k: Sample among this many likeliest tokens only.
        top_p: Sample among the fewest tokens whose probabilities sum to this; None for all (Holtzman et al. 2020).
        beams: Width of the beam search; 1 for none. Beam search is deterministic and needs temperature 0.
        max_tokens: Most tokens to generate, the end token included.
        frames: For a clip, how many uniformly spaced frames are averaged.
        seed: Makes sampling repeatable; None takes a fresh one each time.
        cached: Keep attention keys and values between tokens; False recomputes everything for each token.
    """

    temperature: float = 0.0
    top_k: int = 100
    top_p: float | None = None
    beams: int = 1
    max_tokens: int = 25
    frames: int = 16
    seed: int | None = None
    cached: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 100:
            raise OptionError(f"The temperature must lie between 0 and 100, not {self.temperature:g}.")
        if self.top_k < 1:
            raise OptionError(f"Top-k must be at least 1, not {self.top_k}.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise OptionError(f"Top-p must be above 0 and at most 1, not {self.top_p:g}.")
        if not 1 <= self.beams <= 64:
            raise OptionError(f"The number of beams must lie between 1 and 64, not {self.beams}.")
        if self.max_tokens < 1:
            raise OptionError(f"The caption needs at least 1 token, not {self.max_tokens}.")
        if self.frames < 1:
            raise OptionError(f"At least 1 frame is needed, not {self.frames}.")
        if self.beams > 1 and self.temperature > 0:
            raise OptionError("Beam search is deterministic: use temperature 0 with it, or a single beam.")


@dataclass(frozen=True, slots=True)
class Alternative:
    """One candidate for the next token; `logprob` is the model's own natural-log probability, before temperature."""

    id: int
    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token.

    Attributes:
        picture: Index of the picture in the request that the token belongs to.
        position: 0 for the first generated token.
        id: Number in the tokenizer's vocabulary.
        text: As it reads in the caption, its trailing space included; empty for the end token.
        logprob: The model's own natural-log probability of this token, before temperature, top-k and top-p.
        alternatives: The likeliest tokens at this place, the likeliest first; the chosen one may be among them.
    """

    picture: int
    position: int
    id: int
    text: str
    logprob: float
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """The best caption so far of a search that has not decided yet; replaced by the next draft or by tokens."""

    picture: int
    text: str


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of wall time; `tokens_per_s` counts the tokens of this picture during decoding."""

    load_s: float = 0.0
    encode_s: float = 0.0
    first_token_s: float = 0.0
    decode_s: float = 0.0
    tokens_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CaptionResult:
    """A finished caption.

    Attributes:
        picture: Index of the picture in the request.
        caption: The text, stripped.
        tokens: What it was made of, the end token (if it was reached) included.
        frames: Indices of the frames that were averaged; empty for a still picture.
    """

    picture: int
    caption: str
    tokens: tuple[Token, ...]
    timings: Timings
    model: str
    frames: tuple[int, ...] = ()


CaptionEvent = Token | Draft | CaptionResult


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Which model to have ready, and how.

    Attributes:
        name: A name of the catalog, such as "starter-coca".
        checkpoint: A weights file to use in place of the card's own; None for the card's.
        untrained: Fill the architecture with seeded random weights in place of trained ones.
        seed: For `untrained`.
    """

    name: str = "starter-coca"
    device: DeviceName = "auto"
    dtype: DtypeName = "auto"
    checkpoint: str | None = None
    untrained: bool = False
    seed: int = 0


@dataclass(frozen=True, slots=True)
class CaptionRequest:
    """Caption these pictures with this model; holds everything the job needs."""

    model: ModelRequest
    pictures: tuple[Picture | Clip, ...]
    options: CaptionOptions = CaptionOptions()


PictureLike = Picture | Clip | str | os.PathLike[str]
"""A decoded picture or clip, or the path of a file to open; an animation is opened as a clip."""


@dataclass(frozen=True, slots=True)
class ArrayInfo:
    """One array of a model's weights; `dtype` is the one it is built in, such as "float32"."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    parameters: int


@dataclass(frozen=True, slots=True)
class NetInfo:
    """What a model is made of.

    Attributes:
        model: Its name in the catalog.
        arrays: In the order of the modules; an array that several modules share is there once.
        layers: How many layers there are of each type, the most frequent first.
        memory_bytes: What the weights take in each number format they can be loaded in.
    """

    model: str
    arrays: tuple[ArrayInfo, ...]
    layers: tuple[tuple[str, int], ...]
    memory_bytes: tuple[tuple[str, int], ...]

    @property
    def parameters(self) -> int:
        """Numbers in all arrays together."""
        return sum(array.parameters for array in self.arrays)


class Captioner(Protocol):
    """A loaded model that captions. Not thread-safe: one inference thread owns it."""

    @property
    def name(self) -> str:
        """The catalog name it was loaded by."""

    @property
    def load_seconds(self) -> float:
        """How long loading took."""

    @property
    def device(self) -> str:
        """Where it runs: "cpu", "cuda" or "mps"."""

    def caption(
        self,
        pictures: PictureLike | Sequence[PictureLike],
        options: CaptionOptions = ...,
        cancel: CancelToken | None = ...,
    ) -> Iterator[CaptionEvent]:
        """Yield `Token` events as they are decoded (all pictures advance together), then one result per picture.

        Raises:
            Cancelled: at the first check after `cancel` was set.
        """

"""What passes between the layers: options, requests, events and results.

Everything here is frozen, so it can cross threads; nothing here imports Qt or torch.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from cocadesk.errors import Cancelled, OptionError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]
DtypeName = Literal["auto", "float32", "bfloat16", "float16", "int8"]
PartName = Literal["image", "text", "decoder"]
AttentionKind = Literal["image", "text", "question", "words"]

DEVICES: tuple[DeviceName, ...] = ("auto", "cpu", "cuda", "mps")
DTYPES: tuple[DtypeName, ...] = ("auto", "float32", "bfloat16", "float16", "int8")
PARTS: tuple[PartName, ...] = ("image", "text", "decoder")
ATTENTION_KINDS: tuple[AttentionKind, ...] = ("image", "text", "question", "words")

ALTERNATIVES_PER_TOKEN = 5

SEEDS = range(-(2**63), 2**64)
"""What random numbers can start from."""

FRAMES = 16
"""How many uniformly spaced frames stand for a clip unless told otherwise."""

CLIP_TEMPERATURE = 0.05
"""At which clips are captioned unless told otherwise: enough to leave ruts that a mean of frames can lead into."""

DEFAULT_TEMPLATE = "This is a photo of a {}"
"""What a class is called towards a model that reads text."""


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
        frames: Number of images in the file, as far as its header tells; more than one for an animation or a video.
        seconds: For a frame of an animation or a video, how long that lasts as far as its header tells (0 where it
            does not); None for a still picture.
    """

    name: str
    pixels: npt.NDArray[np.uint8] = field(repr=False)
    format: str = ""
    frames: int = 1
    seconds: float | None = None

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
        times: When each is shown, in seconds from the first frame of the file; empty where nobody knows.
        notes: What went wrong with the file without ending it, each as a sentence to show.
    """

    name: str
    frames: tuple[Picture, ...]
    indices: tuple[int, ...]
    times: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


def _check_seed(seed: int | None) -> None:
    if seed is not None and seed not in SEEDS:
        raise OptionError(f"The seed must lie between {SEEDS[0]} and {SEEDS[-1]}, not {seed}.")


@dataclass(frozen=True, slots=True)
class CaptionOptions:
    """How to turn next-token probabilities into a caption.

    Attributes:
        temperature: Divides the logits; 0 always takes the likeliest token (greedy). None for 0, but 0.05 where a
            clip is captioned without beams: an animation or a video.
        top_k: Sample among this many likeliest tokens only.
        top_p: Sample among the fewest tokens whose probabilities sum to this; None for all (Holtzman et al. 2020).
        beams: Width of the beam search; 1 for none. Beam search is deterministic and needs temperature 0.
        max_tokens: Most tokens to generate, the end token included.
        frames: For a clip, how many uniformly spaced frames are averaged.
        seed: Makes sampling repeatable; None takes a fresh one each time.
        cached: Keep attention keys and values between tokens; False recomputes everything for each token.
        prefix: Numbers of the tokens that the caption begins with. They count towards `max_tokens`, and are told like
            the others, with the model's own probabilities. Behind an end token nothing follows.
    """

    temperature: float | None = None
    top_k: int = 100
    top_p: float | None = None
    beams: int = 1
    max_tokens: int = 25
    frames: int = FRAMES
    seed: int | None = None
    cached: bool = True
    prefix: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "prefix", tuple(self.prefix))  # JSON and scripts have lists
        temperature = self.temperature or 0.0
        if not 0 <= temperature <= 100:
            raise OptionError(f"The temperature must lie between 0 and 100, not {temperature:g}.")
        if self.top_k < 1:
            raise OptionError(f"Top-k must be at least 1, not {self.top_k}.")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise OptionError(f"Top-p must be above 0 and at most 1, not {self.top_p:g}.")
        if not 1 <= self.beams <= 64:
            raise OptionError(f"The number of beams must lie between 1 and 64, not {self.beams}.")
        if self.max_tokens < 1:
            raise OptionError(f"The caption needs at least 1 token, not {self.max_tokens}.")
        if len(self.prefix) > self.max_tokens:
            raise OptionError(
                f"The caption's beginning has {len(self.prefix)} tokens: allow at least as many, not {self.max_tokens}."
            )
        if self.frames < 1:
            raise OptionError(f"At least 1 frame is needed, not {self.frames}.")
        _check_seed(self.seed)
        if self.beams > 1 and temperature > 0:
            raise OptionError("Beam search is deterministic: use temperature 0 with it, or a single beam.")

    def suited_to(self, item: Picture | Clip) -> CaptionOptions:
        """The same with a temperature, also where none was chosen."""
        if self.temperature is not None:
            return self
        return replace(self, temperature=CLIP_TEMPERATURE if isinstance(item, Clip) and self.beams == 1 else 0.0)


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
        text: As it reads in the caption, with the space before it where it begins a word; empty for the end token.
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
class StateArray:
    """An array of attention keys or values that is kept while a caption is decoded.

    Attributes:
        name: Such as "decoder.3.keys".
        part: Whose they are: "text" and "decoder" of the tokens so far, "image" of what the decoder attends to.
        layer: Counted from 0 within the part.
        shape: (rows, heads, tokens, head width): one row for each caption, or for each beam of a search. Of "text" and
            "decoder" there may be room for more tokens than have come.
        bytes: What it takes.
    """

    name: str
    part: PartName
    layer: int
    shape: tuple[int, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class CachedStates:
    """The attention states that a decoder holds at the end of a caption.

    Attributes:
        arrays: By part and layer; none where decoding recomputes everything.
        caption: What was said.
        tokens: How many tokens were decoded, the end token included. So many have states: the start token does, the
            last one not yet.
        model: The name of the model.
        dtype: The number format of the arrays, such as "float32".
    """

    arrays: tuple[StateArray, ...]
    caption: str
    tokens: int
    model: str
    dtype: str

    @property
    def total_bytes(self) -> int:
        """What all arrays take together."""
        return sum(array.bytes for array in self.arrays)


DecodingWay = Literal["cached", "guesses", "uncached"]
"""With attention states one token at a time; the same with guesses at the next tokens; recomputing everything."""


@dataclass(frozen=True, slots=True)
class DecodingProgress:
    """So many tokens of a caption have been decoded that way; `longest` is the most there can be."""

    way: DecodingWay
    done: int
    longest: int


@dataclass(frozen=True, slots=True)
class TimedDecoding:
    """A caption as one way of decoding said it, and how long that took.

    Attributes:
        seconds: Of each token, since the one before it; next to nothing where one step gave both.
    """

    way: DecodingWay
    tokens: tuple[Token, ...]
    seconds: tuple[float, ...]

    @property
    def seconds_per_token(self) -> float:
        return sum(self.seconds) / len(self.seconds)


@dataclass(frozen=True, slots=True)
class CacheComparison:
    """One picture captioned with and without cached attention states, in the order of `DecodingWay`."""

    timed: tuple[TimedDecoding, ...]
    model: str

    @property
    def same_tokens(self) -> bool:
        """Whether all ways gave the same caption."""
        return len({tuple(token.id for token in each.tokens) for each in self.timed}) == 1


CacheEvent = DecodingProgress | CacheComparison


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """Which model to have ready, and how.

    Attributes:
        name: A name of the catalog, such as "starter-coca".
        checkpoint: A weights file to use in place of the card's own; None for the card's.
        untrained: Fill the architecture with seeded random weights in place of trained ones.
        seed: For `untrained`.
        part: One part alone; None for the whole model.
    """

    name: str = "starter-coca"
    device: DeviceName = "auto"
    dtype: DtypeName = "auto"
    checkpoint: str | None = None
    untrained: bool = False
    seed: int = 0
    part: PartName | None = None

    def __post_init__(self) -> None:
        _check_seed(self.seed)


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


@dataclass(frozen=True, slots=True)
class AskOptions:
    """How to turn next-token probabilities into an answer.

    Attributes:
        temperature, top_k, top_p, beams, seed: As in `CaptionOptions`.
        max_tokens: Most tokens to generate, the end token included.
        frames: For a clip, how many uniformly spaced frames are averaged.
        others: How many other answers to name beside the likeliest (`AnswerResult.others`).
    """

    temperature: float = 0.0
    top_k: int = 100
    top_p: float | None = None
    beams: int = 1
    max_tokens: int = 20
    frames: int = FRAMES
    seed: int | None = None
    others: int = 0

    def __post_init__(self) -> None:
        self.decoding()
        if not 0 <= self.others <= 64:
            raise OptionError(f"The number of other answers must lie between 0 and 64, not {self.others}.")
        if self.others and (self.temperature > 0 or self.beams > 1):
            raise OptionError("Other answers are named beside the likeliest: use temperature 0 and a single beam.")

    def decoding(self) -> CaptionOptions:
        """The same, as the decoding takes it.

        Raises:
            OptionError: if a value is out of range.
        """
        return CaptionOptions(
            self.temperature, self.top_k, self.top_p, self.beams, self.max_tokens, self.frames, self.seed
        )


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    """An answer that a model nearly gave; `logprob` as in `AnswerResult`."""

    answer: str
    logprob: float


@dataclass(frozen=True, slots=True)
class AnswerResult:
    """A finished answer.

    Attributes:
        question: Index of the question in the request.
        text: The question as it was asked.
        answer: The answer's text, stripped.
        logprob: Natural-log probability of the whole answer, its end token included.
        tokens: What it was made of, the end token (if it was reached) included.
        frames: Indices of the frames that were averaged; empty for a still picture.
        others: Other answers, the likeliest first: for each of the likeliest other first tokens, the answer that begins
            with it and goes on with the likeliest token at every step. None unless `AskOptions.others` asks for them.
    """

    question: int
    text: str
    answer: str
    logprob: float
    tokens: tuple[Token, ...]
    timings: Timings
    model: str
    frames: tuple[int, ...] = ()
    others: tuple[OtherAnswer, ...] = ()


AnswerEvent = Token | Draft | AnswerResult
"""`Token.picture` and `Draft.picture` count the questions here."""


@dataclass(frozen=True, slots=True)
class ClassScore:
    """A class and its probability; `definition` is one sentence about what it is, empty where nobody wrote one."""

    label: str
    probability: float
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Classification:
    """The likeliest classes of one picture, the likeliest first; `picture` is its index in the request."""

    picture: int
    top: tuple[ClassScore, ...]
    model: str


@dataclass(frozen=True, slots=True)
class RankedText:
    """A text held against a picture.

    Attributes:
        cosine_distance: 1 - cosine similarity of the embeddings, 0 to 2.
        probability: Softmax over all texts of the request at the model's own temperature.
    """

    text: str
    cosine_distance: float
    probability: float


Embedding = npt.NDArray[np.float32]
"""What a model makes of one picture or text: L2-normalised, (embedding width,)."""


@dataclass(frozen=True, slots=True)
class PictureEmbedded:
    """A picture or clip has its embedding; `picture` is its index in the request."""

    picture: int
    embedding: Embedding = field(repr=False)


@dataclass(frozen=True, slots=True)
class TextsEmbedded:
    """So many texts of the request have their embedding, or were refused."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Texts held against pictures, each against each.

    Attributes:
        similarities: Cosine similarities, float64, (pictures, texts); NaN for a refused text.
        probabilities: For each picture the softmax over the texts at the model's own temperature, float64, (pictures,
            texts); NaN for a refused text.
        refused: Index and reason of each text that the model cannot read.
        model: The name of the model.
    """

    similarities: npt.NDArray[np.float64] = field(repr=False)
    probabilities: npt.NDArray[np.float64] = field(repr=False)
    refused: tuple[tuple[int, str], ...]
    model: str


ComparisonEvent = PictureEmbedded | TextsEmbedded | Comparison

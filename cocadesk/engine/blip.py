"""BLIP (Li et al. 2022, arXiv:2201.12086) on transformers' modules: answers about a picture, and captions."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — PyTorch's customary name
from transformers.models.blip.modeling_blip import BlipPreTrainedModel

from cocadesk.catalog.card import Family, ModelCard
from cocadesk.catalog.checkpoints import require_weights
from cocadesk.engine.attention_blip import BlipImageAttention, BlipQuestionAttention, BlipWordAttention
from cocadesk.engine.blip_decoder import CachedDecoder, TextDecoder, TextStack, UncachedDecoder
from cocadesk.engine.blip_layers import States
from cocadesk.engine.blip_weights import BlipModelConfig, build, load_model, random_model, read_config
from cocadesk.engine.decoding import decode
from cocadesk.engine.device import resolve_device, resolve_dtype
from cocadesk.engine.drafts import Drafts
from cocadesk.engine.frames import BATCH, encode_frames
from cocadesk.engine.loaded import LoadedModel
from cocadesk.engine.next_token import Decoder, Finished
from cocadesk.engine.other_answers import FinishedBesideOthers, decode_beside_others
from cocadesk.engine.pictures import listed, opened, stills
from cocadesk.engine.preprocess import Geometry, geometry
from cocadesk.engine.relevance_blip import AnswerRelevance, BlipWordRelevance
from cocadesk.engine.scoring import require_scorable, score_tokens
from cocadesk.engine.weights import empty
from cocadesk.engine.wordpiece import WordPieceTokenizer
from cocadesk.errors import ModelError
from cocadesk.types import (
    FRAMES,
    AnswerEvent,
    AnswerResult,
    AskOptions,
    CancelToken,
    CaptionOptions,
    Clip,
    Draft,
    ModelRequest,
    Picture,
    PictureLike,
    Token,
)

_SQUARES = 4
"""Most squares that go through the image encoder together: their attention maps take 16 MB each in every block."""


@dataclass(frozen=True, slots=True)
class ImageEncoding:
    """What the image encoder says about N pictures or clips; for a clip, the mean over its frames.

    Attributes:
        features: Of the class token and then of the patches, row by row, (N, 1 + patches, width).
        geometries: Where the model's square lies on each picture.
    """

    features: Tensor
    geometries: tuple[Geometry, ...]


class BlipModel(BlipImageAttention, LoadedModel):
    """What both kinds of BLIP have in common. Not thread-safe: one thread uses it at a time.

    Attributes:
        module: transformers' own module, with the weights.
        tokenizer: Text to tokens and back.
        drafts: What it has said, to guess at what it says next (`drafts.py`).
    """

    def __init__(
        self,
        card: ModelCard,
        config: BlipModelConfig,
        module: BlipPreTrainedModel,
        tokenizer: WordPieceTokenizer,
        load_seconds: float,
    ) -> None:
        super().__init__(card, module, load_seconds)
        self.module: BlipPreTrainedModel = module
        self.tokenizer = tokenizer
        self.drafts = Drafts()
        self._preprocessing = config.preprocessing
        self._decoder = TextDecoder(module.text_decoder)

    @torch.inference_mode()
    def encode_image(
        self, pictures: PictureLike | Sequence[PictureLike], frames: int = FRAMES, cancel: CancelToken | None = None
    ) -> ImageEncoding:
        """Run the image encoder on all pictures and on the frames of all clips.

        Args:
            pictures: What to encode, at least one; paths of animations and videos are opened as clips.
            frames: Most frames to take of each clip that is opened from a path.
            cancel: Checked before every few frames.

        Raises:
            Cancelled: at the first check after `cancel` was set.
            InputError: if a path cannot be opened as a picture.
        """

        def run(squares: Tensor) -> Tensor:
            found = []
            for few in torch.split(squares, _SQUARES):
                if cancel is not None:
                    cancel.check()
                found.append(self.module.vision_model(few.to(self._any_weight)).last_hidden_state)
            return torch.cat(found)

        items = [opened(given, frames) for given in listed(pictures)]
        firsts = [stills(item)[0] for item in items]
        return ImageEncoding(
            encode_frames(items, self._preprocessing, run),
            tuple(geometry(first.width, first.height, self._preprocessing) for first in firsts),
        )

    def embed_image(self, pictures: PictureLike | Sequence[PictureLike]) -> npt.NDArray[np.float32]:
        """Embeddings of N pictures, L2-normalised, (N, width): the mean of the patches' features.

        The class token's features are left out: BLIP inherits that token from the vision transformer, but neither the
        questions nor the captions treat it differently from a patch.

        Raises:
            InputError: if a path cannot be opened as a picture.
        """
        given = listed(pictures)
        found = [
            F.normalize(self.encode_image(given[at : at + BATCH]).features[:, 1:].mean(1).float(), dim=-1).cpu()
            for at in range(0, len(given), BATCH)
        ]
        joined = torch.cat(found) if found else torch.empty((0, self.module.config.vision_config.hidden_size))
        embeddings: npt.NDArray[np.float32] = joined.numpy()
        return embeddings


class BlipVqaModel(BlipModel, BlipQuestionAttention, AnswerRelevance):
    """A BLIP that answers questions about a picture, or about a clip by the mean of its frames' features."""

    def __init__(
        self,
        card: ModelCard,
        config: BlipModelConfig,
        module: BlipPreTrainedModel,
        tokenizer: WordPieceTokenizer,
        load_seconds: float,
    ) -> None:
        super().__init__(card, config, module, tokenizer, load_seconds)
        self._questions = TextStack(module.text_encoder)
        self._seen: tuple[Picture | Clip, list[States]] | None = None

    def ask(
        self,
        picture: PictureLike,
        questions: str | Sequence[str],
        options: AskOptions = AskOptions(),  # noqa: B008 — frozen
        cancel: CancelToken | None = None,
    ) -> Generator[AnswerEvent, None, None]:
        """Answer one question after the other.

        What the question encoder sees of the last picture or clip is kept, so a further question about it, in this
        call or a later one, costs only its own text. No answer is longer than the model's context.

        Yields:
            A `Token` as each is decoded (with beams: a `Draft` whenever the best answer so far changes, then the
            tokens), and an `AnswerResult` after a question's last token.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between frames, questions and tokens.
            InputError: if a path cannot be opened as a picture.
            OptionError: if a question is empty or has more tokens than the model can read.
        """
        cancel = cancel or CancelToken()
        asked = [questions] if isinstance(questions, str) else list(questions)
        encoded = [self.tokenizer.encode_question(text) for text in asked]
        item = opened(picture, options.frames)
        for number, (text, tokens) in enumerate(zip(asked, encoded, strict=True)):
            cancel.check()
            started = time.perf_counter()
            states = self._questions.encode(tokens, self._look_at(item, cancel))
            encode_s = time.perf_counter() - started
            limit = min(options.max_tokens, self._decoder.stack.context)
            decoder = CachedDecoder(self._decoder, states, limit)
            events: Iterator[Token | Draft | Finished]
            if options.others:
                events = decode_beside_others(
                    decoder, self.tokenizer, options.others, number=number, limit=limit, cancel=cancel
                )
            else:
                events = decode(
                    decoder,
                    self.tokenizer,
                    options.decoding(),
                    pictures=[number],
                    limit=limit,
                    cancel=cancel,
                    drafts=self.drafts,
                )
            try:
                for event in events:
                    yield self._result(event, text, encode_s, item) if isinstance(event, Finished) else event
            finally:
                decoder.close()

    def score_answer(
        self, picture: PictureLike, question: str, answer: Sequence[int] | str, cancel: CancelToken | None = None
    ) -> tuple[Token, ...]:
        """How likely each token of an answer is, given the picture or clip, the question and the tokens before it.

        Args:
            answer: The tokens as in `AnswerResult.tokens`, by number; or a text, which is scored with the end token.

        Returns:
            The tokens with their log probabilities and likeliest alternatives, from one pass.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between frames and before decoding.
            InputError: if a path cannot be opened as a picture.
            OptionError: if the question is empty or too long, or the answer is, or has tokens the model does not have.
        """
        cancel = cancel or CancelToken()
        asked = self.tokenizer.encode_question(question)
        given = self.tokenizer.encode_answer(answer) if isinstance(answer, str) else list(answer)
        context = self._decoder.stack.context
        require_scorable(given, model=self.name, vocabulary=self.tokenizer, size=self.tokenizer.size, context=context)
        states = self._questions.encode(asked, self._look_at(opened(picture), cancel))
        return score_tokens(CachedDecoder(self._decoder, states, len(given)), self.tokenizer, given, cancel)

    @torch.inference_mode()
    def encode_question(self, picture: PictureLike, question: str, frames: int = FRAMES) -> Tensor:
        """The question encoder's last hidden states, (1, tokens, width): what the answer is read from.

        Raises:
            InputError: if a path cannot be opened as a picture.
            OptionError: if the question is empty or has more tokens than the model can read.
        """
        tokens = self.tokenizer.encode_question(question)
        return self._questions.encode(tokens, self._look_at(opened(picture, frames), None))

    def _look_at(self, item: Picture | Clip, cancel: CancelToken | None) -> list[States]:
        """Keys and values of the picture's features for each block of the question encoder."""
        if self._seen is None or not _same(self._seen[0], item):
            self._seen = None  # two clips' states need not be held at once
            self._seen = (item, self._questions.source_states(self.encode_image(item, cancel=cancel).features))
        return self._seen[1]

    def _result(self, finished: Finished, text: str, encode_s: float, item: Picture | Clip) -> AnswerResult:
        return AnswerResult(
            question=finished.picture,
            text=text,
            answer=finished.caption,
            logprob=sum(token.logprob for token in finished.tokens),
            tokens=finished.tokens,
            timings=finished.timings(self.load_seconds, encode_s),
            model=self.name,
            frames=item.indices if isinstance(item, Clip) else (),
            others=finished.others if isinstance(finished, FinishedBesideOthers) else (),
        )


class BlipCaptionModel(BlipModel, BlipWordAttention, BlipWordRelevance):
    """A BLIP that captions pictures, and clips by the mean of their frames' features."""

    def _encode(self, items: list[Picture | Clip], cancel: CancelToken) -> ImageEncoding:
        return self.encode_image(items, cancel=cancel)

    def _begin(self, encoding: ImageEncoding, options: CaptionOptions) -> Decoder:
        if options.cached:
            return CachedDecoder(self._decoder, encoding.features, self._longest(options))
        return UncachedDecoder(self.module.text_decoder, encoding.features)


_MODELS: dict[Family, type[BlipVqaModel | BlipCaptionModel]] = {
    "blip-vqa": BlipVqaModel,
    "blip-caption": BlipCaptionModel,
}


def load(card: ModelCard, request: ModelRequest) -> BlipVqaModel | BlipCaptionModel:
    """Load the BLIP of that card.

    Raises:
        ModelError: if its weights are not on this machine, do not fit or are damaged, or the device is not there.
    """
    started = time.perf_counter()
    device = resolve_device(request.device)
    dtype = resolve_dtype(request.dtype, device)
    config = read_config(card)
    text = config.modules.text_config
    tokenizer = WordPieceTokenizer(config.vocabulary, context=text.max_position_embeddings)
    found = {"vocab_size": tokenizer.size, "bos_token_id": tokenizer.start, "sep_token_id": tokenizer.end}
    for setting, number in found.items():
        if getattr(text, setting) != number:
            raise ModelError(
                f"{card.name} has {setting} {getattr(text, setting)}, but by {config.vocabulary} it is {number}."
            )
    if request.untrained:
        module = random_model(config, request.seed, device, dtype)
    else:
        module = load_model(config, require_weights(card, request.checkpoint), device, dtype)
    return _MODELS[card.family](card, config, module, tokenizer, time.perf_counter() - started)


def empty_module(card: ModelCard) -> BlipPreTrainedModel:
    """The modules of that card on torch's meta device, without memory.

    Raises:
        ModelError: if its configuration is missing or damaged.
    """
    return empty(partial(build, read_config(card)))


def _same(one: Picture | Clip, other: Picture | Clip) -> bool:
    """Whether two pictures or clips look the same: a path that is opened anew gives another object."""
    frames, others = stills(one), stills(other)
    return len(frames) == len(others) and all(
        mine is yours or np.array_equal(mine.pixels, yours.pixels) for mine, yours in zip(frames, others, strict=True)
    )

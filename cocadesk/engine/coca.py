"""CoCa, the contrastive captioner (Yu et al. 2022, arXiv:2205.01917), on open_clip's modules."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from open_clip.coca_model import CoCa
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — PyTorch's customary name

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.checkpoints import require_weights
from cocadesk.engine import calibration
from cocadesk.engine.attention_open_clip import CocaAttention
from cocadesk.engine.coca_decoder import CachedDecoder, TextStacks, UncachedDecoder
from cocadesk.engine.coca_weights import CocaConfig, build, load_model, random_model, read_config
from cocadesk.engine.device import resolve_device, resolve_dtype
from cocadesk.engine.drafts import Drafts
from cocadesk.engine.frames import squares_at_once
from cocadesk.engine.next_token import Decoder
from cocadesk.engine.parts import leave_out, part_modules
from cocadesk.engine.pictures import listed, opened, opened_batches, stills
from cocadesk.engine.preprocess import Geometry, preprocess
from cocadesk.engine.relevance_open_clip import CocaRelevance
from cocadesk.engine.tokenizer import ClipTokenizer
from cocadesk.engine.weights import empty
from cocadesk.engine.zero_shot import TextReader
from cocadesk.errors import ModelError, OptionError
from cocadesk.types import (
    FRAMES,
    CancelToken,
    CaptionOptions,
    Clip,
    ModelRequest,
    Picture,
    PictureLike,
)

if TYPE_CHECKING:
    from cocadesk.engine.coca_int8 import Int8TextStacks

_WORTH_IT = 1.5
"""How much faster decoding must become for a quarter more memory and a second of preparation."""
_BATCH = 16
"""Most pictures that are decoded, or texts that are embedded, together: bounds the memory for states."""


@dataclass(frozen=True, slots=True)
class ImageEncoding:
    """What the image encoder says about N pictures or clips; for a clip, the mean over its frames.

    Attributes:
        embedding: L2-normalised, (N, embedding width); of a clip, the normalised mean of its frames' embeddings.
        tokens: Pooled image tokens that the text decoder attends to, (N, Q, width).
        geometries: Where the model's square lies on each picture.
    """

    embedding: Tensor
    tokens: Tensor
    geometries: tuple[Geometry, ...]


class CocaModel(CocaAttention, CocaRelevance, TextReader):
    """A CoCa with its tokenizer. Not thread-safe: one thread uses it at a time.

    Attributes:
        card: What the catalog says about it.
        module: open_clip's own module, with the weights; with those of one part where only that was loaded.
        tokenizer: Text to tokens and back.
        load_seconds: How long loading took.
        int8: The text stacks once more, with 8-bit weights, for decoding; None where it runs on the module's own.
        drafts: What it has said, to guess at what it says next (`drafts.py`).
    """

    def __init__(
        self,
        card: ModelCard,
        config: CocaConfig,
        module: CoCa,
        tokenizer: ClipTokenizer,
        int8: Int8TextStacks | None = None,
    ) -> None:
        super().__init__(card, module, 0.0)
        self.module = module
        self.tokenizer = tokenizer
        self.int8 = int8
        self._preprocessing = config.preprocessing
        self.drafts = Drafts()

    @cached_property
    def _stacks(self) -> TextStacks:
        return TextStacks(self.module)

    @property
    def dtype(self) -> str:
        """The number format of its weights, such as "float32"; of those that decode, with int8."""
        return "int8" if self.int8 else super().dtype

    @property
    def weight_bytes(self) -> int:
        """Memory that its weights take on the device."""
        return super().weight_bytes + (self.int8.weight_bytes if self.int8 else 0)

    @property
    def _any_weight(self) -> Tensor:
        scale: Tensor = self.module.logit_scale  # every part of a CoCa has it
        return scale

    @property
    def logit_scale(self) -> float:
        """What cosine similarities are multiplied by before the softmax: the inverse of the model's temperature."""
        return float(self.module.logit_scale.exp())

    @torch.inference_mode()
    def encode_image(
        self, pictures: PictureLike | Sequence[PictureLike], frames: int = FRAMES, cancel: CancelToken | None = None
    ) -> ImageEncoding:
        """Run the image encoder on all pictures and on the frames of all clips.

        Args:
            pictures: What to encode; paths of animations and videos are opened as clips.
            frames: Most frames to take of each clip that is opened from a path.
            cancel: Checked before every few frames.

        Raises:
            Cancelled: at the first check after `cancel` was set.
            InputError: if a path cannot be opened as a picture.
        """
        cancel = cancel or CancelToken()
        groups = [stills(opened(given, frames)) for given in listed(pictures)]
        squares = [preprocess(still.pixels, self._preprocessing) for group in groups for still in group]
        pixels = torch.from_numpy(np.stack([square for square, _ in squares]))
        outputs = []
        for batch in torch.split(pixels, squares_at_once(self.card.patch_grid**2, self.device)):
            cancel.check()
            outputs.append(self.module(batch.to(self.module.logit_scale)))
        embedding = torch.cat([output["image_features"] for output in outputs])
        tokens = torch.cat([output["image_embs"] for output in outputs])
        counts = [len(group) for group in groups]
        if max(counts) > 1:
            embedding = F.normalize(torch.stack([part.mean(0) for part in torch.split(embedding, counts)]), dim=-1)
            tokens = torch.stack([part.mean(0) for part in torch.split(tokens, counts)])
        firsts = np.cumsum([0, *counts[:-1]])
        return ImageEncoding(embedding, tokens, tuple(squares[first][1] for first in firsts))

    def embed_image(
        self, pictures: PictureLike | Sequence[PictureLike], *, cancel: CancelToken | None = None
    ) -> npt.NDArray[np.float32]:
        """Embeddings of N pictures, L2-normalised, (N, embedding width).

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked before every few frames.
            InputError: if a path cannot be opened as a picture.
        """
        batches = opened_batches(listed(pictures), FRAMES, _BATCH)
        return self._joined([self.encode_image(items, cancel=cancel).embedding for _, items in batches])

    def embed_text(self, texts: str | Sequence[str]) -> npt.NDArray[np.float32]:
        """Embeddings of N texts in the space of the pictures' embeddings, L2-normalised, (N, embedding width).

        Raises:
            OptionError: if a text has more tokens than the model can read.
        """
        given = [texts] if isinstance(texts, str) else list(texts)
        encoded = [self.tokenizer.encode(text) for text in given]
        return self._joined([self._encode_text(encoded[at : at + _BATCH]) for at in range(0, len(encoded), _BATCH)])

    @torch.inference_mode()
    def next_logits(self, image_tokens: Tensor, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        """Logits of the token that follows a text about each of N pictures, (N, vocabulary).

        Args:
            image_tokens: As in `ImageEncoding`, (N, Q, width).
            tokens: The text's tokens so far, the start token first; at least one.

        Raises:
            OptionError: if there are none, or more than the model can read.
        """
        if not 0 < len(tokens) <= self._stacks.context:
            raise OptionError(f"A text has 1 to {self._stacks.context} tokens here, not {len(tokens)}.")
        decoder = CachedDecoder(self._stacks, image_tokens, len(tokens))
        fed = torch.tensor(tokens, device=image_tokens.device).expand(len(image_tokens), 1, -1)
        for token in fed.unbind(-1):
            logits = decoder.step(token)
        decoder.close()
        return self._joined([logits[:, 0]])

    def cache_shapes(self, *, pictures: int = 1, beams: int = 1, tokens: int = 25) -> dict[str, tuple[int, ...]]:
        """Shapes of the attention states that decoding caches, by name: "text.0.keys", "decoder.0.values", …

        "text" and "decoder" are self-attention states, (pictures · beams, heads, tokens, head width); "image" are
        those of the cross-attention, (pictures, heads, image tokens, head width).
        """
        positions = min(tokens, self._stacks.context)
        return self._stacks.cache_shapes(pictures=pictures, rows=beams, positions=positions)

    def _encode(self, items: list[Picture | Clip], cancel: CancelToken) -> ImageEncoding:
        return self.encode_image(items, cancel=cancel)

    def _begin(self, encoding: ImageEncoding, options: CaptionOptions) -> Decoder:
        if not options.cached:
            return UncachedDecoder(self.module, encoding.embedding, encoding.tokens)
        if self.int8:
            return self.int8.decoder(encoding.tokens)
        return CachedDecoder(self._stacks, encoding.tokens, self._longest(options))

    @property
    def _decodes_exactly(self) -> bool:
        return self.int8 is None

    def _text_tokens(self) -> ClipTokenizer:
        return self.tokenizer

    @torch.inference_mode()
    def _encode_text(self, encoded: list[list[int]]) -> Tensor:
        """Embeddings of texts given as tokens, (N, embedding width): what open_clip's `encode_text` gives for them
        padded to the full context, at the cost of their own length.

        The class token stands behind the padding. What the mask hides, from it and from all others, need not be
        computed: all padding, but for the first of it with the legacy mask (`CachedDecoder` tells about that).
        """
        text = self.module.text
        context: int = text.context_length
        device = self.module.logit_scale.device
        padded = torch.full((len(encoded), context), text.pad_id, device=device)
        for row, tokens in zip(padded, encoded, strict=True):
            row[: len(tokens)] = torch.tensor(tokens)
        seen = F.pad(padded != text.pad_id, (0, 1) if text.correct_cls_mask else (1, 0), value=True)
        length = min(max(len(tokens) for tokens in encoded) + 1, context)
        places = torch.tensor([*range(length), context], device=device)
        mask = text.attn_mask[: length + 1, : length + 1].masked_fill(~seen[:, None, places], float("-inf"))
        class_token = text.cls_emb.expand(len(encoded), 1, -1)
        x = torch.cat((text.token_embedding(padded[:, :length]), class_token), 1) + text.positional_embedding[places]
        x = text.transformer(x, attn_mask=mask.repeat_interleave(text.heads, 0))
        return F.normalize(text.ln_final(x[:, -1]) @ text.text_projection, dim=-1)

    def _joined(self, embeddings: list[Tensor]) -> npt.NDArray[np.float32]:
        if not embeddings:
            return np.empty((0, self.module.visual.output_dim), np.float32)
        joined: npt.NDArray[np.float32] = torch.cat(embeddings).float().cpu().numpy()
        return joined


def load(card: ModelCard, request: ModelRequest) -> CocaModel:
    """Load the CoCa of that card.

    Raises:
        ModelError: if its weights are not on this machine, do not fit or are damaged, or the device is not there.
    """
    started = time.perf_counter()
    device = resolve_device(request.device)
    dtype = resolve_dtype(request.dtype, device)
    config = read_config(card)
    tokenizer = ClipTokenizer(config.merges, context=config.modules["text_cfg"]["context_length"])
    vocabulary = config.modules["text_cfg"]["vocab_size"]
    if tokenizer.size != vocabulary:
        raise ModelError(f"{card.name} knows {vocabulary} tokens, but {config.merges} defines {tokenizer.size}.")
    kept = None if request.part is None else part_modules(card, request.part)
    if kept is not None and request.dtype == "int8":
        raise ModelError("int8 decodes captions, which takes the whole model: load a part in another number format.")
    if request.untrained:
        module = random_model(config, request.seed, device, dtype)
    else:
        module = load_model(config, require_weights(card, request.checkpoint), device, dtype, kept)
    if request.part is not None:
        leave_out(module, card, request.part)
    int8 = None
    automatic = request.dtype == "auto" and request.part is None and not request.untrained
    if request.dtype == "int8" or (automatic and int8_pays(module)):
        from cocadesk.engine.coca_int8 import Int8TextStacks  # noqa: PLC0415 — ONNX Runtime, which others do without

        int8 = Int8TextStacks(module)
    model = CocaModel(card, config, module, tokenizer, int8)
    model.load_seconds = time.perf_counter() - started
    return model


def int8_pays(module: CoCa) -> bool:
    """Whether "auto" decodes with 8-bit weights: on the CPU, where that was measured to be so much faster.

    Only where reading the weights is what takes time, not with a small decoder. And only with trained weights: on 200
    held-out pictures of the starter, 0.11 % of the tokens came out otherwise (`packaging/starter/fidelity.py`), but
    random weights hardly prefer one token to another, and any rounding decides between them.
    """
    if module.logit_scale.device.type != "cpu":
        return False
    weights = sum(weight.numel() for weight in module.text_decoder.parameters())
    return weights >= calibration.MANY_WEIGHTS and calibration.int8_gain() >= _WORTH_IT


def empty_module(card: ModelCard) -> CoCa:
    """The modules of that card on torch's meta device, without memory.

    Raises:
        ModelError: if its configuration is missing or damaged.
    """
    return empty(partial(build, read_config(card)))

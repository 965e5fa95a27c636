"""CLIP (Radford et al. 2021, arXiv:2103.00020) and its kin, on open_clip's modules: pictures and texts in one space."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from open_clip.model import CLIP
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 — PyTorch's customary name

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.checkpoints import require_weights
from cocadesk.engine.attention_open_clip import OpenClipAttention
from cocadesk.engine.clip_text import TextTokenizer, open_tokenizer
from cocadesk.engine.clip_weights import ClipConfig, ClipModule, build, load_model, random_model, read_config
from cocadesk.engine.device import resolve_device, resolve_dtype
from cocadesk.engine.frames import BATCH, encode_frames, squares_at_once
from cocadesk.engine.loaded import LoadedModel
from cocadesk.engine.pictures import listed
from cocadesk.engine.relevance_open_clip import TextRelevance
from cocadesk.engine.weights import empty
from cocadesk.engine.zero_shot import TextReader
from cocadesk.types import CancelToken, ModelRequest, PictureLike


class ClipModel(OpenClipAttention, TextRelevance, LoadedModel, TextReader):
    """A CLIP with its tokenizer. Not thread-safe: one thread uses it at a time.

    Models that were trained with a sigmoid for each pair (SigLIP) are ranked and classify by the softmax like the
    others.

    Attributes:
        module: open_clip's own module, with the weights.
        tokenizer: Text to tokens.
    """

    module: ClipModule

    def __init__(
        self, card: ModelCard, config: ClipConfig, module: ClipModule, tokenizer: TextTokenizer, load_seconds: float
    ) -> None:
        super().__init__(card, module, load_seconds)
        self.tokenizer = tokenizer
        self._preprocessing = config.preprocessing
        self._width: int = config.modules["embed_dim"]

    @property
    def logit_scale(self) -> float:
        """What cosine similarities are multiplied by before the softmax: the inverse of the model's temperature."""
        return float(self.module.logit_scale.exp())

    @torch.inference_mode()
    def embed_image(
        self, pictures: PictureLike | Sequence[PictureLike], *, cancel: CancelToken | None = None
    ) -> npt.NDArray[np.float32]:
        """Embeddings of N pictures, L2-normalised, (N, embedding width); of a clip, the normalised mean of its frames'.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked before every few frames.
            InputError: if a path cannot be opened as a picture.
        """
        given = listed(pictures)
        if not given:
            return np.empty((0, self._width), np.float32)
        at_once = squares_at_once(self.card.patch_grid**2, self.device)
        found = encode_frames(given, self._preprocessing, self._encode_image, at_once=at_once, cancel=cancel)
        return self._array(found)

    @torch.inference_mode()
    def embed_text(self, texts: str | Sequence[str]) -> npt.NDArray[np.float32]:
        """Embeddings of N texts in the space of the pictures' embeddings, L2-normalised, (N, embedding width).

        Raises:
            OptionError: if a text has more tokens than the model can read.
        """
        given = [texts] if isinstance(texts, str) else list(texts)
        if not given:
            return np.empty((0, self._width), np.float32)
        tokens = torch.zeros((len(given), self.module.context_length), dtype=torch.long)
        for row, text in zip(tokens, given, strict=True):
            encoded = self.tokenizer.encode(text)
            row[: len(encoded)] = torch.tensor(encoded)
        return self._array(torch.cat([self._encode_text(batch) for batch in torch.split(tokens, BATCH)]))

    def _text_tokens(self) -> TextTokenizer:
        return self.tokenizer

    def _encode_image(self, pixels: Tensor) -> Tensor:
        encoded: Tensor = self.module.encode_image(pixels.to(self._any_weight), normalize=True)
        return encoded

    def _encode_text(self, tokens: Tensor) -> Tensor:
        """Features of texts given as tokens (N, context): what open_clip's `encode_text` gives.

        In the original text tower no token sees a later one, and what is said at the end token (the largest number)
        counts: what is behind it need not be computed.
        """
        module = self.module
        tokens = tokens.to(self._any_weight.device)
        causal = isinstance(module, CLIP) and module.attn_mask is not None and module.text_pool_type == "argmax"
        if not causal or not isinstance(module.text_projection, nn.Parameter):
            encoded: Tensor = module.encode_text(tokens)
            return encoded
        ends = tokens.argmax(-1)
        length = int(ends.max()) + 1
        x = module.token_embedding(tokens[:, :length]) + module.positional_embedding[:length]
        x = module.transformer(x, attn_mask=module.attn_mask[:length, :length])
        x = module.ln_final(x[torch.arange(len(x), device=x.device), ends])
        features: Tensor = x @ module.text_projection
        return features

    def _array(self, embeddings: Tensor) -> npt.NDArray[np.float32]:
        normalised: npt.NDArray[np.float32] = F.normalize(embeddings.float(), dim=-1).cpu().numpy()
        return normalised


def load(card: ModelCard, request: ModelRequest) -> ClipModel:
    """Load the CLIP of that card.

    Raises:
        ModelError: if its weights or its tokenizer are not on this machine, the weights do not fit or are damaged, or
            the device is not there.
    """
    started = time.perf_counter()
    device = resolve_device(request.device)
    dtype = resolve_dtype(request.dtype, device)
    config = read_config(card)
    tokenizer = open_tokenizer(config.modules["text_cfg"])
    if request.untrained:
        module = random_model(config, request.seed, device, dtype)
    else:
        module = load_model(config, require_weights(card, request.checkpoint), device, dtype)
    return ClipModel(card, config, module, tokenizer, time.perf_counter() - started)


def empty_module(card: ModelCard) -> ClipModule:
    """The modules of that card on torch's meta device, without memory.

    Raises:
        ModelError: if open_clip has no such architecture, or it is not one that this engine runs.
    """
    return empty(partial(build, read_config(card)))

"""The vision transformer (Dosovitskiy et al. 2021, arXiv:2010.11929) on timm's modules: classes and features."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from timm.models import VisionTransformer
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 — PyTorch's customary name

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.checkpoints import require_weights
from cocadesk.engine.attention_image import ImageTower, timm_tower
from cocadesk.engine.device import resolve_device, resolve_dtype
from cocadesk.engine.frames import BATCH, encode_frames, squares_at_once
from cocadesk.engine.image_attention import ImageAttention
from cocadesk.engine.loaded import LoadedModel
from cocadesk.engine.pictures import listed
from cocadesk.engine.relevance_vit import ClassRelevance
from cocadesk.engine.vit_weights import VitConfig, build, load_model, random_model, read_config
from cocadesk.engine.weights import empty
from cocadesk.engine.zero_shot import check_top, likeliest
from cocadesk.types import DEFAULT_TEMPLATE, CancelToken, Classification, ClassScore, ModelRequest, PictureLike


class VitModel(ImageAttention, ClassRelevance, LoadedModel):
    """A vision transformer with its classes. Not thread-safe: one thread uses it at a time.

    Attributes:
        module: timm's own module, with the weights.
    """

    module: VisionTransformer

    def __init__(self, card: ModelCard, config: VitConfig, module: VisionTransformer, load_seconds: float) -> None:
        super().__init__(card, module, load_seconds)
        self._classes = config.classes
        self._preprocessing = config.preprocessing

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of all its classes, in the order of the logits; several may have the same name."""
        return tuple(known.label for known in self._classes)

    def classify(
        self,
        pictures: PictureLike | Sequence[PictureLike],
        labels: Sequence[str] | None = None,
        *,
        template: str = DEFAULT_TEMPLATE,
        top: int = 10,
        cancel: CancelToken | None = None,
    ) -> Generator[Classification, None, None]:
        """Name the likeliest of the model's own classes, one result per picture, in order.

        A clip is classified by the mean of its frames' logits.

        Args:
            labels: None: the model has its own classes.
            template: For models that read text; not used here.
            top: How many classes to name, the likeliest first.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between every few frames.
            InputError: if a path cannot be opened as a picture.
            ModelError: if its outputs are no classes with names.
            OptionError: if labels are given, or `top` is below 1.
        """
        self.card.require("classify")
        self.card.check_labels(given=labels is not None)
        check_top(top)
        cancel = cancel or CancelToken()
        given = listed(pictures)
        for first in range(0, len(given), BATCH):
            cancel.check()
            probabilities = F.softmax(self.logits(given[first : first + BATCH], cancel=cancel), dim=-1).numpy()
            for picture, row in enumerate(probabilities, start=first):
                scores = tuple(
                    ClassScore(self._classes[at].label, float(row[at]), self._classes[at].definition)
                    for at in likeliest(row, top)
                )
                yield Classification(picture, scores, self.name)

    @torch.inference_mode()
    def logits(self, pictures: PictureLike | Sequence[PictureLike], *, cancel: CancelToken | None = None) -> Tensor:
        """Scores of N pictures before the softmax, float32 on the CPU, (N, classes); of a clip, the frames' mean.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked before every few frames.
            InputError: if a path cannot be opened as a picture.
        """
        return self._encode(listed(pictures), headless=False, cancel=cancel)

    @torch.inference_mode()
    def features(self, pictures: PictureLike | Sequence[PictureLike]) -> npt.NDArray[np.float32]:
        """What goes into the head: pooled and normalised, (N, width); of a clip, the frames' mean.

        Raises:
            InputError: if a path cannot be opened as a picture.
        """
        given = listed(pictures)
        if not given:
            return np.empty((0, self.module.num_features), np.float32)
        found: npt.NDArray[np.float32] = self._encode(given, headless=True).numpy()
        return found

    def embed_image(self, pictures: PictureLike | Sequence[PictureLike]) -> npt.NDArray[np.float32]:
        """The features of N pictures, L2-normalised, (N, width).

        Raises:
            InputError: if a path cannot be opened as a picture.
        """
        features = self.features(pictures)
        normalised: npt.NDArray[np.float32] = features / np.linalg.norm(features, axis=-1, keepdims=True)
        return normalised

    def _encode(self, given: list[PictureLike], *, headless: bool, cancel: CancelToken | None = None) -> Tensor:
        at_once = squares_at_once(self.card.patch_grid**2, self.device)
        run = partial(self._run, headless=headless)
        return encode_frames(given, self._preprocessing, run, at_once=at_once, cancel=cancel)

    def _image_tower(self) -> ImageTower:
        return timm_tower(self.module, self.name)

    def _encode_squares(self, squares: Tensor) -> object:
        return self._run(squares, headless=True)

    def _run(self, pixels: Tensor, *, headless: bool) -> Tensor:
        tokens = self.module.forward_features(pixels.to(self._any_weight))
        found: Tensor = self.module.forward_head(tokens, pre_logits=headless).float().cpu()
        return found


def load(card: ModelCard, request: ModelRequest) -> VitModel:
    """Load the vision transformer of that card.

    Raises:
        ModelError: if its weights are not on this machine, do not fit or are damaged, or the device is not there.
    """
    started = time.perf_counter()
    device = resolve_device(request.device)
    dtype = resolve_dtype(request.dtype, device)
    config = read_config(card)
    if request.untrained:
        module = random_model(config, request.seed, device, dtype)
    else:
        module = load_model(config, require_weights(card, request.checkpoint), device, dtype)
    return VitModel(card, config, module, time.perf_counter() - started)


def empty_module(card: ModelCard) -> VisionTransformer:
    """The modules of that card on torch's meta device, without memory.

    Raises:
        ModelError: if its configuration is missing or damaged, or not one of a vision transformer.
    """
    return empty(partial(build, read_config(card)))

"""Relevance in vision transformers: of a class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from timm.models import VisionTransformer
from torch import Tensor

from cocadesk.catalog.card import ModelCard
from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_image import patch_layout, timm_tower
from cocadesk.engine.pictures import opened, stills
from cocadesk.engine.preprocess import Preprocessing, geometry
from cocadesk.engine.relevance import relevance_maps
from cocadesk.engine.relevance_graph import in_float32, with_gradients
from cocadesk.engine.relevance_tower import SeenTower
from cocadesk.errors import OptionError
from cocadesk.types import CancelToken, PictureLike


class ClassRelevance(ABC):
    """Which patches a class comes from."""

    card: ModelCard
    module: VisionTransformer
    _preprocessing: Preprocessing

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]:
        """Names of all its classes, in the order of the logits."""

    @with_gradients
    def class_relevance(
        self, picture: PictureLike, label: str | None = None, cancel: CancelToken | None = None
    ) -> AttentionMaps:
        """Which patches a class comes from: one row, of one layer and head (`AttentionMaps.measure`).

        The class's logit goes back through all layers. Of a clip, the mean over its frames.

        Args:
            label: Name of a class; of several classes of that name the likeliest; None for the likeliest of all.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between frames.
            InputError: if the picture cannot be opened.
            ModelError: if its attention is of an unknown kind, or its outputs are no classes with names.
            OptionError: if there is no class of that name.
        """
        self.card.require("classify")
        places = class_places(self.labels, label)
        frames = stills(opened(picture))
        module = in_float32(self.module)
        tower = timm_tower(module, self.card.name)
        device = next(module.parameters()).device

        def run(squares: Tensor) -> Tensor:
            found: Tensor = module(squares.to(device))
            return found

        seen = SeenTower(tower, run, frames, self._preprocessing, cancel)
        likeliest = places[int(seen.output[0, places].argmax())]
        target = torch.zeros_like(seen.output)
        target[0, likeliest] = 1
        named = self.labels[likeliest]
        return relevance_maps(
            seen.feature(target[None]),
            model=self.card.name,
            tokens=(named,),
            keys=tower.names,
            text=named,
            layout=patch_layout(tower, geometry(frames[0].width, frames[0].height, self._preprocessing)),
        )


def class_places(labels: Sequence[str], label: str | None) -> list[int]:
    """Where the classes of that name are, or all of them for None.

    Raises:
        OptionError: if there is none.
    """
    found = [place for place, known in enumerate(labels) if label is None or known == label]
    if not found:
        raise OptionError(f"The model has no class “{label}”.")
    return found

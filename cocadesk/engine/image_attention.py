"""What an image encoder's patches attend to, and their states: the same for every family that has such an encoder."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from cocadesk.catalog.card import ModelCard
from cocadesk.engine.attention import AttentionMaps
from cocadesk.engine.attention_image import ImageTower, image_maps
from cocadesk.engine.hidden_states import HiddenStates, image_states
from cocadesk.engine.preprocess import Preprocessing
from cocadesk.types import CancelToken, PictureLike


class ImageAttention:
    """Self-attention and hidden states of a model's image encoder."""

    card: ModelCard
    _preprocessing: Preprocessing

    @abstractmethod
    def _image_tower(self) -> ImageTower:
        """The encoder's layers, as they can be watched.

        Raises:
            ModelError: if they are of an unknown kind.
        """

    @abstractmethod
    def _encode_squares(self, squares: Tensor) -> object:
        """Run the encoder on (n, 3, side, side)."""

    @torch.inference_mode()
    def image_attention(
        self, picture: PictureLike, *, tokens: Sequence[str] | None = None, cancel: CancelToken | None = None
    ) -> AttentionMaps:
        """What every patch attends to in every layer and head of the image encoder; of a clip, the frames' mean.

        The `pooler` of the result, where there is one, is what the image encoder's own queries attend to.

        Args:
            tokens: Names of those of which to keep what they attend to, such as "[class]", "patch 2,3" (row and
                column) or "[feature]" for the one that the output is read from; None for all.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between every few frames.
            InputError: if the picture cannot be opened.
            ModelError: if the image encoder is no vision transformer, or one of an unknown kind.
            OptionError: if the maps would take more than a gigabyte, or there is no such token.
        """
        return image_maps(
            self._image_tower(),
            self._encode_squares,
            picture,
            self._preprocessing,
            model=self.card.name,
            tokens=tokens,
            cancel=cancel,
        )

    def image_hidden_states(self, picture: PictureLike, cancel: CancelToken | None = None) -> HiddenStates:
        """Every patch's state before the encoder's first layer and after each; of a clip, the mean over its frames.

        Raises:
            Cancelled: at the first check after `cancel` was set; it is checked between every few frames.
            InputError: if the picture cannot be opened.
            ModelError: if the image encoder is no vision transformer, or one of an unknown kind.
        """
        return image_states(
            self._image_tower(),
            self._encode_squares,
            picture,
            self._preprocessing,
            model=self.card.name,
            cancel=cancel,
        )

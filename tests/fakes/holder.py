"""A captioner without weights that tells hidden states of pictures and texts: three numbers, which lie on a plane."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cocadesk.engine.hidden_states import HiddenStates
from cocadesk.types import CancelToken, PictureLike
from tests.fakes.captioner import FakeCaptioner

LAYERS = 3
PATCHES = ("[class]", *(f"patch {row},{column}" for row in range(2) for column in range(2)))


class FakeHolder(FakeCaptioner):
    """The same states for as many tokens, whatever the picture."""

    def image_hidden_states(self, picture: PictureLike, cancel: CancelToken | None = None) -> HiddenStates:
        if cancel is not None:
            cancel.check()
        return HiddenStates("image", self.name, flat(len(PATCHES)), PATCHES)

    def text_hidden_states(self, text: str) -> HiddenStates:
        words = tuple(text.split())
        return HiddenStates("text", self.name, flat(len(words)), words, text)


def flat(tokens: int) -> npt.NDArray[np.float32]:
    """States of so many tokens before the first layer and after each."""
    states = np.random.default_rng(7).normal(size=(LAYERS + 1, tokens, 3)).astype(np.float32)
    states[..., 2] = states[..., 0] - 2 * states[..., 1]
    return states

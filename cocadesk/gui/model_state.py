"""Whether a model can be used right now, in a few words. Touches the disk: for the I/O pool."""

from __future__ import annotations

from cocadesk.catalog.cards import card
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.types import ModelRequest


def model_state(request: ModelRequest) -> str:
    """What a user reads below the model's name."""
    if request.untrained:
        return "Random weights: captions mean nothing"
    chosen = card(request.name)
    if find_weights(chosen) is None:
        return "Its weights are not on this machine"
    return "Comes with CocaDesk" if chosen.bundled and chosen.imported is None else "On this machine"

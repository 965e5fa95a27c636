"""Whether a model can be used right now, in a few words."""

from __future__ import annotations

from cocadesk.catalog.cards import card


def model_state(name: str) -> str:
    """What a user reads beside the model's name."""
    return "Comes with CocaDesk" if card(name).bundled else "Not on this machine"

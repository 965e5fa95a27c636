"""What every loaded model says about itself."""

from __future__ import annotations

from torch import Tensor, nn

from cocadesk.catalog.card import ModelCard


class LoadedModel:
    """A module with its weights and its card: the members of `models.Model`.

    Attributes:
        card: What the catalog says about it.
        module: The library's own module, with the weights.
        load_seconds: How long loading took.
    """

    def __init__(self, card: ModelCard, module: nn.Module, load_seconds: float) -> None:
        self.card = card
        self.module = module
        self.load_seconds = load_seconds

    @property
    def name(self) -> str:
        """The catalog name it was loaded by."""
        return self.card.name

    @property
    def device(self) -> str:
        """Where it runs: "cpu", "cuda" or "mps"."""
        return self._any_weight.device.type

    @property
    def dtype(self) -> str:
        """The number format of its weights, such as "float32"."""
        return str(self._any_weight.dtype).removeprefix("torch.")

    @property
    def weight_bytes(self) -> int:
        """Memory that its weights take on the device."""
        return sum(parameter.nbytes for parameter in self.module.parameters())

    @property
    def _any_weight(self) -> Tensor:
        return next(self.module.parameters())

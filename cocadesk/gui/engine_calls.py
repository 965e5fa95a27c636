"""What the window asks of the engine besides running models. Each call brings torch along: it runs on the I/O pool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.cards import LIBRARIES
from cocadesk.types import NetInfo


def _import_checkpoint(path: str, name: str | None) -> ModelCard:
    from cocadesk.engine.importing import import_checkpoint  # noqa: PLC0415

    return import_checkpoint(path, name)


def _net_info(name: str) -> NetInfo:
    from cocadesk.engine.net_info import net_info  # noqa: PLC0415

    return net_info(name)


def _find_card(name: str) -> ModelCard:
    from cocadesk.engine import find_card  # noqa: PLC0415

    return find_card(name)


def _library_names() -> list[str]:
    from cocadesk.engine.library_cards import library_names  # noqa: PLC0415

    return [name for library in LIBRARIES for name in library_names(library)]


@dataclass(frozen=True, slots=True)
class EngineCalls:
    """The functions; tests put others in their place. All raise `ModelError`.

    Attributes:
        import_checkpoint: Copies a checkpoint into the catalog under a name, or the file's.
        net_info: What a model is made of.
        find_card: The card of a model, of a library's as well.
        library_names: Names of all models that the libraries publish and the engine can run.
    """

    import_checkpoint: Callable[[str, str | None], ModelCard] = _import_checkpoint
    net_info: Callable[[str], NetInfo] = _net_info
    find_card: Callable[[str], ModelCard] = _find_card
    library_names: Callable[[], list[str]] = _library_names

"""CocaDesk: see what an image-text model sees.

    import cocadesk
    model = cocadesk.load("starter-coca")
    for event in model.caption("street.jpg"):
        print(event)

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cocadesk.engine import load
    from cocadesk.engine.net_info import net_info
    from cocadesk.errors import CocaDeskError, InputError, ModelError, OptionError
    from cocadesk.media.image import open_picture
    from cocadesk.types import CaptionOptions, CaptionResult, Picture, Token

__version__ = "0.1.0"

_HOME = {
    "load": "cocadesk.engine",
    "net_info": "cocadesk.engine.net_info",
    "open_picture": "cocadesk.media.image",
    "CaptionOptions": "cocadesk.types",
    "CaptionResult": "cocadesk.types",
    "Picture": "cocadesk.types",
    "Token": "cocadesk.types",
    "CocaDeskError": "cocadesk.errors",
    "InputError": "cocadesk.errors",
    "ModelError": "cocadesk.errors",
    "OptionError": "cocadesk.errors",
}

__all__ = [
    "CaptionOptions",
    "CaptionResult",
    "CocaDeskError",
    "InputError",
    "ModelError",
    "OptionError",
    "Picture",
    "Token",
    "__version__",
    "load",
    "net_info",
    "open_picture",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'cocadesk' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

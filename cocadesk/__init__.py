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
    from cocadesk.engine.attention import AttentionMaps, subtract_minimum
    from cocadesk.engine.attention_export import Drawing, Outputs, export_maps
    from cocadesk.engine.attention_pictures import MapStyle, OverlayPainter
    from cocadesk.engine.attention_summary import rollout, summarise
    from cocadesk.engine.net_info import net_info
    from cocadesk.errors import Cancelled, CocaDeskError, InputError, ModelError, OptionError
    from cocadesk.media.clips import open_clip
    from cocadesk.media.image import open_picture
    from cocadesk.media.masking import masked, polygon, rectangle, stroke
    from cocadesk.types import (
        AnswerResult,
        AskOptions,
        CacheComparison,
        CachedStates,
        CancelToken,
        CaptionOptions,
        CaptionResult,
        Classification,
        ClassScore,
        Clip,
        Comparison,
        Picture,
        RankedText,
        Token,
    )

__version__ = "0.1.0"

_HOME = {
    "load": "cocadesk.engine",
    "export_maps": "cocadesk.engine.attention_export",
    "net_info": "cocadesk.engine.net_info",
    "rollout": "cocadesk.engine.attention_summary",
    "subtract_minimum": "cocadesk.engine.attention",
    "summarise": "cocadesk.engine.attention_summary",
    "masked": "cocadesk.media.masking",
    "polygon": "cocadesk.media.masking",
    "rectangle": "cocadesk.media.masking",
    "stroke": "cocadesk.media.masking",
    "open_clip": "cocadesk.media.clips",
    "open_picture": "cocadesk.media.image",
    "AnswerResult": "cocadesk.types",
    "AskOptions": "cocadesk.types",
    "AttentionMaps": "cocadesk.engine.attention",
    "CacheComparison": "cocadesk.types",
    "CachedStates": "cocadesk.types",
    "CancelToken": "cocadesk.types",
    "CaptionOptions": "cocadesk.types",
    "CaptionResult": "cocadesk.types",
    "ClassScore": "cocadesk.types",
    "Classification": "cocadesk.types",
    "Clip": "cocadesk.types",
    "Comparison": "cocadesk.types",
    "Picture": "cocadesk.types",
    "RankedText": "cocadesk.types",
    "Token": "cocadesk.types",
    "Cancelled": "cocadesk.errors",
    "CocaDeskError": "cocadesk.errors",
    "Drawing": "cocadesk.engine.attention_export",
    "InputError": "cocadesk.errors",
    "MapStyle": "cocadesk.engine.attention_pictures",
    "ModelError": "cocadesk.errors",
    "OptionError": "cocadesk.errors",
    "Outputs": "cocadesk.engine.attention_export",
    "OverlayPainter": "cocadesk.engine.attention_pictures",
}

__all__ = [
    "AnswerResult",
    "AskOptions",
    "AttentionMaps",
    "CacheComparison",
    "CachedStates",
    "CancelToken",
    "Cancelled",
    "CaptionOptions",
    "CaptionResult",
    "ClassScore",
    "Classification",
    "Clip",
    "CocaDeskError",
    "Comparison",
    "Drawing",
    "InputError",
    "MapStyle",
    "ModelError",
    "OptionError",
    "Outputs",
    "OverlayPainter",
    "Picture",
    "RankedText",
    "Token",
    "__version__",
    "export_maps",
    "load",
    "masked",
    "net_info",
    "open_clip",
    "open_picture",
    "polygon",
    "rectangle",
    "rollout",
    "stroke",
    "subtract_minimum",
    "summarise",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'cocadesk' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

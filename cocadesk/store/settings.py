"""What the window remembers between runs: choices, layout and recent files, in one JSON file. No Qt."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, cast, get_args

from cocadesk import paths
from cocadesk.errors import OptionError
from cocadesk.types import ATTENTION_KINDS, FRAMES, AttentionKind, CaptionOptions, ModelRequest

log = logging.getLogger(__name__)

T = TypeVar("T", ModelRequest, CaptionOptions)

Appearance = Literal["system", "light", "dark"]
Tab = Literal["caption", "ask", "rank", "look", "test"]

RECENT_LIMIT = 12


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that is kept.

    Attributes:
        model: The model to caption with.
        options: How to decode.
        appearance: Light, dark, or whatever the desktop has.
        recent: Absolute paths of pictures and folders opened lately, the latest first.
        last_folder: Where the file dialogs start; empty for the home folder.
        geometry: The window's place and size, as the toolkit packs it, in base64.
        splitter: Widths of the window's three columns, packed likewise.
        settings_shown: Whether the decoding settings are unfolded.
        tab: Which of the panels beside the picture is shown.
        ask_model: The model to ask; None for the default one.
        ask_frames: Of a clip, how many frames are averaged for an answer.
        rank_model: The model to rank with; None for the default one.
        rank_frames: As `ask_frames`, for ranking.
        look_kind: What the Look panel shows.
        look_model: The model to look into; None for the one that captions.
        look_ask_model: The model to look into for questions; None for the default one.
        look_frames: As `ask_frames`, for looking.
        look_colours, look_opacity, look_threshold, look_smooth: How maps are laid over the picture: the name of their
            colours, shares from 0 to 1, and whether they go smoothly from patch to patch.
        word_maps: Whether words of the caption show where the model looked, before the Look panel was opened.
        starter_hints: Whether a quiet line says that a starter is in use.
        model_folder: Where models are downloaded to and looked for, by the command line, too; empty for the cache that
            all the hub's tools share.
    """

    model: ModelRequest = field(default_factory=ModelRequest)
    options: CaptionOptions = field(default_factory=CaptionOptions)
    appearance: Appearance = "system"
    recent: tuple[str, ...] = ()
    last_folder: str = ""
    geometry: str = ""
    splitter: str = ""
    settings_shown: bool = False
    model_folder: str = ""
    tab: Tab = "caption"
    ask_model: ModelRequest | None = None
    ask_frames: int = FRAMES
    rank_model: ModelRequest | None = None
    rank_frames: int = FRAMES
    look_kind: AttentionKind = "words"
    look_model: ModelRequest | None = None
    look_ask_model: ModelRequest | None = None
    look_frames: int = FRAMES
    look_colours: str = "inferno"
    look_opacity: float = 0.55
    look_threshold: float = 0.0
    look_smooth: bool = True
    word_maps: bool = False
    starter_hints: bool = True

    def with_recent(self, opened: list[Path]) -> Settings:
        """These settings with `opened` at the head of the recent files, each named once."""
        new = [str(path.absolute()) for path in opened]
        kept = [path for path in self.recent if path not in new]
        return replace(self, recent=tuple(dict.fromkeys(new + kept))[:RECENT_LIMIT])


def settings_file() -> Path:
    """Where the settings are kept."""
    return paths.config_dir() / "settings.json"


def load() -> Settings:
    """The kept settings; defaults for whatever is missing, damaged or no longer known."""
    try:
        stored = json.loads(settings_file().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError) as error:
        log.warning("Settings could not be read, defaults are used: %s", error)
        return Settings()
    return _from_json(stored) if isinstance(stored, dict) else Settings()


def save(settings: Settings) -> None:
    """Keep the settings, replacing the file in one step so that a crash cannot leave half of it."""
    target = settings_file()
    part = target.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_text(json.dumps(asdict(settings), indent=2, ensure_ascii=False), encoding="utf-8")
        part.replace(target)
    except OSError as error:
        log.warning("Settings could not be kept: %s", error)
        part.unlink(missing_ok=True)


def _from_json(stored: dict[str, Any]) -> Settings:
    defaults = Settings()
    appearance = stored.get("appearance")
    recent = stored.get("recent")
    tab = stored.get("tab")
    kind = stored.get("look_kind")
    plain = {
        name: stored[name]
        for name in (
            "last_folder",
            "geometry",
            "splitter",
            "settings_shown",
            "model_folder",
            "look_colours",
            "look_smooth",
            "word_maps",
            "starter_hints",
        )
        if isinstance(stored.get(name), type(getattr(defaults, name)))
    }
    return Settings(
        model=_known_fields(ModelRequest, stored.get("model")),
        options=_known_fields(CaptionOptions, stored.get("options")),
        appearance=appearance if appearance in {"system", "light", "dark"} else "system",
        recent=tuple(path for path in recent if isinstance(path, str)) if isinstance(recent, list) else (),
        tab=cast(Tab, tab) if tab in get_args(Tab) else "caption",
        ask_model=_model(stored, "ask_model"),
        ask_frames=_frames(stored, "ask_frames"),
        rank_model=_model(stored, "rank_model"),
        rank_frames=_frames(stored, "rank_frames"),
        look_kind=kind if kind in ATTENTION_KINDS else "words",
        look_model=_model(stored, "look_model"),
        look_ask_model=_model(stored, "look_ask_model"),
        look_frames=_frames(stored, "look_frames"),
        look_opacity=_share(stored, "look_opacity"),
        look_threshold=_share(stored, "look_threshold"),
        **plain,
    )


def _model(stored: dict[str, Any], name: str) -> ModelRequest | None:
    return _known_fields(ModelRequest, stored[name]) if isinstance(stored.get(name), dict) else None


def _frames(stored: dict[str, Any], name: str) -> int:
    kept = stored.get(name)
    return kept if isinstance(kept, int) and kept > 0 else int(getattr(Settings(), name))


def _share(stored: dict[str, Any], name: str) -> float:
    kept = stored.get(name)
    if isinstance(kept, int | float) and not isinstance(kept, bool) and 0 <= kept <= 1:
        return float(kept)
    return float(getattr(Settings(), name))


def _known_fields(kind: type[T], stored: object) -> T:
    """A `kind` from what was stored, ignoring fields it does not have; its defaults if the values make no sense."""
    if not isinstance(stored, dict):
        return kind()
    names = {known.name for known in fields(kind)}
    try:
        return kind(**{name: value for name, value in stored.items() if name in names})
    except (OptionError, TypeError):
        return kind()

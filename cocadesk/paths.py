"""Where files live: settings, history, caches, models and the resources that come with the application.

`COCADESK_PROFILE` points everything at one folder, for tests and throw-away runs.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

APP_NAME = "cocadesk"
PROFILE_VARIABLE = "COCADESK_PROFILE"


def _folder(kind: str, default: str) -> Path:
    profile = os.environ.get(PROFILE_VARIABLE)
    folder = Path(profile) / kind if profile else Path(default)
    with suppress(OSError):  # without it there is nothing to read, and whoever writes there says what is wrong
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def config_dir() -> Path:
    """Settings and window layout."""
    return _folder("config", platformdirs.user_config_dir(APP_NAME, appauthor=False))


def data_dir() -> Path:
    """History and what the user made."""
    return _folder("data", platformdirs.user_data_dir(APP_NAME, appauthor=False))


def models_dir() -> Path:
    """Imported models, a folder each."""
    return data_dir() / "models"


def cache_dir() -> Path:
    """What can be made again: thumbnails, embeddings."""
    return _folder("cache", platformdirs.user_cache_dir(APP_NAME, appauthor=False))


def resources_dir() -> Path:
    """Starter models, samples, icons: inside the installed package, or beside it in a source checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "resources"
    return installed if installed.is_dir() else package.parent / "resources"

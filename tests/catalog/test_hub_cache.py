"""The environment is read as the hub's own library reads it, only later."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cocadesk.catalog.hub_cache import HubSettings, read_hub_settings, token_file
from tests.catalog.conftest import Home

THEIRS = """
import json
from huggingface_hub import constants as c
print(json.dumps([c.ENDPOINT, c.HF_HUB_CACHE, c.HF_HUB_OFFLINE, not c.HF_HUB_DISABLE_SYMLINKS, c.HF_TOKEN_PATH]))
"""


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HF_HOME": "~/models", "HF_ENDPOINT": "https://mirror.example/", "HF_HUB_OFFLINE": "on"},
        {"HF_HOME": "/a", "HF_HUB_CACHE": "$HOME/b", "HF_TOKEN_PATH": "~/secret", "HF_HUB_DISABLE_SYMLINKS": "true"},
        {"XDG_CACHE_HOME": "/xdg", "HUGGINGFACE_HUB_CACHE": "/legacy", "TRANSFORMERS_OFFLINE": "1"},
        {"XDG_CACHE_HOME": "/xdg", "HF_HUB_OFFLINE": "0"},
    ],
)
def test_the_settings_are_those_of_huggingface_hub(
    home: Home, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name in ("HF_HOME", "HF_ENDPOINT", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    child = subprocess.run([sys.executable, "-c", THEIRS], check=True, capture_output=True, env=dict(os.environ))
    endpoint, cache, offline, symlinks, token = json.loads(child.stdout)
    assert read_hub_settings() == HubSettings(endpoint, Path(cache), offline, symlinks)
    assert token_file() == Path(token)


def test_a_chosen_folder_comes_before_the_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", "/elsewhere")
    monkeypatch.setenv("HOME", "/home/user")
    assert read_hub_settings("~/models").cache == Path("/home/user/models")

"""A hub on localhost, and an environment that knows no other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.cards import CARDS
from cocadesk.catalog.progress import Patience
from tests.fakes.hub_home import use_hub_home
from tests.fakes.hub_server import HubServer, running_hub

REPO = "org/model"
SAFE, PICKLE = "model.safetensors", "model.bin"
CARD = replace(CARDS["coca-vit-b-32"], name="model", hub_repo=REPO, hub_files=(SAFE, PICKLE))
CONTENT = random.Random(0).randbytes(300_000)

QUICK = Patience(connect_s=5, stall_s=5, tries=3, first_wait_s=0.01, longest_wait_s=0.02, obeyed_wait_s=0.5)
HASTY = replace(QUICK, stall_s=1)
"""For tests that wait for a stall to be noticed."""


@dataclass(frozen=True)
class Home:
    """The hub's folder in this test."""

    path: Path

    @property
    def cache(self) -> Path:
        return self.path / "hub"

    @property
    def blobs(self) -> list[str]:
        """Names of what lies beside the blobs: whole files by their hash, the others with an ending."""
        return sorted(path.name for path in (self.cache / "models--org--model" / "blobs").glob("*"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    use_hub_home(monkeypatch, tmp_path / "hf")
    return Home(tmp_path / "hf")


@pytest.fixture
def hub(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Serves `CONTENT` as the card's safetensors file."""
    with running_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.add(REPO, SAFE, CONTENT)
        yield server


def card_of(*files: str) -> ModelCard:
    """The test's card with other file names."""
    return replace(CARD, hub_files=files)

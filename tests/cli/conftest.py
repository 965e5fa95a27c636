"""What the tests of the command line share: an engine without a model, and pictures to caption."""

from __future__ import annotations

from pathlib import Path

import pytest

import cocadesk.engine
from cocadesk.catalog.card import Ability
from cocadesk.errors import ModelError
from cocadesk.types import ModelRequest
from tests.fakes.answerer import FakeAnswerer
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.pictures import quadrants


@pytest.fixture
def captioner(monkeypatch: pytest.MonkeyPatch) -> FakeCaptioner:
    """What the engine loads for any known model."""
    fake = FakeCaptioner()
    use_captioner(monkeypatch, fake)
    return fake


def use_captioner(monkeypatch: pytest.MonkeyPatch, fake: FakeCaptioner) -> list[ModelRequest]:
    """Have the engine load that one for captioning, and return a list that the loads' requests are added to."""
    return use_model(monkeypatch, fake, "caption")


def use_model(monkeypatch: pytest.MonkeyPatch, fake: object, ability: Ability) -> list[ModelRequest]:
    """Have the engine load that one for what it can do, and return a list that the loads' requests are added to."""
    loads: list[ModelRequest] = []

    def load_for(asked: Ability, request: ModelRequest) -> object:
        loads.append(request)
        if request.name == "unheard-of" or asked != ability:
            raise ModelError(f"There is no model named “{request.name}” that can {asked}.")
        return fake

    monkeypatch.setattr(cocadesk.engine, "load_for", load_for)
    return loads


@pytest.fixture
def answerer(monkeypatch: pytest.MonkeyPatch) -> FakeAnswerer:
    """What the engine loads for any known model, to ask."""
    fake = FakeAnswerer()
    use_model(monkeypatch, fake, "ask")
    return fake


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two pictures, which is the current one."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    quadrants().save(folder / "one.png")
    quadrants().save(folder / "Bild zwei 写真.jpg")
    monkeypatch.chdir(folder)
    return folder

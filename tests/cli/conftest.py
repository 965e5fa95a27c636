"""What the tests of the command line share: an engine without a model, and pictures to caption."""

from __future__ import annotations

from pathlib import Path

import pytest

import cocadesk.engine
from cocadesk.errors import ModelError
from tests.fakes.captioner import FakeCaptioner
from tests.fakes.pictures import quadrants


@pytest.fixture
def captioner(monkeypatch: pytest.MonkeyPatch) -> FakeCaptioner:
    """What the engine loads for any known model."""
    fake = FakeCaptioner()
    use_captioner(monkeypatch, fake)
    return fake


def use_captioner(monkeypatch: pytest.MonkeyPatch, fake: FakeCaptioner) -> list[dict[str, object]]:
    """Have the engine load that one, and return a list that the loads' arguments are added to."""
    loads: list[dict[str, object]] = []

    def load(name: str, **how: object) -> FakeCaptioner:
        loads.append({"name": name, **how})
        if name == "unheard-of":
            raise ModelError("There is no model named “unheard-of”.")
        return fake

    monkeypatch.setattr(cocadesk.engine, "load", load)
    return loads


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two pictures, which is the current one."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    quadrants().save(folder / "one.png")
    quadrants().save(folder / "Bild zwei 写真.jpg")
    monkeypatch.chdir(folder)
    return folder

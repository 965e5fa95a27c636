"""`cocadesk models list`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cocadesk.catalog.cards import CARDS
from cocadesk.cli.main import run


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the Hugging Face hub."""
    folder = tmp_path / "hub"
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def resources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Resources with bundled models of which only the names are real."""
    folder = tmp_path / "resources"
    for card in CARDS.values():
        if card.bundled:
            (folder / "models" / card.name).mkdir(parents=True)
            (folder / "models" / card.name / "model.safetensors").touch()
    monkeypatch.setattr("cocadesk.catalog.card.resources_dir", lambda: folder)
    return folder


def states(capfd: pytest.CaptureFixture[str]) -> dict[str, str]:
    assert run(["models", "list", "--json"]) == 0
    return {card["name"]: card["state"] for card in map(json.loads, capfd.readouterr().out.splitlines())}


def test_every_card_is_listed_with_what_it_can_do(hub: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list"]) == 0

    heading, *rows = capfd.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == list(CARDS)
    listed = [row[heading.index("CAN") :] for row in rows]
    assert listed == [", ".join(sorted(card.abilities)) for card in CARDS.values()]
    assert {row[heading.index("STATE") :].split("  ")[0] for row in rows} == {"bundled", "not downloaded"}


def test_json_tells_bundled_from_downloaded_from_missing(hub: Path, capfd: pytest.CaptureFixture[str]) -> None:
    card = CARDS["coca-vit-b-32"]
    stored = hub / f"models--{card.hub_repo.replace('/', '--')}"
    (stored / "refs").mkdir(parents=True)
    (stored / "refs" / "main").write_text("0123abcd", encoding="utf-8")
    (stored / "snapshots" / "0123abcd").mkdir(parents=True)
    (stored / "snapshots" / "0123abcd" / card.hub_files[-1]).touch()

    found = states(capfd)

    assert found["starter-coca"] == "bundled"
    assert found["coca-vit-b-32"] == "on this machine"
    assert found["coca-vit-l-14"] == "not downloaded"


def test_a_bundled_model_without_its_weights_is_missing(
    hub: Path, resources: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (resources / "models" / "starter-coca" / "model.safetensors").unlink()

    assert states(capfd)["starter-coca"] == "missing"


def test_json_has_exactly_these_keys(hub: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(["models", "list", "--json"])

    keys = {tuple(json.loads(line)) for line in capfd.readouterr().out.splitlines()}
    assert keys == {
        (
            "name",
            "title",
            "family",
            "state",
            "parameters",
            "download_bytes",
            "input_pixels",
            "patch_pixels",
            "licence",
            "abilities",
        )
    }

"""Removing weights: all of the model's own, nothing of anybody else's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from huggingface_hub import hf_hub_download, scan_cache_dir

from cocadesk.catalog.cards import CARDS
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.catalog.download import plan
from cocadesk.catalog.removal import remove_weights
from cocadesk.errors import ModelError
from tests.catalog.conftest import CARD, CONTENT, PICKLE, QUICK, REPO, SAFE, Home
from tests.catalog.steps import SHA256, cancel_after, fetch
from tests.fakes.hub_server import Fault, HubServer


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and ".locks" not in path.parts)


def test_all_that_was_downloaded_goes(hub: HubServer, home: Home) -> None:
    fetch()
    assert find_weights(CARD) is not None

    assert remove_weights(CARD) == len(CONTENT)

    assert find_weights(CARD) is None
    assert files(home.cache) == []
    assert not (home.cache / "models--org--model").exists()
    assert remove_weights(CARD) == 0


def test_every_version_and_both_formats_go(hub: HubServer, home: Home) -> None:
    fetch()
    hub.change(REPO, SAFE, CONTENT[:1000])
    fetch()
    hub.add(REPO, PICKLE, b"pickle")
    fetch(plan(replace(CARD, hub_files=(PICKLE,)), patience=QUICK))

    assert remove_weights(CARD) == len(CONTENT) + 1000 + 6
    assert files(home.cache) == []


def test_another_models_files_stay(hub: HubServer, home: Home) -> None:
    fetch()
    hub.add("org/model-2", SAFE, CONTENT)
    neighbour = replace(CARD, name="neighbour", hub_repo="org/model-2")
    fetch(plan(neighbour, patience=QUICK))

    remove_weights(CARD)

    found = find_weights(neighbour)
    assert found is not None
    assert found.read_bytes() == CONTENT


def test_what_other_tools_brought_stays(hub: HubServer, home: Home) -> None:
    fetch()
    hub.add(REPO, "config.json", b"{}", large=False)
    hub.add(REPO, "same.safetensors", CONTENT)
    for name in ("config.json", "same.safetensors"):
        hf_hub_download(REPO, name, cache_dir=home.cache, endpoint=hub.url)

    assert remove_weights(CARD) == 0, "another file has the same content"

    assert find_weights(CARD) is None
    (repo,) = scan_cache_dir(home.cache).repos
    assert {file.file_name for revision in repo.revisions for file in revision.files} == {
        "config.json",
        "same.safetensors",
    }
    assert not scan_cache_dir(home.cache).warnings


def test_an_emptied_version_leaves_no_branch_behind(hub: HubServer, home: Home) -> None:
    hub.add(REPO, "config.json", b"{}", large=False)
    hf_hub_download(REPO, "config.json", cache_dir=home.cache, endpoint=hub.url)
    hub.change(REPO, SAFE, CONTENT[::-1])
    fetch()

    assert remove_weights(CARD) == len(CONTENT)

    scanned = scan_cache_dir(home.cache)
    assert not scanned.warnings
    assert [len(repo.revisions) for repo in scanned.repos] == [1]


def test_an_unfinished_download_goes(hub: HubServer, home: Home) -> None:
    hub.fail(Fault(stall_after=120_000))
    cancel_after(100_000, plan(CARD, patience=QUICK))
    (part,) = (name for name in home.blobs if name.endswith(".incomplete"))
    size = (home.cache / "models--org--model" / "blobs" / part).stat().st_size

    assert remove_weights(CARD) >= size >= 100_000
    assert files(home.cache) == []


def test_without_links(hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_SYMLINKS", "1")
    fetch()

    assert remove_weights(CARD) == len(CONTENT)
    assert files(home.cache) == []


def test_a_running_download_is_not_disturbed(hub: HubServer, home: Home) -> None:
    hub.fail(Fault(stall_after=120_000))
    cancel_after(100_000, plan(CARD, patience=QUICK))
    before = home.blobs
    with (
        FileLock(home.cache / ".locks" / "models--org--model" / f"{SHA256}.lock"),
        pytest.raises(ModelError, match="being downloaded"),
    ):
        remove_weights(CARD)
    assert home.blobs == before


def test_a_link_out_of_the_cache_is_not_followed(home: Home, tmp_path: Path) -> None:
    precious = tmp_path / "precious.bin"
    precious.write_bytes(CONTENT)
    snapshot = home.cache / "models--org--model" / "snapshots" / ("c" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / SAFE).symlink_to(precious)

    assert remove_weights(CARD) == 0
    assert precious.read_bytes() == CONTENT
    assert not (snapshot / SAFE).exists()


def test_what_comes_with_the_application_stays(home: Home) -> None:
    with pytest.raises(ModelError, match="comes with CocaDesk"):
        remove_weights(CARDS["starter-coca"])

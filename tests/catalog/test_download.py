"""Downloads that go well: found by other tools, resumed across calls and processes, one at a time per file."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import hf_hub_download, scan_cache_dir, try_to_load_from_cache

from cocadesk.catalog.download import download, plan
from cocadesk.catalog.progress import Progress
from cocadesk.errors import Cancelled, DownloadError
from cocadesk.types import CancelToken
from tests.catalog.conftest import CARD, CONTENT, HASTY, PICKLE, QUICK, REPO, SAFE, Home, card_of
from tests.catalog.steps import SHA256, cancel_after, fetch, ranges
from tests.fakes.hub_server import Fault, HubServer


def test_a_plan_says_what_is_to_come_without_fetching_it(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    (file,) = planned.files
    assert (file.source.name, file.source.etag, file.source.commit) == (SAFE, SHA256, hub.commit)
    assert (planned.bytes_total, planned.bytes_here, planned.bytes_missing) == (len(CONTENT), 0, len(CONTENT))
    assert planned.cache == home.cache
    assert planned.free_bytes > 1_000_000
    assert planned.fits
    assert not hub.gets("hub")
    assert not hub.gets("store")
    assert not home.path.exists()


def test_a_download_is_whole_and_other_tools_find_it(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    events = fetch(planned)
    assert events[-1] == Progress("done", len(CONTENT), len(CONTENT))
    assert [event.bytes_done for event in events] == sorted(event.bytes_done for event in events)
    assert planned.files[0].path.read_bytes() == CONTENT

    found = try_to_load_from_cache(REPO, SAFE, cache_dir=home.cache)
    assert found == str(planned.files[0].path)
    assert hf_hub_download(REPO, SAFE, cache_dir=home.cache, local_files_only=True) == found
    (repo,) = scan_cache_dir(home.cache).repos
    assert repo.repo_id == REPO
    assert not scan_cache_dir(home.cache).warnings

    folder = home.cache / "models--org--model"
    assert home.blobs == [SHA256]
    assert (folder / "snapshots" / hub.commit / SAFE).readlink() == Path(f"../../blobs/{SHA256}")
    assert (folder / "refs" / "main").read_text() == hub.commit


def test_the_hubs_own_client_takes_it_for_its_own(hub: HubServer, home: Home) -> None:
    fetch()
    before = len(hub.gets())
    path = hf_hub_download(REPO, SAFE, cache_dir=home.cache, endpoint=hub.url)
    assert Path(path).read_bytes() == CONTENT
    assert len(hub.gets()) == before


def test_a_small_file_is_checked_by_gits_hash(hub: HubServer, home: Home) -> None:
    content = b"weights " * 5000
    hub.add(REPO, "small.bin", content, large=False)
    planned = plan(card_of("small.bin"), patience=QUICK)
    fetch(planned)
    assert planned.files[0].path.read_bytes() == content
    header = f"blob {len(content)}\0".encode()
    assert home.blobs == [hashlib.sha1(header + content).hexdigest()]


def test_a_file_in_a_folder_of_the_repository(hub: HubServer, home: Home) -> None:
    hub.add(REPO, "onnx/model v2.bin", b"abc")
    fetch(plan(card_of("onnx/model v2.bin"), patience=QUICK))
    found = try_to_load_from_cache(REPO, "onnx/model v2.bin", cache_dir=home.cache)
    assert isinstance(found, str)
    assert Path(found).read_bytes() == b"abc"


def test_the_first_file_that_exists_is_taken(hub: HubServer, home: Home) -> None:
    hub.add(REPO, PICKLE, b"pickle")
    assert plan(CARD, patience=QUICK).files[0].source.name == SAFE
    assert plan(card_of("other.safetensors", PICKLE), patience=QUICK).files[0].source.name == PICKLE


def test_what_is_here_is_not_fetched_again(hub: HubServer, home: Home) -> None:
    fetch()
    again = plan(CARD, patience=QUICK)
    assert again.bytes_missing == 0
    assert fetch(again) == [Progress("done", len(CONTENT), len(CONTENT))]
    assert len(hub.gets()) == 1


def test_a_chosen_folder(hub: HubServer, home: Home, tmp_path: Path) -> None:
    planned = plan(CARD, tmp_path / "big disk", patience=QUICK)
    fetch(planned)
    assert planned.files[0].path.is_relative_to(tmp_path / "big disk")
    assert isinstance(try_to_load_from_cache(REPO, SAFE, cache_dir=tmp_path / "big disk"), str)
    assert not home.path.exists()


def test_a_cancelled_download_goes_on_where_it_stopped(hub: HubServer, home: Home) -> None:
    hub.fail(Fault(stall_after=200_000))
    cancel_after(100_000, plan(CARD, patience=QUICK))
    again = plan(CARD, patience=QUICK)
    assert 100_000 <= again.bytes_here < len(CONTENT)
    assert not again.files[0].path.exists()
    events = fetch(again)
    assert events[0].bytes_done == events[0].bytes_total - again.bytes_missing
    assert again.files[0].path.read_bytes() == CONTENT
    assert ranges(hub) == ["", f"bytes={again.bytes_here}-"]
    assert hub.gets()[1].headers["if-range"] == f'"{hashlib.md5(CONTENT).hexdigest()}"'
    assert home.blobs == [SHA256]


def test_a_killed_process_loses_nothing(hub: HubServer, home: Home) -> None:
    hub.fail(Fault(stall_after=200_000))
    program = (
        "from cocadesk.catalog.download import download, plan\n"
        "from tests.catalog.conftest import CARD\n"
        "for event in download(plan(CARD)): print(event.bytes_done, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) == 200_000:
            break
    child.send_signal(signal.SIGKILL)
    child.communicate()
    planned = plan(CARD, patience=QUICK)
    assert planned.bytes_here == 200_000
    fetch(planned)
    assert planned.files[0].path.read_bytes() == CONTENT
    assert ranges(hub) == ["", "bytes=200000-"]


def test_a_pause_may_outlast_the_connection(hub: HubServer, home: Home) -> None:
    hub.fail(Fault(cut_after=150_000))
    planned = plan(CARD, patience=QUICK)
    running = download(planned, patience=QUICK)
    first = next(running)
    time.sleep(0.3)
    assert first.bytes_done < len(CONTENT)
    assert list(running)[-1].phase == "done"
    assert planned.files[0].path.read_bytes() == CONTENT
    assert ranges(hub) == ["", "bytes=150000-"]


def test_a_download_that_is_dropped_gives_up_its_lock(hub: HubServer, home: Home) -> None:
    hub.fail(Fault(stall_after=50_000))
    running: Any = download(plan(CARD, patience=QUICK), patience=QUICK)
    next(running)
    closer = threading.Thread(target=running.close)  # as when the last reference goes on another thread
    closer.start()
    closer.join()
    assert fetch()[-1].phase == "done"


def test_two_downloads_of_one_file_do_the_work_once(hub: HubServer, home: Home) -> None:
    hub.fail(Fault(stall_after=100_000))
    first = download(plan(CARD, patience=HASTY), patience=HASTY)
    next(first)
    seen: list[Progress] = []

    def second() -> None:
        seen.extend(download(plan(CARD, patience=QUICK), patience=QUICK))

    thread = threading.Thread(target=second)
    thread.start()
    while not seen and thread.is_alive() and len(hub.seen) < 3:
        time.sleep(0.01)
    assert list(first)[-1].phase == "done"
    thread.join(10)
    assert seen[-1].phase == "done"
    assert all(event.phase in {"waiting", "done"} for event in seen)
    assert len(ranges(hub)) == 2  # both of the first: it was stalled once
    assert home.blobs == [SHA256]


def test_waiting_for_another_download_can_be_cancelled(hub: HubServer, home: Home) -> None:
    hub.fail(Fault(stall_after=100_000))
    first: Any = download(plan(CARD, patience=QUICK), patience=QUICK)
    next(first)
    cancel = CancelToken()
    second = download(plan(CARD, patience=QUICK), cancel, patience=QUICK)
    event = next(second)
    assert event.phase == "waiting"
    assert "Another window" in event.note
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(second)
    first.close()


def test_two_processes_at_once(hub: HubServer, home: Home) -> None:
    program = (
        "from cocadesk.catalog.download import download, plan\n"
        "from tests.catalog.conftest import CARD, CONTENT\n"
        "planned = plan(CARD)\n"
        "for _ in download(planned): pass\n"
        "assert planned.files[0].path.read_bytes() == CONTENT\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", program], env=dict(os.environ)) for _ in range(2)]
    assert [child.wait(30) for child in children] == [0, 0]
    assert ranges(hub) == [""]
    assert home.blobs == [SHA256]


def test_a_new_commit_with_the_same_file_fetches_nothing(hub: HubServer, home: Home) -> None:
    fetch()
    old = hub.commit
    hub.change(REPO, SAFE, CONTENT)
    planned = plan(CARD, patience=QUICK)
    assert planned.bytes_missing == 0
    fetch(planned)
    assert hub.commit != old
    assert try_to_load_from_cache(REPO, SAFE, cache_dir=home.cache) == str(planned.files[0].path)
    assert planned.files[0].path.read_bytes() == CONTENT
    assert len(hub.gets()) == 1


def test_a_new_commit_with_another_file_leaves_the_old_one_in_use_until_it_is_whole(hub: HubServer, home: Home) -> None:
    fetch()
    new = CONTENT[::-1]
    hub.change(REPO, SAFE, new)
    hub.fail(Fault(stall_after=100_000))
    cancel_after(50_000, plan(CARD, patience=QUICK))
    found = try_to_load_from_cache(REPO, SAFE, cache_dir=home.cache)
    assert isinstance(found, str)
    assert Path(found).read_bytes() == CONTENT
    fetch()
    found = try_to_load_from_cache(REPO, SAFE, cache_dir=home.cache)
    assert isinstance(found, str)
    assert Path(found).read_bytes() == new


@pytest.mark.parametrize("why", ["refused by the system", "switched off"])
def test_without_links_the_file_itself_is_in_the_snapshot(
    hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("A required privilege is not held by the client")

    if why == "refused by the system":
        monkeypatch.setattr(Path, "symlink_to", refuse)
    else:
        monkeypatch.setenv("HF_HUB_DISABLE_SYMLINKS", "1")
    fetch()
    found = try_to_load_from_cache(REPO, SAFE, cache_dir=home.cache)
    assert isinstance(found, str)
    assert not Path(found).is_symlink()
    assert Path(found).read_bytes() == CONTENT
    assert plan(CARD, patience=QUICK).bytes_missing == 0
    assert home.blobs == []


def test_a_snapshot_without_links_leaves_a_blob_that_others_point_at(
    hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch()
    old = plan(CARD, patience=QUICK).files[0].path
    hub.change(REPO, SAFE, CONTENT)
    monkeypatch.setenv("HF_HUB_DISABLE_SYMLINKS", "1")
    fetch()
    new = plan(CARD, patience=QUICK).files[0].path
    assert old != new
    assert old.read_bytes() == new.read_bytes() == CONTENT


def test_offline_what_is_here_needs_no_hub(hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch()
    asked = len(hub.seen)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    planned = plan(CARD, patience=QUICK)
    assert planned.bytes_missing == 0
    assert fetch(planned)[-1].phase == "done"
    with pytest.raises(DownloadError, match="HF_HUB_OFFLINE forbids"):
        plan(card_of(PICKLE), patience=QUICK)
    assert len(hub.seen) == asked


def test_the_token_stays_with_the_hub(hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.token = "hf_secret"
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch()
    assert {seen.headers.get("authorization") for seen in hub.seen if seen.host == "hub"} == {"Bearer hf_secret"}
    assert hub.gets()
    assert not any("secret" in str(seen.headers) for seen in hub.gets())


@pytest.mark.parametrize("where", ["HF_HOME", "HF_TOKEN_PATH"])
def test_the_stored_token(
    hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    hub.token = "hf_stored"
    file = home.path / "token" if where == "HF_HOME" else tmp_path / "my token"
    if where == "HF_TOKEN_PATH":
        monkeypatch.setenv(where, str(file))
    file.parent.mkdir(exist_ok=True)
    file.write_text("hf_stored\n")
    assert fetch()[-1].phase == "done"
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
    with pytest.raises(DownloadError, match="token"):
        plan(CARD, patience=QUICK)

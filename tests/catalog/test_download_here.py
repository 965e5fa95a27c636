"""Downloads and this machine: cancelling, full disks, folders that cannot be used."""

from __future__ import annotations

import errno
import io
import os
import shutil
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from cocadesk.catalog.download import download, plan
from cocadesk.catalog.progress import Patience
from cocadesk.errors import Cancelled
from cocadesk.types import CancelToken
from tests.catalog.conftest import CARD, QUICK, Home
from tests.catalog.steps import assert_whole, fetch, ranges, why
from tests.fakes.hub_server import Fault, HubServer
from tests.fakes.pictures import without_rights

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@pytest.mark.parametrize("moment", ["stall", "header", "wait"])
def test_a_cancel_is_heard_at_once(hub: HubServer, home: Home, moment: str) -> None:
    patient = Patience(stall_s=20, first_wait_s=20)
    planned = plan(CARD, patience=patient)
    match moment:
        case "stall":
            hub.fail(Fault(stall_after=100_000))
        case "header":
            hub.fail(Fault(host="hub", before=lambda: hub.stopped.wait(8)))
        case _:
            hub.fail(Fault(host="hub", status=503))
    cancel = CancelToken()
    running = download(planned, cancel, patience=patient)
    for event in running:
        if moment == "header" or event.bytes_done == 100_000 or event.phase == "retrying":
            break
    time.sleep(0.15)
    cancel.cancel()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        list(running)
    assert time.monotonic() - start < 5


def test_a_cancel_closes_the_connection_that_has_stalled(hub: HubServer, home: Home) -> None:
    patient = Patience(stall_s=20)
    cancel = CancelToken()
    hub.fail(Fault(stall_after=100_000))
    running = download(plan(CARD, patience=patient), cancel, patience=patient)
    while next(running).bytes_done < 100_000:
        pass
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(running)
    deadline = time.monotonic() + 5
    while any(thread.name == "io-download" for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_cancel_before_the_start(hub: HubServer, home: Home) -> None:
    planned = plan(CARD, patience=QUICK)
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(download(planned, cancel))
    with pytest.raises(Cancelled):
        plan(CARD, cancel=cancel)
    assert not hub.gets("hub")


def test_too_little_space_is_known_before_the_first_byte(
    hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=10**9, used=0, free=100_000))
    planned = plan(CARD, patience=QUICK)
    assert planned.free_bytes == 100_000
    assert not planned.fits
    assert "has 0.1 MB free, and model.safetensors needs 0.3 MB" in why(planned)
    assert not hub.gets("hub")


class FullDisk(io.FileIO):
    """A file on a disk that has room for 100,000 bytes."""

    def write(self, data: ReadableBuffer, /) -> int:
        room = 100_000 - self.tell()
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(memoryview(data)[:room])


class SlowDisk(io.FileIO):
    """A file that takes a little at a time, as some network folders do."""

    def write(self, data: ReadableBuffer, /) -> int:
        return super().write(memoryview(data)[:10_000])


def test_a_disk_that_takes_a_little_at_a_time(hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(CARD, patience=QUICK)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", lambda descriptor, mode, buffering: SlowDisk(descriptor, mode))
        fetch(planned)
    assert_whole(planned, home)
    assert ranges(hub) == [""]


def test_a_disk_that_fills_up_keeps_what_went_in(hub: HubServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = plan(CARD, patience=QUICK)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fdopen", lambda descriptor, mode, buffering: FullDisk(descriptor, mode))
        assert f"The disk of {home.cache} is full. Free some space and start again" in why(planned)
    assert plan(CARD, patience=QUICK).bytes_here == 100_000
    fetch(planned)
    assert_whole(planned, home)
    assert ranges(hub) == ["", "bytes=100000-"]


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps rights otherwise")
def test_a_folder_that_may_not_be_written(hub: HubServer, home: Home, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    tmp_path.chmod(0o755)
    closed.chmod(0o555)
    planned = plan(CARD, closed, patience=QUICK)
    with without_rights():
        sentence = why(planned)
    assert str(closed) in sentence
    assert "choose another folder" in sentence


def test_a_folder_that_is_a_file(hub: HubServer, home: Home, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "choose another model folder" in why(plan(CARD, tmp_path / "file", patience=QUICK))

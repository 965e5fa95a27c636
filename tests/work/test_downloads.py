"""The download queue against a hub on localhost: on its own threads, two at a time, never losing what has arrived."""

from __future__ import annotations

import os
import random
import threading
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from cocadesk.catalog.card import ModelCard
from cocadesk.catalog.cards import CARDS
from cocadesk.catalog.checkpoints import find_weights
from cocadesk.catalog.download import download, plan
from cocadesk.catalog.progress import Patience
from cocadesk.catalog.removal import unfinished_bytes
from cocadesk.store import settings
from cocadesk.work.downloads import AT_ONCE, DownloadPhase, Downloads, DownloadState
from tests.fakes.hub_home import use_hub_home
from tests.fakes.hub_server import Fault, HubServer, running_hub

WAIT_MS = 10_000
SIZE = 300_000
FILE = "model.safetensors"
QUICK = Patience(connect_s=5, stall_s=5, tries=2, first_wait_s=0.01, longest_wait_s=0.02, obeyed_wait_s=0.5)

RUNNING, PAUSED, QUEUED = DownloadPhase.RUNNING, DownloadPhase.PAUSED, DownloadPhase.QUEUED
FAILED, DONE = DownloadPhase.FAILED, DownloadPhase.DONE


def make_card(number: int) -> ModelCard:
    return replace(
        CARDS["coca-vit-b-32"],
        name=f"model-{number}",
        hub_repo=f"org/model-{number}",
        hub_files=(FILE,),
        download_bytes=SIZE,
    )


CARD = make_card(0)


def content(number: int) -> bytes:
    return random.Random(number).randbytes(SIZE)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Serves four models."""
    use_hub_home(monkeypatch, tmp_path / "hf")
    with running_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        for number in range(4):
            server.add(f"org/model-{number}", FILE, content(number))
        yield server


class Listener(QObject):
    """Notes every state that a signal told of, and the thread it was told on."""

    def __init__(self, downloads: Downloads) -> None:
        super().__init__()
        self._downloads = downloads
        self.seen: list[DownloadState | None] = []
        self.threads: set[threading.Thread] = set()
        downloads.changed.connect(self.hear)

    def hear(self, names: frozenset[str]) -> None:
        self.threads.add(threading.current_thread())
        self.seen += [self._downloads.state(name) for name in names]


@pytest.fixture
def downloads(qtbot: QtBot, hub: HubServer) -> Iterator[Downloads]:
    made = Downloads(patience=QUICK)
    yield made
    assert made.shutdown()


def phase(downloads: Downloads, card: ModelCard = CARD) -> DownloadPhase | None:
    state = downloads.state(card.name)
    return state.phase if state else None


def wait_for(qtbot: QtBot, downloads: Downloads, expected: DownloadPhase, card: ModelCard = CARD) -> DownloadState:
    qtbot.waitUntil(lambda: phase(downloads, card) is expected, timeout=WAIT_MS)
    state = downloads.state(card.name)
    assert state is not None
    return state


def stop_at(qtbot: QtBot, hub: HubServer, downloads: Downloads, size: int) -> None:
    """Start the download and wait until so many bytes are there, where the hub stalls."""
    hub.fail(Fault(stall_after=size))
    downloads.start(CARD)

    def there() -> None:
        state = downloads.state(CARD.name)
        assert state is not None
        assert state.bytes_done == size

    qtbot.waitUntil(there, timeout=WAIT_MS)


def test_a_download_ends_with_the_whole_file(qtbot: QtBot, downloads: Downloads) -> None:
    listener = Listener(downloads)
    downloads.start(CARD)
    downloads.start(CARD)  # it is under way already
    state = wait_for(qtbot, downloads, DONE)
    assert (state.bytes_done, state.bytes_total) == (SIZE, SIZE)
    path = find_weights(CARD)
    assert path is not None
    assert path.read_bytes() == content(0)
    assert listener.threads == {threading.main_thread()}
    phases = [state.phase for state in listener.seen if state]
    assert phases[:2] == [QUEUED, RUNNING]
    assert phases.count(DONE) == 1


def test_pause_keeps_what_has_arrived_and_resume_goes_on_there(
    qtbot: QtBot, hub: HubServer, downloads: Downloads
) -> None:
    stop_at(qtbot, hub, downloads, 120_000)
    downloads.pause(CARD.name)
    state = downloads.state(CARD.name)
    assert state == DownloadState(CARD.name, PAUSED, 120_000, SIZE)
    assert unfinished_bytes(CARD) == 120_000
    downloads.start(CARD)
    wait_for(qtbot, downloads, DONE)
    assert [seen.headers.get("range", "") for seen in hub.gets()] == ["", "bytes=120000-"]
    path = find_weights(CARD)
    assert path is not None
    assert path.read_bytes() == content(0)


def test_cancel_removes_what_has_arrived(qtbot: QtBot, hub: HubServer, downloads: Downloads) -> None:
    stop_at(qtbot, hub, downloads, 120_000)
    downloads.cancel(CARD)
    assert phase(downloads) is None
    qtbot.waitUntil(lambda: unfinished_bytes(CARD) == 0, timeout=WAIT_MS)
    downloads.start(CARD)
    wait_for(qtbot, downloads, DONE)
    assert [seen.headers.get("range", "") for seen in hub.gets()] == ["", ""]


def test_a_paused_download_can_be_cancelled(qtbot: QtBot, hub: HubServer, downloads: Downloads) -> None:
    stop_at(qtbot, hub, downloads, 120_000)
    downloads.pause(CARD.name)
    downloads.cancel(CARD)
    qtbot.waitUntil(lambda: unfinished_bytes(CARD) == 0, timeout=WAIT_MS)
    assert phase(downloads) is None


def test_a_download_that_failed_a_moment_ago_can_be_cancelled(
    qtbot: QtBot, hub: HubServer, downloads: Downloads
) -> None:
    hub.fail(*[Fault(cut_after=100_000)] * 2, Fault(cut_after=0), Fault(cut_after=0))
    downloads.start(CARD)
    [thread] = [thread for thread in threading.enumerate() if thread.name == f"io-download-{CARD.name}"]
    thread.join(WAIT_MS / 1000)  # nobody has heard of its end yet
    assert unfinished_bytes(CARD) > 0

    downloads.cancel(CARD)

    qtbot.waitUntil(lambda: unfinished_bytes(CARD) == 0, timeout=WAIT_MS)
    assert downloads.state(CARD.name) is None


def test_two_run_at_a_time_and_the_others_wait(qtbot: QtBot, hub: HubServer, downloads: Downloads) -> None:
    go_on = threading.Event()
    hub.fail(Fault(times=AT_ONCE, before=lambda: go_on.wait(WAIT_MS / 1000)))
    cards = [make_card(number) for number in range(4)]
    for card in cards:
        downloads.start(card)
    assert [phase(downloads, card) for card in cards] == [RUNNING, RUNNING, QUEUED, QUEUED]
    downloads.pause(cards[2].name)
    assert phase(downloads, cards[2]) is PAUSED
    go_on.set()
    for card in (cards[0], cards[1], cards[3]):
        wait_for(qtbot, downloads, DONE, card)
    assert phase(downloads, cards[2]) is PAUSED
    assert downloads.under_way == ()


def test_shutdown_keeps_what_has_arrived_for_the_next_process(qtbot: QtBot, hub: HubServer) -> None:
    first = Downloads(patience=QUICK)
    stop_at(qtbot, hub, first, 120_000)
    assert first.shutdown()
    assert unfinished_bytes(CARD) == 120_000
    second = Downloads(patience=QUICK)
    second.note_unfinished(CARD, unfinished_bytes(CARD))
    assert second.state(CARD.name) == DownloadState(CARD.name, PAUSED, 120_000, SIZE)
    second.start(CARD)
    wait_for(qtbot, second, DONE)
    assert hub.gets()[-1].headers["range"] == "bytes=120000-"
    assert second.shutdown()


def test_a_corrupted_file_is_fetched_again_and_then_refused(qtbot: QtBot, hub: HubServer, downloads: Downloads) -> None:
    hub.fail(Fault(times=2, content=content(9)))
    downloads.start(CARD)
    state = wait_for(qtbot, downloads, FAILED)
    assert "arrived damaged twice" in state.message
    assert find_weights(CARD) is None
    downloads.start(CARD)  # "Try again"
    wait_for(qtbot, downloads, DONE)


@pytest.mark.parametrize(("status", "said"), [(401, "wants one"), (404, "There is no"), (500, "problem of its own")])
def test_what_the_hub_refuses_is_said(
    qtbot: QtBot, hub: HubServer, downloads: Downloads, status: int, said: str
) -> None:
    hub.fail(Fault(times=9, host="hub", method="HEAD", status=status))
    downloads.start(CARD)
    assert said in wait_for(qtbot, downloads, FAILED).message


def test_no_network_is_said(qtbot: QtBot, downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    downloads.start(CARD)
    assert "Cannot reach http://127.0.0.1:9" in wait_for(qtbot, downloads, FAILED).message


def test_a_full_disk_is_said(qtbot: QtBot, downloads: Downloads, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**9, 10**9 - 1000, 1000))
    downloads.start(CARD)
    message = wait_for(qtbot, downloads, FAILED).message
    assert "free, and model.safetensors needs 0.3 MB" in message
    assert "choose a model folder on another disk" in message


def test_a_file_that_another_window_downloads_is_waited_for(qtbot: QtBot, hub: HubServer, downloads: Downloads) -> None:
    hub.fail(Fault(stall_after=100_000))
    other = download(plan(CARD, patience=QUICK), patience=QUICK)
    while next(other).bytes_done < 100_000:
        pass
    downloads.start(CARD)

    def is_told() -> None:
        state = downloads.state(CARD.name)
        assert state is not None
        assert state.phase is RUNNING
        assert "Another window or program" in state.message

    qtbot.waitUntil(is_told, timeout=WAIT_MS)
    other.close()  # type: ignore[attr-defined]
    state = wait_for(qtbot, downloads, DONE)
    assert state.message == ""


def test_signals_are_few(qtbot: QtBot, downloads: Downloads, hub: HubServer) -> None:
    hub.fail(*(Fault(cut_after=20_000) for _ in range(9)))
    listener = Listener(downloads)
    downloads.start(CARD)
    wait_for(qtbot, downloads, DONE)
    running = [state for state in listener.seen if state and state.phase is RUNNING]
    assert len(running) <= 25
    assert len(set(running)) == len(running)


def test_the_chosen_folder_is_where_files_go(
    qtbot: QtBot, hub: HubServer, downloads: Downloads, tmp_path: Path
) -> None:
    chosen = tmp_path / "models of mine"
    settings.save(settings.Settings(model_folder=os.fspath(chosen)))
    downloads.start(CARD)
    wait_for(qtbot, downloads, DONE)
    path = find_weights(CARD)
    assert path is not None
    assert path.is_relative_to(chosen)
    settings.save(settings.Settings())
    assert find_weights(CARD) is None


def test_a_download_is_forgotten_whatever_it_does(qtbot: QtBot, hub: HubServer, downloads: Downloads) -> None:
    cards = [make_card(number) for number in range(AT_ONCE + 1)]
    hub.fail(*[Fault(stall_after=100_000)] * AT_ONCE)
    for card in cards:
        downloads.start(card)
    for card in cards[:AT_ONCE]:
        qtbot.waitUntil(lambda card=card: downloads.state(card.name).bytes_done == 100_000, timeout=WAIT_MS)  # type: ignore[misc]
    assert phase(downloads, cards[-1]) is QUEUED

    downloads.forget(cards[-1].name)
    downloads.forget(cards[0].name)

    assert [state.model for state in downloads.under_way] == [card.name for card in cards[1:AT_ONCE]]
    downloads.start(cards[0])
    wait_for(qtbot, downloads, DONE, cards[0])
    assert phase(downloads, cards[-1]) is None
    assert find_weights(cards[-1]) is None

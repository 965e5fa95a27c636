"""Files on worker threads: order, results, and results that nobody wants any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from cocadesk.errors import InputError
from cocadesk.work.io_pool import IoPool, Priority

WAIT_MS = 5_000


@pytest.fixture
def pool(qtbot: QtBot) -> Iterator[IoPool]:
    made = IoPool(workers=1)
    yield made
    assert made.shutdown()


def test_result_comes_back_to_the_owner(qtbot: QtBot, pool: IoPool) -> None:
    got: list[tuple[threading.Thread, threading.Thread]] = []
    pool.submit(threading.current_thread, lambda worker: got.append((worker, threading.current_thread())), pytest.fail)
    qtbot.waitUntil(lambda: len(got) == 1, timeout=WAIT_MS)
    worker, receiver = got[0]
    assert worker.name.startswith("io-")
    assert receiver is threading.main_thread()


def test_urgent_tasks_run_first(qtbot: QtBot, pool: IoPool) -> None:
    go_on = threading.Event()
    order: list[str] = []
    pool.submit(lambda: go_on.wait(5), lambda _: None, pytest.fail)
    for name, priority in (("thumbnail", Priority.LATER), ("next", Priority.SOON), ("shown", Priority.NOW)):
        pool.submit(lambda name=name: name, order.append, pytest.fail, priority)
    go_on.set()
    qtbot.waitUntil(lambda: len(order) == 3, timeout=WAIT_MS)
    assert order == ["shown", "next", "thumbnail"]


def test_dropped_tasks_are_never_delivered(qtbot: QtBot, pool: IoPool) -> None:
    go_on = threading.Event()
    got: list[str] = []
    ran: list[str] = []

    def running() -> str:
        ran.append("running")
        go_on.wait(5)
        return "stale"

    begun = pool.submit(running, got.append, pytest.fail)
    waiting = pool.submit(lambda: ran.append("waiting"), got.append, pytest.fail)
    qtbot.waitUntil(lambda: ran == ["running"], timeout=WAIT_MS)
    begun.drop()
    waiting.drop()
    go_on.set()
    pool.submit(lambda: "fresh", got.append, pytest.fail)
    qtbot.waitUntil(lambda: got == ["fresh"], timeout=WAIT_MS)
    assert ran == ["running"]


def test_errors_become_messages(qtbot: QtBot, pool: IoPool) -> None:
    messages: list[str] = []

    def refuse() -> None:
        raise InputError("It is empty.")

    def crash() -> None:
        raise ZeroDivisionError("by zero")

    pool.submit(refuse, pytest.fail, messages.append)
    pool.submit(crash, pytest.fail, messages.append)
    qtbot.waitUntil(lambda: len(messages) == 2, timeout=WAIT_MS)
    assert messages == ["It is empty.", "ZeroDivisionError: by zero"]

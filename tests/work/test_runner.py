"""The inference thread: order, ends, cancelling, failures."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from cocadesk.errors import ModelError
from cocadesk.types import CancelToken
from cocadesk.work.job import Ended, JobEvent, JobState
from cocadesk.work.runner import THREAD_NAME, Runner

WAIT_MS = 5_000


class Listener(QObject):
    """Keeps what a runner tells, and on which thread it was told."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[JobEvent] = []
        self.threads: set[threading.Thread] = set()

    def hear(self, event: JobEvent) -> None:
        self.events.append(event)
        self.threads.add(threading.current_thread())

    def of(self, job_id: int) -> list[object]:
        return [event.payload for event in self.events if event.job_id == job_id]

    def ends(self, job_id: int) -> list[JobState]:
        return [payload.state for payload in self.of(job_id) if isinstance(payload, Ended)]


@pytest.fixture
def listener(qtbot: QtBot) -> Listener:
    return Listener()


@pytest.fixture
def runner(listener: Listener) -> Iterator[Runner]:
    made = Runner()
    made.event_arrived.connect(listener.hear)
    yield made
    assert made.shutdown()


def count_to(number: int) -> Iterator[object]:
    yield from range(number)


def test_jobs_run_one_after_another_on_their_own_thread(qtbot: QtBot, runner: Runner, listener: Listener) -> None:
    where: set[str] = set()

    def work(token: CancelToken) -> Iterator[object]:
        where.add(threading.current_thread().name)
        yield from count_to(3)

    ids = [runner.submit(work) for _ in range(4)]
    qtbot.waitUntil(lambda: listener.ends(ids[-1]) != [], timeout=WAIT_MS)
    assert [event.job_id for event in listener.events] == [job_id for job_id in ids for _ in range(4)]
    assert all(listener.of(job_id) == [0, 1, 2, Ended(JobState.DONE)] for job_id in ids)
    assert where == {THREAD_NAME}
    assert listener.threads == {threading.main_thread()}


def test_running_job_stops_at_its_next_step_and_cleans_up(qtbot: QtBot, runner: Runner, listener: Listener) -> None:
    go_on, cleaned = threading.Event(), threading.Event()

    def endless(token: CancelToken) -> Iterator[object]:
        try:
            while True:
                yield "step"
                go_on.wait(0.001)
        finally:
            cleaned.set()

    job_id = runner.submit(endless)
    qtbot.waitUntil(lambda: len(listener.of(job_id)) > 2, timeout=WAIT_MS)
    runner.cancel(job_id)
    qtbot.waitUntil(lambda: listener.ends(job_id) == [JobState.CANCELLED], timeout=WAIT_MS)
    assert cleaned.is_set()


def test_queued_job_ends_without_running(qtbot: QtBot, runner: Runner, listener: Listener) -> None:
    go_on = threading.Event()
    ran: list[str] = []

    def hold(token: CancelToken) -> Iterator[object]:
        yield "holding"
        go_on.wait(WAIT_MS / 1000)

    def mark(token: CancelToken) -> Iterator[object]:
        ran.append("ran")
        yield from count_to(1)

    first, second = runner.submit(hold), runner.submit(mark)
    runner.cancel(second)
    qtbot.waitUntil(lambda: listener.ends(second) == [JobState.CANCELLED], timeout=WAIT_MS)
    assert listener.ends(first) == []
    go_on.set()
    qtbot.waitUntil(lambda: listener.ends(first) == [JobState.DONE], timeout=WAIT_MS)
    assert ran == []
    runner.cancel(first)  # it has ended: nothing more may be said of it
    qtbot.wait(50)
    assert len(listener.ends(first)) == len(listener.ends(second)) == 1


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("shapes do not fit\nC++ stack"), "The model failed: shapes do not fit"),
        (ModelError("The file is damaged. Download it again."), "The file is damaged. Download it again."),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "The model ran out of memory."),
        (MemoryError(), "The model ran out of memory."),
        (KeyError(), "The model failed: KeyError"),
        (StopIteration("done"), "The model failed:"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_error_becomes_a_message_and_the_thread_lives(
    qtbot: QtBot, runner: Runner, listener: Listener, error: Exception, message: str
) -> None:
    def fail(token: CancelToken) -> Iterator[object]:
        yield "begun"
        raise error

    failed, following = runner.submit(fail), runner.submit(lambda token: count_to(1))
    qtbot.waitUntil(lambda: listener.ends(following) == [JobState.DONE], timeout=WAIT_MS)
    end = listener.of(failed)[-1]
    assert isinstance(end, Ended)
    assert end.state is JobState.FAILED
    assert end.message.startswith(message)
    assert "\n" not in end.message
    assert listener.ends(failed) == [JobState.FAILED]


def test_failing_clean_up_does_not_end_the_thread(qtbot: QtBot, runner: Runner, listener: Listener) -> None:
    def untidy(token: CancelToken) -> Iterator[object]:
        try:
            yield 1
            while True:
                token.check()
                yield 2
        finally:
            raise ValueError("in the clean-up")

    untidy_id = runner.submit(untidy)
    qtbot.waitUntil(lambda: len(listener.of(untidy_id)) > 1, timeout=WAIT_MS)
    runner.cancel(untidy_id)
    following = runner.submit(lambda token: count_to(1))
    qtbot.waitUntil(lambda: listener.ends(following) == [JobState.DONE], timeout=WAIT_MS)
    assert len(listener.ends(untidy_id)) == 1


def test_shutdown_cancels_everything(qtbot: QtBot) -> None:
    runner = Runner()
    listener = Listener()
    runner.event_arrived.connect(listener.hear)

    def endless(token: CancelToken) -> Iterator[object]:
        while True:
            yield "step"

    ids = [runner.submit(endless) for _ in range(3)]
    assert runner.shutdown()
    qtbot.waitUntil(lambda: len(listener.ends(ids[0])) == 1, timeout=WAIT_MS)
    assert [listener.ends(job_id) for job_id in ids] == [[JobState.CANCELLED]] * 3

"""The inference thread: runs one job at a time, in the order they were submitted."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Iterator

from PySide6.QtCore import QObject, Qt, Signal

from cocadesk.errors import Cancelled, CocaDeskError
from cocadesk.work.job import Ended, Job, JobEvent, JobState, Work
from cocadesk.work.priority import lower_own_priority

log = logging.getLogger(__name__)

THREAD_NAME = "inference"


class Runner(QObject):
    """A serial queue of jobs on one thread of its own.

    All methods are called on the thread the runner was made on; `event_arrived` is emitted there.
    """

    event_arrived = Signal(object)
    """A `JobEvent`."""

    _posted = Signal(object)
    """The same, still on the inference thread; queued across to the owner's thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._ids = itertools.count(1)
        self._queue: deque[Job] = deque()
        self._running: Job | None = None
        self._closing = False
        self._wake = threading.Condition()
        self._posted.connect(self._pass_on, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._work_off, name=THREAD_NAME, daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> int:
        """Queue `work`; its events will carry the id that is returned."""
        job = Job(next(self._ids), work)
        with self._wake:
            self._queue.append(job)
            self._wake.notify()
        return job.id

    def cancel(self, job_id: int) -> None:
        """Stop that job: a queued one ends at once, the running one at its next check; an ended one is left."""
        with self._wake:
            if self._running is not None and self._running.id == job_id:
                self._running.token.cancel()
            queued = next((job for job in self._queue if job.id == job_id), None)
            if queued is not None:
                self._queue.remove(queued)
                self._end(queued, Ended(JobState.CANCELLED))

    def cancel_all(self) -> None:
        """Stop every job."""
        with self._wake:
            ids = [job.id for job in self._queue]
            if self._running is not None:
                ids.append(self._running.id)
        for job_id in ids:
            self.cancel(job_id)

    def shutdown(self, timeout_s: float = 30.0) -> bool:
        """Cancel everything and wait for the thread to end. Whether it did within `timeout_s`."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self.cancel_all()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _pass_on(self, event: JobEvent) -> None:
        self.event_arrived.emit(event)

    def _work_off(self) -> None:
        lower_own_priority()
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._queue or self._closing)
                if self._closing:
                    return
                job = self._running = self._queue.popleft()
                job.state = JobState.RUNNING
            end = self._run(job)
            with self._wake:
                self._running = None
                self._end(job, end)
            del job  # it holds pictures, which must not stay until the next job comes

    def _end(self, job: Job, end: Ended) -> None:
        job.state = end.state
        self._post(job, end)

    def _post(self, job: Job, payload: object) -> None:
        try:
            self._posted.emit(JobEvent(job.id, payload))
        except RuntimeError:  # the window is gone and its Qt half with it: nobody is left to tell
            log.debug("An event of job %d came after the window had closed", job.id)

    def _run(self, job: Job) -> Ended:
        """Exhaust the job's generator, posting what it yields, and say how it ended."""
        events: Iterator[object] | None = None
        try:
            job.token.check()
            events = job.work(job.token)
            for payload in events:
                job.token.check()
                self._post(job, payload)
        except Cancelled:
            return Ended(JobState.CANCELLED)
        except CocaDeskError as error:
            return Ended(JobState.FAILED, str(error))
        except Exception as error:  # whatever a model raises, the thread lives and the user is told
            log.warning("Job %d failed", job.id, exc_info=True)
            return Ended(JobState.FAILED, _plain_message(error))
        finally:
            _close(events)
        return Ended(JobState.DONE)


def _close(events: Iterator[object] | None) -> None:
    """Run the generator's own clean-up (caches, hooks) now rather than when it is collected."""
    close = getattr(events, "close", None)
    if close is None:
        return
    try:
        close()
    except Exception:  # the job has ended already; a failing clean-up must not end the thread
        log.warning("A job's clean-up failed", exc_info=True)


def _plain_message(error: Exception) -> str:
    """One line for the user out of an exception that was not meant for one."""
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return "The model ran out of memory. Close other programs, or choose a smaller model or the CPU."
    first_line = (str(error).strip().splitlines() or [""])[0]
    return f"The model failed: {first_line or type(error).__name__}"

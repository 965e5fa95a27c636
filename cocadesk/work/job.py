"""A job: work with an id, a cancel token, a state, and exactly one end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from cocadesk.types import CancelToken

Work = Callable[[CancelToken], Iterator[object]]
"""What a job does: given its cancel token, a generator of payloads. It runs on the inference thread."""


class JobState(Enum):
    """Where a job stands; the last three are ends."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Ended:
    """The last payload of every job.

    Attributes:
        state: DONE, CANCELLED or FAILED.
        message: For FAILED, one sentence to show; empty otherwise.
    """

    state: JobState
    message: str = ""


@dataclass(frozen=True, slots=True)
class JobEvent:
    """Something that a job produced: what its generator yielded, then one `Ended`."""

    job_id: int
    payload: object


@dataclass(slots=True, eq=False)
class Job:
    """One piece of work in the runner's queue. Its state changes under the runner's lock only."""

    id: int
    work: Work
    token: CancelToken = field(default_factory=CancelToken)
    state: JobState = JobState.QUEUED

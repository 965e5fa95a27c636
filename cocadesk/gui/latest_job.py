"""One job about a picture at a time: what was asked for last takes the place of what was asked before."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.entries import Entry
from cocadesk.gui.rankings import Progress
from cocadesk.gui.session import Session
from cocadesk.types import CancelToken, Clip, Picture
from cocadesk.work.job import Ended, JobEvent, JobState, Work
from cocadesk.work.model_manager import ModelLoading, ModelReady
from cocadesk.work.runner import Runner

LOOKING = "Looking at the picture…"
STOPPED = "Stopped. Press the button to begin again."


class LatestJob(QObject):
    """Opens a picture, runs a job on it, and tells how far it has come. Lives on the window's thread.

    Attributes:
        progress: What is being done; None if nothing is.
        problem: What went wrong; empty if nothing.
    """

    stopped = STOPPED
    """The problem of what was stopped."""

    changed = Signal()
    """What came of it, `progress` or `problem` changed."""

    def __init__(self, runner: Runner, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.progress: Progress | None = None
        self.problem = ""
        self._runner = runner
        self._session = session
        self._entry: Entry | None = None
        self._doing = LOOKING
        self._sampling = CancelToken()
        self._job_id: int | None = None
        runner.event_arrived.connect(self._on_event)
        session.entries.rowsRemoved.connect(self._drop_closed)

    @property
    def entry(self) -> Entry | None:
        """The picture that this is about; None for none."""
        return self._entry

    @property
    def is_busy(self) -> bool:
        """Whether something is being done."""
        return self.progress is not None

    def stop(self) -> None:
        """Stop what is being done."""
        if self.is_busy:
            self._cancel()
            self._finish(self.stopped)

    # For those that say what is done

    def _begin(
        self, entry: Entry, frames: int, then: Callable[[Picture | Clip], None], *, doing: str = LOOKING
    ) -> None:
        """Call `then` with what a model is to see of a picture, once it is opened: it begins the job with `_submit`.

        Args:
            frames: Of a clip, how many to take.
            doing: What is told once the model is there.
        """
        self._cancel()
        self._entry, self._doing = entry, doing
        sampling = self._sampling = CancelToken()
        self._show(Progress(LOOKING))
        self._session.fetch(entry, frames, then, self._finish, sampling)

    def _begin_without_picture(self, work: Work, doing: str) -> None:
        """Run that work, which needs no picture."""
        self._cancel()
        self._entry, self._doing = None, doing
        self._show(Progress(doing))
        self._submit(work)

    def _submit(self, work: Work) -> None:
        self._job_id = self._runner.submit(work)

    def _take(self, said: object) -> None:
        """The job says this, which is neither about its model nor its end."""
        raise NotImplementedError

    def _forget(self) -> None:
        """The picture that this was about was closed."""

    def _show(self, progress: Progress) -> None:
        self.problem = ""
        self.progress = progress
        self.changed.emit()

    def _cancel(self) -> None:
        self._sampling.cancel()
        if self._job_id is not None:
            self._runner.cancel(self._job_id)
            self._job_id = None  # what it still says is stale

    def _finish(self, problem: str = "") -> None:
        self._job_id = None
        self.problem = problem
        self.progress = None
        self.changed.emit()

    def _on_event(self, event: JobEvent) -> None:
        if self._job_id is None or event.job_id != self._job_id:
            return
        match event.payload:
            case ModelLoading(request=request):
                self._show(Progress(f"Loading {request.name}…"))
            case ModelReady():
                self._show(Progress(self._doing))
            case Ended() as end:
                self._finish(end.message if end.state is JobState.FAILED else "")
            case said:
                self._take(said)

    def _drop_closed(self, *_: object) -> None:
        if self._entry is not None and self._session.entries.get(self._entry.key) is None:
            self._cancel()
            self._entry = None
            self._forget()
            self._finish()

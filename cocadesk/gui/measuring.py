"""How faithful the map on the picture is: measured through jobs, kept for the map it is about."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from cocadesk.gui.entries import Entry
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.rankings import Progress
from cocadesk.gui.session import Session
from cocadesk.media.masking import Fill
from cocadesk.types import CancelToken, Clip, ModelRequest, Picture
from cocadesk.work.job import Ended, JobEvent, JobState
from cocadesk.work.measuring import Measured, MeasuredOn, MeasureProgress, MeasureRequest, measure_work
from cocadesk.work.model_manager import ModelLoading, ModelManager, ModelReady
from cocadesk.work.runner import Runner

if TYPE_CHECKING:
    from cocadesk.engine.faithfulness import Faithfulness

STOPPED = "Stopped. Press the button to begin again."


@dataclass(frozen=True, slots=True, eq=False)
class MeasureWish:
    """What is to be measured, with the choices as they were when it was asked for.

    Attributes:
        map: A map of the entry's picture that this model made.
        frames: Of a clip, how many were averaged for it.
        told: What is watched, as a user reads it.
    """

    entry: Entry
    map: OverlayMap
    model: ModelRequest
    frames: int
    on: MeasuredOn
    told: str
    fill: Fill = "blur"
    sampling: CancelToken = field(default_factory=CancelToken)


class Measuring(QObject):
    """Measures one map at a time; another one takes its place. Lives on the window's thread.

    Attributes:
        wish: What was asked for last; None for nothing yet.
        result: What came of it, once it is there.
        progress: What is being done; None if nothing is.
        problem: What went wrong; empty if nothing.
    """

    changed = Signal()
    """`result`, `progress` or `problem` changed."""

    def __init__(self, runner: Runner, manager: ModelManager, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.wish: MeasureWish | None = None
        self.result: Faithfulness | None = None
        self.progress: Progress | None = None
        self.problem = ""
        self._runner = runner
        self._manager = manager
        self._session = session
        self._job_id: int | None = None
        runner.event_arrived.connect(self._on_event)
        session.entries.rowsRemoved.connect(self._drop_closed)

    @property
    def is_busy(self) -> bool:
        """Whether a map is being measured."""
        return self.progress is not None

    def measure(self, wish: MeasureWish) -> None:
        """Measure this, in place of whatever was asked for before."""
        self._cancel()
        self.wish, self.result = wish, None
        self._show(Progress("Looking at the picture…"))
        self._session.fetch(
            wish.entry,
            wish.frames,
            lambda what: self._send(wish, what),
            lambda message: self._finish(message) if self.wish is wish else None,
            wish.sampling,
        )

    def stop(self) -> None:
        """Stop measuring."""
        if self.is_busy:
            self._cancel()
            self._finish(STOPPED)

    def _send(self, wish: MeasureWish, what: Picture | Clip) -> None:
        if self.wish is wish and self.is_busy:
            shown = wish.map
            request = MeasureRequest(wish.model, what, shown.values, shown.layout, wish.on, wish.fill)
            self._job_id = self._runner.submit(measure_work(self._manager, request))

    def _on_event(self, event: JobEvent) -> None:
        if event.job_id != self._job_id or self.wish is None:
            return
        payload = event.payload
        if isinstance(payload, ModelLoading):
            self._show(Progress(f"Loading {payload.request.name}…"))
        elif isinstance(payload, Ended):
            self._finish(payload.message if payload.state is JobState.FAILED else "")
        elif isinstance(payload, Measured):
            self.result = payload.faithfulness
        elif isinstance(payload, MeasureProgress):
            self._show(Progress("Hiding patches…", payload.done, payload.total))
        elif isinstance(payload, ModelReady):
            self._show(Progress("Looking at the picture…"))

    def _show(self, progress: Progress) -> None:
        self.problem = ""
        self.progress = progress
        self.changed.emit()

    def _cancel(self) -> None:
        if self.wish is not None:
            self.wish.sampling.cancel()
        if self._job_id is not None:
            self._runner.cancel(self._job_id)
            self._job_id = None  # what it still says is stale

    def _finish(self, problem: str = "") -> None:
        self._job_id = None
        self.problem = problem
        self.progress = None
        self.changed.emit()

    def _drop_closed(self, *_: object) -> None:
        if self.wish is not None and self._session.entries.get(self.wish.entry.key) is None:
            self._cancel()
            self.wish = self.result = None
            self._finish()

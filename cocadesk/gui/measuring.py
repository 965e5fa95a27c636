"""How faithful the map on the picture is: measured through jobs, kept for the map it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from cocadesk.gui.entries import Entry
from cocadesk.gui.latest_job import LatestJob
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.rankings import Progress
from cocadesk.gui.session import Session
from cocadesk.media.masking import Fill
from cocadesk.types import Clip, ModelRequest, Picture
from cocadesk.work.measuring import Measured, MeasuredOn, MeasureProgress, MeasureRequest, measure_work
from cocadesk.work.model_manager import ModelManager
from cocadesk.work.runner import Runner

if TYPE_CHECKING:
    from cocadesk.engine.faithfulness import Faithfulness


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


class Measuring(LatestJob):
    """Measures one map at a time.

    Attributes:
        wish: What was asked for last; None for nothing yet.
        result: What came of it, once it is there.
    """

    def __init__(self, runner: Runner, manager: ModelManager, session: Session, parent: QObject | None = None) -> None:
        super().__init__(runner, session, parent)
        self.wish: MeasureWish | None = None
        self.result: Faithfulness | None = None
        self._manager = manager

    def measure(self, wish: MeasureWish) -> None:
        """Measure this, in place of whatever was asked for before."""
        self.wish, self.result = wish, None

        def send(what: Picture | Clip) -> None:
            shown = wish.map
            request = MeasureRequest(wish.model, what, shown.values, shown.layout, wish.on, wish.fill)
            self._submit(measure_work(self._manager, request))

        self._begin(wish.entry, wish.frames, send)

    def _take(self, said: object) -> None:
        if isinstance(said, Measured):
            self.result = said.faithfulness
        elif isinstance(said, MeasureProgress):
            self._show(Progress("Hiding patches…", said.done, said.total))

    def _forget(self) -> None:
        self.wish = self.result = None

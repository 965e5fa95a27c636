"""The status bar: what is being done on the left, the model and its device on the right."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QWidget

from cocadesk.catalog.cards import CARDS
from cocadesk.gui.session import ModelPhase, ModelStatus, Session
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.naming import named

DEVICE_TITLES = {"cpu": "CPU", "cuda": "GPU", "mps": "GPU"}


def model_title(name: str) -> str:
    """The model's name as a user reads it."""
    return CARDS[name].title if name in CARDS else name


def describe(status: ModelStatus) -> str:
    """The model's state in a few words."""
    title = model_title(status.request.name) + (" (untrained)" if status.request.untrained else "")
    if status.phase is ModelPhase.READY:
        return f"{title} · {DEVICE_TITLES.get(status.device, status.device)}"
    return {
        ModelPhase.ABSENT: title,
        ModelPhase.LOADING: f"Loading {title}…",
        ModelPhase.FAILED: f"{title} · not loaded",
    }[status.phase]


class Status(QStatusBar):
    """Follows a session."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._session = session
        self._begun = 0
        self._activity = named(QLabel(), "Activity")
        self._progress = named(QProgressBar(textVisible=False), "Pictures captioned")
        self._progress.setFixedSize(140, 6)
        self._model = named(QLabel(), "Model")
        self._busy = BusyBar()
        self._busy.setFixedWidth(60)
        self.addWidget(self._activity)
        self.addWidget(self._progress)
        self.addPermanentWidget(self._busy)
        self.addPermanentWidget(self._model)
        session.status_changed.connect(self.refresh)
        session.queue_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the session's state."""
        status = self._session.status
        self._model.setText(describe(status))
        self._model.setToolTip(status.message or (f"Loaded in {status.seconds:.1f} s" if status.seconds else ""))
        self._busy.set_busy(status.phase is ModelPhase.LOADING)
        left = self._session.waiting + (self._session.active is not None)
        self._begun = max(self._begun, left) if left else 0
        several = self._begun > 1
        done = self._begun - left
        self._progress.setVisible(several)
        self._progress.setRange(0, max(self._begun, 1))
        self._progress.setValue(done)
        active = self._session.active
        if several:
            self._activity.setText(f"Captioning {done + 1} of {self._begun}")
        else:
            self._activity.setText(f"Captioning {active.name}" if active else "Ready")

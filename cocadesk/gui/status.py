"""The status bar: what is being done on the left, the model and what it takes on the right."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QProgressBar, QPushButton, QSizePolicy, QStatusBar, QWidget

from cocadesk.gui import wording
from cocadesk.gui.icons import icon
from cocadesk.gui.library import Library
from cocadesk.gui.model_status import ModelPhase, ModelStatus
from cocadesk.gui.session import Session
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets.busy_bar import BusyBar
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.naming import named

DEVICE_TITLES = {"cpu": "CPU", "cuda": "GPU", "mps": "GPU"}


def describe(status: ModelStatus) -> str:
    """The model's state in a few words: "starter-coca · CPU · float32 · 29.5 MB"."""
    name = status.request.name + (" (untrained)" if status.request.untrained else "")
    match status.phase:
        case ModelPhase.READY:
            taken = wording.size(status.weight_bytes) if status.weight_bytes else ""
            parts = (name, DEVICE_TITLES.get(status.device, status.device), status.dtype, taken)
            return " · ".join(part for part in parts if part)
        case ModelPhase.LOADING:
            return f"{name} · loading…"
        case ModelPhase.FAILED:
            return f"{name} · not loaded"
        case _:
            return name


class Status(QStatusBar):
    """Follows a session and the downloads.

    Attributes:
        chip: The model; a click opens the Models panel.
        starter: Marks a starter model.
        fetching: The downloads under way; a click opens the Models panel, too.
    """

    def __init__(self, session: Session, library: Library, show_models: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._session = session
        self._library = library
        self._begun = 0
        self._activity = named(ElidedLabel(), "Activity")  # a long name must not widen the window
        self._activity.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._progress = named(QProgressBar(textVisible=False), "Pictures captioned")
        self._progress.setFixedSize(140, 6)
        self.fetching = _chip("status", "Downloads", show_models)
        self.starter = _chip("tag", "Starter model", show_models)
        self.starter.setText("starter")
        self.starter.setToolTip(wording.STARTER)
        self.chip = _chip("status", "Model", show_models)
        self._busy = BusyBar()
        self._busy.setFixedWidth(60)
        self.addWidget(self._activity)
        self.addWidget(self._progress)
        for widget in (self.fetching, self._busy, self.starter, self.chip):
            self.addPermanentWidget(widget)
        session.status_changed.connect(self.refresh)
        session.queue_changed.connect(self.refresh)
        library.downloads.changed.connect(self._show_downloads)
        theme().changed.connect(self._dress)
        self._dress()
        self._show_downloads()
        self.refresh()

    def refresh(self) -> None:
        """Show the session's state."""
        status = self._session.status
        text = describe(status)
        self.chip.setText(text)
        self.chip.setAccessibleName(f"Model: {text}")
        told = status.message or (f"Loaded in {status.seconds:.1f} s" if status.seconds else "")
        self.chip.setToolTip("\n".join(line for line in (told, "Click to see all models") if line))
        model = self._library.entry(status.request.name)
        self.starter.setVisible(model is not None and model.card.bundled and model.card.imported is None)
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

    def _show_downloads(self, *_: object) -> None:
        states = self._library.downloads.under_way
        done, total = sum(state.bytes_done for state in states), sum(state.bytes_total for state in states)
        what = states[0].model if len(states) == 1 else f"{len(states)} models"
        self.fetching.setVisible(bool(states))
        self.fetching.setText(f"{what} {100 * done // total} %" if total else what)
        self.fetching.setToolTip("\n".join(f"{state.model}: {wording.progress(state)}" for state in states))
        self.fetching.setAccessibleName(f"Downloading {self.fetching.text()}")

    def _dress(self) -> None:
        self.chip.setIcon(icon("model", "muted"))
        self.fetching.setIcon(icon("download", "accent"))


def _chip(kind: str, name: str, show_models: QAction) -> QPushButton:
    button = named(QPushButton(), name)
    button.setProperty("kind", kind)
    button.clicked.connect(show_models.trigger)
    return button

"""The settings of a panel that needs a model and a number of frames, folded away below it."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from cocadesk.gui.panels.model_chooser import ModelChooser
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.collapsible import Collapsible
from cocadesk.types import ModelRequest

HIGHEST = 330
SHARE = 0.36
"""Of the window's height, what the settings take at most: what they are for must stay in sight."""


class SettingsBox(Collapsible):
    """Edits a `ModelRequest` and a number of frames.

    Attributes:
        chooser: The model's part.
    """

    edited = Signal()
    """`model` or `frames` was changed by the user."""

    def __init__(self, chooser: ModelChooser, more: QWidget | None = None, parent: QWidget | None = None) -> None:
        """Show the chooser, `more` below it if there is more, and the number of frames."""
        self.chooser = chooser
        self._frames = fields.whole(
            "Frames", 1, 1024, "Of an animation or a video, how many evenly spaced frames are averaged."
        )
        form = fields.form()
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(fields.label(self._frames), self._frames)
        content = QWidget()
        content.setProperty("plain", "true")
        column = QVBoxLayout(content)
        column.setContentsMargins(4, 2, 8, 8)
        column.setSpacing(8)
        column.addWidget(chooser)
        if more is not None:
            column.addWidget(more)
        column.addLayout(form)
        scroll = _Fitting(content)
        super().__init__("Settings", scroll, parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        guard = fields.WheelGuard(self)
        self._frames.installEventFilter(guard)
        self._frames.valueChanged.connect(self.edited)
        chooser.edited.connect(self.edited)

    @property
    def model(self) -> ModelRequest:
        """The model as chosen."""
        return self.chooser.model

    @property
    def frames(self) -> int:
        """How many frames of a clip are averaged."""
        return self._frames.value()

    def show_values(self, model: ModelRequest, frames: int) -> None:
        """Show these without telling that anything was edited."""
        self.chooser.show_model(model)
        blocker = QSignalBlocker(self._frames)
        self._frames.setValue(frames)
        del blocker

    def use_untrained(self) -> None:
        """Take random weights, as the user would."""
        self.chooser.show_model(replace(self.model, untrained=True, checkpoint=None))
        self.edited.emit()


class _Fitting(QScrollArea):
    """As high as its content, up to a limit."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._content = content
        self.setWidget(content)
        content.installEventFilter(self)

    def sizeHint(self) -> QSize:
        most = min(HIGHEST, int(SHARE * self.window().height()))
        return QSize(200, min(self._content.sizeHint().height(), most))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

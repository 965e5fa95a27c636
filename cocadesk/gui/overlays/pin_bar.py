"""The bar above a lens: a grip to carry it away by, its title, its opacity and a button that removes it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from cocadesk.gui.icons import icon
from cocadesk.gui.overlays.style import FAINTEST
from cocadesk.gui.theme import colour, scaled_font, theme
from cocadesk.gui.widgets.elided_label import ElidedLabel
from cocadesk.gui.widgets.naming import named

HEIGHT = 26
SLIDER_FROM, TITLE_FROM = 190, 90
"""Widths below which there is no room for the slider, and none for the title."""


class PinBar(QFrame):
    """Keys do what its controls do, so that Tab goes from lens to lens and not through these."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setMouseTracking(True)  # so that the place under the pointer is told here, too
        self.grip = _Grip(self)
        self.title = ElidedLabel()
        self.title.setFont(scaled_font(0.9))
        self.title.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.opacity = named(QSlider(Qt.Orientation.Horizontal), "Opacity of the overlay", "Opacity (Ctrl and wheel)")
        self.opacity.setRange(round(100 * FAINTEST), 100)
        self.opacity.setFixedWidth(56)
        self.dismiss = named(QToolButton(), "Remove the overlay", "Remove (Del)")
        self.dismiss.setIconSize(QSize(13, 13))
        self.dismiss.setFixedSize(HEIGHT - 4, HEIGHT - 4)
        self.dismiss.setStyleSheet("padding: 0;")
        for control in (self.opacity, self.dismiss):
            control.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            control.setCursor(Qt.CursorShape.ArrowCursor)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 0, 2, 0)
        row.setSpacing(4)
        row.addWidget(self.grip)
        row.addWidget(self.title, 1)
        row.addStretch(0)
        row.addWidget(self.opacity)
        row.addWidget(self.dismiss)
        theme().changed.connect(self._dress)
        self._dress()

    def show_state(self, title: str, percent: int) -> None:
        """Show that title and that opacity."""
        self.title.setText(title)
        with QSignalBlocker(self.opacity):
            self.opacity.setValue(percent)

    def sizeHint(self) -> QSize:
        return QSize(SLIDER_FROM, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.opacity.setVisible(self.width() >= SLIDER_FROM)
        self.title.setVisible(self.width() >= TITLE_FROM)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(colour("border"))
            painter.setBrush(colour("surface", 0.95))
            painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)

    def _dress(self) -> None:
        self.dismiss.setIcon(icon("close", "muted"))
        self.grip.setPixmap(icon("grip", "muted").pixmap(14, 14))


class _Grip(QLabel):
    """Where the bar is taken to carry the overlay away; the lens itself follows the mouse."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setFixedSize(18, HEIGHT)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        named(self, "Grip", "Drag it away to save the picture with this overlay (Ctrl+S)")

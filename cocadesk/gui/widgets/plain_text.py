"""Text to be read and copied, as high as it needs to be."""

from __future__ import annotations

import math

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QResizeEvent, QTextOption, QWheelEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit, QWidget


class PlainText(QTextEdit):
    """Wraps anywhere if it must, so that no text widens the window; each paragraph runs in its own direction.

    Args:
        most_lines: Of longer texts only the beginning is shown; None for no limit.

    Attributes:
        is_cut: Whether only the beginning is shown.
    """

    cut_changed = Signal(bool)
    """`is_cut` changed."""

    def __init__(self, font: QFont | None = None, most_lines: int | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._most_lines = most_lines
        self.is_cut = False
        self.setProperty("kind", "reading")
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        option = self.document().defaultTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        option.setTextDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        self.document().setDefaultTextOption(option)
        if font is not None:
            self.setFont(font)
            self.document().setDefaultFont(font)

    @property
    def text(self) -> str:
        """What is shown."""
        return self.toPlainText()

    def set_text(self, text: str) -> None:
        """Show this."""
        if text != self.toPlainText():
            self.setPlainText(text)
            self.setAccessibleDescription(text)
            self._fit()

    def natural_width(self) -> int:
        """Pixels across that the text would need without wrapping."""
        metrics = QFontMetricsF(self.document().defaultFont())
        widest = max((metrics.horizontalAdvance(line) for line in self.text.splitlines()), default=0.0)
        return math.ceil(widest) + 1  # a fraction less, and the last word would wrap

    def sizeHint(self) -> QSize:
        return QSize(self.width(), self.height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, 0)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # what it lies in scrolls

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._fit()

    def show_all(self) -> None:
        """Show the whole text, however long it is."""
        self._most_lines = None
        self._fit()

    def _fit(self) -> None:
        height = math.ceil(self.document().size().height())
        if self._most_lines is not None:
            line = self.document().firstBlock().layout().lineAt(0)
            most = int(line.height() * self._most_lines) if line.isValid() else height
            self._cut(height > most)
            height = min(height, most)
        else:
            self._cut(False)
        if height != self.height():
            self.setFixedHeight(height)

    def _cut(self, is_cut: bool) -> None:
        if is_cut != self.is_cut:
            self.is_cut = is_cut
            self.cut_changed.emit(is_cut)

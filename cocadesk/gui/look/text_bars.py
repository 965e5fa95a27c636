"""What one token of a text attends to: a bar for each token, with a tick for each head."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from cocadesk.gui.theme import colour, scaled_font, theme

ROW = 22
NAMES_SHARE = 0.3
BAR = 11


class TextBars(QWidget):
    """A bar for each token, as long as the attention it gets; ticks show each head of the layer on its own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Attention to each token")
        self.setFont(scaled_font(0.95))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._names: list[str] = []
        self._weights: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        self._heads: npt.NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self._current: int | None = None
        theme().changed.connect(self.update)

    @property
    def shares(self) -> list[float]:
        """How long each bar is, of the longest."""
        longest = float(self._weights.max()) if self._weights.size else 0.0
        return [float(weight) / longest if longest > 0 else 0.0 for weight in self._weights]

    def show_weights(
        self,
        names: Sequence[str],
        weights: npt.NDArray[np.float32],
        heads: npt.NDArray[np.float32],
        current: int | None,
    ) -> None:
        """Show what a token attends to.

        Args:
            weights: (tokens,).
            heads: The same in each head, (heads, tokens).
            current: The token that attends; None for the mean over all.
        """
        same = len(names) == len(self._names)
        self._names, self._weights, self._heads, self._current = list(names), weights, heads, current
        order = np.argsort(-weights)[:3]
        said = ", ".join(f"{self._names[place].strip()} {weights[place]:.1%}" for place in order)
        self.setAccessibleDescription(f"Most to {said}")
        if not same:
            self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, ROW * len(self._names))

    def row_rect(self, place: int) -> QRect:
        """The row of a token."""
        return QRect(0, ROW * place, self.width(), ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._names:
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            metrics = self.fontMetrics()
            widest = max(metrics.horizontalAdvance(name.strip()) for name in self._names)
            left = min(widest, int(NAMES_SHARE * self.width())) + 10
            figure = metrics.horizontalAdvance("100.0 %") + 6
            room = max(self.width() - left - figure, 20)
            longest = float(self._weights.max()) or 1.0
            scale = max(longest, float(self._heads.max()) if self._heads.size else 0.0)
            for place, (name, weight) in enumerate(zip(self._names, self._weights, strict=True)):
                row = self.row_rect(place)
                painter.setPen(colour("accent" if place == self._current else "text"))
                text = metrics.elidedText(name.strip(), Qt.TextElideMode.ElideRight, left - 10)
                area = QRect(0, row.y(), left - 8, ROW)
                painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
                bar = QRectF(left, row.y() + (ROW - BAR) / 2, max(room * float(weight) / scale, 1.0), BAR)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour("accent", 0.75))
                painter.drawRoundedRect(bar, 2.5, 2.5)
                painter.setPen(QPen(colour("text", 0.45), 1))
                for head in self._heads[:, place]:
                    x = left + room * float(head) / scale
                    painter.drawLine(
                        QRectF(x, bar.y() - 2, 0, BAR + 4).topLeft(), QRectF(x, bar.bottom(), 0, 2).bottomLeft()
                    )
                painter.setPen(colour("muted"))
                area = QRect(self.width() - figure, row.y(), figure, ROW)
                painter.drawText(
                    area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{100 * weight:.1f} %"
                )

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = event.pos().y() // ROW
            if 0 <= place < len(self._names):
                heads = ", ".join(
                    f"{number}: {100 * weight:.1f} %" for number, weight in enumerate(self._heads[:, place])
                )
                text = f"{self._names[place].strip()}: {100 * self._weights[place]:.1f} %\nHeads {heads}"
                QToolTip.showText(event.globalPos(), text, self)
                return True
        return super().event(event)

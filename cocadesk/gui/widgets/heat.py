"""Values as colours: from the surface's, for the least, to the accent's, for the greatest."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cocadesk.gui.theme import colour, scaled_font

PALEST = 0.06
STEPS = 24
BAR = 8


def mixed(heat: float) -> QColor:
    """The colour of a value between 0 and 1: from the surface's to the accent's."""
    share = PALEST + (1 - PALEST) * min(max(heat, 0.0), 1.0)
    cold, hot = colour("surface"), colour("accent")
    return QColor.fromRgbF(
        *(
            (1 - share) * from_ + share * to
            for from_, to in zip(cold.getRgbF()[:3], hot.getRgbF()[:3], strict=True)  # type: ignore[index]
        )
    )


def legible(back: QColor) -> QColor:
    """Black or white, whichever stands out against that colour (WCAG's relative luminance)."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in back.getRgbF()[:3]  # type: ignore[index]
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return QColor("#ffffff") if luminance < 0.18 else QColor("#16201e")


class HeatLegend(QWidget):
    """A scale of the colours with the values at its ends."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ends = ("", "")
        self.setFont(scaled_font(0.88))
        self.setAccessibleName("Colours")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_range(self, least: str, most: str) -> None:
        """Show these ends."""
        self._ends = (least, most)
        self.setAccessibleDescription(f"from {least}, pale, to {most}, strong")
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(150, self.fontMetrics().height() + 4)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            least, most = self._ends
            left = painter.fontMetrics().horizontalAdvance(least) + 8
            right = self.width() - painter.fontMetrics().horizontalAdvance(most) - 8
            painter.setPen(colour("muted"))
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(self.rect(), int(middle | Qt.AlignmentFlag.AlignLeft), least)
            painter.drawText(self.rect(), int(middle | Qt.AlignmentFlag.AlignRight), most)
            top = (self.height() - BAR) // 2
            for step in range(STEPS):
                begin, end = (left + (right - left) * place // STEPS for place in (step, step + 1))
                painter.fillRect(QRect(begin, top, end - begin, BAR), mixed(step / (STEPS - 1)))
            painter.setPen(colour("border"))
            painter.drawRect(left, top, right - left, BAR)

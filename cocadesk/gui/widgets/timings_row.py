"""How long a caption took, as three small figures."""

from __future__ import annotations

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from cocadesk.gui.theme import scaled_font
from cocadesk.types import Timings


class TimingsRow(QWidget):
    """Shows the time to see the picture, the time to the first word, and the pace from then on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figures: list[QLabel] = []
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 4, 0, 0)
        row.setSpacing(18)
        for what in ("Picture seen", "First word", "Tokens a second"):
            figure = QLabel()
            figure.setFont(scaled_font(1.0, QFont.Weight.DemiBold))
            label = QLabel(what)
            label.setFont(scaled_font(0.85))
            label.setProperty("tone", "muted")
            column = QVBoxLayout()
            column.setSpacing(0)
            column.addWidget(figure)
            column.addWidget(label)
            row.addLayout(column)
            self._figures.append(figure)
        row.addStretch()

    def show_timings(self, timings: Timings) -> None:
        """Show these."""
        pace = timings.tokens_per_s
        texts = (
            _duration(timings.encode_s),
            _duration(timings.first_token_s),
            f"{pace:.0f}" if pace >= 9.5 else f"{pace:.1f}",
        )
        for figure, text in zip(self._figures, texts, strict=True):
            figure.setText(text)
        self.setAccessibleName(f"Picture seen in {texts[0]}, first word after {texts[1]}, {texts[2]} tokens a second")


def _duration(seconds: float) -> str:
    if seconds < 0.00995:
        return f"{1000 * seconds:.1f} ms"
    return f"{1000 * seconds:.0f} ms" if seconds < 0.9995 else f"{seconds:.1f} s"

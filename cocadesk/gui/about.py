"""The About box."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

import cocadesk
from cocadesk.gui.icons import app_icon
from cocadesk.gui.theme import scaled_font

TEXT = (
    "Shows what an image-text model sees: captions, token by token, with what the model nearly said.\n\n"
    "Everything runs on this computer; no picture leaves it."
)
LEGAL = "MIT licence. Built on PyTorch, OpenCLIP, Qt for Python (LGPL), pyqtgraph, Pillow and Phosphor icons."


class About(QDialog):
    """What this is, its version, and what it stands on."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About CocaDesk")
        mark = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        mark.setPixmap(app_icon().pixmap(96, 96))
        title = QLabel("CocaDesk", alignment=Qt.AlignmentFlag.AlignCenter)
        title.setFont(scaled_font(1.9, QFont.Weight.DemiBold))
        column = QVBoxLayout(self)
        column.setContentsMargins(36, 28, 36, 20)
        column.setSpacing(8)
        column.addWidget(mark)
        column.addWidget(title)
        column.addWidget(_centred(f"Version {cocadesk.__version__}", "muted"))
        column.addSpacing(8)
        column.addWidget(_centred(TEXT))
        column.addSpacing(4)
        column.addWidget(_centred(LEGAL, "muted"))
        column.addSpacing(10)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.setFixedWidth(420)


def _centred(text: str, tone: str = "") -> QLabel:
    label = QLabel(text, alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True)
    label.setProperty("tone", tone)
    return label

"""A share as a bar behind its figure."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from cocadesk.gui.entries import AnyIndex
from cocadesk.gui.net_info.item_models import SHARE_ROLE
from cocadesk.gui.theme import colour


class ShareBars(QStyledItemDelegate):
    """Paints a cell as usual, with a bar below the text that is as long as the cell's share of the whole."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().paint(painter, option, index)
        share = index.data(SHARE_ROLE)
        if not isinstance(share, float):
            return
        cell = QRectF(option.rect)
        groove = QRectF(cell.x() + 6, cell.bottom() - 4, cell.width() - 12, 3)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour("border", 0.6))
        painter.drawRoundedRect(groove, 1.5, 1.5)
        groove.setWidth(max(1.0, groove.width() * min(share, 1.0)))
        painter.setBrush(colour("accent"))
        painter.drawRoundedRect(groove, 1.5, 1.5)
        painter.restore()

"""The captions that were continued from one another, as an indented list to walk in."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from cocadesk.gui.continuations import Branch
from cocadesk.gui.theme import colour, scaled_font
from cocadesk.gui.widgets.word import visible

INDENT = 16
MOST_INDENTS = 8
MARGIN = 8


class BranchList(QWidget):
    """A row for each branch: what was changed, and the caption that came of it. Up and Down move between rows."""

    branch_chosen = Signal(object)
    """The `Branch` to show."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Continuations of the caption")
        self.rows: list[BranchRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)

    def show_branches(self, branches: Sequence[Branch], shown: Branch | None, caption: str) -> None:
        """Show these; `caption` is what the branch on show says, which may still be growing."""
        if [row.branch for row in self.rows] != list(branches):
            had_focus = any(row.hasFocus() for row in self.rows)
            for row in self.rows:
                row.hide()
                row.deleteLater()
            self.rows = [BranchRow(branch) for branch in branches]
            for row in self.rows:
                row.clicked.connect(lambda _=False, branch=row.branch: self.branch_chosen.emit(branch))
                self._column.addWidget(row)
            if had_focus:
                self._focus(next((number for number, row in enumerate(self.rows) if row.branch is shown), 0))
        for row in self.rows:
            row.show_caption(caption if row.branch is shown else row.branch.caption, is_shown=row.branch is shown)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        here = next((number for number, row in enumerate(self.rows) if row.hasFocus()), -1)
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        key = Qt.Key(event.key())
        if key in steps and here >= 0 and not event.modifiers():
            self._focus(here + steps[key])
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and here >= 0:
            self.rows[here].click()
        else:
            super().keyPressEvent(event)

    def _focus(self, number: int) -> None:
        if 0 <= number < len(self.rows):
            self.rows[number].setFocus(Qt.FocusReason.OtherFocusReason)


class BranchRow(QAbstractButton):
    """One branch; the one on show is marked."""

    def __init__(self, branch: Branch) -> None:
        super().__init__()
        self.branch = branch
        self._caption = ""
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_caption(self, caption: str, *, is_shown: bool) -> None:
        """Show this as the branch's caption."""
        self._caption = caption
        self.setChecked(is_shown)
        self.setText(self.change)
        self.setAccessibleName(f"{self.change}: {caption}" + (", shown" if is_shown else ""))
        self.setToolTip(caption)
        self.update()

    def nextCheckState(self) -> None:
        """What is on show is decided by the tree, not by the click."""

    @property
    def change(self) -> str:
        """Which word was put in the place of which."""
        said, chosen = self.branch.said, self.branch.chosen
        return f"{visible(said.text)} → {visible(chosen.text)}" if said and chosen else "First caption"

    def sizeHint(self) -> QSize:
        return QSize(200, 2 * self.fontMetrics().height() + 12)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            super().keyPressEvent(event)
        else:
            event.ignore()  # the list moves between its rows

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            step = INDENT * min(self.branch.depth, MOST_INDENTS)
            box = QRectF(self.rect()).adjusted(step + 1, 1, -1, -1)
            if self.branch.depth:
                painter.setPen(QPen(colour("border"), 1.5))
                middle = box.center().y()
                elbow = QPointF(box.left() - INDENT / 2, middle)
                painter.drawPolyline([QPointF(elbow.x(), 0), elbow, QPointF(box.left() - 2, middle)])
            if self.isChecked() or self.underMouse() or self.hasFocus():
                painter.setBrush(colour("accent_soft", 1.0 if self.isChecked() else 0.45 if self.underMouse() else 0.0))
                painter.setPen(QPen(colour("accent", 1.0 if self.hasFocus() else 0.0), 1.5))
                painter.drawRoundedRect(box, 6, 6)
            inside = box.toRect().adjusted(MARGIN, 4, -MARGIN, -4)
            above = QRect(inside.x(), inside.y(), inside.width(), inside.height() // 2)
            below = above.translated(0, above.height())
            align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            painter.setFont(scaled_font(0.92, QFont.Weight.DemiBold))
            painter.setPen(colour("accent" if self.isChecked() else "text"))
            painter.drawText(above, align, _cut(painter, self.change, above))
            painter.setFont(scaled_font(0.92))
            painter.setPen(colour("muted"))
            painter.drawText(below, align, _cut(painter, self._caption or "…", below))


def _cut(painter: QPainter, text: str, area: QRect) -> str:
    return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, area.width())

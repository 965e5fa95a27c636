"""What else the model nearly said: a small chart beside a word, whose rows can be chosen."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QEnterEvent, QFocusEvent, QFont, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QFrame, QWidget

from cocadesk.gui.theme import colour, scaled_font
from cocadesk.gui.widgets.word import Word, visible
from cocadesk.gui.wording import probability
from cocadesk.types import Alternative, Token

WIDTH = 264
MARGIN = 14
ROW = 27
BAR = 3
HEAD = 48
FOOT = 26
GAP = 6
GRACE_MS = 350
"""After the pointer has left a word, so that it can reach the chart."""

PASSING_MS = 200
"""A word between the one that is explained and its chart must be pointed at so long before it is explained itself."""


class AlternativesPopup(QFrame):
    """Painted over the window rather than as a window of its own.

    It comes with the pointer and goes with it, unless it is held: after a click on the word, or with the keyboard, it
    stays until something is chosen, another place is clicked, or Escape is pressed.

    Attributes:
        word: The word it stands beside, None while it is hidden.
        rows: What can be chosen, the likeliest first.
        is_held: Whether it stays when the pointer goes away.
        by_keyboard: Whether it was the keyboard that made it stay.
    """

    chosen = Signal(object, object)
    """A `Token` of the caption and the `Alternative` that is to stand in its place."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._home = parent
        self.setObjectName("popup")
        self.setAccessibleName("What else the model nearly said")
        self.word: Word | None = None
        self.rows: list[Row] = []
        self.is_held = self.by_keyboard = False
        self._passed: tuple[Word, QWidget] | None = None
        self._grace = QTimer(self, singleShot=True, interval=GRACE_MS)
        self._grace.timeout.connect(self._on_grace)
        self._passing = QTimer(self, singleShot=True, interval=PASSING_MS)
        self._passing.timeout.connect(self._on_passed)
        self.hide()

    def show_for(self, word: Word, text: QWidget) -> None:
        """Stand below or above the text that the word is in, so that none of its words is covered."""
        self._passing.stop()
        if self.is_held and word is not self.word and not word.hasFocus():
            return
        if self._lies_between(word):
            self._passed = word, text
            self._passing.start()
            return
        self._stand(word, text)

    def hold(self, word: Word, text: QWidget, *, by_keyboard: bool) -> None:
        """Show the chart and keep it; with the keyboard, its first row that can be chosen takes the focus."""
        self._stand(word, text)
        self.by_keyboard = by_keyboard
        if not self.is_held:
            self.is_held = True
            QApplication.instance().installEventFilter(self)  # type: ignore[union-attr]
        if by_keyboard:
            self._step(-1, 1)

    def leave(self, word: Word) -> None:
        """The pointer or the focus has left that word: hide soon, unless it comes to the chart."""
        self._passing.stop()
        if word is self.word and not self.is_held:
            self._grace.start()

    def lose(self, word: Word) -> None:
        """That word is no longer there: hide, if the chart stands beside it."""
        self._passing.stop()
        if word is self.word:
            self.dismiss()

    def dismiss(self) -> None:
        """Hide; the focus goes back to the word if a row had it."""
        if self.is_held:
            self.is_held = False
            QApplication.instance().removeEventFilter(self)  # type: ignore[union-attr]
        word, self.word = self.word, None
        if word is not None and any(row.hasFocus() for row in self.rows):
            word.setFocus(Qt.FocusReason.OtherFocusReason)  # which tells that the word is noticed
        self.word = None
        self._grace.stop()
        self._passing.stop()
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, HEAD + ROW * len(self.rows) + (FOOT if len(self.rows) > 1 else MARGIN - 4))

    def enterEvent(self, event: QEnterEvent) -> None:
        self._grace.stop()
        self._passing.stop()

    def leaveEvent(self, event: QEvent) -> None:
        if not self.is_held:
            self._grace.start()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        here = next((number for number, row in enumerate(self.rows) if row.hasFocus()), -1)
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_Left: -1}
        key = Qt.Key(event.key())
        if key in steps:
            self._step(here, steps[key])
        elif key == Qt.Key.Key_Escape:
            self.dismiss()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and here >= 0:
            self.rows[here].click()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """While it is held: a click elsewhere lets it go."""
        if event.type() == QEvent.Type.MouseButtonPress and isinstance(watched, QWidget):
            inside = watched is self or self.isAncestorOf(watched)
            if not inside:
                self.dismiss()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.word is None:
            return
        token = self.word.token
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            head = QRect(MARGIN, 8, self.width() - 2 * MARGIN, HEAD - 16)
            painter.setFont(scaled_font(1.15, QFont.Weight.DemiBold))
            painter.setPen(colour("accent"))
            number = probability(token.logprob)
            room = head.width() - painter.fontMetrics().horizontalAdvance(number) - 10
            painter.drawText(head, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)
            painter.setPen(colour("text"))
            said = painter.fontMetrics().elidedText(visible(token.text), Qt.TextElideMode.ElideRight, room)
            painter.drawText(head, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, said)
            painter.setPen(colour("border"))
            painter.drawLine(MARGIN, HEAD - 6, self.width() - MARGIN, HEAD - 6)
            if len(self.rows) > 1:
                foot = QRect(MARGIN, self.height() - FOOT, head.width(), FOOT - 4)
                painter.setFont(scaled_font(0.85))
                painter.setPen(colour("muted"))
                painter.drawText(foot, Qt.AlignmentFlag.AlignVCenter, "Choose one to go on from it")

    def _stand(self, word: Word, text: QWidget) -> None:
        self._grace.stop()
        self._passing.stop()
        if word is not self.word:
            self._fill(word)
        self.word = word
        self.setAccessibleDescription(f"{word.accessibleName()}. {word.accessibleDescription()}")
        self.resize(self.sizeHint())
        home = self._home.rect().adjusted(8, 8, -8, -8)
        left = word.mapTo(self._home, QPoint(0, 0)).x()
        corner = text.mapTo(self._home, QPoint(0, text.height() + GAP))
        if corner.y() + self.height() > home.bottom():
            corner = text.mapTo(self._home, QPoint(0, -GAP - self.height()))
        corner.setX(max(home.left(), min(left, home.right() - self.width())))
        self.move(corner)
        self.raise_()
        self.show()
        self.update()

    def _fill(self, word: Word) -> None:
        for row in self.rows:
            row.hide()
            row.deleteLater()
        self.rows = [Row(candidate, word.token, self) for candidate in _candidates(word.token)]
        for number, row in enumerate(self.rows):
            row.setGeometry(MARGIN - 4, HEAD + ROW * number, WIDTH - 2 * MARGIN + 8, ROW)
            row.clicked.connect(lambda _=False, row=row: self._choose(row.candidate))
            row.show()

    def _choose(self, candidate: Alternative) -> None:
        if self.word is not None:
            token = self.word.token
            self.dismiss()
            self.chosen.emit(token, candidate)

    def _step(self, here: int, by: int) -> None:
        """Give the focus to the next row that can be chosen."""
        number = here + by
        while 0 <= number < len(self.rows):
            if self.rows[number].isEnabled():
                self.rows[number].setFocus(Qt.FocusReason.OtherFocusReason)
                return
            number += by

    def _lies_between(self, word: Word) -> bool:
        """Whether the pointer came to that word on its way from the explained one to the chart."""
        if self.word is None or self.is_held or word is self.word or word.hasFocus() or not self._grace.isActive():
            return False
        if self.geometry().top() >= self.word.mapTo(self._home, QPoint(0, 0)).y():
            return word.y() > self.word.y()
        return word.y() < self.word.y()

    def _on_passed(self) -> None:
        if self._passed is not None and self._passed[0].underMouse():
            self._stand(*self._passed)

    def _on_grace(self) -> None:
        if not self.rect().contains(self.mapFromGlobal(QCursor.pos())):
            self.dismiss()


class Row(QAbstractButton):
    """A token and its probability as a bar; the one that stands in the caption cannot be chosen again."""

    def __init__(self, candidate: Alternative, said: Token, parent: QWidget) -> None:
        super().__init__(parent)
        self.candidate = candidate
        self.setText(visible(candidate.text))
        self.setEnabled(candidate.id != said.id)
        self.setAccessibleName(f"{visible(candidate.text)}, {probability(candidate.logprob)}")
        self.setAccessibleDescription("Let the caption go on from here" if self.isEnabled() else "In the caption")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        if self.isEnabled():
            self.setCursor(Qt.CursorShape.PointingHandCursor)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            super().keyPressEvent(event)
        else:
            event.ignore()  # the chart moves between its rows

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            chosen = not self.isEnabled()
            if not chosen and (self.underMouse() or self.hasFocus()):
                painter.setPen(colour("accent") if self.hasFocus() else Qt.PenStyle.NoPen)
                painter.setBrush(colour("accent_soft"))
                painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
            inside = self.rect().adjusted(4, 0, -4, -1)
            text_area = inside.adjusted(0, 0, 0, -BAR - 2)
            number = probability(self.candidate.logprob)
            painter.setFont(scaled_font(0.95, QFont.Weight.DemiBold if chosen else QFont.Weight.Normal))
            painter.setPen(colour("text" if chosen or self.underMouse() or self.hasFocus() else "muted"))
            room = text_area.width() - painter.fontMetrics().horizontalAdvance(number) - 10
            text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room)
            painter.drawText(text_area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)
            painter.drawText(text_area, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)
            groove = QRectF(inside.x(), inside.bottom() - BAR - 1, inside.width(), BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour("border", 0.6))
            painter.drawRoundedRect(groove, BAR / 2, BAR / 2)
            groove.setWidth(max(BAR, groove.width() * math.exp(min(self.candidate.logprob, 0.0))))
            painter.setBrush(colour("accent" if chosen else "muted"))
            painter.drawRoundedRect(groove, BAR / 2, BAR / 2)


def _candidates(token: Token) -> list[Alternative]:
    """The likeliest tokens and, where it was sampled from further down, the one that was taken."""
    chosen = Alternative(token.id, token.text, token.logprob)
    known = any(other.id == token.id for other in token.alternatives)
    return [*token.alternatives, *([] if known else [chosen])]

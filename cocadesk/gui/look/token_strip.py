"""Tokens in lines, to be pointed at, clicked, and run through like a film."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from cocadesk.gui.theme import colour, scaled_font, theme

PADDING = QSize(6, 3)
GAP = 3
LINE_GAP = 3
RADIUS = 5


class TokenStrip(QWidget):
    """Shows tokens; one of them is chosen. Pointing tries one out, clicking chooses it, dragging chooses one after the
    other, and so do the arrow keys, Home and End.
    """

    pointed = Signal(object)
    """The place of the token under the pointer, or None when it left."""

    chosen = Signal(int)
    """The place of the token that was chosen by the user."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFont(scaled_font(1.05))
        self.setAccessibleName(name)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._names: list[tuple[int, str]] = []
        self._boxes: list[QRect] = []
        self._current: int | None = None
        self._pointed: int | None = None
        theme().changed.connect(self.update)

    @property
    def current(self) -> int | None:
        """The place of the chosen token."""
        return self._current

    @property
    def places(self) -> list[int]:
        """The places of all tokens that are shown."""
        return [place for place, _ in self._names]

    def show_tokens(self, names: Sequence[tuple[int, str]]) -> None:
        """Show these: each token's place and its name, with the space before it where it begins a word."""
        if list(names) != self._names:
            self._names = list(names)
            self._pointed = None
            self._flow(self.width(), place=True)
            self.updateGeometry()
            self.update()

    def show_current(self, place: int | None) -> None:
        """Mark that one as chosen, without telling."""
        self._current = place
        self.setAccessibleDescription(next((name.strip() for at, name in self._names if at == place), "none chosen"))
        self.update()

    def box(self, place: int) -> QRect:
        """Where that token is."""
        return self._boxes[self.places.index(place)]

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._flow(width, place=False)

    def sizeHint(self) -> QSize:
        return QSize(240, self.heightForWidth(max(self.width(), 200)))

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.fontMetrics().height() + 2 * PADDING.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._flow(self.width(), place=True)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for (place, name), box in zip(self._names, self._boxes, strict=True):
                inside = box.adjusted(1, 1, -1, -1)
                is_current = place == self._current
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colour("accent") if is_current else colour("accent_soft"))
                if is_current or place == self._pointed:
                    painter.drawRoundedRect(inside, RADIUS, RADIUS)
                painter.setBrush(Qt.BrushStyle.NoBrush)
                if not is_current:
                    painter.setPen(QPen(colour("accent" if place == self._pointed else "border"), 1))
                    painter.drawRoundedRect(inside, RADIUS, RADIUS)
                special = name.startswith("[")
                painter.setPen(colour("on_accent" if is_current else "muted" if special else "text"))
                room = box.width() - 2 * PADDING.width()
                painter.drawText(
                    box,
                    Qt.AlignmentFlag.AlignCenter,
                    self.fontMetrics().elidedText(_shown(name), Qt.TextElideMode.ElideMiddle, room + 2),
                )
                if is_current and self.hasFocus():
                    painter.setPen(QPen(colour("text"), 1.5))
                    painter.drawRoundedRect(box.adjusted(0, 0, -1, -1), RADIUS, RADIUS)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position().toPoint())
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._choose(place)
        elif place != self._pointed:
            self._pointed = place
            self.pointed.emit(place)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self._at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        if self._pointed is not None:
            self._pointed = None
            self.pointed.emit(None)
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}
        key, places = Qt.Key(event.key()), self.places
        if not places:
            super().keyPressEvent(event)
        elif key in steps:
            here = places.index(self._current) if self._current in places else -1 if steps[key] > 0 else len(places)
            self._choose(places[min(max(here + steps[key], 0), len(places) - 1)])
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End):
            self._choose(places[0 if key == Qt.Key.Key_Home else -1])
        else:
            super().keyPressEvent(event)

    def _choose(self, place: int | None) -> None:
        if place is not None and place != self._current:
            self.show_current(place)
            self.chosen.emit(place)

    def _at(self, spot: QPoint) -> int | None:
        return next(
            (place for (place, _), box in zip(self._names, self._boxes, strict=True) if box.contains(spot)), None
        )

    def _flow(self, width: int, place: bool) -> int:
        """Put the tokens in lines of that width if `place`; the height they take. Pieces of a word touch."""
        metrics = self.fontMetrics()
        line = metrics.height() + 2 * PADDING.height()
        x = y = 0
        boxes = []
        for number, (_, name) in enumerate(self._names):
            wide = min(metrics.horizontalAdvance(_shown(name)) + 2 * PADDING.width() + 2, max(width, 1))
            begins = number > 0 and (name.startswith((" ", "[")) or self._names[number - 1][1].startswith("["))
            x += GAP if begins and x else 0
            if x and x + wide > width:
                x, y = 0, y + line + LINE_GAP
            boxes.append(QRect(x, y, wide, line))
            x += wide
        if place:
            self._boxes = boxes
        return y + line


def _shown(name: str) -> str:
    return name.strip() or "␣"

"""What an empty window shows: how to begin, and the sample pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QFont, QPainter, QPainterPath, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui.icons import app_icon, icon
from cocadesk.gui.theme import colour, scaled_font, theme
from cocadesk.gui.thumbnails import Thumbnails
from cocadesk.gui.widgets.film_mark import paint_film_mark
from cocadesk.media.folder import VIDEO_SUFFIXES

GAP = 12
MARGIN = 32
NARROWEST, WIDEST = 88, 232
ROOM_FOR_THE_REST = 440
LEAST_SIZE = QSize(480, 420)


class Welcome(QWidget):
    """A heading, the ways to open a picture, and samples that are one click away."""

    samples_asked = Signal(object)
    """The paths (a list) of the samples to open."""

    def __init__(
        self,
        samples: Sequence[Path],
        thumbnails: Thumbnails,
        open_files: QAction,
        open_folder: QAction,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._buttons: list[_Sample] = []
        self.setObjectName("welcome")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        mark = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        mark.setPixmap(app_icon().pixmap(76, 76))
        heading = QLabel("Drop a picture to caption it", alignment=Qt.AlignmentFlag.AlignCenter)
        heading.setFont(scaled_font(2.0, QFont.Weight.DemiBold))
        hint = QLabel(
            "Files, whole folders, or an image from a browser. You can also paste one with Ctrl+V.",
            alignment=Qt.AlignmentFlag.AlignCenter,
            wordWrap=True,
        )
        hint.setProperty("tone", "muted")
        self._files = QPushButton("Open pictures…")
        self._files.setProperty("kind", "primary")
        self._files.clicked.connect(open_files.trigger)
        self._folder = QPushButton("Open folder…")
        self._folder.clicked.connect(open_folder.trigger)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch()
        buttons.addWidget(self._files)
        buttons.addWidget(self._folder)
        buttons.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, 24, MARGIN, MARGIN)
        self.setMinimumSize(LEAST_SIZE)  # or the samples, once large, would keep the window from shrinking
        column.setSpacing(10)
        column.addStretch(2)
        column.addWidget(mark)
        column.addSpacing(4)
        column.addWidget(heading)
        column.addWidget(hint)
        column.addSpacing(14)
        column.addLayout(buttons)
        if samples:
            column.addSpacing(30)
            column.addLayout(self._sample_rows(samples, thumbnails))
        column.addStretch(3)
        theme().changed.connect(self._dress)
        self._dress()

    def _sample_rows(self, samples: Sequence[Path], thumbnails: Thumbnails) -> QVBoxLayout:
        title = QLabel("Or try a sample", alignment=Qt.AlignmentFlag.AlignCenter)
        title.setFont(scaled_font(1.0, QFont.Weight.DemiBold))
        self._grid = grid = QGridLayout()
        grid.setSpacing(GAP)
        for path in samples:
            button = _Sample(path, thumbnails, self)
            button.clicked.connect(lambda _=False, path=path: self.samples_asked.emit([path]))
            self._buttons.append(button)
        self._arrange()
        everything = QPushButton("Caption all the samples")
        everything.clicked.connect(lambda: self.samples_asked.emit(list(samples)))
        rows = QVBoxLayout()
        rows.setSpacing(12)
        rows.addWidget(title)
        for content in (grid, everything):
            line = QHBoxLayout()
            line.addStretch()
            line.addLayout(content) if isinstance(content, QGridLayout) else line.addWidget(content)
            line.addStretch()
            rows.addLayout(line)
        return rows

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Lay the samples out as large as there is room; where there is little, only the first ones."""
        if not self._buttons:
            return
        room = self.width() - 2 * MARGIN, self.height() - ROOM_FOR_THE_REST
        columns, shown, side = arranged(len(self._buttons), *room)
        for number, button in enumerate(self._buttons):
            button.setVisible(number < shown)
            button.setFixedSize(side, side)
            if number < shown:
                self._grid.addWidget(button, number // columns, number % columns)

    def _dress(self) -> None:
        self._folder.setIcon(icon("folder"))
        self._files.setIcon(icon("open", "on_accent"))


def arranged(count: int, width: int, height: int) -> tuple[int, int, int]:
    """How to lay squares out in a space that is this wide and high: columns, how many to show, their side.

    The squares are as large as they can be; of several ways, the one with the fewest empty cells, then rows. At least
    one row is shown.
    """
    fitting = max(1, (width + GAP) // (NARROWEST + GAP)) * max(1, (height + GAP) // (NARROWEST + GAP))
    shown = min(count, fitting)
    ways = []
    for columns in range(1, shown + 1):
        rows = -(-shown // columns)
        across = (width - GAP * (columns - 1)) // columns
        down = (height - GAP * (rows - 1)) // rows
        ways.append((min(across, max(down, NARROWEST), WIDEST), shown - rows * columns, -rows, columns))
    side, _, _, columns = max(ways)
    return columns, shown, max(side, NARROWEST)


class _Sample(QPushButton):
    """A sample picture as a button."""

    def __init__(self, path: Path, thumbnails: Thumbnails, parent: QWidget) -> None:
        super().__init__(parent)
        self._path = path
        self._thumbnails = thumbnails
        name = path.stem.replace("-", " ").replace("_", " ")
        self.setProperty("kind", "sample")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"Caption the sample “{name}”" + (", a clip" if path.suffix in VIDEO_SUFFIXES else ""))
        self.setToolTip(name)
        thumbnails.arrived.connect(self._on_arrived)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        with QPainter(self) as painter:
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
            frame = QRectF(self.rect()).adjusted(4, 4, -4, -4)
            outline = QPainterPath()
            outline.addRoundedRect(frame, 7, 7)
            painter.fillPath(outline, colour("sunken"))
            image = self._thumbnails.get(self._path)
            if image is not None:
                scale = max(frame.width() / image.width(), frame.height() / image.height())
                size = frame.width() / scale, frame.height() / scale
                painter.setClipPath(outline)
                painter.drawImage(
                    frame, image, QRectF((image.width() - size[0]) / 2, (image.height() - size[1]) / 2, *size)
                )
            seconds = self._thumbnails.seconds(self._path)
            if seconds is not None:
                paint_film_mark(painter, frame, seconds)

    def _on_arrived(self, source: object) -> None:
        if source == self._path:
            self.update()

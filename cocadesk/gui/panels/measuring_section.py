"""How faithful the map on the picture is: two curves, the random ones beside them, and the areas below."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui.icons import icon
from cocadesk.gui.panels.subject import muted
from cocadesk.gui.rankings import Progress
from cocadesk.gui.theme import theme
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.naming import named
from cocadesk.gui.widgets.plots import dress_axes, quiet_plot
from cocadesk.gui.widgets.tone import set_tone
from cocadesk.work.measuring import MeasuredOn

if TYPE_CHECKING:
    from cocadesk.engine.faithfulness import Curves, Faithfulness

PLOT_HEIGHT = 190
HINT = (
    "Patches are hidden from the map’s highest down (deletion), or shown again in that order (insertion). The better "
    "the map, the sooner the output falls, and the sooner it rises. Dashed: the patches in random order."
)
NO_MAP = "Lay a map over the picture first: the Look tab (F5) makes one."


class MeasuringSection(QWidget):
    """Run, progress, a plot, figures, copy.

    Attributes:
        on: What is watched.
        run, stop: Begin, end.
        areas: The figures: deletion and insertion of the map, then of random orders.
    """

    run_asked = Signal()
    """Measure the map that is on the picture."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: Faithfulness | None = None
        self._about: MeasuredOn | None = None
        self.map_title = muted()
        self.on = fields.combo("Measured on", "What of the model’s output is watched while patches are hidden")
        self.run = QPushButton("Measure")
        self.stop = QPushButton("Stop")
        self.copy = QPushButton("Copy as CSV")
        self._bar = named(QProgressBar(textVisible=False), "Progress of the measurement")
        self._bar.setFixedHeight(6)
        self._doing = muted()
        self.message = muted()
        self.told = muted()
        self.plot = quiet_plot("Deletion and insertion curves")
        self.plot.setFixedHeight(PLOT_HEIGHT)
        self.areas = [QLabel() for _ in range(4)]
        self._figures = QWidget()
        self._lay_out()
        self.run.clicked.connect(self.run_asked)
        self.copy.clicked.connect(self.copy_csv)
        theme().changed.connect(self._dress)
        self._dress()
        self.show_state(None, "", told="")

    def _lay_out(self) -> None:
        measured = QHBoxLayout()
        measured.addWidget(fields.label(self.on))
        measured.addWidget(self.on, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.run)
        buttons.addWidget(self.stop)
        buttons.addWidget(self._doing, 1)
        buttons.addWidget(self.copy)
        grid = QGridLayout(self._figures)
        grid.setContentsMargins(0, 0, 0, 0)
        for column, heading in enumerate(("Area under", "This map", "Random")):
            label = QLabel(heading)
            label.setProperty("tone", "muted")
            grid.addWidget(label, 0, column)
        for row, heading in enumerate(
            ("Deletion, the smaller the better", "Insertion, the larger the better"), start=1
        ):
            grid.addWidget(QLabel(heading, wordWrap=True), row, 0)
            for column in (1, 2):
                grid.addWidget(self.areas[2 * (row - 1) + column - 1], row, column)
        grid.setColumnStretch(0, 1)
        column_layout = QVBoxLayout(self)
        column_layout.setContentsMargins(2, 0, 2, 8)
        column_layout.setSpacing(8)
        column_layout.addWidget(muted(HINT))
        column_layout.addWidget(self.map_title)
        column_layout.addLayout(measured)
        column_layout.addLayout(buttons)
        for widget in (self._bar, self.message, self.told, self.plot, self._figures):
            column_layout.addWidget(widget)

    @property
    def chosen(self) -> tuple[MeasuredOn, str] | None:
        """What is to be watched, and what a user reads for it."""
        on = self.on.currentData()
        return (on, self.on.currentText()) if on is not None else None

    def show_choices(self, choices: Sequence[tuple[str, MeasuredOn]], likeliest: int) -> None:
        """Offer these; what was chosen stays chosen as long as it is offered, and the map is about the same."""
        offered = [(self.on.itemText(at), self.on.itemData(at)) for at in range(self.on.count())]
        about = choices[likeliest][1] if choices else None
        if offered == list(choices) and about == self._about:
            return
        chosen = self.on.currentData() if about == self._about else None
        self._about = about
        self.on.clear()
        for text, on in choices:
            self.on.addItem(text, on)
        places = [at for at, (_, on) in enumerate(choices) if on == chosen]
        self.on.setCurrentIndex(places[0] if places else likeliest if choices else -1)

    def show_map(self, title: str) -> None:
        """Which map lies over the picture; empty for none."""
        self.map_title.setText(f"Map: {title}" if title else NO_MAP)
        self.on.setEnabled(bool(title))

    def show_state(self, progress: Progress | None, problem: str, told: str) -> None:
        """What is being done, what went wrong, and what the figures shown are about."""
        busy = progress is not None
        self.run.setVisible(not busy)
        self.stop.setVisible(busy)
        self._doing.setText(progress.what if progress else "")
        self._bar.setVisible(progress is not None and progress.total > 0)
        if progress is not None and progress.total:
            self._bar.setRange(0, progress.total)
            self._bar.setValue(progress.done)
        self.message.setText(problem)
        self.message.setVisible(bool(problem))
        set_tone(self.message, "danger")
        self.told.setText(told)
        self.told.setVisible(bool(told))

    def show_result(self, result: Faithfulness | None) -> None:
        """Show these curves; None for none."""
        if result is not self._result:
            self._result = result
            self._draw()
        for widget in (self.plot, self._figures):
            widget.setVisible(result is not None)
        self.copy.setVisible(result is not None)

    def as_csv(self) -> str:
        """The curves as a table; empty if there are none."""
        result = self._result
        if result is None:
            return ""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("share_of_patches", "deletion", "insertion", "deletion_random", "insertion_random"))
        rows = zip(
            result.of_map.shares,
            result.of_map.deletion,
            result.of_map.insertion,
            result.at_random.deletion,
            result.at_random.insertion,
            strict=True,
        )
        writer.writerows([f"{value:.6g}" for value in row] for row in rows)
        return text.getvalue()

    def copy_csv(self) -> None:
        """Put the curves on the clipboard."""
        if self._result is not None:
            QGuiApplication.clipboard().setText(self.as_csv())

    def _draw(self) -> None:
        self.plot.clear()
        result, colours = self._result, theme().colours
        if result is None:
            return
        for curves, style, width in (
            (result.at_random, Qt.PenStyle.DashLine, 1.2),
            (result.of_map, Qt.PenStyle.SolidLine, 2.2),
        ):
            for values, tone in ((curves.deletion, colours.danger), (curves.insertion, colours.accent)):
                self.plot.plot(curves.shares, values, pen=pg.mkPen(QColor(tone), width=width, style=style))
        for label, area in zip(self.areas, _areas(result.of_map, result.at_random), strict=True):
            label.setText(f"{area:.3f}")
        spoken = [label.text() for label in self.areas]
        self.plot.setAccessibleDescription(
            f"Area under deletion {spoken[0]}, random {spoken[1]}; under insertion {spoken[2]}, random {spoken[3]}"
        )

    def _dress(self) -> None:
        colours = theme().colours
        dress_axes(self.plot, left="Output", bottom="Share of patches")
        for label, tone in zip(self.areas, (colours.danger, colours.muted, colours.accent, colours.muted), strict=True):
            label.setStyleSheet(f"color: {tone}; font-weight: 600;")
        self.copy.setIcon(icon("copy"))
        self.stop.setIcon(icon("stop"))
        self._draw()


def _areas(of_map: Curves, at_random: Curves) -> tuple[float, float, float, float]:
    return of_map.deletion_area, at_random.deletion_area, of_map.insertion_area, at_random.insertion_area

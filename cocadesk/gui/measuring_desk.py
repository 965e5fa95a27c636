"""What the user does with the faithfulness of the map on the picture."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction

from cocadesk.gui.canvas import Canvas
from cocadesk.gui.entries import Entry, EntryState
from cocadesk.gui.library import Library
from cocadesk.gui.measuring import MeasureWish, Measuring
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.panels.look_panel import LookPanel
from cocadesk.gui.panels.measuring_section import NO_MAP, MeasuringSection
from cocadesk.gui.widgets.collapsible import Collapsible
from cocadesk.gui.widgets.word import visible
from cocadesk.media.masking import Fill
from cocadesk.work.measuring import MeasuredOn

Choices = list[tuple[str, MeasuredOn]]


class MeasuringDesk(QObject):
    """Offers what can be watched, and has it measured.

    Args:
        look: The panel that lays maps over the picture.
        shown: The picture on the canvas, if any.
        texts: The descriptions of the Rank tab.
        fill: What hides patches.
        run: The action that begins.

    Attributes:
        section: What stands in the Test tab.
        folded: The same under its heading.
    """

    busy_changed = Signal()
    """`is_busy` changed."""

    def __init__(
        self,
        measuring: Measuring,
        library: Library,
        canvas: Canvas,
        look: LookPanel,
        *,
        shown: Callable[[], Entry | None],
        texts: Callable[[], tuple[str, ...]],
        fill: Callable[[], Fill],
        run: QAction,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._measuring = measuring
        self._library = library
        self._canvas = canvas
        self._look = look
        self._shown = shown
        self._texts = texts
        self._fill = fill
        self.section = MeasuringSection()
        self.folded = Collapsible("Faithfulness of the map", self.section)
        self.section.run.setToolTip(f"{run.text()} ({run.shortcut().toString()})")
        self.section.run_asked.connect(self.run)
        self.section.stop.clicked.connect(measuring.stop)
        measuring.changed.connect(self._on_measuring)
        look.map_changed.connect(lambda *_: self.refresh())
        self.refresh()

    @property
    def is_busy(self) -> bool:
        """Whether a map is being measured."""
        return self._measuring.is_busy

    def stop(self) -> None:
        """Stop measuring."""
        self._measuring.stop()

    def run(self) -> None:
        """Measure the map on the picture; where that cannot be, say why."""
        self.folded.set_open(True)
        self.refresh()
        entry, shown, chosen = *self._seen(), self.section.chosen
        if entry is None or shown is None:
            self.section.show_state(None, NO_MAP, "")
        elif chosen is None:
            self.section.show_state(None, "There is nothing that could be watched: caption the picture first.", "")
        else:
            box = self._look.box
            self._measuring.measure(MeasureWish(entry, shown, box.model, box.frames, *chosen, fill=self._fill()))

    def refresh(self) -> None:
        """Show how things stand with the map on the picture."""
        entry, shown = self._seen()
        self.section.show_map(shown.title if shown is not None else "")
        self.section.show_choices(*self._choices(entry) if entry is not None and shown is not None else ([], 0))
        measuring = self._measuring
        wish = measuring.wish
        told = f"{wish.map.title}, measured on {wish.told}" if wish is not None and measuring.result is not None else ""
        same = wish is not None and wish.entry is entry
        if same:
            self.section.show_state(measuring.progress, measuring.problem, told)
            self.section.show_result(measuring.result)
        else:
            self.section.show_state(None, "", told="")
            self.section.show_result(None)

    def _seen(self) -> tuple[Entry | None, OverlayMap | None]:
        """The picture on the canvas and its map; while another one is on its way, the last one's map means nothing."""
        entry = self._shown()
        return entry, self._canvas.map if entry is not None else None

    def _choices(self, entry: Entry) -> tuple[Choices, int]:
        """What can be watched with the model that made the map, and which of it the map is likeliest about."""
        look = self._look
        known = self._library.entry(look.box.model.name)
        abilities = known.card.abilities if known is not None else frozenset()
        choices: Choices = []
        likeliest = 0
        if "caption" in abilities:
            ids = self._said(entry)
            choices.append(("the whole caption", MeasuredOn("caption", ids)))
            token = look.controls.choice.token if look.kind == "words" and look.scene is not None else None
            for place, said in enumerate(entry.tokens if ids else ()):
                if place == token:
                    likeliest = len(choices)
                if said.text.strip():
                    choices.append((f"the word “{visible(said.text)}”", MeasuredOn("word", ids, place)))
        question = look.field.text().strip() if look.kind == "question" else ""
        if "ask" in abilities and question:
            choices.append((f"the answer to “{question}”", MeasuredOn("answer", text=question)))
        if "rank" in abilities:
            choices += [(f"the text “{text}”", MeasuredOn("text", text=text)) for text in self._texts()]
        elif "classify" in abilities:
            choices.append(("the likeliest class", MeasuredOn("class")))
        return choices, min(likeliest, len(choices) - 1)

    def _said(self, entry: Entry) -> tuple[int, ...]:
        """Numbers of the caption's tokens, if the model that made the map said it."""
        if entry.state is EntryState.CAPTIONED and entry.model == self._look.box.model:
            return tuple(token.id for token in entry.tokens)
        return ()

    def _on_measuring(self) -> None:
        self.refresh()
        self.busy_changed.emit()

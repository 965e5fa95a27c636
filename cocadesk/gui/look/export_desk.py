"""What the user does to take maps along: choosing what to write and where, and copying."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QWidget

from cocadesk.gui.actions import Actions
from cocadesk.gui.entries import Entry
from cocadesk.gui.look import export_kinds
from cocadesk.gui.look.export_kinds import SHOWN, Kind
from cocadesk.gui.look.exporting import Exporting
from cocadesk.gui.look.scene import Choice, Scene
from cocadesk.gui.overlays.carrying import file_name
from cocadesk.gui.overlays.pin import Pin
from cocadesk.gui.overlays.pins import Pins
from cocadesk.gui.overlays.style import OverlayStyle
from cocadesk.gui.saving import ask_where
from cocadesk.work.exporting import ExportRequest, What

STRIPS = {"words": "Export all words…", "heads": "Export all heads…", "": "Export side by side…"}


class ExportDesk(QObject):
    """Connects the export actions with dialogs and the writer.

    Args:
        scene, choice, style: The maps that are there, which of them is looked at, and how it is laid over the picture.
        shown: Gives what makes an image of what is on the screen, on any thread: the picture with its map, or a text's
            charts.
        entry: The picture that is shown, if any.
        frames: Of a clip, how many are averaged.
        pins: The lenses; the picture with one of them is written here, too.

    Attributes:
        last_folder: Where dialogs start; empty for the home folder.
    """

    folder_used = Signal(str)
    """Something is to be written to that folder."""

    def __init__(
        self,
        exporting: Exporting,
        do: Actions,
        window: QWidget,
        *,
        scene: Callable[[], Scene | None],
        choice: Callable[[], Choice],
        style: Callable[[], OverlayStyle],
        shown: Callable[[], Callable[[], QImage]],
        entry: Callable[[], Entry | None],
        frames: Callable[[], int],
        pins: Pins,
    ) -> None:
        super().__init__(window)
        self.last_folder = ""
        self._exporting = exporting
        self._window = window
        self._scene, self._choice, self._style = scene, choice, style
        self._shown, self._entry, self._frames = shown, entry, frames
        self._do = do
        self._pins = pins
        pins.save_with(self.save_lens)
        self._offers: list[tuple[QAction, Callable[[Scene], list[Kind]], str]] = [
            (do.export_map, export_kinds.of_map, ""),
            (do.export_grid, export_kinds.of_grid, "all layers"),
            (do.export_strip, export_kinds.of_strip, "strip"),
            (do.export_film, export_kinds.of_film, "film"),
        ]
        for action, kinds, name in self._offers:
            action.triggered.connect(lambda _=False, a=action, k=kinds, n=name: self._ask(a, k, n))

    def refresh(self, is_shown: bool) -> None:
        """Say what can be written now.

        Args:
            is_shown: Whether the maps belong to what is on the screen.
        """
        scene = self._scene()
        over_picture = scene is None or scene.over_picture
        self._do.export_map.setText("Export the map…" if over_picture else "Export the charts…")
        self._do.export_strip.setText(STRIPS[scene.strip_of if scene is not None else ""])
        for action, kinds, _ in self._offers:
            action.setEnabled(is_shown and scene is not None and bool(kinds(scene)))

    def _ask(self, action: QAction, offered: Callable[[Scene], list[Kind]], name: str) -> None:
        """Let the user choose what is written, and where."""
        scene, choice, entry = self._scene(), self._choice(), self._entry()
        if scene is None:
            return
        kinds = offered(scene)
        where = self._where(action.text().removesuffix("…"), self._file_name(scene, choice, name), kinds)
        if where is None:
            return
        path, kind = where
        if kind.what == SHOWN:
            self._exporting.save(self._shown(), path)
        else:
            request = self._request(scene, choice, kind.what, path, kind)
            self._exporting.export(request, entry, self._frames())

    def save_lens(self, pin: Pin) -> None:
        """Let the user choose where the picture with that lens alone is written."""
        where = self._where("Save the picture with the overlay", file_name(pin.map.title), [export_kinds.LENS])
        if where is not None:
            self._exporting.save(self._pins.composer(pin), where[0])

    def _where(self, title: str, name: str, kinds: list[Kind]) -> tuple[Path, Kind] | None:
        """Which file the user chooses; its folder is where the next dialog starts."""
        start = Path(self.last_folder or Path.home()) / f"{name}{kinds[0].suffix}"
        where = ask_where(self._window, title, start, kinds)
        if where is not None:
            self.last_folder = str(where[0].parent)
            self.folder_used.emit(self.last_folder)
        return where

    def _request(self, scene: Scene, choice: Choice, what: What, path: Path, kind: Kind) -> ExportRequest:
        style = self._style()
        return ExportRequest(
            scene.looked,
            what,
            path,
            kind.suffix,
            choice.token,
            choice.layer,
            choice.head,
            rollout=choice.rollout and what in ("map", "layers"),  # elsewhere it is the heads that are shown
            pooler_head=choice.pooler_head,
            subtract=choice.subtract,
            smooth=style.smooth,
            colours=style.colours,
            opacity=style.opacity,
            threshold=style.threshold,
        )

    def _file_name(self, scene: Scene, choice: Choice, name: str) -> str:
        entry = self._entry()
        stem = Path(entry.name).stem if entry is not None and scene.over_picture else "text"
        if name:
            return f"{stem} {scene.strip_of} side by side" if name == "strip" else f"{stem} {name}"
        token = re.sub(r"[^\w-]+", "", scene.token_name(choice.token))
        return " ".join(filter(None, (stem, token, *scene.place(choice))))

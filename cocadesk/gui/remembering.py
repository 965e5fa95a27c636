"""What is there again at the next start: the settings as the user leaves them, and where the window stood."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QByteArray, QObject
from PySide6.QtWidgets import QMainWindow, QSplitter

from cocadesk.gui.actions import Actions
from cocadesk.gui.opening import Opening
from cocadesk.gui.theme import theme
from cocadesk.store.settings import Appearance, Settings, save


class Remembering(QObject):
    """Writes the settings whenever they change, and keeps the menus that show them up to date.

    Args:
        columns: The window's columns, whose widths are remembered.
        opening: Holds the settings, and adds recent files to them.
        keep: Write them to disk.
    """

    def __init__(
        self, window: QMainWindow, columns: QSplitter, opening: Opening, do: Actions, *, keep: bool = True
    ) -> None:
        super().__init__(window)
        self._window = window
        self._columns = columns
        self._opening = opening
        self._do = do
        self._keep = keep
        opening.remembered.connect(self._on_changed)
        do.starter_hints.toggled.connect(
            lambda wanted: self.change(lambda settings: replace(settings, starter_hints=wanted))
        )
        for name, action in do.appearances.items():
            action.triggered.connect(lambda _=False, name=name: self._dress(name))

    @property
    def settings(self) -> Settings:
        """As they are now."""
        return self._opening.settings

    def change(self, change: Callable[[Settings], Settings]) -> None:
        """Remember what that function makes of the settings."""
        self._opening.settings = change(self.settings)
        self._on_changed()

    def restore(self) -> None:
        """Show what belongs to no panel: menus, light or dark, place and size."""
        settings = self.settings
        self._do.appearances[settings.appearance].setChecked(True)
        self._do.starter_hints.setChecked(settings.starter_hints)
        theme().use(settings.appearance)
        self._list_recent()
        self._window.restoreGeometry(_unpack(settings.geometry))
        self._columns.restoreState(_unpack(settings.splitter))

    def save_layout(self) -> None:
        """Remember place, size and columns."""
        geometry, splitter = _pack(self._window.saveGeometry()), _pack(self._columns.saveState())
        self.change(lambda settings: replace(settings, geometry=geometry, splitter=splitter))

    def _dress(self, appearance: Appearance) -> None:
        theme().use(appearance)
        self.change(lambda settings: replace(settings, appearance=appearance))

    def _on_changed(self) -> None:
        self._list_recent()
        if self._keep:
            save(self.settings)

    def _list_recent(self) -> None:
        self._do.list_recent(self.settings.recent, self._open_recent)

    def _open_recent(self, path: Path) -> None:
        self._opening.open_paths([path])


def _pack(state: QByteArray) -> str:
    return bytes(state.toBase64().data()).decode("ascii")


def _unpack(state: str) -> QByteArray:
    return QByteArray.fromBase64(state.encode("ascii", "ignore"))

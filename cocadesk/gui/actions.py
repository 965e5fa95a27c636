"""Everything the window can do, each as an action with its shortcut, and the menus they are found in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu

from cocadesk.store.settings import Appearance

APPEARANCES: dict[Appearance, str] = {"system": "Follow the system", "light": "Light", "dark": "Dark"}


class Actions:
    """The window's actions. Nothing is connected here: the window says what each one does."""

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self.open_files = self._make("Open pictures…", "Ctrl+O")
        self.open_folder = self._make("Open folder…", "Ctrl+Shift+O")
        self.open_samples = self._make("Open the samples")
        self.clear_recent = self._make("Clear the list")
        self.close_picture = self._make("Remove from the list", "Ctrl+W")
        self.close_all = self._make("Remove all", "Ctrl+Shift+W")
        self.quit = self._make("Quit", "Ctrl+Q")
        self.paste = self._make("Paste", QKeySequence.StandardKey.Paste)
        self.copy = self._make("Copy caption", QKeySequence.StandardKey.Copy)
        self.again = self._make("Caption again", "Ctrl+R")
        self.caption_rest = self._make("Caption all that have none", "Ctrl+Shift+R")
        self.stop = self._make("Stop", "Ctrl+.")
        self.words = self._make("Walk through the words", "F7")
        self.branch_back, self.branch_forth = (
            self._make(text, key)
            for text, key in (("Back to the caption before", "Alt+Left"), ("On to its continuation", "Alt+Right"))
        )
        self.settings = self._make("Settings", "Ctrl+,")
        self.settings.setCheckable(True)
        self.models = self._make("Manage models…", "Ctrl+M")
        self.download_model = self._make("Download the chosen model", "Ctrl+D")
        self.add_model = self._make("Add a model of a library…", "Ctrl+Shift+M")
        self.import_model = self._make("Import a checkpoint…", "Ctrl+Shift+I")
        self.net_info, self.compare = (
            self._make(text, key) for text, key in (("Net information…", "Ctrl+I"), ("Compare two models…", "Ctrl+K"))
        )
        self.starter_hints = self._make("Say when a starter is used")
        self.starter_hints.setCheckable(True)
        self.starter_hints.setChecked(True)
        self.choose_model_folder = self._make("Choose model folder…")
        self.shared_model_folder = self._make("Use the hub's shared folder")
        self.next = self._make("Next picture", "PgDown")
        self.previous = self._make("Previous picture", "PgUp")
        self.play, self.frame_back, self.frame_forward = (
            self._make_local(text, key)
            for text, key in (("Play or pause", "Space"), ("Frame before", ","), ("Next frame", "."))
        )
        self.whole_clip = self._make_local("Sample the whole clip")
        self.fit = self._make("Fit to the window", "Ctrl+0")
        self.actual_size = self._make("Actual size", "Ctrl+1")
        self.zoom_in = self._make("Zoom in", "Ctrl++", "Ctrl+=")
        self.zoom_out = self._make("Zoom out", "Ctrl+-")
        self.full_screen = self._make("Full screen", "F11")
        self.full_screen.setCheckable(True)
        self.about = self._make("About CocaDesk")
        self.about.setMenuRole(QAction.MenuRole.AboutRole)
        self.quit.setMenuRole(QAction.MenuRole.QuitRole)
        self._make_panels()
        self.clear_talk = self._make("Clear the conversation…")
        self.open_texts = self._make("Open a list of texts…", "Ctrl+Shift+L")
        self.export_ranking = self._make("Export the ranking…", "Ctrl+E")
        self._make_look()
        self.appearances = self._appearances()
        self.recent, self.pinned = (QMenu(title, window) for title in ("Open recent", "Pinned overlays"))
        self.needing_picture = (self.close_picture, self.again, self.next, self.previous)
        self.needing_canvas = (self.fit, self.actual_size, self.zoom_in, self.zoom_out)

    def fill_menus(self) -> None:
        """Build the menu bar."""
        self._menu(
            "File",
            self.open_files,
            self.open_folder,
            self.recent,
            self.open_samples,
            None,
            self.close_picture,
            self.close_all,
            None,
            self.quit,
        )
        self._menu("Edit", self.paste, self.copy)
        self._menu(
            "Caption",
            self.again,
            self.caption_rest,
            self.stop,
            None,
            self.words,
            self.branch_back,
            self.branch_forth,
            None,
            self.settings,
        )
        self._menu(
            "Models",
            self.models,
            self.net_info,
            self.compare,
            None,
            self.download_model,
            self.add_model,
            self.import_model,
            None,
            self.choose_model_folder,
            self.shared_model_folder,
            None,
            self.starter_hints,
        )
        self._menu("Ask and rank", self.clear_talk, None, self.open_texts, self.export_ranking)
        self._menu(
            "Look",
            self.pin_map,
            self.live_pin,
            self.pinned,
            self.all_maps,
            self.states,
            None,
            self.layer_up,
            self.layer_down,
            self.head_back,
            self.head_forth,
            None,
            self.relevance,
            self.rollout,
            self.subtract,
            self.follow,
            None,
            self.copy_map,
            *self.exports,
        )
        looks = QMenu("Appearance", self._window)
        looks.addActions(list(self.appearances.values()))
        self._menu(
            "View",
            self.show_caption,
            self.show_ask,
            self.show_rank,
            self.show_look,
            self.show_test,
            None,
            self.word_maps,
            None,
            self.next,
            self.previous,
            None,
            self.fit,
            self.actual_size,
            self.zoom_in,
            self.zoom_out,
            None,
            looks,
            self.full_screen,
        )
        self._menu("Clip", self.play, self.frame_back, self.frame_forward, None, self.whole_clip)
        self._menu("Help", self.about)

    def list_recent(self, recent: Sequence[str], opened: Callable[[Path], None]) -> None:
        """Fill the menu of recent files; `opened` is called with the chosen one."""
        self.recent.clear()
        for number, path in enumerate(map(Path, recent)):
            action = self.recent.addAction(f"{path.name or path}".replace("&", "&&"))
            action.setToolTip(str(path))
            action.setStatusTip(str(path))
            action.triggered.connect(lambda _=False, path=path: opened(path))
            if number == 0:
                action.setShortcut(QKeySequence("Ctrl+Shift+T"))
        self.recent.setToolTipsVisible(True)
        self.recent.addSeparator()
        self.recent.addAction(self.clear_recent)
        self.clear_recent.setEnabled(bool(recent))

    def _make(self, text: str, *shortcuts: str | QKeySequence.StandardKey) -> QAction:
        action = QAction(text, self._window)
        action.setShortcuts([QKeySequence(shortcut) for shortcut in shortcuts])
        self._window.addAction(action)  # so that shortcuts work in full screen, where the menu bar may be hidden
        return action

    def _make_local(self, text: str, *shortcuts: str) -> QAction:
        """An action whose shortcut is a plain key: it counts only in the widgets that it is added to."""
        action = QAction(text, self._window)
        action.setShortcuts([QKeySequence(shortcut) for shortcut in shortcuts])
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.setEnabled(False)
        return action

    def _make_panels(self) -> None:
        """Which of the panels beside the picture is shown."""
        self.show_caption, self.show_ask, self.show_rank, self.show_look, self.show_test = (
            self._make(text, f"F{key}") for key, text in enumerate(("Caption", "Ask", "Rank", "Look", "Test"), start=2)
        )
        panels = QActionGroup(self._window)
        for panel in (self.show_caption, self.show_ask, self.show_rank, self.show_look, self.show_test):
            panel.setCheckable(True)
            panels.addAction(panel)

    def _make_look(self) -> None:
        """What is done with maps."""
        self.pin_map = self._make("Pin to picture", "Ctrl+P")
        self.live_pin = self._make("Change the newest pin", "Ctrl+Shift+P")
        self.live_pin.setCheckable(True)
        self.all_maps = self._make("All layers and heads…", "Ctrl+Shift+A")
        self.states = self._make("Attention states…", "Ctrl+Shift+S")
        self.relevance, self.follow, self.rollout, self.subtract = (
            self._make(text, key)
            for text, key in (
                ("Relevance", "Ctrl+G"),
                ("Follow the pointer", "Ctrl+J"),
                ("Rollout", "Ctrl+Shift+K"),
                ("Subtract what all look at", "Ctrl+Shift+J"),
            )
        )
        for action in (self.relevance, self.follow, self.rollout, self.subtract):
            action.setCheckable(True)
        self.copy_map = self._make("Copy picture", "Ctrl+Shift+C")
        self.export_map = self._make("Export the map…", "Ctrl+Shift+E")
        self.export_grid, self.export_strip, self.export_film = (
            self._make(text, f"Ctrl+Shift+{key}")
            for text, key in (("Export all layers…", "G"), ("Export side by side…", "B"), ("Export a film…", "F"))
        )
        self.exports = (self.export_map, self.export_grid, self.export_strip, self.export_film)
        self.layer_up = self._make("Layer before", "Ctrl+Up")
        self.layer_down = self._make("Next layer", "Ctrl+Down")
        self.head_back = self._make("Head before", "Ctrl+Left")
        self.head_forth = self._make("Next head", "Ctrl+Right")
        self.word_maps = self._make("Show where it looks", "Ctrl+L")
        self.word_maps.setCheckable(True)

    def _appearances(self) -> dict[Appearance, QAction]:
        group = QActionGroup(self._window)
        actions = {name: self._make(text) for name, text in APPEARANCES.items()}
        for action in actions.values():
            action.setCheckable(True)
            group.addAction(action)
        return actions

    def _menu(self, title: str, *items: QAction | QMenu | None) -> None:
        menu = self._window.menuBar().addMenu(f"&{title}")
        for item in items:
            if item is None:
                menu.addSeparator()
            elif isinstance(item, QMenu):
                menu.addMenu(item)
            else:
                menu.addAction(item)

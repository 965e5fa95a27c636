"""What the user does with maps: choosing them in the Look panel, laying them over the picture, pinning, saving."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QPointF, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QMainWindow

from cocadesk.gui.actions import Actions
from cocadesk.gui.canvas import Canvas
from cocadesk.gui.entries import Entry
from cocadesk.gui.library import Library, Place
from cocadesk.gui.look.export_desk import ExportDesk
from cocadesk.gui.look.exporting import Exporting
from cocadesk.gui.look.scene import Scene
from cocadesk.gui.look.tiles_view import Backdrop
from cocadesk.gui.look.tiles_window import TilesWindow
from cocadesk.gui.looking import Looking, Wish
from cocadesk.gui.overlays.overlay_map import OverlayMap
from cocadesk.gui.overlays.style import OverlayStyle
from cocadesk.gui.panels.look_panel import LookPanel
from cocadesk.gui.pyramid import Pyramid
from cocadesk.gui.questions import Questions
from cocadesk.gui.session import Session
from cocadesk.gui.widgets.caption_view import CaptionView
from cocadesk.gui.widgets.word import Word
from cocadesk.store.settings import Settings, Tab
from cocadesk.types import ModelRequest

KEEP_AFTER_MS = 500
"""After the last change of the style it is written to disk: not for every step of a slider."""

SHOWS_MAP: tuple[str, ...] = ("look", "test")
"""The tabs on which the chosen map lies over the picture; on others, only that of a word that is pointed at."""


class LookDesk(QObject):
    """Connects the Look panel, the picture, the words of the caption and the window of all layers and heads.

    Args:
        looking: Has maps made for the panel.
        quiet: Has them made for the words of the caption that is shown, unasked.
        exporting: Writes them to files.
        words: The caption.
        shown: The picture that is shown, if any.

    Attributes:
        panel: The Look panel.
        tiles: The window of all layers and heads.
        words: Maps of the words of the caption that is shown, while they are there.
    """

    busy_changed = Signal()
    """`is_busy` changed, or what can be copied."""

    remembered = Signal(object)
    """A function from the settings to those that are to be kept."""

    problem = Signal(str, str)
    """The name of a file, and what is wrong with it."""

    told = Signal(str)
    """What was done, for the user to read in passing."""

    def __init__(
        self,
        looking: Looking,
        quiet: Looking,
        library: Library,
        session: Session,
        *,
        exporting: Exporting,
        questions: Questions,
        canvas: Canvas,
        words: CaptionView,
        shown: Callable[[], Entry | None],
        do: Actions,
        window: QMainWindow,
    ) -> None:
        super().__init__(window)
        self._looking = looking
        self._quiet = quiet
        self._library = library
        self._session = session
        self._questions = questions
        self._canvas = canvas
        self._shown = shown
        self._do = do
        self._window = window
        self._tab: Tab = "caption"
        self._was_opened = False
        self._viewed: int | None = None
        self._pyramid: Pyramid | None = None
        self._backdrop: Backdrop | None = None
        self._word: Word | None = None
        self.words: Scene | None = None
        self.panel = LookPanel(
            looking,
            library,
            pin=do.pin_map,
            tiles=do.all_maps,
            copy=do.copy_map,
            relevance=do.relevance,
            follow=do.follow,
            exports=do.exports,
            exporting=exporting,
            default_model=self._captioner,
            last_question=self._last_question,
        )
        self.tiles = TilesWindow(window)
        self._exporting = exporting
        self._exports = ExportDesk(
            exporting,
            do,
            window,
            scene=lambda: self.panel.scene,
            choice=lambda: self.panel.controls.choice,
            style=lambda: self.panel.style_box.overlay_style,
            shown=self._painter,
            entry=shown,
            frames=lambda: self.panel.box.frames,
            pins=canvas.pins,
        )
        self._keep_style = QTimer(self, singleShot=True, interval=KEEP_AFTER_MS)
        self._keep_style.timeout.connect(self._remember_style)
        self._connect(words)
        self.refresh_actions()

    def _connect(self, words: CaptionView) -> None:
        do, controls = self._do, self.panel.controls
        self.panel.map_changed.connect(self._on_map)
        self.panel.style_box.edited.connect(self._on_style)
        self.panel.edited.connect(self._on_edited)
        self._looking.changed.connect(self._on_looking)
        self._quiet.changed.connect(self._on_words)
        self._questions.reset.connect(self._on_question)
        self._canvas.pointed.connect(self._on_pointed)
        words.word_noticed.connect(self._on_word)
        words.word_left.connect(self._on_word_left)
        self.tiles.chosen.connect(controls.choose)
        self.tiles.pin_asked.connect(self._pin)
        for action, what in (
            (do.pin_map, self._pin),
            (do.all_maps, self._open_tiles),
            (do.copy_map, self._copy),
            (do.layer_up, lambda: controls.step_layer(-1)),
            (do.layer_down, lambda: controls.step_layer(1)),
            (do.head_back, lambda: controls.step_head(-1)),
            (do.head_forth, lambda: controls.step_head(1)),
        ):
            action.triggered.connect(lambda _=False, what=what: what())
        self._exporting.changed.connect(self._on_looking)
        self._exporting.written.connect(lambda name: self.told.emit(f"{name} saved"))
        self._exporting.failed.connect(self.problem)
        self._exports.folder_used.connect(self._on_folder)
        self._ticks = ((do.rollout, controls.rollout), (do.subtract, controls.subtract))
        for action, box in self._ticks:
            action.triggered.connect(box.click)
        do.word_maps.toggled.connect(self._on_word_maps)
        do.live_pin.toggled.connect(lambda _: self._show_map())

    @property
    def is_busy(self) -> bool:
        """Whether maps are being made for the panel, or written."""
        return self._looking.is_busy or self._exporting.is_busy

    @property
    def can_copy(self) -> bool:
        """Whether there is a map."""
        return self.panel.scene is not None

    def stop(self) -> None:
        """Stop making and writing maps."""
        self._looking.stop()
        self._exporting.stop()

    def shutdown(self) -> None:
        """The window closes: remember what was changed just now, and stop."""
        if self._keep_style.isActive():
            self._keep_style.stop()
            self._remember_style()
        self.stop()

    def show_tab(self, tab: Tab) -> None:
        """That panel is shown."""
        self._tab = tab
        self._was_opened = self._was_opened or tab == "look"
        self.panel.set_wanted(self._was_opened and tab in SHOWS_MAP)
        self._look_for_words()
        self._show_map()
        self.refresh_actions()

    def show_entry(self, entry: Entry | None) -> None:
        """That picture is shown, or what is known about it changed."""
        if entry is None or entry.key != self._viewed:
            self._viewed = self._pyramid = self._backdrop = None
            if self._tab not in SHOWS_MAP:
                self._canvas.show_map(None)  # of a word that is gone
        self.panel.show_entry(entry)
        self._look_for_words()
        self._show_map()
        self.refresh_actions()

    def show_view(self, key: int, pyramid: Pyramid) -> None:
        """The picture of that key is on the canvas now."""
        self._viewed, self._pyramid, self._backdrop = key, pyramid, None
        self._show_map()
        self.refresh_actions()
        self._show_tiles()

    def restore(self, settings: Settings) -> None:
        """Show what was remembered."""
        self._exports.last_folder = settings.last_folder
        self._do.word_maps.setChecked(settings.word_maps)
        self.panel.show_values(settings.look_kind, (settings.look_model, settings.look_ask_model), settings.look_frames)
        self.panel.box.set_open(settings.settings_shown)
        self.panel.style_box.show_style(OverlayStyle.kept(settings))
        self._canvas.set_overlay_style(self.panel.style_box.overlay_style)

    def copy(self) -> str:
        """Put the picture with its map on the clipboard; returns what was copied, for the user to read."""
        image = self._image()
        if image.isNull():
            return ""
        QGuiApplication.clipboard().setImage(image)
        return "Picture copied"

    def refresh_actions(self) -> None:
        """Say what can be done with the map."""
        do, scene = self._do, self.panel.scene
        is_map = scene is not None and scene.over_picture and self._viewed is not None
        do.pin_map.setEnabled(is_map)
        do.live_pin.setEnabled(is_map)
        do.relevance.setEnabled(self._tab == "look" and self.panel.has_relevance)
        for action, box in self._ticks:
            action.setEnabled(self._tab == "look" and scene is not None and not box.isHidden())
            action.setChecked(box.isChecked())
        do.follow.setEnabled(self._tab == "look" and scene is not None and scene.first_patch is not None)
        is_shown = scene is not None and (is_map or not scene.over_picture)
        self._exports.refresh(is_shown)
        do.copy_map.setEnabled(is_shown)
        do.all_maps.setEnabled(is_shown and scene is not None and scene.maps.layers * scene.maps.heads > 1)
        several = scene is not None and self._tab in SHOWS_MAP
        for action in (do.layer_up, do.layer_down):
            action.setEnabled(several and scene is not None and scene.maps.layers > 1)
        for action in (do.head_back, do.head_forth):
            action.setEnabled(several and scene is not None and scene.maps.heads > 1)

    # The map on the picture

    def _on_map(self) -> None:
        self._show_map()
        self.refresh_actions()
        self._show_tiles()

    def _on_looking(self) -> None:
        self.refresh_actions()
        self.busy_changed.emit()

    def _on_style(self) -> None:
        self._canvas.set_overlay_style(self.panel.style_box.overlay_style)
        self._show_tiles()
        self._keep_style.start()

    def _show_map(self) -> None:
        """Lay over the picture what belongs there now."""
        entry = self._shown()
        if entry is None or entry.key != self._viewed:
            return  # another picture is on its way; the canvas takes the map off with the old one
        shown = self.panel.map if self._tab in SHOWS_MAP else self._map_of_word()
        pins = self._canvas.pins.all
        if shown is not None and pins and self._do.live_pin.isChecked() and self._tab in SHOWS_MAP:
            pins[-1].set_map(shown)
        elif shown is not self._canvas.map:
            self._canvas.show_map(shown)

    def _on_pointed(self, spot: QPointF | None) -> None:
        if self._tab == "look":
            self.panel.point_at(spot)

    def _pin(self) -> None:
        shown = self.panel.map
        if shown is not None and self._do.pin_map.isEnabled():
            self._canvas.pins.pin(shown, self.panel.style_box.overlay_style)

    # All layers and heads

    def _open_tiles(self) -> None:
        scene = self.panel.scene
        if scene is not None:
            style = self.panel.style_box.overlay_style
            self.tiles.open_with(scene, self.panel.controls.choice, style, self._behind(scene))

    def _show_tiles(self) -> None:
        if self.tiles.isVisible():
            scene = self.panel.scene if self._do.all_maps.isEnabled() else None
            style = self.panel.style_box.overlay_style
            self.tiles.show_scene(
                scene, self.panel.controls.choice, style, self._behind(scene) if scene is not None else None
            )

    def _behind(self, scene: Scene) -> Backdrop | None:
        """The picture that tiles are drawn over; the same object for as long as it is the same picture."""
        layout, pyramid = scene.maps.layout, self._pyramid
        if layout is None or pyramid is None:
            self._backdrop = None
        elif self._backdrop is None or self._backdrop.box != layout.box:
            self._backdrop = Backdrop(_small(pyramid), (pyramid.width, pyramid.height), layout.box)
        return self._backdrop

    # Words of the caption

    def _look_for_words(self) -> None:
        """Have the maps of the caption made while it is shown, once somebody has shown interest in such."""
        is_wanted = self._tab == "caption" and (self._was_opened or self._do.word_maps.isChecked())
        self._quiet.look(self._wish_for_words() if is_wanted else None)

    def _wish_for_words(self) -> Wish | None:
        entry = self._shown()
        if entry is None or entry.result is None or not entry.result.tokens:
            return None
        model = entry.model or self._session.model
        known = self._library.entry(model.name)
        here = self._library.place(model) not in (Place.ABSENT, Place.MISSING)
        if known is None or "words" not in known.card.attention or not here:
            return None
        options = entry.options or self._session.options
        return Wish("words", model, entry, caption=entry.result, frames=options.frames)

    def _on_words(self) -> None:
        looked = self._quiet.result
        self.words = Scene(looked) if looked is not None else None
        self._show_map()

    def _on_word(self, word: Word) -> None:
        self._word = word
        self._show_map()

    def _on_word_left(self, word: Word) -> None:
        if word is self._word:
            self._word = None
            self._show_map()

    def _map_of_word(self) -> OverlayMap | None:
        """Where the model looked for the word of the caption that is pointed at."""
        entry, word, scene = self._shown(), self._word, self.words
        if entry is None or entry.result is None or word is None or scene is None or self._tab != "caption":
            return None
        place = word.token.position
        if place >= len(scene.maps.tokens) or word.token not in entry.result.tokens:
            return None
        return scene.overlay(replace(self.panel.controls.begun(scene), token=place))

    def _on_word_maps(self, on: bool) -> None:
        self._look_for_words()
        self.remembered.emit(lambda settings: replace(settings, word_maps=on))

    # What is chosen, copied and saved

    def _captioner(self) -> ModelRequest:
        entry = self._shown()
        return (entry.model if entry is not None else None) or self._session.model

    def _last_question(self, entry: Entry) -> str:
        talk = self._questions.conversation(entry)
        return talk[-1].question if talk else ""

    def _on_question(self, entry: Entry) -> None:
        if entry is self._shown():
            self.panel.refresh()

    def _on_edited(self) -> None:
        kind, (model, ask_model), frames = self.panel.kind, self.panel.models, self.panel.box.frames
        self.remembered.emit(
            lambda settings: replace(
                settings, look_kind=kind, look_model=model, look_ask_model=ask_model, look_frames=frames
            )
        )

    def _remember_style(self) -> None:
        self.remembered.emit(self.panel.style_box.overlay_style.keep)

    def _on_folder(self, folder: str) -> None:
        self.remembered.emit(lambda settings: replace(settings, last_folder=folder))

    def _copy(self) -> None:
        self.told.emit(self.copy())

    def _painter(self) -> Callable[[], QImage]:
        """What makes that image, on any thread."""
        scene = self.panel.scene
        if scene is not None and scene.over_picture:
            return self._canvas.composer()
        image = self._image()
        return lambda: image

    def _image(self) -> QImage:
        """The picture with its map, or a text's charts."""
        scene = self.panel.scene
        if scene is None:
            return QImage()
        return self._canvas.composed() if scene.over_picture else self.panel.text_image()


def _small(pyramid: Pyramid) -> QImage:
    """The smallest copy of the picture; it outlives the pyramid."""
    level = pyramid.levels[-1]
    height, width, channels = level.pixels.shape
    layout = QImage.Format.Format_RGB32 if channels == 4 else QImage.Format.Format_RGB888
    return QImage(level.pixels.data, width, height, width * channels, layout).copy()

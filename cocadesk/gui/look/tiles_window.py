"""The window that shows all layers and heads at once."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDrag, QHideEvent, QKeySequence, QPixmap, QShortcut
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from cocadesk.gui.look.scene import Choice, Head, Scene
from cocadesk.gui.look.tiles_view import Backdrop, TilesView
from cocadesk.gui.overlays.overlay_map import OverlayMap, map_mime
from cocadesk.gui.overlays.style import OverlayStyle
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.in_front import bring_to_front
from cocadesk.gui.widgets.naming import named


class TileKind(Enum):
    """What stands on a tile; the value is what a user reads."""

    OVER = "Over the picture"
    MAPS = "Maps alone"
    MATRICES = "Whole matrices"


class TilesWindow(QDialog):
    """Shows the maps of the chosen token in every layer and head, and follows what is chosen in the panel.

    Attributes:
        view: The tiles.
    """

    chosen = Signal(int, object)
    """A layer, and a head or "mean", that the user chose."""

    pin_asked = Signal()
    """The chosen map is to be pinned to the picture."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("All layers and heads")
        self.setModal(False)
        self._scene: Scene | None = None
        self._choice = Choice()
        self._style = OverlayStyle()
        self._backdrop: Backdrop | None = None
        self._drawn: tuple[object, ...] = ()
        self._what = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._kind = fields.combo("What the tiles show")
        for kind in TileKind:
            self._kind.addItem(kind.value, kind)
        self._one_scale = named(QCheckBox("One scale for all"), "One scale for all")
        self._one_scale.setToolTip("The strongest colour is the same value on all tiles, not each tile's own greatest")
        self.view = TilesView()
        self._told = QLabel(textFormat=Qt.TextFormat.PlainText)
        self._told.setProperty("tone", "muted")
        self._pin = QPushButton("Pin to picture")
        self._pin.setAutoDefault(False)
        self._lay_out()
        self._kind.currentIndexChanged.connect(self._draw)
        self._one_scale.toggled.connect(self._draw)
        self.view.chosen.connect(self._on_chosen)
        self.view.pin_asked.connect(self._ask_to_pin)
        self.view.dragged.connect(self._drag)
        self._pin.clicked.connect(self._ask_to_pin)
        QShortcut(QKeySequence.StandardKey.Close, self, self.close)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._what, 1)
        head.addWidget(self._kind)
        head.addWidget(self._one_scale)
        foot = QHBoxLayout()
        foot.addWidget(self._told, 1)
        foot.addWidget(self._pin)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(10)
        column.addLayout(head)
        column.addWidget(self.view, 1)
        column.addLayout(foot)

    @property
    def kind(self) -> TileKind:
        """What the tiles show."""
        if self._scene is not None and not self._scene.over_picture:
            return TileKind.MATRICES
        kind: TileKind = self._kind.currentData()
        return TileKind.MAPS if kind is TileKind.OVER and self._backdrop is None else kind

    def show_scene(self, scene: Scene | None, choice: Choice, style: OverlayStyle, backdrop: Backdrop | None) -> None:
        """Show these maps; nothing is drawn while the window is hidden."""
        self._scene, self._choice, self._style, self._backdrop = scene, choice, style, backdrop
        if self.isVisible():
            self._draw()

    def open_with(self, scene: Scene, choice: Choice, style: OverlayStyle, backdrop: Backdrop | None) -> None:
        """Show these maps, and the window."""
        if not self.isVisible():
            self._stand_aside()
        bring_to_front(self)
        self.show_scene(scene, choice, style, backdrop)
        self.view.reveal_current()
        self.view.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        """Let everything go until `open_with`, unless the window is only minimised."""
        super().hideEvent(event)
        if not event.spontaneous():
            self._scene = self._backdrop = None
            self._draw()

    def _stand_aside(self) -> None:
        """Leave as much of the picture free as there is room for: tiles are dragged onto it."""
        home = self.parentWidget()
        if home is None or self.testAttribute(Qt.WidgetAttribute.WA_Moved):
            return
        around = home.geometry()
        self.resize(min(max(around.width() // 2, 560), 1100), min(max(around.height() * 3 // 4, 480), 900))
        self.move(around.right() - self.width(), around.top() + 20)

    def _draw(self) -> None:
        scene, choice = self._scene, self._choice
        self._pin.setEnabled(scene is not None and scene.over_picture)
        self._kind.setEnabled(scene is not None and scene.over_picture)
        if scene is None:
            self._what.setText("There are no maps of this picture yet.")
            self._told.setText("")
            self._drawn = ()
            self.view.clear()
            return
        kind, style = self.kind, self._style
        backdrop = self._backdrop if kind is TileKind.OVER else None
        token = None if kind is TileKind.MATRICES else choice.token
        drawn = (
            scene,
            kind,
            token,
            choice.subtract,
            choice.pooler_head,
            style.colours,
            style.smooth,
            self._one_scale.isChecked(),
            backdrop,
        )
        if drawn != self._drawn:  # another layer or head of the same tiles is only marked
            self._drawn = drawn
            whole = kind is TileKind.MATRICES
            self.view.show_tiles(
                scene.tiles(choice, whole=whole),
                backdrop=backdrop,
                colours=style.colours,
                one_scale=self._one_scale.isChecked(),
                smooth=style.smooth and not whole,
            )
        what = "tokens against keys" if kind is TileKind.MATRICES else f"“{scene.token_name(choice.token)}”"
        self._what.setText(f"{scene.maps.model}: {what}")
        self.view.show_current(choice.layer, choice.head)
        tile = self.view.current
        self._told.setText(self.view.describe(tile) if tile else "")

    def _on_chosen(self, layer: int, head: Head) -> None:
        self.chosen.emit(layer, head)

    def _ask_to_pin(self) -> None:
        if self._pin.isEnabled():
            self.pin_asked.emit()

    def _drag(self, layer: int, head: Head) -> None:
        """Let the user carry that tile away; what takes it pins it."""
        shown = self.map_of(layer, head)
        if shown is None or self.view.current is None:
            return
        drag = QDrag(self)
        drag.setMimeData(map_mime(shown))
        image: QPixmap = self.view.tile_image(self.view.current)
        drag.setPixmap(image)
        drag.setHotSpot(image.rect().center())
        drag.exec(Qt.DropAction.CopyAction)

    def map_of(self, layer: int, head: Head) -> OverlayMap | None:
        """The chosen token's map in that layer and head, to be laid over the picture; None for a text."""
        scene = self._scene
        return scene.overlay(scene.at(self._choice, layer, head)) if scene is not None else None

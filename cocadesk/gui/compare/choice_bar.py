"""What both sides of the window that compares show: the kind of map, the layer, the head, and the colours."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from cocadesk.gui.compare.shared_choice import KINDS, Extent, MapKind, SharedChoice
from cocadesk.gui.look.scene import Head
from cocadesk.gui.look.scrubber import Scrubber
from cocadesk.gui.look.style_box import StyleBox
from cocadesk.gui.widgets import fields

SIDES = ("left", "right")


class ChoiceBar(QWidget):
    """Edits a `SharedChoice`.

    The slider of layers has as many places as the deeper model has layers; each side shows the layer that lies as deep.

    Attributes:
        kind: Which maps.
        layer, head: The sliders.
        style_box: How maps are laid over both pictures.
    """

    changed = Signal()
    """`choice` was changed by the user, other than its kind."""

    kind_changed = Signal(str)
    """The user wants maps of that kind."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._choice = SharedChoice()
        self._extents: tuple[Extent | None, Extent | None] = (None, None)
        self.kind = fields.combo("Kind of map")
        for kind, (name, tip) in KINDS.items():
            self.kind.addItem(name, kind)
            self.kind.setItemData(self.kind.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.kind.setMinimumContentsLength(15)
        self.kind.installEventFilter(fields.WheelGuard(self))
        self.layer = Scrubber(
            "Layer",
            self._read_layer,
            "left 23 of 0–23, right 11 of 0–11",
            "Each side shows the layer that lies as deep in its model (Ctrl+Up, Ctrl+Down)",
        )
        self.head = Scrubber(
            "Head",
            self._read_head,
            "11 (right: mean)",
            "Leftmost: the mean over all heads. A model without that head shows its mean (Ctrl+Left, Ctrl+Right)",
        )
        self.style_box = StyleBox()
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.layer.moved.connect(self._on_layer)
        self.head.moved.connect(lambda at: self._edit(head="mean" if at < 0 else at))
        self.show_extents((None, None))

    def _lay_out(self) -> None:
        label = QLabel("Map")
        label.setBuddy(self.kind)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(label)
        row.addWidget(self.kind)
        row.addSpacing(8)
        row.addWidget(self.layer, 3)
        row.addSpacing(8)
        row.addWidget(self.head, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 0, 14, 8)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.style_box)

    @property
    def choice(self) -> SharedChoice:
        """What is chosen."""
        return self._choice

    @property
    def extents(self) -> tuple[Extent | None, Extent | None]:
        """What there is to choose from on each side."""
        return self._extents

    def show_extents(self, extents: tuple[Extent | None, Extent | None]) -> None:
        """Offer what both sides have; None for a side without maps. The depth that was chosen stays."""
        self._extents = extents
        there = [extent for extent in extents if extent is not None]
        layers = max((extent.layers for extent in there), default=1)
        heads = max((extent.heads for extent in there), default=1)
        self.layer.set_range(0, layers - 1)
        self.layer.show_value(self._choice.layer_of(layers))
        self.head.set_range(-1, heads - 1 if heads > 1 and self._choice.kind != "rollout" else -1)
        head = self._choice.head
        self.head.show_value(head if head != "mean" and head < heads else -1)

    def step_layer(self, step: int) -> None:
        """Go on by so many places of the slider."""
        self.layer.slider.setValue(self.layer.value + step)

    def step_head(self, step: int) -> None:
        """Go on by so many heads; before the first comes their mean."""
        self.head.slider.setValue(self.head.value + step)

    def _on_kind(self) -> None:
        kind: MapKind = self.kind.currentData()
        self._choice = replace(self._choice, kind=kind)
        self.kind.setAccessibleDescription(KINDS[kind][1])
        self.kind_changed.emit(kind)

    def _on_layer(self, at: int) -> None:
        most = self.layer.slider.maximum()
        self._edit(depth=at / most if most else 1.0)

    def _edit(self, *, depth: float | None = None, head: Head | None = None) -> None:
        before = self._choice
        self._choice = replace(
            before, depth=before.depth if depth is None else depth, head=before.head if head is None else head
        )
        self.changed.emit()

    def _read_layer(self, at: int) -> str:
        """What the slider's read-out says; it may ask before anything is there, and before the choice is changed."""
        there = [extent for extent in self._extents if extent is not None]
        most = max((extent.layers for extent in there), default=1) - 1
        if most < 1:
            return "the only one" if there else ""
        wanted = SharedChoice(depth=at / most)
        told = [f"{wanted.layer_of(extent.layers)} of 0–{extent.layers - 1}" for extent in there]
        if len(set(told)) == 1:
            return told[0]
        return ", ".join(f"{side} {text}" for side, text in zip(SIDES, told, strict=True))

    def _read_head(self, at: int) -> str:
        if at < 0:
            return "mean" if any(self._extents) else ""
        lacking = [
            side for side, extent in zip(SIDES, self._extents, strict=True) if extent is not None and at >= extent.heads
        ]
        return f"{at} ({lacking[0]}: mean)" if lacking else str(at)

"""What is chosen among maps: token, layer, head and the like, with an overview of all layers and heads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy.typing as npt
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from cocadesk.gui.look.arc_diagram import ArcDiagram
from cocadesk.gui.look.cell_grid import CellGrid
from cocadesk.gui.look.scene import Choice, Head, Scene
from cocadesk.gui.look.scrubber import Scrubber
from cocadesk.gui.look.text_bars import TextBars
from cocadesk.gui.look.token_strip import TokenStrip
from cocadesk.gui.panels.subject import muted
from cocadesk.gui.theme import scaled_font
from cocadesk.gui.widgets import fields
from cocadesk.gui.widgets.naming import named

MEASURES = {"entropy": "Entropy", "distance": "Mean distance", "to_picture": "Share to the picture"}
"""Fields of a `HeadSummary`, and what a user reads for them."""

UNITS = {"entropy": "nats", "distance": "", "to_picture": "%"}
PATCHES_WIDTH = 150


class LookControls(QWidget):
    """Edits a `Choice` among the maps of a `Scene`.

    Attributes:
        strip: The tokens with names.
        patches: The patches of a picture, coloured by the map on show.
        layer, head, pooler_head: The sliders.
        summary: A figure for each layer and head; the chosen ones are marked.
        follow: Whether pointing at a patch on the picture tries it out.
        bars, arcs: What stands in the picture's place for a text.
    """

    changed = Signal()
    """`choice` was changed by the user, or other maps are shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene: Scene | None = None
        self._choice = Choice()
        self._tried: int | None = None
        self._choices: dict[str, Choice] = {}
        self.strip = TokenStrip("Tokens")
        self.patches = CellGrid("Patches", self._describe_patch, largest=20)
        self.patches.setFixedWidth(PATCHES_WIDTH)
        self.patches.setToolTip("Click a patch to see what it attends to")
        self.follow = named(QCheckBox("Follow the pointer"), "Follow the pointer")
        self.follow.setToolTip("Point at the picture: the patch under the pointer shows what it attends to")
        self.follow.setChecked(True)
        self.rollout = named(QCheckBox("Rollout"), "Rollout")
        self.rollout.setToolTip("Attention multiplied through all layers so far, residual connections counted half")
        self.subtract = named(QCheckBox("Subtract what all look at"), "Subtract the minimum over tokens")
        self.subtract.setToolTip("Subtract the minimum over the tokens: leaves what is this token's own")
        self.layer = Scrubber("Layer", self._read_layer, "88 of 0–88")
        self.head = Scrubber("Head", self._read_head, "88 of 0–88", "Leftmost: the mean over all heads")
        self.pooler_head = Scrubber(
            "Pooler", self._read_pooler, "88 of 0–88", "The pooler's head that leads from words to patches"
        )
        self._measure = fields.combo("Overview")
        self.summary = CellGrid("Overview of layers and heads", self._describe_head, labels=True)
        self._summary_box = QWidget()
        self.bars = TextBars()
        self.arcs = ArcDiagram()
        self._texts = QWidget()
        self._hint = muted()
        self._patch_row = QWidget()
        self._film = muted("Point at a word to try it, click to keep it, drag along to run through them.")
        self._film.setFont(scaled_font(0.92))
        self._lay_out()
        self._connect()
        self.show_scene(None)

    def _lay_out(self) -> None:
        options = QVBoxLayout()
        options.setSpacing(4)
        options.addWidget(self.follow)
        options.addWidget(self._hint)
        options.addStretch()
        self._patch_row.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        patches = QHBoxLayout(self._patch_row)
        patches.setContentsMargins(0, 0, 0, 0)
        patches.setSpacing(12)
        patches.addWidget(self.patches, 0, Qt.AlignmentFlag.AlignTop)
        patches.addLayout(options, 1)
        overview = QVBoxLayout(self._summary_box)
        overview.setContentsMargins(0, 4, 0, 0)
        overview.setSpacing(6)
        head = QHBoxLayout()
        head.addWidget(QLabel("Layers × heads"), 1)
        head.addWidget(self._measure)
        overview.addLayout(head)
        overview.addWidget(self.summary)
        texts = QVBoxLayout(self._texts)
        texts.setContentsMargins(0, 4, 0, 0)
        texts.setSpacing(10)
        for heading, chart in (("Attends to", self.bars), ("Between the tokens", self.arcs)):
            texts.addWidget(QLabel(heading))
            texts.addWidget(chart)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        for widget in (
            self.strip,
            self._film,
            self._patch_row,
            self.subtract,
            self.layer,
            self.head,
            self.pooler_head,
            self.rollout,
        ):
            whole.addWidget(widget)
        whole.addWidget(self._texts)
        whole.addWidget(self._summary_box)

    def _connect(self) -> None:
        self.strip.pointed.connect(self.try_out)
        self.strip.chosen.connect(lambda token: self._edit(token=token))
        self.arcs.chosen.connect(lambda token: self._edit(token=token))
        self.patches.chosen.connect(self._on_patch)
        self.layer.moved.connect(lambda layer: self._edit(layer=layer))
        self.head.moved.connect(lambda at: self._edit(head=_head(at), rollout=False))
        self.pooler_head.moved.connect(lambda at: self._edit(pooler_head=_head(at)))
        self.rollout.toggled.connect(lambda on: self._edit(rollout=on))
        self.subtract.toggled.connect(lambda on: self._edit(subtract=on))
        self.summary.chosen.connect(self.choose)
        self._measure.currentIndexChanged.connect(lambda _: self._show_summary())
        self.follow.toggled.connect(lambda _: self._show_hint())
        self._measure.installEventFilter(fields.WheelGuard(self))

    @property
    def scene(self) -> Scene | None:
        """The maps."""
        return self._scene

    @property
    def choice(self) -> Choice:
        """What is looked at, a token that is only tried out included."""
        return self._choice if self._tried is None else replace(self._choice, token=self._tried)

    def show_scene(self, scene: Scene | None) -> None:
        """Show these maps; what was chosen among others of their kind stays as far as they have it."""
        self._scene, self._tried = scene, None
        self.setVisible(scene is not None)
        if scene is not None:
            self._choice = self.begun(scene)
            self._fill(scene)
        self._show_choice()
        self.changed.emit()

    def begun(self, scene: Scene) -> Choice:
        """What is looked at first among these maps: what was chosen among the last ones of their kind, so far as they
        have it, or else their own first choice."""
        first = scene.first_choice()
        kept = self._choices.get(_key(scene))
        return first if kept is None else replace(scene.fitted(kept), token=first.token)

    def choose(self, layer: int, head: Head) -> None:
        """Look at that layer and head, as the user would."""
        self._edit(layer=layer, head=head, rollout=False)

    def choose_token(self, token: int | None) -> None:
        """Look at that token, as the user would."""
        self._edit(token=token)

    def try_out(self, token: int | None) -> None:
        """Show that token for as long as it is pointed at; None for the chosen one again."""
        if token != self._tried:
            self._tried = token
            self._show_tried()
            self.changed.emit()

    def step_layer(self, step: int) -> None:
        """Go on by so many layers."""
        self.layer.slider.setValue(self.layer.value + step)

    def step_head(self, step: int) -> None:
        """Go on by so many heads; before the first comes their mean."""
        self.head.slider.setValue(self.head.value + step)

    def _edit(self, **changes: Any) -> None:
        self._choice = replace(self._choice, **changes)
        self._tried = None
        if self._scene is not None:
            self._choices[_key(self._scene)] = self._choice
        self._show_choice()
        self.changed.emit()

    def _fill(self, scene: Scene) -> None:
        """Offer what these maps have."""
        maps = scene.maps
        text = maps.layout is None
        self.strip.show_tokens([(place, maps.tokens[place]) for place in scene.named_tokens])
        self.strip.setVisible(bool(scene.named_tokens))
        self._patch_row.setVisible(scene.first_patch is not None)
        self._film.setVisible(scene.first_patch is None)
        self.layer.set_range(0, maps.layers - 1)
        self.head.set_range(-1 if maps.heads > 1 else 0, maps.heads - 1 if maps.heads > 1 else 0)
        self.pooler_head.set_range(-1, max(scene.pooler_heads - 1, -1))
        self.pooler_head.setVisible(scene.pooler_heads > 0)
        self.rollout.setVisible(scene.can_roll)
        self.subtract.setVisible(maps.kind in ("question", "words") and len(maps.tokens) > 1)
        self._texts.setVisible(text)
        several = maps.layers * maps.heads > 1
        self._summary_box.setVisible(several)
        for scrubber in (self.layer, self.head):
            scrubber.setVisible(several)
        chosen = self._measure.currentData()
        blocker = QSignalBlocker(self._measure)
        self._measure.clear()
        for field, name in MEASURES.items():
            if getattr(scene.looked.summary, field) is not None:
                self._measure.addItem(name, field)
        self._measure.setCurrentIndex(max(0, self._measure.findData(chosen)))
        del blocker
        self._show_summary()

    def _show_choice(self) -> None:
        scene, choice = self._scene, self._choice
        if scene is None:
            return
        blockers = [QSignalBlocker(box) for box in (self.rollout, self.subtract)]
        self.rollout.setChecked(choice.rollout)
        self.subtract.setChecked(choice.subtract)
        del blockers
        self.layer.show_value(choice.layer)
        self.head.setEnabled(scene.maps.heads > 1 and not choice.rollout)
        self.head.show_value(_place(choice.head) if scene.maps.heads > 1 else 0)
        self.pooler_head.show_value(_place(choice.pooler_head))
        self.summary.show_current((choice.layer, _place(choice.head)))
        self._show_tried()

    def _show_tried(self) -> None:
        """Bring up to date what depends on the token, be it chosen or only tried out."""
        scene, choice = self._scene, self.choice
        if scene is None:
            return
        self.strip.show_current(self._choice.token)
        if scene.first_patch is not None:
            self.patches.show_values(scene.values(choice))
            at = None if choice.token is None else choice.token - scene.first_patch
            rows, columns = scene.maps.grid or (0, 0)
            on_patch = at is not None and 0 <= at < rows * columns
            self.patches.show_current(divmod(at, columns) if at is not None and on_patch else None)
            self._show_hint()
        if not scene.over_picture:
            maps = scene.maps
            matrix = scene.matrix(choice)
            weights = matrix.mean(0) if choice.token is None else matrix[choice.token]
            heads = maps.weights[choice.layer]
            of_heads = heads.mean(1) if choice.token is None else heads[:, choice.token]
            self.bars.show_weights(maps.tokens, weights, of_heads, choice.token)
            self.arcs.show_matrix(maps.tokens, matrix, choice.token)

    def _show_summary(self) -> None:
        self.summary.show_values(self._measured())
        self.summary.show_current((self._choice.layer, _place(self._choice.head)))

    def _show_hint(self) -> None:
        scene = self._scene
        if scene is not None and scene.first_patch is not None:
            doing = "Point at the picture, or choose" if self.follow.isChecked() else "Choose"
            name = scene.token_name(self.choice.token)
            self._hint.setText(f"What “{name}” attends to. {doing} a patch here.")

    def _measured(self) -> npt.NDArray[Any] | None:
        field = self._measure.currentData()
        return None if self._scene is None or field is None else getattr(self._scene.looked.summary, field)

    def _describe_head(self, layer: int, head: int) -> str:
        values, field = self._measured(), self._measure.currentData()
        if values is None or layer >= len(values):
            return ""
        value = float(values[layer].mean() if head < 0 else values[layer, head])
        name = "mean over heads" if head < 0 else f"head {head}"
        unit = UNITS[field]
        if field == "distance":
            unit = "patches" if self._scene is not None and self._scene.over_picture else "tokens"
        shown = f"{100 * value:.1f} %" if unit == "%" else f"{value:.2f} {unit}"
        return f"Layer {layer}, {name}: {MEASURES[field].lower()} {shown}"

    def _describe_patch(self, row: int, column: int) -> str:
        scene = self._scene
        if scene is None or scene.first_patch is None:
            return ""
        value = float(scene.values(self.choice)[row, column])
        return f"Patch {row},{column}: {100 * value:.2f} %"

    def _on_patch(self, row: int, column: int) -> None:
        scene = self._scene
        if scene is not None and scene.first_patch is not None and scene.maps.grid is not None:
            self._edit(token=scene.first_patch + row * scene.maps.grid[1] + column)

    def _read_layer(self, value: int) -> str:
        return self._read(value, "layer")

    def _read_head(self, value: int) -> str:
        return self._read(value, "head")

    def _read_pooler(self, value: int) -> str:
        return self._read(value, "pooler_head")

    def _read(self, value: int, name: str) -> str:
        """What a slider's read-out says; it may ask before the slider is there."""
        scrubber: Scrubber | None = getattr(self, name, None)
        return "mean" if value < 0 else f"{value} of 0–{scrubber.slider.maximum() if scrubber else 0}"


def _key(scene: Scene) -> str:
    """What a choice is remembered for: relevance has a single layer and head, and must not change the others'."""
    return f"{scene.maps.kind} {scene.maps.layers * scene.maps.heads > 1}"


def _head(at: int) -> Head:
    return "mean" if at < 0 else at


def _place(head: Head) -> int:
    return -1 if head == "mean" else head

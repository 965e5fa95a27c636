"""A quiet line under a panel whose model is one of the starters: what it knows, and which full model knows more."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QWidget

from cocadesk.catalog.card import Ability, ModelCard
from cocadesk.gui import wording
from cocadesk.gui.icons import icon
from cocadesk.gui.library import Library, ModelEntry
from cocadesk.gui.panels.model_chooser import ModelChooser
from cocadesk.gui.theme import scaled_font, theme
from cocadesk.gui.widgets.link_label import LinkLabel
from cocadesk.gui.widgets.naming import named

SMALLER = 0.92


class StarterHint(QFrame):
    """Shows itself only while the chosen model is a bundled one with its own weights, until it is dismissed.

    Args:
        chooser: Where the model is chosen.
        ability: What it is chosen for.

    Attributes:
        label: The line; its link names the full model.
        close_button: Dismisses it.
    """

    model_asked = Signal(str)
    """The name of the full model to look at."""

    dismissed = Signal()
    """The user has read it and needs it no more."""

    def __init__(
        self, library: Library, chooser: ModelChooser, ability: Ability, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._chooser = chooser
        self._ability = ability
        self._wanted = True
        self.label = LinkLabel()
        self.label.setFont(scaled_font(SMALLER))
        self.label.setProperty("tone", "muted")
        self.label.linkActivated.connect(self.model_asked)
        self.close_button = named(QToolButton(), "Do not say this again", "Do not say this again")
        self.close_button.clicked.connect(self.dismissed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 2, 0, 6)
        row.setSpacing(6)
        row.addWidget(self.label, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        chooser.refreshed.connect(self._refresh)
        library.changed.connect(lambda _: self._refresh())
        library.modelReset.connect(self._refresh)
        theme().changed.connect(self._dress)
        self._dress()

    def set_wanted(self, wanted: bool) -> None:
        """Whether to show it where it fits."""
        self._wanted = wanted
        self._refresh()

    def _refresh(self) -> None:
        card = self._starter()
        self.setVisible(self._wanted and card is not None)
        if card is None:
            return
        full = full_model(self._library, card, self._ability)
        told, asked = wording.starter(card, full.card if full else None, is_here=full is not None and full.is_here)
        style = f"color: {theme().colours.accent}; text-decoration: none"  # the palette's colour comes late
        unbroken = escape(asked).replace("/", "/&#8288;")  # names are not parted after a slash
        link = f' <a href="{escape(full.card.name)}" style="{style}">{unbroken}</a>' if full else ""
        self.label.setText(escape(told) + link)
        self.label.setAccessibleName(f"{told} {asked}".strip())

    def _starter(self) -> ModelCard | None:
        """The chosen model, if it is a starter with the weights that came along."""
        model = self._chooser.model
        entry = self._library.entry(model.name)
        own = not model.untrained and model.checkpoint is None
        return entry.card if entry and own and entry.card.bundled and entry.card.imported is None else None

    def _dress(self) -> None:
        self.close_button.setIcon(icon("close", "muted"))
        self._refresh()


def full_model(library: Library, starter: ModelCard, ability: Ability) -> ModelEntry | None:
    """What to have in the starter's place: of its family if there is one, here rather than to be downloaded, small."""
    able = [
        entry
        for entry in library
        if ability in entry.card.abilities and entry.card.hub_repo and not entry.card.imported
    ]
    related = [entry for entry in able if entry.card.family == starter.family]

    def first(entry: ModelEntry) -> tuple[bool, int, str]:
        return not entry.is_here, entry.card.download_bytes, entry.card.name

    return min(related or able, key=first, default=None)

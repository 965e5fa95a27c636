"""The window's own light and dark colours, its type sizes and its style sheet."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from cocadesk.gui.colours import DARK, LIGHT, Colours
from cocadesk.gui.stylesheet import style_sheet
from cocadesk.store.settings import Appearance

PREFERRED_FONTS = ("Inter", "Noto Sans", "Cantarell", "Ubuntu", "Open Sans")
GENERIC_FONTS = {"Sans Serif", "DejaVu Sans", "Sans", "sans-serif"}
BODY_POINTS = 10.0


class Theme(QObject):
    """Dresses the application, following the desktop unless told otherwise.

    Attributes:
        colours: Those in use; widgets that paint themselves read them here.
    """

    changed = Signal()
    """The colours in use changed."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self._app = app
        self._appearance: Appearance = "system"
        app.setStyle("Fusion")
        _set_font(app)
        app.styleHints().colorSchemeChanged.connect(self._follow)
        self.colours = self._wanted()
        self._dress()

    def use(self, appearance: Appearance) -> None:
        """Use the light or the dark colours, or follow the desktop."""
        self._appearance = appearance
        self._follow()

    def _follow(self) -> None:
        wanted = self._wanted()
        if wanted is not self.colours:  # dressing a window that is there takes a second
            self.colours = wanted
            self._dress()

    def _wanted(self) -> Colours:
        dark = self._appearance == "dark" or (
            self._appearance == "system" and self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        )
        return DARK if dark else LIGHT

    def _dress(self) -> None:
        self._app.setPalette(_palette(self.colours))
        self._app.setStyleSheet(style_sheet(self.colours))
        self.changed.emit()


def theme() -> Theme:
    """The application's theme; made on first use, after the application, which owns it."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        raise RuntimeError("The theme needs an application")
    return app.findChild(Theme, options=Qt.FindChildOption.FindDirectChildrenOnly) or Theme(app)


def colour(name: str, alpha: float = 1.0) -> QColor:
    """A colour in use, by its name in `Colours`."""
    value = QColor(getattr(theme().colours, name))
    value.setAlphaF(alpha)
    return value


def scaled_font(factor: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The application's font, larger or smaller."""
    font = QFont(QApplication.font())
    font.setPointSizeF(font.pointSizeF() * factor)
    font.setWeight(weight)
    return font


def _set_font(app: QApplication) -> None:
    """Keep the desktop's font; where Qt found none, prefer what is made for screens over its fallback."""
    font = app.font()
    if font.family() in GENERIC_FONTS:
        font.setFamilies([*PREFERRED_FONTS, font.family()])
        font.setPointSizeF(BODY_POINTS)
    app.setFont(font)


def _palette(colours: Colours) -> QPalette:
    role = QPalette.ColorRole
    palette = QPalette()
    for target, name in (
        (role.Window, colours.window),
        (role.WindowText, colours.text),
        (role.Base, colours.surface),
        (role.AlternateBase, colours.window),
        (role.ToolTipBase, colours.surface),
        (role.ToolTipText, colours.text),
        (role.PlaceholderText, colours.muted),
        (role.Text, colours.text),
        (role.Button, colours.surface),
        (role.ButtonText, colours.text),
        (role.BrightText, colours.danger),
        (role.Highlight, colours.accent),
        (role.HighlightedText, colours.on_accent),
        (role.Accent, colours.accent),
        (role.Link, colours.accent),
        (role.Light, colours.surface),
        (role.Midlight, colours.window),
        (role.Mid, colours.border),
        (role.Dark, colours.border),
        (role.Shadow, colours.sunken),
    ):
        palette.setColor(target, QColor(name))
    for target in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, target, QColor(colours.faint))
    return palette

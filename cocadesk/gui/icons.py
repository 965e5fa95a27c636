"""Icons that follow the theme's colours, and the application's own."""

from __future__ import annotations

import qtawesome
from PySide6.QtGui import QIcon

from cocadesk.gui.theme import theme
from cocadesk.paths import resources_dir

_NAMES = {
    "about": "ph.info",
    "again": "ph.arrow-clockwise",
    "close": "ph.x",
    "collapsed": "ph.caret-right",
    "copy": "ph.copy",
    "error": "ph.warning-circle",
    "expanded": "ph.caret-down",
    "fit": "ph.corners-out",
    "folder": "ph.folder-open",
    "grip": "ph.dots-six-vertical",
    "open": "ph.image",
    "paste": "ph.clipboard",
    "plus": "ph.plus",
    "import": "ph.file-plus",
    "stop": "ph.stop-fill",
    "stopped": "ph.pause-circle",
    "waiting": "ph.clock",
    "captioned": "ph.check-circle-fill",
    "working": "ph.dots-three-circle",
    "download": "ph.download-simple",
    "model": "ph.cube",
    "net": "ph.tree-structure",
    "film": "ph.film-strip",
    "frame_back": "ph.skip-back",
    "frame_forward": "ph.skip-forward",
    "pause": "ph.pause",
    "play": "ph.play-fill",
    "remove": "ph.trash",
    "resume": "ph.play",
    "unload": "ph.export",
    "search": "ph.magnifying-glass",
    "drop": "ph.image-square",
    "send": "ph.paper-plane-right",
    "suggest": "ph.lightbulb",
    "text_file": "ph.file-text",
    "table": "ph.table",
    "save": "ph.floppy-disk",
    "rectangle": "ph.selection",
    "lasso": "ph.scribble-loop",
    "brush": "ph.paint-brush",
    "eraser": "ph.eraser",
    "undo": "ph.arrow-u-up-left",
    "zoom_in": "ph.magnifying-glass-plus",
    "zoom_out": "ph.magnifying-glass-minus",
}


def icon(name: str, tone: str = "text") -> QIcon:
    """An icon by what it stands for, in a named colour of the theme in use; ask again when the theme changes."""
    colours = theme().colours
    drawn: QIcon = qtawesome.icon(_NAMES[name], color=getattr(colours, tone), color_disabled=colours.faint)
    return drawn


def app_icon() -> QIcon:
    """The application's icon."""
    return QIcon(str(resources_dir() / "icons" / "cocadesk.svg"))

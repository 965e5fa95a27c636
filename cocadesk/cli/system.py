"""What the window needs from the system, on Linux: shared libraries of Qt's X11 plugin, and a display.

Only the standard library is imported here, and no other module of the project: `packaging/bootstrap.py` uses this file
before anything is installed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SystemLibrary:
    """A shared library by the name it is loaded by, and the Debian and Ubuntu package that has it."""

    file: str
    package: str


# What a bare Debian 12 lacks to load PySide6's wheel and its xcb plugin, found there with ldd.
QT_LIBRARIES = (
    SystemLibrary("libEGL.so.1", "libegl1"),
    SystemLibrary("libGL.so.1", "libgl1"),
    SystemLibrary("libfontconfig.so.1", "libfontconfig1"),
    SystemLibrary("libdbus-1.so.3", "libdbus-1-3"),
    SystemLibrary("libglib-2.0.so.0", "libglib2.0-0"),
    SystemLibrary("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    SystemLibrary("libX11-xcb.so.1", "libx11-xcb1"),
    SystemLibrary("libxcb-cursor.so.0", "libxcb-cursor0"),
    SystemLibrary("libxcb-icccm.so.4", "libxcb-icccm4"),
    SystemLibrary("libxcb-keysyms.so.1", "libxcb-keysyms1"),
    SystemLibrary("libxcb-randr.so.0", "libxcb-randr0"),
    SystemLibrary("libxcb-shape.so.0", "libxcb-shape0"),
    SystemLibrary("libxcb-sync.so.1", "libxcb-sync1"),
    SystemLibrary("libxcb-xfixes.so.0", "libxcb-xfixes0"),
    SystemLibrary("libxcb-xkb.so.1", "libxcb-xkb1"),
)


def missing_qt_libraries() -> list[SystemLibrary]:
    """Those of `QT_LIBRARIES` that cannot be loaded; on systems other than Linux Qt brings its own, so none."""
    if not sys.platform.startswith("linux"):
        return []
    return [library for library in QT_LIBRARIES if not _loads(library.file)]


def install_command(missing: Sequence[SystemLibrary]) -> str:
    """What to type to install them where there is apt; a list of the files elsewhere."""
    if shutil.which("apt-get") is None:
        return "with your system's package manager, the packages that hold " + ", ".join(lib.file for lib in missing)
    return "sudo apt-get install " + " ".join(library.package for library in missing)


def has_display() -> bool:
    """Whether Qt has somewhere to put a window, or was told to do without (`QT_QPA_PLATFORM=offscreen`)."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM") or os.environ.get("WAYLAND_DISPLAY"):
        return True
    return bool(os.environ.get("DISPLAY")) and _x_server_answers()


def _x_server_answers() -> bool:
    """Whether DISPLAY leads anywhere: it outlives its server in old terminals, and Qt ends the process over that."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return False  # Qt could not connect either
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    try:
        return not xcb.xcb_connection_has_error(connection)
    finally:
        xcb.xcb_disconnect(connection)


def _loads(file: str) -> bool:
    try:
        ctypes.CDLL(file)
    except OSError:
        return False
    return True

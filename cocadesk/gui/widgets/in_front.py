"""Windows that come when they are called."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def bring_to_front(window: QWidget) -> None:
    """Show it before all others, with the keyboard, wherever it was."""
    window.show()
    window.raise_()
    window.activateWindow()

"""A control that takes another one's place."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def swap(shown: QWidget, hidden: QWidget) -> None:
    """Show one in the other's place. The keyboard goes along: otherwise whatever comes next would have it, and be
    scrolled into view."""
    shown.show()
    if hidden.hasFocus():
        shown.setFocus()
    hidden.hide()

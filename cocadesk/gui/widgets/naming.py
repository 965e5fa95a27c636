"""Names for screen readers, given where a control is made."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QWidget

AnyWidget = TypeVar("AnyWidget", bound=QWidget)


def named(widget: AnyWidget, name: str, tip: str = "") -> AnyWidget:
    """The widget, with what a screen reader calls it and, if given, what is shown on hover."""
    widget.setAccessibleName(name)
    if tip:
        widget.setToolTip(tip)
    return widget

"""A guard against a fault of PySide6 6.12.0 on Python 3.11, which would end the program after some hundred signals."""

from __future__ import annotations

import ctypes
import sys

SPARE_REFERENCES = 1 << 40


def protect_singletons() -> None:
    """Give True, False and None more references than any library can lose.

    `Signal.emit` of PySide6 6.12.0 drops a reference to True at every call, and its constructors with keyword
    arguments drop one to None, neither of which they took. Python 3.12 made these objects immortal (PEP 683), so it
    does no harm there; before that the interpreter aborts when a count reaches zero.
    """
    if sys.implementation.name != "cpython" or sys.version_info >= (3, 12):
        return
    for singleton in (True, False, None):
        if sys.getrefcount(singleton) < SPARE_REFERENCES:
            # The count is the first field of every object in these versions (PyObject.ob_refcnt).
            ctypes.c_ssize_t.from_address(id(singleton)).value += SPARE_REFERENCES

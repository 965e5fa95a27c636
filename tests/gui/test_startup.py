"""What has been imported by the time something is on the screen."""

from __future__ import annotations

from tests.benchmarks import startup


def test_version_needs_neither_torch_nor_qt() -> None:
    assert not {"torch", "PySide6"} & set(startup.imported_by(startup.VERSION)[1])


def test_first_paint_needs_no_torch() -> None:
    assert startup.imported_by(startup.FIRST_PAINT)[1] == []

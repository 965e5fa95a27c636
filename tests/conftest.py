"""For every test: a profile of its own, no display, and no thread left behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

OUR_THREADS = ("inference", "io-")
GRACE_S = 2.0


def pytest_configure(config: pytest.Config) -> None:
    # The offscreen platform says so for every window with a minimum size.
    config.addinivalue_line("qt_log_ignore", "This plugin does not support propagateSizeHints")
    config.addinivalue_line("qt_log_ignore", "This plugin does not support raise")  # said for a window brought forward


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A throw-away home for settings, caches and data."""
    folder = tmp_path / "profile"
    monkeypatch.setenv("COCADESK_PROFILE", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _no_leaked_threads() -> Iterator[None]:
    """Fail a test that leaves one of the project's threads running."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + GRACE_S
    while leaked := [
        thread
        for thread in set(threading.enumerate()) - before
        if thread.name.startswith(OUR_THREADS) and thread.is_alive()
    ]:
        assert time.monotonic() < deadline, f"threads left behind: {[thread.name for thread in leaked]}"
        time.sleep(0.01)

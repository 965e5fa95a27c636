"""Keeping background threads out of the window's way."""

from __future__ import annotations

import logging
import os
import sys
import threading

log = logging.getLogger(__name__)

EXTRA_NICENESS = 2
MOST_NICENESS = 19
SWITCH_INTERVAL_S = 0.0005


def lower_own_priority() -> None:
    """Let the calling thread, and the compute threads it will start, yield to the window's thread.

    Linux keeps a niceness per thread; elsewhere niceness belongs to the whole process, so nothing is done.
    """
    if sys.platform != "linux":
        return
    try:
        thread = threading.get_native_id()
        niceness = os.getpriority(os.PRIO_PROCESS, thread) + EXTRA_NICENESS
        os.setpriority(os.PRIO_PROCESS, thread, min(niceness, MOST_NICENESS))
    except OSError as error:
        log.info("A background thread keeps its priority: %s", error)


def favour_short_turns() -> None:
    """Hand the interpreter lock over ten times sooner than Python's 5 ms.

    Handling one mouse move takes several calls into Qt, each of which gives the lock up and then waits a full
    interval for it while Python code runs on the inference thread.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
